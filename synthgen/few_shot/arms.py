"""The arms of the experiment and what came of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from synthgen.evaluation.figures import FIGURES, Figure

DECIDING = "pa_mpjpe"
SHOWN = ("pa_mpjpe", "mpjpe", "mpvpe", "occ_mpjpe", "pck_3d")
TARGET = 0.25  # by this part real + synthetic shall lower the deciding figure
MINUTES_PER_ARM = 30.0  # one arm with one seed shall take no longer


@dataclass(frozen=True)
class Arm:
    """What a model is adapted with.

    Attributes:
        name: in files and configs.
        title: for people.
        real: the annotated pictures.
        synthetic: "verified" or "unverified" pictures, "" for none.
    """

    name: str
    title: str
    real: bool = False
    synthetic: str = ""

    @property
    def is_trained(self) -> bool:
        """Whether there is anything to learn from."""
        return self.real or bool(self.synthetic)


NONE = Arm("none", "no adaptation")
REAL = Arm("real", "real only", real=True)
SYNTHETIC = Arm("synthetic", "synthetic only", synthetic="verified")
BOTH = Arm("both", "real + synthetic", real=True, synthetic="verified")
UNVERIFIED = Arm("unverified", "real + synthetic without verification", real=True, synthetic="unverified")
ARMS: Mapping[str, Arm] = {arm.name: arm for arm in (NONE, REAL, SYNTHETIC, BOTH, UNVERIFIED)}


@dataclass(frozen=True)
class Result:
    """One arm with one seed.

    Attributes:
        arm: its name.
        seed: of the training.
        figures: mean over the people of the test pictures, by name of `evaluation.figures`.
        minutes: that training and evaluation took.
    """

    arm: str
    seed: int
    figures: Mapping[str, float]
    minutes: float


@dataclass(frozen=True)
class Spread:
    """A figure of an arm over its seeds.

    Attributes:
        values: one per seed, in the order of the seeds.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return float(np.mean(self.values))

    @property
    def deviation(self) -> float:
        """Standard deviation between seeds (n - 1), 0 for one seed."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else 0.0

    def shown(self, figure: Figure) -> str:
        """Write mean and deviation; the mean alone for one seed."""
        words = figure.shown(self.mean)
        return f"{words} ± {figure.shown(self.deviation)}" if len(self.values) > 1 else words


@dataclass(frozen=True)
class Outcome:
    """All results.

    Attributes:
        results: of all arms and seeds that were run.
    """

    results: tuple[Result, ...]

    def arms(self) -> list[Arm]:
        """Return the arms that were run."""
        run = {result.arm for result in self.results}
        return [arm for name, arm in ARMS.items() if name in run]

    def of(self, arm: Arm) -> list[Result]:
        """Return an arm's results by seed."""
        return sorted((one for one in self.results if one.arm == arm.name), key=lambda one: one.seed)

    def spread(self, arm: Arm, figure: str) -> Spread | None:
        """Return a figure over the seeds of an arm; None where nobody has it."""
        values = [one.figures[figure] for one in self.of(arm) if figure in one.figures]
        return Spread(tuple(values)) if values else None

    def figures(self) -> list[Figure]:
        """Return the figures that tables show, as far as there are values."""
        return [FIGURES[name] for name in SHOWN if any(name in one.figures for one in self.results)]

    def minutes(self) -> float:
        """Return what the longest arm with one seed took."""
        return max((one.minutes for one in self.results), default=0.0)

    def wins(self, arm: Arm, other: Arm, figure: str = DECIDING) -> tuple[int, int]:
        """Return with how many of the common seeds an arm has the smaller error, and how many there are."""
        mine, theirs = ({one.seed: one.figures.get(figure) for one in self.of(a)} for a in (arm, other))
        pairs = [(mine[seed], theirs.get(seed)) for seed in mine]
        known = [(one, two) for one, two in pairs if one is not None and two is not None]
        return sum(one < two for one, two in known), len(known)


def relative(after: Spread, before: Spread) -> float:
    """Return the change of the mean as a part of what it was; negative is less."""
    return after.mean / before.mean - 1


def seeds_of(results: Sequence[Result]) -> list[int]:
    """Return all seeds, in order."""
    return sorted({one.seed for one in results})
