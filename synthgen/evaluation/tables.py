"""Scores as Markdown, as JSON, and person by person as JSON lines."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from synthgen import __version__
from synthgen.evaluation.columns import Block, Column, Rows, change
from synthgen.evaluation.figures import FIGURES, MAIN, Figure
from synthgen.evaluation.scores import Mean, Scores
from synthgen.report.panels import readable

SCHEMA = 1
_ESCAPED = str.maketrans(
    {
        **{mark: f"\\{mark}" for mark in "\\|*_`[]#~"},
        "<": "&lt;", ">": "&gt;", "&": "&amp;", "\n": " ", "\r": " ",
    }
)  # fmt: skip


def markdown(blocks: Sequence[Block]) -> str:
    """Return all tables as one Markdown document."""
    lines = ["# Evaluation", ""]
    for block in blocks:
        lines += _block(block)
    return "\n".join(lines).rstrip() + "\n"


def cell(text: str) -> str:
    """Return text that Markdown shows as it is, inside a table too."""
    return text.translate(_ESCAPED)


def _block(block: Block) -> Iterator[str]:
    scores = block.scores
    yield f"## {cell(block.name)}"
    yield ""
    yield f"{scores.pictures:,} pictures, {len(scores.subjects):,} people, from {cell(block.source)}."
    yield f"Protocol {cell(scores.protocol.name)}: {cell(scores.protocol.note)}"
    yield ""
    yield from _main_table(block)
    yield from _missing(block)
    for by, title in (("family", "By pose family"), ("action", "By action")):
        yield f"### {title}"
        yield ""
        yield from _group_table(block, by)
    yield "### By joint"
    yield ""
    yield from _joint_table(block)


def _main_table(block: Block) -> Iterator[str]:
    figures = block.figures()
    names = [cell(column.estimator.name) for column in block.columns]
    more = [*(["change"] if len(names) == 2 else []), *(["published"] if block.published else [])]
    yield from _head(["figure", "unit", *names, *more, "people"], 2)
    for figure in figures:
        means = block.means(figure.name)
        changes = [change(figure, *means)] if len(names) == 2 else []
        values = _values(block, figure, means)
        count = f"{means[0].count:,}"
        yield _row([figure.title, figure.unit, *values, *changes, *block.told(figure), count])
    yield ""


def _missing(block: Block) -> Iterator[str]:
    for words, count in sorted(block.scores.gaps.items()):
        yield f"- {count:,} {cell(words)}"
    for figure in block.absent():
        yield f"- {figure.title} is missing: nobody here has {figure.needs}"
    if block.scores.gaps or block.absent():
        yield ""


def _group_table(block: Block, by: str) -> Iterator[str]:
    groups = block.scores.groups(by)
    figures = [FIGURES[name] for name in MAIN if FIGURES[name] in block.figures()] or block.figures()[:3]
    titles = [
        f"{cell(column.estimator.name)} {figure.title}" for figure in figures for column in block.columns
    ]
    keys = ["family"] if by == "family" else ["family", "action"]
    yield from _head([*keys, *titles, "people"], len(keys))
    for names, rows in groups.items():
        values = [value for figure in figures for value in _group_values(block, figure, rows)]
        yield _row([*(cell(readable(name)) for name in names), *values, f"{int(rows.sum()):,}"])
    yield ""


def _joint_table(block: Block) -> Iterator[str]:
    means = [column.scores.joint_means() for column in block.columns]
    if not any(one.count for joints in means for one in joints.values()):
        yield "Missing: nobody here has 3D joints."
        yield ""
        return
    yield from _head(["joint", *(f"{cell(c.estimator.name)} [mm]" for c in block.columns), "people"], 1)
    for joint in block.scores.protocol.joints:
        shown = [FIGURES["mpjpe"].shown(joints[joint].mean) for joints in means]
        yield _row([readable(joint), *shown, f"{means[0][joint].count:,}"])
    yield ""


def _values(block: Block, figure: Figure, means: Sequence[Mean]) -> list[str]:
    best = block.best(figure, means)
    shown = [figure.shown(one.mean) for one in means]
    return [f"**{value}**" if place == best else value for place, value in enumerate(shown)]


def _group_values(block: Block, figure: Figure, rows: Rows) -> list[str]:
    return _values(block, figure, block.means(figure.name, rows))


def _head(titles: Sequence[str], num_words: int) -> Iterator[str]:
    yield _row(titles)
    yield _row([":--" if place < num_words else "--:" for place in range(len(titles))])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def record(blocks: Sequence[Block], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything as plain values for JSON; a figure that nobody has is null, with its counts."""
    return {
        "schema": SCHEMA,
        "synthgen_version": __version__,
        "settings": dict(settings),
        "figures": {
            name: {"unit": "part" if one.unit == "%" else one.unit, "needs": one.needs, "words": one.words}
            for name, one in FIGURES.items()
        },
        "shards": [_record(block) for block in blocks],
    }


def _record(block: Block) -> dict[str, Any]:
    scores = block.scores
    return {
        "name": block.name,
        "source": block.source,
        "pictures": scores.pictures,
        "people": len(scores.subjects),
        "protocol": {
            "name": scores.protocol.name,
            "joint_set": scores.protocol.joint_set.name,
            "joints": list(scores.protocol.joints),
            "root": list(scores.protocol.root),
            "note": scores.protocol.note,
        },
        "gaps": dict(sorted(scores.gaps.items())),
        "published": dict(block.published),
        "estimators": [_estimator(column) for column in block.columns],
    }


def _estimator(column: Column) -> dict[str, Any]:
    scores = column.scores
    return {
        **vars(column.estimator),
        "figures": _figures(scores),
        "families": [
            {"family": names[0], "people": int(rows.sum()), "figures": _figures(scores, rows)}
            for names, rows in scores.groups("family").items()
        ],
        "actions": [
            {
                "family": names[0],
                "action": names[1],
                "people": int(rows.sum()),
                "figures": _figures(scores, rows),
            }
            for names, rows in scores.groups("action").items()
        ],
        "joints": {name: _mean(one) for name, one in scores.joint_means().items()},
    }


def _figures(scores: Scores, rows: Rows | None = None) -> dict[str, Any]:
    return {name: _mean(scores.mean(name, rows)) for name in scores.figures}


def _mean(one: Mean) -> dict[str, Any]:
    return {
        "mean": _number(one.mean),
        "median": _number(one.median),
        "count": one.count,
        "missing": one.missing,
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 4)


def people_lines(blocks: Sequence[Block]) -> Iterator[str]:
    """Yield a JSON object for each person under each estimator, figures by name, null where missing."""
    for block in blocks:
        for column in block.columns:
            scores = column.scores
            for row, one in enumerate(scores.subjects):
                figures = {name: _number(values[row]) for name, values in scores.figures.items()}
                yield json.dumps(
                    {
                        "shards": block.name,
                        "estimator": column.estimator.name,
                        "key": one.key,
                        "person": one.number,
                        "family": one.family,
                        "action": one.action,
                        "figures": figures,
                        "joints_mm": [_number(value) for value in scores.joint_errors[row]],
                    },
                    ensure_ascii=False,
                )
