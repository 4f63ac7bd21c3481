"""The stream of requests of a run: request i follows from the run's name, its seed and i alone.

Nothing is stored: any request can be made at any time, so a plan of a million costs as much as a plan of one,
and every worker makes the same request for the same index.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter

import numpy as np

from synthgen.sample import Guide, Request

KEY_DIGITS = 9  # keys of a run sort as text up to a billion samples
PROMPT_STREAM = 0x70726F  # keeps the choice of words apart from all other draws of the same seed


@dataclass(frozen=True)
class Prompts:
    """Sentences to draw from.

    Attributes:
        templates: sentences with variables in braces, "a photo of a {person} {action}"; one is drawn.
        words: the choices for each variable; each use draws one. A choice may hold variables itself.
        negative_prompt: what no picture should show.
    """

    templates: list[str] = field(default_factory=lambda: ["a photo of a person"])
    words: dict[str, list[str]] = field(default_factory=dict)
    negative_prompt: str = ""

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each; empty when all is well."""
        found = [] if self.templates else ["templates must hold at least one sentence, got none"]
        found += [
            f"words.{name} must hold at least one choice, got none"
            for name, choices in self.words.items()
            if not choices
        ]
        for sentence in self._sentences():
            found += _bad_variables(sentence, self.words)
        return found or _circles(self.words)

    def draw(self, seed: int) -> str:
        """Return the sentence of a seed."""
        rng = np.random.default_rng([seed, PROMPT_STREAM])
        return _fill(_choice(self.templates, rng), self.words, rng)

    def _sentences(self) -> list[str]:
        return [*self.templates, *(choice for choices in self.words.values() for choice in choices)]


@dataclass(frozen=True)
class RequestStream:
    """All requests of a run, made when asked for.

    Attributes:
        run: name of the run; keys start with it.
        seed: of the run.
        prompts: what to ask for. With the guide "render" the scene is drawn first and the sample is captioned
            with what it shows; a sentence drawn here then stays in the request.
        guide: where bodies come from.
        variants: requests in a row that share a guide: its seed and its sentence.
    """

    run: str
    seed: int
    prompts: Prompts
    guide: Guide = "render"
    variants: int = 1

    def request(self, index: int) -> Request:
        """Return the request at a position of the run.

        Raises:
            ValueError: the index is negative.
        """
        if index < 0:
            raise ValueError(f"run {self.run}: index of a request must be >= 0, got {index}")
        guide_index, variant = divmod(index, self.variants)
        seed = sample_seed(self.seed, guide_index)
        return Request(
            key=sample_key(self.run, index),
            index=index,
            seed=seed,
            prompt=self.prompts.draw(seed),
            negative_prompt=self.prompts.negative_prompt,
            guide=self.guide,
            guide_index=guide_index,
            variant=variant,
        )

    def batches(self, first: int, count: int, size: int) -> Iterator[list[Request]]:
        """Yield the requests first … first + count - 1 in lists of `size`, the last one maybe shorter."""
        for start in range(first, first + count, size):
            yield [self.request(index) for index in range(start, min(start + size, first + count))]


def sample_key(run: str, index: int) -> str:
    """Return the name of a sample: "ski-000000042"."""
    return f"{run}-{index:0{KEY_DIGITS}d}"


def sample_seed(run_seed: int, index: int) -> int:
    """Return the seed of a guide, in [0, 2**63): the same on every machine, unrelated to its neighbours'."""
    high, low = np.random.SeedSequence([run_seed, index]).generate_state(2, np.uint32)
    return (int(high) << 32 | int(low)) >> 1


def _choice(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def _fill(sentence: str, words: Mapping[str, Sequence[str]], rng: np.random.Generator) -> str:
    filled = []
    for text, variable, _, _ in Formatter().parse(sentence):
        filled.append(text)
        if variable is not None:
            filled.append(_fill(_choice(words[variable], rng), words, rng))
    return "".join(filled)


def _variables(sentence: str) -> list[str]:
    return [variable for _, variable, _, _ in Formatter().parse(sentence) if variable is not None]


def _bad_variables(sentence: str, words: Mapping[str, Sequence[str]]) -> list[str]:
    try:
        used = _variables(sentence)
    except ValueError as error:
        return [f"templates: {sentence!r} has unbalanced braces ({error}); write {{{{ for a brace"]
    known = ", ".join(words) or "none"
    return [
        f"templates: {sentence!r} uses {{{variable}}}, but there is no words.{variable}; known: {known}"
        for variable in used
        if variable not in words
    ]


def _circles(words: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a message for each variable whose choices lead back to itself."""
    found = []
    for start in words:
        reached: set[str] = set()
        waiting = [start]
        while waiting:
            choices = words[waiting.pop()]
            new = {variable for choice in choices for variable in _variables(choice)} - reached
            reached |= new
            waiting += sorted(new)
        if start in reached:
            found.append(f"words.{start} leads back to {{{start}}}; a sentence would never end")
    return found
