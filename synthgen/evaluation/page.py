"""The report of an evaluation: one HTML file to be opened anywhere, without network.

Looks and safety are those of `synthgen.report`: text from data is escaped by the template engine, and the
page's own policy allows no script, style or request but the style sheet it carries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
from markupsafe import Markup

from synthgen import __version__
from synthgen.evaluation import charts
from synthgen.evaluation.cases import Case
from synthgen.evaluation.columns import Block, Rows, change
from synthgen.evaluation.figures import FIGURES, MAIN, Figure
from synthgen.evaluation.scores import Mean
from synthgen.report.page import asset, content_policy
from synthgen.report.panels import readable

MAX_ROWS = 40  # of a chart of families or joints


@dataclass(frozen=True)
class Chart:
    """A chart with a title and the sentence under it."""

    title: str
    words: str
    drawn: Markup


def render_page(
    name: str, blocks: Sequence[Block], cases: Mapping[str, Sequence[Case]], settings: str, problem: str = ""
) -> str:
    """Return the report as HTML.

    Args:
        name: of the evaluation.
        blocks: what was measured.
        cases: the worst, by name of the block.
        settings: the resolved config as text.
        problem: why there are no pictures of meshes; "" where there are.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    engine = Environment(
        loader=PackageLoader("synthgen.evaluation"), autoescape=True, undefined=StrictUndefined
    )
    own = resources.files("synthgen.evaluation.templates").joinpath("evaluation.css").read_text("utf-8")
    style = asset("report.css") + own
    return engine.get_template("evaluation.html").render(
        policy=content_policy(style, ""),
        style=Markup(style),
        version=__version__,
        name=name,
        lead=_lead(blocks),
        estimators=_estimators(blocks),
        figures=[(figure.title, figure.words, figure.needs) for figure in FIGURES.values()],
        blocks=[_block(block, cases.get(block.name, ())) for block in blocks],
        settings=settings,
        problem=problem,
    )


def _lead(blocks: Sequence[Block]) -> str:
    people = sum(len(block.scores.subjects) for block in blocks)
    pictures = sum(block.scores.pictures for block in blocks)
    count = len(blocks[0].columns)
    models = "1 estimator" if count == 1 else f"{count} estimators"
    return f"{models} measured on {people:,} people in {pictures:,} pictures, matched by the labelled boxes."


def _estimators(blocks: Sequence[Block]) -> list[dict[str, str]]:
    return [
        {
            "kind": charts.series(place),
            "name": column.estimator.name,
            "backend": column.estimator.backend,
            "version": column.estimator.version,
            "keypoints": column.estimator.keypoints or "looks at none",
        }
        for place, column in enumerate(blocks[0].columns)
    ]


def _block(block: Block, cases: Sequence[Case]) -> dict[str, Any]:
    scores = block.scores
    return {
        "name": block.name,
        "source": block.source,
        "words": f"{scores.pictures:,} pictures, {len(scores.subjects):,} people",
        "protocol": scores.protocol.name,
        "note": scores.protocol.note,
        "names": [column.estimator.name for column in block.columns],
        "rows": [_row(block, figure) for figure in block.figures()],
        "has_published": bool(block.published),
        "gaps": [f"{count:,} {words}." for words, count in sorted(scores.gaps.items())],
        "absent": [f"{figure.title}: nobody here has {figure.needs}." for figure in block.absent()],
        "charts": _charts(block),
        "groups": [_groups(block, "family"), _groups(block, "action")],
        "cases": cases,
    }


def _row(block: Block, figure: Figure) -> dict[str, Any]:
    means = block.means(figure.name)
    return {
        "title": figure.title,
        "unit": figure.unit,
        "words": figure.words,
        "cells": _cells(block, figure, means),
        "published": block.told(figure),
        "count": means[0].count,
        "missing": means[0].missing,
    }


def _cells(block: Block, figure: Figure, means: Sequence[Mean]) -> list[dict[str, Any]]:
    best = block.best(figure, means)
    return [
        {
            "value": figure.shown(one.mean),
            "median": figure.shown(one.median),
            "change": change(figure, means[0], one) if place else "",
            "is_best": place == best,
        }
        for place, one in enumerate(means)
    ]


def _groups(block: Block, by: str) -> dict[str, Any]:
    figures = _main_figures(block)
    return {
        "title": "By pose family" if by == "family" else "By action",
        "keys": ["Family"] if by == "family" else ["Family", "Action"],
        "figures": [(figure.title, figure.unit) for figure in figures],
        "names": [column.estimator.name for column in block.columns],
        "rows": [
            {
                "names": [readable(name) for name in names],
                "people": int(rows.sum()),
                "cells": [cell for figure in figures for cell in _group_cells(block, figure, rows)],
            }
            for names, rows in block.scores.groups(by).items()
        ],
    }


def _group_cells(block: Block, figure: Figure, rows: Rows) -> list[dict[str, Any]]:
    return _cells(block, figure, block.means(figure.name, rows))


def _main_figures(block: Block) -> list[Figure]:
    shown = block.figures()
    return [FIGURES[name] for name in MAIN if FIGURES[name] in shown] or shown[:2]


def _charts(block: Block) -> list[Chart]:
    names = [column.estimator.name for column in block.columns]
    figure = FIGURES[block.scores.ranked_by()]
    numbers = f" Numbers are those of {names[-1]}." if len(names) > 1 else ""
    factor, axis = 100 if figure.unit == "%" else 1, f"{figure.title} [{figure.unit}]"
    found: list[Chart] = []
    groups = list(block.scores.groups("family").items())[:MAX_ROWS]
    if figure in block.figures():
        rows = [
            (readable(family[0]), [factor * one.mean for one in block.means(figure.name, members)])
            for family, members in groups
        ]
        words = f"Mean {figure.title} of each family. {_better(figure)}{numbers}"
        found.append(Chart("Pose families", words, charts.dots(rows, names, axis, words)))
        values = [
            [float(factor * value) for value in column.scores.figures[figure.name] if not np.isnan(value)]
            for column in block.columns
        ]
        words = f"Part of people whose {figure.title} is at most this."
        found.append(Chart("Distribution", words, charts.shares_below(values, names, axis, words)))
    means = [column.scores.joint_means() for column in block.columns]
    if any(one.count for joints in means for one in joints.values()):
        rows = [
            (readable(joint), [joints[joint].mean for joints in means])
            for joint in block.scores.protocol.joints[:MAX_ROWS]
        ]
        words = f"Mean error of each joint, roots laid onto each other. Less is better.{numbers}"
        found.append(Chart("Joints", words, charts.dots(rows, names, "error [mm]", words)))
    return found


def _better(figure: Figure) -> str:
    return "Less is better." if figure.is_error else "More is better."
