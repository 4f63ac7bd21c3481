"""Several estimators on several shards, side by side: what tables and pages are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synthgen.evaluation.figures import FIGURES, Figure
from synthgen.evaluation.scores import Mean, Scores

Rows = NDArray[np.bool_]  # (N,) which people


@dataclass(frozen=True)
class Estimator:
    """Who was measured.

    Attributes:
        name: as the config has it.
        backend: kind of model.
        version: exact version of the weights.
        keypoints: where it had 2D joints from; "" for one that looks at none.
    """

    name: str
    backend: str
    version: str
    keypoints: str


@dataclass(frozen=True)
class Column:
    """One estimator on one set of shards."""

    estimator: Estimator
    scores: Scores


@dataclass(frozen=True)
class Block:
    """All estimators on one set of shards; every column has the same people in the same order.

    Attributes:
        name: of the shards, as the config has it.
        source: where the shards are.
        columns: in the order of the config; the first is what the others are compared with.
        published: what papers report of these pictures, by figure, in the unit that is shown (mm, %).
    """

    name: str
    source: str
    columns: tuple[Column, ...]
    published: Mapping[str, float] = field(default_factory=dict)

    @property
    def scores(self) -> Scores:
        """Those of the first column: people, families and gaps are the same in all."""
        return self.columns[0].scores

    def figures(self) -> list[Figure]:
        """Return the figures that somebody has."""
        return [
            figure
            for name, figure in FIGURES.items()
            if any(column.scores.mean(name).count for column in self.columns)
        ]

    def told(self, figure: Figure) -> list[str]:
        """Return the published figure as a list of one, empty where nothing was published of any figure."""
        if not self.published:
            return []
        value = self.published.get(figure.name)
        return ["–" if value is None else f"{value:g}"]

    def absent(self) -> list[Figure]:
        """Return the figures that nobody has."""
        present = {figure.name for figure in self.figures()}
        return [figure for name, figure in FIGURES.items() if name not in present]

    def means(self, figure: str, rows: Rows | None = None) -> list[Mean]:
        """Return a figure under each estimator."""
        return [column.scores.mean(figure, rows) for column in self.columns]

    def best(self, figure: Figure, means: Sequence[Mean]) -> int | None:
        """Return which estimator is best, None where there is no choice or it is open."""
        values = [one.mean if figure.is_error else -one.mean for one in means if one.count]
        if len(values) < 2 or sorted(values)[0] == sorted(values)[1]:
            return None
        signed = [one.mean if figure.is_error else -one.mean for one in means]
        return int(np.nanargmin(signed))


def change(figure: Figure, before: Mean, after: Mean) -> str:
    """Return by how much a figure changed, in words: "−25.3 %" of an error, "+3.1 points" of a share."""
    if not before.count or not after.count:
        return ""
    if figure.unit == "%":
        return f"{100 * (after.mean - before.mean):+.1f} points".replace("-", "−")
    if before.mean == 0:
        return ""
    return f"{100 * (after.mean / before.mean - 1):+.1f} %".replace("-", "−")
