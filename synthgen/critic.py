"""One number from all clues: how far a label can be trusted. Logistic regression; pure arrays.

It is fitted to right labels and to ones spoiled on purpose (`evaluate_verification`), with the models
whose word it weighs: how far the outline of a right label is off depends on who draws it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.clues import CLUES, Clues
from synthgen.sample import Float

_FARTHEST = 4.0  # deviations; clues further out count as much as these
_RIDGE = 1e-3


@dataclass(frozen=True)
class Critic:
    """Weights of clues.

    Attributes:
        names: K of `clues.CLUES`.
        center: K, what is taken from each clue.
        scale: K, above 0, that it is divided by then.
        weights: K.
        bias: added to the weighted sum.
    """

    names: tuple[str, ...]
    center: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float

    def __post_init__(self) -> None:
        if problems := self.problems():
            raise ValueError("; ".join(problems))

    def problems(self) -> list[str]:
        """Return what is wrong with these values, one message each."""
        found = [f"unknown clue {name!r}; known: {list(CLUES)}" for name in self.names if name not in CLUES]
        if not self.names or len(set(self.names)) < len(self.names):
            found.append(f"names must hold clues, each once, got {list(self.names)}")
        for key in ("center", "scale", "weights"):
            values = getattr(self, key)
            if len(values) != len(self.names):
                found.append(f"{key} must hold {len(self.names)} numbers, got {len(values)}")
            elif not np.isfinite(values).all():
                found.append(f"{key} must be finite, got {list(values)}")
        if not all(value > 0 for value in self.scale):
            found.append(f"scale must be above 0, got {list(self.scale)}")
        return found if np.isfinite(self.bias) else [*found, f"bias must be finite, got {self.bias}"]

    def trust(self, clues: Clues) -> NDArray[np.float64]:
        """Return how far labels can be trusted (P,), in (0, 1); 0 where a clue is no number."""
        values = np.stack([np.asarray(clues[name], np.float64) for name in self.names], -1)
        logits = standardised(values, self.center, self.scale) @ np.array(self.weights) + self.bias
        return np.where(np.isfinite(logits), 1 / (1 + np.exp(-np.clip(logits, -50, 50))), 0.0)

    def values(self) -> dict[str, Any]:
        """Return plain values, as `from_values` takes them."""
        return asdict(self)

    @classmethod
    def from_values(cls, values: object) -> "Critic":
        """Read plain values, which may come from anywhere.

        Raises:
            ValueError: keys or values are missing, of another kind, or make no critic.
        """
        keys = ("names", "center", "scale", "weights", "bias")
        if not isinstance(values, Mapping) or sorted(values) != sorted(keys):
            got = sorted(map(str, values)) if isinstance(values, Mapping) else type(values).__name__
            raise ValueError(f"a critic has the keys {sorted(keys)}, got {got}")
        for key in keys[1:4]:
            if not isinstance(values[key], list | tuple) or not all(map(_is_number, values[key])):
                raise ValueError(f"{key} must be a list of numbers, got {values[key]!r}")
        if not isinstance(values["names"], list | tuple):
            raise ValueError(f"names must be a list of clues, got {values['names']!r}")
        if not _is_number(values["bias"]):
            raise ValueError(f"bias must be a number, got {values['bias']!r}")
        names = tuple(str(name) for name in values["names"])
        center, scale, weights = (tuple(map(float, values[key])) for key in keys[1:4])
        return cls(names, center, scale, weights, float(values["bias"]))


def fit_critic(
    right: NDArray[np.float64],
    wrong: NDArray[np.float64],
    accepted: float,
    names: Sequence[str] = CLUES,
) -> Critic:
    """Fit a critic by logistic regression; right and wrong labels count as much in all.

    Args:
        right: (T, K) clues to right labels.
        wrong: (S, K) clues to spoiled ones.
        accepted: part of these right labels that gets a trust of 0.5 or more, in (0, 1).
        names: of the K clues.

    Raises:
        ValueError: a side is empty, or a clue is no number.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    if not len(right) or not len(wrong):
        raise ValueError("a critic is fitted to right and to wrong labels, one side is empty")
    values = np.concatenate([right, wrong])
    if not np.isfinite(values).all():
        raise ValueError("clues must be finite numbers")
    center, scale = np.median(values, 0), values.std(0) + 1e-9
    inputs = np.column_stack([standardised(values, center, scale), np.ones(len(values))])
    truth = np.repeat([1.0, 0.0], [len(right), len(wrong)])
    share = np.where(truth > 0, 0.5 / len(right), 0.5 / len(wrong))

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = inputs @ weights
        error = np.logaddexp(0, logits) - truth * logits
        slope = inputs.T @ (share * (expit(logits) - truth))
        slope[:-1] += 2 * _RIDGE * weights[:-1]
        return float(share @ error + _RIDGE * (weights[:-1] ** 2).sum()), slope

    found = minimize(loss, np.zeros(inputs.shape[1]), jac=True, method="L-BFGS-B").x
    limit = np.quantile(inputs[: len(right)] @ found, 1 - accepted)
    return Critic(
        tuple(names),
        tuple(map(float, center)),
        tuple(map(float, scale)),
        tuple(map(float, found[:-1])),
        float(found[-1] - limit),
    )


def standardised(
    values: NDArray[np.float64], center: Sequence[float] | Float, scale: Sequence[float] | Float
) -> NDArray[np.float64]:
    """Return clues (N, K) in deviations from their centers, none further out than four."""
    return np.clip((values - np.asarray(center)) / np.asarray(scale), -_FARTHEST, _FARTHEST)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
