"""What the report says: a panel with a title, a sentence and a chart for each question."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from synthgen.dataset_report.cameras import Cameras
from synthgen.dataset_report.charts import scatter
from synthgen.dataset_report.coverage import Map
from synthgen.dataset_report.labels import PERSON_LABELS, PICTURE_LABELS, LabelCounts
from synthgen.dataset_report.poses import ANGLES, bend_angles
from synthgen.joints import COCO17, SMPL24
from synthgen.report import charts
from synthgen.report.charts import number
from synthgen.report.histogram import Histogram
from synthgen.report.panels import Cell, Panel, readable

FAR_MM = 100.0  # a pose without another one nearer than this is not covered
NUM_SECTORS = 24  # of the rose of camera directions
MAX_FAMILIES = 5  # told apart on the map

Array = NDArray[np.floating]


def label_panels(counts: LabelCounts) -> list[Panel]:
    """Return what is known of people, pictures, joints."""
    of_people = [(name, float(counts.of_people[name])) for name in PERSON_LABELS]
    of_pictures = [(name, float(counts.of_pictures[name])) for name in PICTURE_LABELS]
    found = [
        _named("Labels of people", of_people, counts.people, "people"),
        _named("Labels of pictures", of_pictures, counts.pictures, "pictures"),
        _joints("2D joints", COCO17.names, counts.joints_2d, counts.people),
        _joints("3D joints", SMPL24.names, counts.joints_3d, counts.people),
    ]
    for title, names in (("Bodies", counts.bodies), ("Sources", counts.sources)):
        if names:
            rows = [(name or "no name", float(count)) for name, count in names.most_common(12)]
            total = counts.people if title == "Bodies" else counts.pictures
            found.append(_named(title, rows, total, "people" if title == "Bodies" else "pictures"))
    return found


def coverage_panels(distances: Array, back: Array | None, map_panel: Panel | None) -> list[Panel]:
    """Return how near poses are to each other.

    Args:
        distances: (N,) of each pose of the reference to the nearest one here; without a reference, of each
            pose to the nearest other one [mm].
        back: of each pose here to the nearest one of the reference; None without one.
        map_panel: the map of poses.
    """
    found = []
    if back is None:
        found.append(_distances(distances, "Nearest other pose", "poses"))
    else:
        words = (
            f"{_part(distances <= FAR_MM)} of the reference's poses have one of these within {FAR_MM:.0f} mm."
        )
        found.append(_distances(distances, "How the reference is covered", "poses of the reference", words))
        part = _part(back > FAR_MM)
        words = f"{part} of these poses are further than {FAR_MM:.0f} mm from every pose of the reference."
        found.append(_distances(back, "What goes beyond the reference", "poses", words))
    return [*found, map_panel] if map_panel is not None else found


def map_panel(layout: Map, families: Sequence[str], has_reference: bool) -> Panel:
    """Return the map of poses, with the reference or coloured by family."""
    told = f"The plane in which poses differ most (PCA); it shows {layout.shown:.0%} of all differences."
    if has_reference:
        sets = [("right", layout.others), ("left", layout.places)]
        legend: tuple[tuple[str, str], ...] = (("left", "this data set"), ("right", "reference"))
    else:
        names = [name for name, _ in _most(families)][:MAX_FAMILIES]
        kinds = np.array([names.index(one) if one in names else MAX_FAMILIES for one in families], int)
        sets = [(f"family{kind}", layout.places[kinds == kind]) for kind in range(MAX_FAMILIES, -1, -1)]
        sets = [one for one in sets if len(one[1])]
        legend = tuple((f"family{place}", readable(name)) for place, name in enumerate(names))
        legend += (("family5", "others"),) if (kinds == MAX_FAMILIES).any() else ()
    chart = scatter(sets, ("first component", "second component"), told)
    return Panel("Map of poses", told, chart, legend=legend)


def angle_panel(poses: Array, reference: Array | None) -> Panel:
    """Return histograms of joints' inner angles, beside those of a reference if there is one."""
    own = bend_angles(poses)
    other = bend_angles(reference) if reference is not None else None
    cells = []
    for name in ANGLES:
        pair = [own[f"left_{name}"], own[f"right_{name}"]]
        if other is not None:
            theirs = [other[f"left_{name}"], other[f"right_{name}"]]
            pair = [np.concatenate(pair), np.concatenate(theirs)]
        data = [_filled(Histogram(0, 180, 180), one) for one in pair]
        spans = [f"{one.quantile(0.05):.0f}–{one.quantile(0.95):.0f}°" for one in data]
        sides = ("here", "reference") if other is not None else ("left", "right")
        words = f"{sides[0]} {spans[0]}, {sides[1]} {spans[1]}"
        cells.append(Cell(name, words, charts.butterfly(data[0], data[1], f"{name}: {words}")))
    legend = (("left", "this data set, upwards"), ("right", "reference, downwards"))
    if other is None:
        legend = (("left", "left side, upwards"), ("right", "right side, downwards"))
    words = (
        "Inner angles between the bones at each joint, 180° is straight. Figures: the range of nine in ten."
    )
    return Panel("Joint angles", words, cells=tuple(cells), legend=legend, is_full=True)


