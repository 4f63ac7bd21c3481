"""What the learning rate is multiplied by at each step."""

import math

from synthgen.training.options import TrainingOptions

LOWEST = 0.02  # of the cosine, as a part of its highest


def rate(step: int, options: TrainingOptions) -> float:
    """Return the learning rate of an optimiser step, counted from 0."""
    return options.learning_rate * _factor(step, options)


def _factor(step: int, options: TrainingOptions) -> float:
    if step < options.warmup:
        return (step + 1) / (options.warmup + 1)
    if options.schedule == "cosine":
        done = (step - options.warmup) / max(1, options.steps - options.warmup)
        return LOWEST + (1 - LOWEST) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    return options.drop ** sum(step >= part * options.steps for part in options.drops)
