import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from markupsafe import Markup

from synthgen.report import charts
from synthgen.report.histogram import Histogram

HOSTILE = "<script>alert('1')</script>\" & ]]>"


def filled(values: list[float]) -> Histogram:
    histogram = Histogram(0, 180, 180)
    histogram.add(values)
    return histogram


def boxes(chart: Markup, kind: str) -> list[dict[str, str]]:
    return [one.attrib for one in ElementTree.fromstring(chart).iter("rect") if one.get("class") == kind]


ALL_CHARTS = {
    "bars": lambda text: charts.bars([(text, 3)], 3, text, text),
    "shares": lambda text: charts.shares([text], np.array([[1, 2, 3]]), (text, text, text), text),
    "histogram": lambda text: charts.histogram(filled([1, 2, 40]), text, text, text, text),
    "limits": lambda text: charts.histogram(
        filled([1, 2]), text, text, text, text, [(30, text), (0.5, text)]
    ),
    "butterfly": lambda text: charts.butterfly(filled([1]), filled([170]), text),
    "ranges": lambda text: charts.ranges([text], [filled([1, 2])], text, text),
    "rose": lambda text: charts.rose(np.arange(24), text),
}


@pytest.mark.parametrize("make", ALL_CHARTS.values(), ids=ALL_CHARTS)
def test_text_is_escaped_and_the_chart_has_a_name(make):
    tree = ElementTree.fromstring(make(HOSTILE))
    assert tree.get("aria-label") == HOSTILE
    assert {one.tag for one in tree.iter()} <= {"svg", "text", "title", "rect", "line", "path", "circle"}


def test_bars_are_as_long_as_their_counts():
    widths = [float(one["width"]) for one in boxes(charts.bars([("a", 40), ("b", 10)], 50, "", ""), "bar")]
    assert widths[0] == pytest.approx(4 * widths[1], rel=0.01)


def test_shares_fill_the_row():
    chart = charts.shares(["a"], np.array([[6, 3, 1]]), ("x", "y", "z"), "")
    widths = [float(boxes(chart, f"share{step}")[0]["width"]) for step in range(3)]
    assert np.array(widths) / sum(widths) == pytest.approx([0.6, 0.3, 0.1], abs=0.01)


def test_histogram_bars_are_as_high_as_their_counts():
    found = boxes(charts.histogram(filled([10.5] * 4 + [60.5] * 2), "", "", "", ""), "bar")
    heights = [float(one["height"]) for one in found if float(one["height"]) > 0]
    assert heights[0] == pytest.approx(2 * heights[1], rel=0.01)


def test_histogram_reaches_to_its_limits_and_marks_them():
    chart = charts.histogram(filled([10.5, 12.5]), "", "", "", "", [(120, "most 120"), (2, "least 2")])
    tree = ElementTree.fromstring(chart)
    lines = [float(one.get("x1")) for one in tree.iter("line") if one.get("class") == "limit"]
    (median,) = (float(one.get("x1")) for one in tree.iter("line") if one.get("class") == "mark")
    assert lines[1] < median < lines[0] < charts.WIDTH
    assert all(lines[1] < float(one["x"]) < lines[0] for one in boxes(chart, "bar"))
    words = {one.text: float(one.get("x")) for one in tree.iter("text")}
    assert words["least 2"] > lines[1] and words["most 120"] < lines[0]


def test_histogram_writes_whole_counts_only():
    tree = ElementTree.fromstring(charts.histogram(filled([3]), "", "", "", "people"))
    counts = [one.text for one in tree.iter("text") if one.get("class") == "end"]
    assert counts == ["0", "1"]


def test_butterfly_draws_the_second_side_below_the_first():
    chart = charts.butterfly(filled([5]), filled([175]), "")
    above = next(one for one in boxes(chart, "left") if float(one["height"]) > 0)
    below = next(one for one in boxes(chart, "right") if float(one["height"]) > 0)
    assert float(above["y"]) + float(above["height"]) == pytest.approx(float(below["y"]))
    assert float(above["x"]) < float(below["x"])


def test_rose_draws_sector_zero_towards_the_camera():
    counts = np.zeros(24, int)
    counts[0] = 5
    paths = [one.get("d", "") for one in ElementTree.fromstring(charts.rose(counts, "")).iter("path")]
    numbers = [float(part) for part in paths[0].replace("M", " ").replace("L", " ").split("A")[0].split()]
    assert numbers[3] > numbers[1] + 50  # the tip lies below the centre


@pytest.mark.parametrize("make", [
    lambda: charts.bars([], 0, "", "none"),
    lambda: charts.histogram(Histogram(0, 1, 2), "", "", "", "none"),
    lambda: charts.butterfly(filled([]), filled([]), "none"),
    lambda: charts.ranges(["a"], [filled([])], "", "none"),
    lambda: charts.rose(np.zeros(24, int), "none"),
])  # fmt: skip
def test_nothing_to_draw_is_still_a_chart(make):
    assert ElementTree.fromstring(make()).get("aria-label") == "none"


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (12345.6, "12,346"), (3.14159, "3.14"), (0.04217, "0.042"), (99.5, "99.5")],
)
def test_numbers_for_people(value, written):
    assert charts.number(value) == written
