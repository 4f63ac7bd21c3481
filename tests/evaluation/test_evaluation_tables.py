"""Tables, JSON and page of an evaluation: right numbers, nothing invented, hostile names harmless."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from synthgen.body import Body
from synthgen.evaluation import charts
from synthgen.evaluation.cases import Artist, Window, worst_cases
from synthgen.evaluation.columns import Block, Column, Estimator, change
from synthgen.evaluation.evaluate import evaluate
from synthgen.evaluation.figures import FIGURES
from synthgen.evaluation.measure import Judge
from synthgen.evaluation.page import render_page
from synthgen.evaluation.scores import Mean
from synthgen.evaluation.tables import cell, markdown, people_lines, record
from synthgen.geometry import project
from synthgen.joints import COCO17
from synthgen.observation import Observation
from synthgen.render import make_renderer
from synthgen.sample import Person

HOSTILE = "</style><script>window.hacked = 1</script>\"'><img src=x onerror='hacked()'> | a*b_ `c`\n雪"
Make = Callable[..., Any]


def arms_up(person: Person) -> Person:
    pose = person.body_pose.copy()
    pose[15:17, 2] += np.array([1.0, -1.0], np.float32)
    return replace(person, body_pose=pose)


@pytest.fixture
def block(observations: list[Observation], estimator: Make, judge: Judge) -> Block:
    columns = []
    for name, change_ in (("before", arms_up), ("after", lambda person: person)):
        scores = evaluate(estimator(change_), observations, judge)
        columns.append(Column(Estimator(name, "made", "1", ""), scores))
    return Block("ski", "shards/ski", tuple(columns))


def artist(body: Body) -> Artist:
    return Artist({"open": body}, make_renderer("warp"), {"before": "open", "after": "open"})


class Tags(HTMLParser):
    """All tags of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_markdown_has_every_figure_and_the_change(block: Block) -> None:
    text = markdown([block])
    rows = {
        row.split(" | ")[0].removeprefix("| "): row.split(" | ")
        for row in text.splitlines()
        if row[:1] == "|"
    }
    before, after = block.means("mpjpe")
    assert rows["MPJPE"][2:] == [f"{before.mean:.1f}", f"**{after.mean:.1f}**", "−100.0 %", "7 |"]
    assert rows["PCK@0.1 box"][4].startswith("+")
    assert "Acceleration is missing: nobody here has three frames of a clip" in text
    assert "| ski | tuck |" in text and "| left wrist |" in text and "7 people" in text
    widths = [len(re.split(r"(?<!\\)\|", row)) for row in text.splitlines() if row[:1] == "|"]
    assert len(set(widths)) == 4, "the rows of each of four tables are of one width"


def test_markdown_cells_cannot_break_out() -> None:
    shown = cell(HOSTILE)
    assert not re.search(r"(?<!\\)[|*`_]|[<>\n]", shown)


def test_a_figure_without_labels_is_null_with_its_counts(block: Block) -> None:
    text = json.dumps(record([block], {"seed": 1}), allow_nan=False)
    [shards] = json.loads(text)["shards"]
    before = shards["estimators"][0]
    assert before["figures"]["acceleration"] == {"mean": None, "median": None, "count": 0, "missing": 7}
    assert before["figures"]["mpjpe"]["count"] == 7 and before["figures"]["mpjpe"]["mean"] > 10
    assert shards["protocol"]["root"] == ["pelvis"] and len(shards["protocol"]["joints"]) == 14
    assert set(before["joints"]) == set(shards["protocol"]["joints"])
    assert [one["family"] for one in before["families"]] == ["ski"]


def test_each_person_has_a_line(block: Block) -> None:
    lines = [json.loads(line) for line in people_lines([block])]
    assert len(lines) == 14 and {line["estimator"] for line in lines} == {"before", "after"}
    mean = np.mean([line["figures"]["mpjpe"] for line in lines if line["estimator"] == "before"])
    assert mean == pytest.approx(block.means("mpjpe")[0].mean, abs=1e-3)
    assert lines[0]["figures"]["acceleration"] is None and len(lines[0]["joints_mm"]) == 14


def test_change_in_words() -> None:
    error, share = FIGURES["mpjpe"], FIGURES["oks"]
    mean = lambda value: Mean(value, value, 3, 0)  # noqa: E731
    assert change(error, mean(80.0), mean(60.0)) == "−25.0 %"
    assert change(share, mean(0.5), mean(0.531)) == "+3.1 points"
    assert change(error, mean(80.0), Mean(np.nan, np.nan, 0, 3)) == ""


def test_the_best_is_found_by_the_right_sign(block: Block) -> None:
    for figure in block.figures():
        assert block.best(figure, block.means(figure.name)) == 1, figure.name
    assert replace(block, columns=block.columns[:1]).best(FIGURES["mpjpe"], block.means("mpjpe")[:1]) is None


