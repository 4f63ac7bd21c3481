"""What the report says of a tally: one panel for each statistic, with a title, a sentence and a chart."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from markupsafe import Markup

from synthgen.joints import COCO17, SMPL24, mirrored
from synthgen.report import charts
from synthgen.report.charts import number
from synthgen.report.histogram import Histogram
from synthgen.report.tally import HIDDEN, NUM_SECTORS, SEEN, Tally

MAX_ROWS = 24  # of a chart of names; what is left is joined in a last row
BODY_JOINTS = SMPL24.names[1:]  # of body_pose: all but the pelvis


@dataclass(frozen=True)
class Cell:
    """A small chart of a panel that holds many."""

    title: str
    words: str
    chart: Markup


@dataclass(frozen=True)
class Panel:
    """A statistic.

    Attributes:
        title: what is counted.
        words: the chart in a sentence.
        chart: SVG, empty where there are cells.
        cells: many small charts in place of one.
        legend: (class of the colour, meaning).
        is_full: as wide as the page.
        cell_kind: how wide small charts are.
    """

    title: str
    words: str
    chart: Markup = Markup("")
    cells: tuple[Cell, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    is_full: bool = False
    cell_kind: Literal["narrow", "broad"] = "narrow"


def label_panels(tally: Tally) -> list[Panel]:
    """Return all panels of the labels, in reading order."""
    if not tally.pictures:
        return []
    return [
        _poses(tally),
        _visibility(tally),
        _facing(tally),
        _people(tally),
        _number(tally.distance, "Camera distance", "camera to pelvis [m]", "people"),
        _number(tally.height, "Size in the picture", "height of the visible body's box [px]", "people"),
        _number(tally.tilt, "Tilt", "trunk to the picture's vertical [°], 180° is upside down", "people"),
        _number(tally.fov, "Field of view", "vertical field of view [°]", "pictures"),
        _number(tally.focal_length, "Focal length", "vertical focal length [px]", "pictures"),
        _betas(tally),
        _angles(tally),
    ]


def name_chart(title: str, counts: Mapping[str, float], total: float, unit: str = "") -> Markup:
    """Return bars for the most frequent names, with their shares of `total`."""
    rows = _top(counts)
    told = f"{title}: " + ", ".join(f"{name} {number(count)} {unit}".strip() for name, count in rows)
    return charts.bars(rows, total, unit, told)


def readable(name: str) -> str:
    """Return a snake_case name with spaces."""
    return name.replace("_", " ")


def _top(counts: Mapping[str, float]) -> list[tuple[str, float]]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ordered = [(readable(name), count) for name, count in ordered]
    if len(ordered) <= MAX_ROWS:
        return ordered
    rest = ordered[MAX_ROWS - 1 :]
    return [*ordered[: MAX_ROWS - 1], (f"{len(rest)} others", sum(count for _, count in rest))]


def _actions(tally: Tally, family: str) -> Counter[str]:
    return Counter({name: count for (owner, name), count in tally.actions.items() if owner == family})


def _poses(tally: Tally) -> Panel:
    cells = []
    grouped = {family: _actions(tally, family) for family in tally.families}
    for family, actions in sorted(grouped.items(), key=lambda item: (-len(item[1]), item[0])):
        people = tally.families[family]
        words = f"{people:,} people, {100 * people / tally.people:.1f} %"
        chart = name_chart(readable(family), actions, tally.people)
        cells.append(Cell(readable(family), words, chart))
    families = f"{len(tally.families)} pose " + ("family" if len(tally.families) == 1 else "families")
    actions_drawn = f"{len(tally.actions)} action" + ("" if len(tally.actions) == 1 else "s")
    words = f"{tally.people:,} people in {families} and {actions_drawn}. Shares are of all people."
    return Panel("Poses", words, cells=tuple(cells), is_full=True, cell_kind="broad")


def _people(tally: Tally) -> Panel:
    names = {
        count: f"{count} person" if count == 1 else f"{count} people" for count in tally.people_per_picture
    }
    counts = Counter({names[count]: n for count, n in tally.people_per_picture.items()})
    words = f"{tally.people / tally.pictures:.2f} on average."
    return Panel("People per picture", words, name_chart("People per picture", counts, tally.pictures))


def _visibility(tally: Tally) -> Panel:
    totals = tally.visibility.sum(0)
    seen = 100 * totals[0] / max(int(totals.sum()), 1)
    names = [readable(name) for name in COCO17.names]
    kinds = ("seen", "partly hidden", "hidden")
    told = "; ".join(
        f"{name} {100 * int(row[0]) / max(int(row.sum()), 1):.0f} % seen"
        for name, row in zip(names, tally.visibility, strict=True)
    )
    legend = (
        ("share0", f"seen: over {SEEN:.0%}"),
        ("share1", "partly"),
        ("share2", f"hidden: under {HIDDEN:.0%}"),
    )
    words = f"{seen:.0f} % of all COCO-17 joints are seen: the picture shows the body around them."
    chart = charts.shares(names, tally.visibility, kinds, told)
    return Panel("Joint visibility", words, chart, legend=legend)


def _facing(tally: Tally) -> Panel:
    sectors = np.arange(NUM_SECTORS)
    quarter = NUM_SECTORS // 8
    total = max(int(tally.facing.sum()), 1)
    front = (sectors <= quarter) | (sectors >= NUM_SECTORS - quarter)
    back = np.abs(sectors - NUM_SECTORS // 2) <= quarter
    shares = [100 * int(tally.facing[part].sum()) / total for part in (front, back)]
    words = (
        f"Where the chest points, seen from above: {shares[0]:.0f} % to the camera, {shares[1]:.0f} % away."
    )
    return Panel("Facing", words, charts.rose(tally.facing, words))


def _number(data: Histogram, title: str, axis: str, counted: str) -> Panel:
    unit = {"m": " m", "px": " px", "°": "°"}[axis[axis.index("[") + 1 : axis.index("]")]]
    low, median, high = (
        number(value) if unit == " m" else f"{value:,.0f}"
        for value in (data.quantile(share) for share in (0.05, 0.5, 0.95))
    )
    words = f"Nine in ten {counted} lie between {low} and {high}{unit}."
    told = f"{title}, {axis}: median {median}{unit}. {words}"
    return Panel(title, words, charts.histogram(data, axis, median + unit, counted, told))


def _betas(tally: Tally) -> Panel:
    names = [f"beta {place + 1}" for place in range(len(tally.betas))]
    told = "; ".join(
        f"{name} from {number(data.quantile(0.05))} to {number(data.quantile(0.95))}"
        for name, data in zip(names, tally.betas, strict=True)
    )
    words = "Line: nine in ten people. Box: the middle half. Mark: the median."
    chart = charts.ranges(names, tally.betas, "standard deviations", told)
    return Panel("Body shape", words, chart)


def _angles(tally: Tally) -> Panel:
    cells = tuple(_angle_cell(tally, name) for name in _one_per_pair(BODY_JOINTS))
    legend = (("left", "left side, upwards"), ("right", "right side, downwards"))
    words = (
        "How far each of the 23 joints is turned away from the rest pose, all axes together. "
        "The figures are the range of nine in ten people."
    )
    return Panel("Joint angles", words, cells=cells, legend=legend, is_full=True)


def _one_per_pair(names: Sequence[str]) -> list[str]:
    """Return the left ones of pairs, then those on the midline."""
    kept = [name for name in names if not name.startswith("right_")]
    return sorted(kept, key=lambda name: mirrored(name) == name)


def _angle_cell(tally: Tally, name: str) -> Cell:
    pair = [name] if mirrored(name) == name else [name, mirrored(name)]
    data = [tally.angles[BODY_JOINTS.index(joint)] for joint in pair]
    spans = [f"{item.quantile(0.05):.0f}–{item.quantile(0.95):.0f}°" for item in data]
    words = spans[0] if len(pair) == 1 else f"left {spans[0]}, right {spans[1]}"
    title = readable(name.removeprefix("left_"))
    chart = charts.butterfly(data[0], data[1] if len(data) > 1 else None, f"{title}: {words}")
    return Cell(title, words, chart)
