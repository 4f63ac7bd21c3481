"""What the report says of a tally: one panel for each statistic, with a title, a sentence and a chart."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from synthgen import charts
from synthgen.charts import number
from synthgen.histogram import Histogram
from synthgen.joints import COCO17, SMPL24, mirrored
from synthgen.tally import HIDDEN, NUM_SECTORS, SEEN, Tally

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
        is_warm: about something that went wrong.
    """

    title: str
    words: str
    chart: Markup = Markup("")
    cells: tuple[Cell, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    is_full: bool = False
    is_warm: bool = False


def label_panels(tally: Tally) -> list[Panel]:
    """Return all panels of the labels, in reading order."""
    if not tally.pictures:
        return []
    return [
        _families(tally),
        _actions(tally),
        _visibility(tally),
        _facing(tally),
        _number("Camera distance", "from the camera to the pelvis", tally.distance, "m"),
        _number("Height in the picture", "of the box around the visible body", tally.height, "px"),
        _number("Field of view", "vertical", tally.fov, "°"),
        _number("Focal length", "vertical", tally.focal_length, "px"),
        _number("Tilt", "of the trunk against the picture's vertical; 180° is upside down", tally.tilt, "°"),
        _people(tally),
        _betas(tally),
        _angles(tally),
    ]


def name_panel(title: str, words: str, counts: Counter[str], is_warm: bool = False) -> Panel:
    """Return bars for the most frequent names."""
    rows = _top(counts)
    told = f"{title}: " + ", ".join(f"{name} {count}" for name, count in rows)
    return Panel(title, words, charts.bars(rows, sum(counts.values()), told), is_warm=is_warm)


def readable(name: str) -> str:
    """Return a snake_case name with spaces."""
    return name.replace("_", " ")


def _top(counts: Counter[str]) -> list[tuple[str, int]]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if len(ordered) <= MAX_ROWS:
        return ordered
    rest = ordered[MAX_ROWS - 1 :]
    return [*ordered[: MAX_ROWS - 1], (f"{len(rest)} others", sum(count for _, count in rest))]


def _families(tally: Tally) -> Panel:
    families = Counter({readable(name): count for name, count in tally.families.items()})
    words = f"{tally.people:,} people by the family their pose was drawn from."
    return name_panel("Pose families", words, families)


def _actions(tally: Tally) -> Panel:
    actions: Counter[str] = Counter()
    for (_, action), count in tally.actions.items():
        actions[readable(action)] += count
    words = f"{len(tally.actions)} different actions; the most frequent first."
    return name_panel("Actions", words, actions)


def _people(tally: Tally) -> Panel:
    names = {
        count: f"{count} person" if count == 1 else f"{count} people" for count in tally.people_per_picture
    }
    counts = Counter({names[count]: n for count, n in tally.people_per_picture.items()})
    words = f"{tally.people / tally.pictures:.2f} on average."
    return name_panel("People per picture", words, counts)


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
    return Panel("View", words, charts.rose(tally.facing, words))


def _number(title: str, what: str, data: Histogram, unit: str) -> Panel:
    low, median, high = (number(data.quantile(share)) for share in (0.05, 0.5, 0.95))
    gap = "" if unit == "°" else " "
    words = f"{what[0].upper()}{what[1:]}. Nine in ten lie between {low} and {high}{gap}{unit}."
    told = f"{title} {what}: median {median} {unit}, 5 % to 95 % from {low} to {high} {unit}"
    return Panel(title, words, charts.histogram(data, unit, told))


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
    return [name for name in names if not name.startswith("right_")]


def _angle_cell(tally: Tally, name: str) -> Cell:
    pair = [name] if mirrored(name) == name else [name, mirrored(name)]
    data = [tally.angles[BODY_JOINTS.index(joint)] for joint in pair]
    spans = [f"{item.quantile(0.05):.0f}–{item.quantile(0.95):.0f}°" for item in data]
    words = spans[0] if len(pair) == 1 else f"left {spans[0]}, right {spans[1]}"
    title = readable(name.removeprefix("left_"))
    chart = charts.butterfly(data[0], data[1] if len(data) > 1 else None, f"{title}: {words}")
    return Cell(title, words, chart)
