"""Figures of everybody, kept one by one, and their means over all or over some."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synthgen.evaluation.figures import FIGURES
from synthgen.evaluation.measure import Measured
from synthgen.metrics import acceleration_error
from synthgen.metrics.protocols import Protocol
from synthgen.observation import Observation
from synthgen.sample import Float, Person


@dataclass(frozen=True)
class Mean:
    """A figure over some people.

    Attributes:
        mean: over those who have it; NaN for nobody.
        median: likewise.
        count: how many have it.
        missing: how many have it not.
    """

    mean: float
    median: float
    count: int
    missing: int


@dataclass(frozen=True)
class Subject:
    """Who was measured.

    Attributes:
        key: of the picture.
        number: of the person in the picture, from 0.
        family: pose family.
        action: pose within the family.
        clip: sequence and view of the picture; both empty for single pictures.
        frame: number within the clip.
        alone: nobody else is labelled in the picture.
    """

    key: str
    number: int
    family: str
    action: str
    clip: tuple[str, str]
    frame: int
    alone: bool


@dataclass(frozen=True)
class Scores:
    """What became of N people under one estimator.

    Attributes:
        protocol: which joints count.
        subjects: N, in the order of the shards.
        people: the N estimated bodies.
        figures: name -> (N,), NaN where labels do not allow it; all names of `FIGURES`.
        joint_errors: (N, J) [mm] of the protocol's joints, NaN likewise.
        gaps: labels that lack, in words, and how often.
        pictures: how many.
    """

    protocol: Protocol
    subjects: tuple[Subject, ...]
    people: tuple[Person, ...]
    figures: Mapping[str, Float]
    joint_errors: Float
    gaps: Mapping[str, int]
    pictures: int

    def mean(self, figure: str, rows: NDArray[np.bool_] | None = None) -> Mean:
        """Return a figure's mean over all people, or over some (N,)."""
        values = self.figures[figure] if rows is None else self.figures[figure][rows]
        return mean_of(values)

    def groups(self, by: str) -> dict[tuple[str, ...], NDArray[np.bool_]]:
        """Return who (N,) belongs to each pose family ("family"), or to each action of it ("action")."""
        names = [(one.family,) if by == "family" else (one.family, one.action) for one in self.subjects]
        return {name: np.array([one == name for one in names]) for name in sorted(set(names))}

    def joint_means(self) -> dict[str, Mean]:
        """Return the error of each joint of the protocol [mm]."""
        return {
            joint: mean_of(self.joint_errors[:, place]) for place, joint in enumerate(self.protocol.joints)
        }

    def worst(self, count: int) -> list[int]:
        """Return rows of the greatest errors, first the worst, by the first figure that anybody has."""
        values = self.badness()
        order = np.argsort(-np.where(np.isnan(values), -np.inf, values), kind="stable")
        return [int(row) for row in order[:count] if not np.isnan(values[row])]

    def badness(self) -> Float:
        """Return what the worst are chosen by, (N,); greater is worse."""
        figure = self.ranked_by()
        values = self.figures[figure]
        return values if FIGURES[figure].is_error else -values

    def ranked_by(self) -> str:
        """Return the figure that the worst are chosen by."""
        order = ("pa_mpjpe", "mpjpe", "pck_box", "oks")
        return next((name for name in order if np.isfinite(self.figures[name]).any()), "pa_mpjpe")


def mean_of(values: Float) -> Mean:
    """Return the mean over the values that are there."""
    there = values[~np.isnan(values)]
    if not len(there):
        return Mean(float("nan"), float("nan"), 0, len(values))
    return Mean(float(there.mean()), float(np.median(there)), len(there), len(values) - len(there))


@dataclass
class Ledger:
    """Gathers batches into scores."""

    protocol: Protocol
    subjects: list[Subject] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    gaps: Counter[str] = field(default_factory=Counter)
    pictures: int = 0

    def add(self, observations: Sequence[Observation], people: Sequence[Person], measured: Measured) -> None:
        """Take the figures of all people of some pictures."""
        for one in observations:
            self.pictures += 1
            self.subjects += [
                Subject(
                    one.key, number, person.family, person.action, (one.sequence, one.view), one.frame,
                    len(one.people) == 1,
                )
                for number, person in enumerate(one.people)
            ]  # fmt: skip
        self.people += people
        self.measured.append(measured)

    def scores(self) -> Scores:
        """Return what was gathered.

        Raises:
            ValueError: nothing was.
        """
        if not self.measured:
            raise ValueError("there is nobody to measure: no picture was read")
        names = self.measured[0].figures
        figures = {name: np.concatenate([one.figures[name] for one in self.measured]) for name in names}
        figures["acceleration"] = self._accelerations()
        return Scores(
            self.protocol,
            tuple(self.subjects),
            tuple(self.people),
            {name: figures[name] for name in FIGURES},
            np.concatenate([one.joint_errors for one in self.measured]),
            dict(self.gaps),
            self.pictures,
        )

    def _accelerations(self) -> Float:
        """Return the acceleration error (N,) of whoever has a frame before and one after."""
        found, true, known = (
            np.concatenate([getattr(one, name) for one in self.measured])
            for name in ("found", "true", "known")
        )
        errors = np.full(len(self.subjects), np.nan)
        for rows in _runs(self.subjects):
            weight = known[rows].astype(float)
            errors[rows[1:-1]] = acceleration_error(found[rows], true[rows], None, weight)
        return errors


def _runs(subjects: Sequence[Subject]) -> Iterator[list[int]]:
    """Yield rows of at least three consecutive frames of clips in which one person is labelled."""
    clips: dict[tuple[str, str], list[int]] = {}
    for row, one in enumerate(subjects):
        if one.clip[0] and one.alone:
            clips.setdefault(one.clip, []).append(row)
    for rows in clips.values():
        ordered = sorted(rows, key=lambda row: subjects[row].frame)
        run = ordered[:1]
        for row in ordered[1:]:
            if subjects[row].frame != subjects[run[-1]].frame + 1:
                yield from [run] if len(run) > 2 else []
                run = []
            run.append(row)
        yield from [run] if len(run) > 2 else []
