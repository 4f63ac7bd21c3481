"""What a paper's table is made of: data sets with their protocols, and rows of published figures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from synthgen.datasets import DATASETS
from synthgen.evaluation.figures import FIGURES, Figure
from synthgen.fields import Setting, fill, nearest
from synthgen.metrics.protocols import PROTOCOLS, Protocol
from synthgen.paper_tables.counting import RULES

Joints = Literal["given", "labels", "detected"]
Boxes = Literal["labels", "joints"]
Task = Literal["pictures", "views", "video"]
METHOD = "method"  # key of a row's name; the others are names of sets
MEAN = "mean"  # what rows call the mean over all sets
ESTIMATE, SCORE, PLAIN = "", " + score", " + plain"  # behind the name of an estimator: what became of it
KINDS = {"estimate": ESTIMATE, "score": SCORE, "plain": PLAIN}
ALIGNMENTS = {
    "mpjpe": "MPJPE: roots laid onto each other",
    "pa_mpjpe": "PA-MPJPE: best turn, size and place (Procrustes) over these joints",
    "mpvpe": "MPVPE: SMPL's pelves laid onto each other",
    "acceleration": "Acceleration: second differences of root-centred joints, per frame²",
    "pck_crop": "PCK: in the picture, no alignment",
}


@dataclass(frozen=True)
class PaperSet:
    """A data set of a table.

    Attributes:
        title: as the table calls it.
        dataset: name of its reader.
        split: of the reader.
        annotations: file of annotations, where it is not in its usual place.
        every: of clips, every n-th frame.
        protocol: which joints count, and the root.
        figures: that the paper gives.
        rule: who counts: all, or divers, as Diffusion-HPC chooses those of SMART.
        keypoints: joints for whoever looks at some: given (the detections that come with the data set, else
            its labels), labels, or detected by the keypoint model.
        boxes: that people are cut out by: labels, or joints (1.2 times the box around these joints).
        task: how a refiner takes the pictures: each alone, as views of a moment, or as clips.
        people: how many the paper counts; 0 where it does not say.
        note: what else is to be known.
    """

    title: str
    dataset: str
    split: str = ""
    annotations: str = ""
    every: int = 1
    protocol: str = "3dpw"
    figures: list[str] = field(default_factory=lambda: ["mpjpe", "pa_mpjpe"])
    rule: str = "all"
    keypoints: Joints = "given"
    boxes: Boxes = "labels"
    task: Task = "pictures"
    people: int = 0
    note: str = ""

    def problems(self) -> list[str]:
        """Return what is wrong with these keys, one message each."""
        found = []
        for name, known in (("dataset", DATASETS), ("protocol", PROTOCOLS), ("rule", RULES)):
            value = getattr(self, name)
            if value not in known:
                found.append(f"{name}: unknown {value!r}{nearest(value, known)}")
        found += [
            f"figures: unknown figure {name!r}{nearest(name, FIGURES)}"
            for name in self.figures
            if name not in FIGURES
        ]
        if not self.figures:
            found.append("figures must name at least one")
        if self.every < 1 or self.people < 0:
            found.append("every must be at least 1 and people at least 0")
        return found

    @property
    def measures(self) -> Protocol:
        """The protocol itself."""
        return PROTOCOLS[self.protocol]

    @property
    def columns(self) -> list[Figure]:
        """The figures themselves."""
        return [FIGURES[name] for name in self.figures]

    def stated(self, regressor: str) -> list[str]:
        """Return in words what is measured: split, joints and whose, root, alignment, who counts, input.

        Args:
            regressor: in words, what blends Human3.6M's joints; "" for this package's own blends.
        """
        protocol = self.measures
        joints = f"{len(protocol.joints)} joints of {protocol.joint_set.name}"
        if protocol.joint_set.name == "h36m17":
            joints += (
                f", blended by {regressor}" if regressor else ", blended by this package, no regressor given"
            )
        split = f"split {self.split}" if self.split else "the whole set"
        return [
            f"{self.dataset}, {split}{f', every {self.every}th frame' if self.every > 1 else ''}",
            f"{joints}; root: {' and '.join(protocol.root)}",
            "; ".join(ALIGNMENTS[name] for name in self.figures if name in ALIGNMENTS),
            f"who counts: {RULES[self.rule].words}",
            f"2D joints: {self.keypoints}; boxes: {self.boxes}",
            *([self.note] if self.note else []),
        ]


@dataclass(frozen=True)
class Row:
    """Published figures of one method.

    Attributes:
        method: as the table calls it.
        values: {set: {figure: value}} in the unit that is shown (mm, %); what the paper leaves out is absent.
    """

    method: str
    values: Mapping[str, Mapping[str, float]]

    def value(self, name: str, figure: str) -> float | None:
        """Return a figure on a set, None where the paper does not give it."""
        return self.values.get(name, {}).get(figure)


def read_sets(nodes: Mapping[str, Any]) -> tuple[dict[str, PaperSet], list[str]]:
    """Return the sets of a config by name, and what is wrong with it."""
    made: dict[str, PaperSet] = {}
    problems = []
    for name, node in nodes.items():
        if not isinstance(node, Mapping):
            problems.append(f"sets.{name} must hold keys of its own, got {node!r}")
            continue
        settings = [Setting((str(key),), value) for key, value in node.items()]
        one, wrong = fill(PaperSet, settings, f"sets.{name}")
        problems += wrong
        if one is not None and not wrong:
            made[name] = one
    return made, problems


def read_rows(
    nodes: Sequence[Any], sets: Mapping[str, PaperSet], has_mean: bool = False
) -> tuple[list[Row], list[str]]:
    """Return the published rows of a config, and what is wrong with them.

    Args:
        nodes: as the config has them.
        sets: of the table.
        has_mean: whether the table ends with means over all sets.
    """
    rows, problems = [], []
    if has_mean and sets:
        sets = {**sets, MEAN: next(iter(sets.values()))}
    for number, node in enumerate(nodes):
        where = f"published[{number}]"
        if not isinstance(node, Mapping) or not isinstance(node.get(METHOD), str):
            problems.append(f"{where} must be {{method: name, <set>: {{figure: value}}}}, got {node!r:.80}")
            continue
        values = {str(name): figures for name, figures in node.items() if name != METHOD}
        wrong = [line for name, figures in values.items() for line in _wrong(name, figures, sets)]
        problems += [f"{where} ({node[METHOD]}): {line}" for line in wrong]
        if not wrong:
            rows.append(Row(node[METHOD], values))
    return rows, problems


def _wrong(name: str, figures: Any, sets: Mapping[str, PaperSet]) -> list[str]:
    if name not in sets:
        return [f"no set is called {name!r}{nearest(name, sets)}"]
    if not isinstance(figures, Mapping):
        return [f"{name} must hold figures by name, got {figures!r}"]
    found = []
    for figure, value in figures.items():
        if figure not in sets[name].figures:
            found.append(f"{name} has no figure {figure!r}{nearest(str(figure), sets[name].figures)}")
        elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            found.append(f"{name}.{figure} must be a number, got {value!r}")
    return found