def camera_panels(cameras: Cameras) -> list[Panel]:
    """Return where cameras stand and how they see."""
    found = []
    if len(cameras.fov):
        axis = "vertical field of view [°]"
        found.append(_histogram(cameras.fov, Histogram(0, 180, 720), "Field of view", axis, "pictures"))
        axis = "vertical focal length [heights of the picture]"
        found.append(
            _histogram(cameras.focal_length, Histogram(0, 20, 4000), "Focal length", axis, "pictures")
        )
    if len(cameras.distance):
        axis = "camera to the middle of the hips [m]"
        found.append(_histogram(cameras.distance, Histogram(0, 100, 2000), "Distance", axis, "people"))
        axis = "camera over the person's horizon [°]"
        found.append(_histogram(cameras.elevation, Histogram(-90, 90, 360), "Elevation", axis, "people"))
        found.append(_directions(cameras.azimuth))
    return found


def _directions(azimuth: Array) -> Panel:
    sectors = np.round(azimuth / 360 * NUM_SECTORS).astype(int) % NUM_SECTORS
    counts = np.bincount(sectors, minlength=NUM_SECTORS).astype(np.int64)
    front, back = _part(np.abs(azimuth) <= 45), _part(np.abs(azimuth) >= 135)
    words = f"Where the camera stands around the person: in front of {front}, behind {back}."
    names = ("behind", "in front", "their right", "their left")
    return Panel("Direction", words, charts.rose(counts, words, names))


def _histogram(values: Array, data: Histogram, title: str, axis: str, counted: str) -> Panel:
    _filled(data, values)
    unit = axis[axis.index("[") + 1 : axis.index("]")]
    unit = "" if unit.startswith("heights") else "°" if unit == "°" else f" {unit}"
    low, median, high = (number(data.quantile(share)) for share in (0.05, 0.5, 0.95))
    words = f"Nine in ten {counted} lie between {low} and {high}{unit}."
    told = f"{title}, {axis}: median {median}{unit}. {words}"
    return Panel(title, words, charts.histogram(data, axis, median + unit, counted, told))


def _distances(values: Array, title: str, counted: str, words: str = "") -> Panel:
    axis = "root mean square over 12 joints [mm]"
    panel = _histogram(values, Histogram(0, 2000, 1000), title, axis, counted)
    return Panel(title, f"{words} {panel.words}".strip(), panel.chart)


def _named(title: str, rows: Sequence[tuple[str, float]], total: int, unit: str) -> Panel:
    told = f"{title}: " + ", ".join(f"{name} {number(count)}" for name, count in rows)
    return Panel(title, f"Of {total:,} {unit}.", charts.bars(list(rows), total, "", told))


def _joints(title: str, names: Sequence[str], known: NDArray[np.int64], people: int) -> Panel:
    rows = np.stack([known, people - known], -1)
    shown = 100 * int(known.sum()) / max(people * len(names), 1)
    words = f"{shown:.0f} % of all joints are known."
    chart: Markup = charts.shares([readable(name) for name in names], rows, ("known", "unknown"), words)
    return Panel(title, words, chart, legend=(("share0", "known"), ("share1", "unknown")))


def _filled(data: Histogram, values: Array) -> Histogram:
    data.add(values)
    return data


def _part(chosen: NDArray[np.bool_]) -> str:
    return f"{100 * float(chosen.mean()) if len(chosen) else 0:.0f} %"


def _most(names: Sequence[str]) -> list[tuple[str, int]]:
    from collections import Counter

    return Counter(names).most_common()