def test_page_is_quiet_and_loads_nothing(block: Block, body: Body, observations: list[Observation]) -> None:
    cases = worst_cases(block, observations, artist(body), 2)
    page = render_page("Ski", [block], {"ski": cases}, "seed: 1")
    found = Tags(page)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in found.tags}
    for _, attributes in found.tags:
        for name, value in attributes.items():
            assert name not in ("href", "src") or str(value).startswith(("data:", "#"))
            assert not name.startswith("on") and name != "style"
    [policy] = [a["content"] for _, a in found.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in str(policy) and "unsafe" not in str(policy)
    assert "nobody here has three frames of a clip" in found.text
    assert f"{block.means('mpjpe')[0].mean:.1f}" in found.text


def test_hostile_names_are_text(
    block: Block, body: Body, observations: list[Observation], changed: Make
) -> None:
    hostile = [changed(one, family=HOSTILE, action=HOSTILE) for one in observations]
    subjects = tuple(replace(one, family=HOSTILE, action=HOSTILE) for one in block.scores.subjects)
    columns = tuple(
        Column(
            replace(column.estimator, name=name, version=HOSTILE), replace(column.scores, subjects=subjects)
        )
        for name, column in zip((HOSTILE, "after"), block.columns, strict=True)
    )
    block = Block(HOSTILE, HOSTILE, columns)
    drawing = Artist({"open": body}, make_renderer("warp"), {HOSTILE: "open", "after": "open"})
    cases = worst_cases(block, hostile, drawing, 1)
    page = render_page(HOSTILE, [block], {HOSTILE: cases}, HOSTILE, HOSTILE)
    found = Tags(page)
    assert not {"script", "img src"} & {tag for tag, _ in found.tags}
    assert all(not name.startswith("on") for _, attributes in found.tags for name in attributes)
    assert "<script>" not in page and "window.hacked" in found.text
    assert "<script>" not in markdown([block])


def test_worst_cases_show_truth_and_every_estimate(
    block: Block, body: Body, observations: list[Observation]
) -> None:
    cases = worst_cases(block, observations, artist(body), 2)
    first = block.columns[0].scores.worst(1)[0]
    assert cases[0].key == block.scores.subjects[first].key
    assert cases[0].why.startswith("worst of before") and cases[0].why.endswith("by PA-MPJPE")
    assert len({(case.key, case.why) for case in cases}) == len(cases) <= 4
    picture, truth = cases[0].pairs[0]
    assert not np.array_equal(picture.image, truth.image) and "<circle" in truth.skeleton
    (before, before_side), (after, after_side) = cases[0].pairs[1:]
    assert np.array_equal(after.image, truth.image), "the same body looks the same"
    assert not np.array_equal(before.image, truth.image)
    assert not np.array_equal(before_side.image, after_side.image)
    assert "PA-MPJPE" in before.figures


def test_a_case_without_a_mesh_shows_its_joints(
    block: Block, body: Body, observations: list[Observation], changed: Make
) -> None:
    confidence = np.zeros(17)
    confidence[:3] = 1
    partly = [
        changed(one, person=None, keypoints_3d=None, confidence_3d=np.zeros(24), confidence_2d=confidence)
        for one in observations
    ]
    [case, *_] = worst_cases(block, partly, artist(body), 1)
    labels = case.pairs[0][1]
    assert labels.caption == "Labels" and labels.skeleton.count("<circle") == 3
    assert [len(pair) for pair in case.pairs] == [2, 1, 1], "nothing to be seen from the side"


def test_a_window_keeps_bodies_where_they_are(observations: list[Observation], body: Body) -> None:
    one = observations[2]
    person = one.people[1]
    assert person.person is not None and one.camera is not None
    window = Window.around(one, person.bbox)
    joints = body.joints(body.pose([person.person]).points[0], COCO17)
    in_window = project(joints, window.camera.cam_int) + 0.5
    np.testing.assert_allclose(in_window, window.place(project(joints, one.camera.cam_int)), atol=1e-3)
    assert max(window.image.shape[:2]) >= 192 and window.camera.image_size == window.image.shape[:2]


def test_charts_leave_out_what_is_missing() -> None:
    rows = [("hip", [10.0, float("nan")]), ("<b>knee", [float("nan"), float("nan")])]
    drawn = charts.dots(rows, ["one", "two"], "mm", "errors")
    assert drawn.count("<circle") == 1 and "no label" in drawn and "<b>" not in drawn and "nan" not in drawn
    curve = charts.shares_below([[1.0, 2.0, 3.0, 99.0], []], ["one", "two"], "mm", "errors")
    assert curve.count("<polyline") == 1 and "nan" not in curve


def test_a_chart_of_nothing_but_zeros_is_drawn() -> None:
    drawn = charts.dots([("wrist", [0.0]), ("knee", [math.nan])], ["one"], "PCK [%]", "all wrong")
    assert drawn.count("<circle") == 1 and "no label" in drawn
