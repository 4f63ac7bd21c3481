"""A paper's table with ours in it: lines for the terminal, Markdown, and plain values for JSON."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen import __version__
from synthgen.evaluation.columns import Block, Column
from synthgen.evaluation.figures import Figure
from synthgen.evaluation.tables import cell
from synthgen.paper_tables.sets import ESTIMATE, MEAN, PLAIN, SCORE, PaperSet, Row

SCHEMA = 1
ABSENT = "–"
LABELS = ("hidden", "SMPL body", "3D joints", "2D joints")  # that some figures need, and others do not


@dataclass(frozen=True)
class Table:
    """What is written.

    Attributes:
        name: of the table.
        paper: where the published figures are from: paper, table, rows and columns.
        sets: by name, in the order of the table.
        rows: published, in the order of the table.
        chosen: method of the row that ours are compared with; "" for none.
        instead: methods that ours are compared with instead, by what stands behind the estimator's name.
        mean: title of a last column, the mean over all sets; "" for none.
        blocks: what was measured, by name of the set; sets that were not measured are absent.
        unread: why a set was not measured, in words, by its name.
        regressor: in words, what blends Human3.6M's joints; "" for this package's own blends.
    """

    name: str
    paper: str
    sets: Mapping[str, PaperSet]
    rows: Sequence[Row]
    chosen: str
    instead: Mapping[str, str]
    mean: str
    blocks: Mapping[str, Block]
    unread: Mapping[str, str]
    regressor: str

    def compared(self, method: str) -> str:
        """Return the published method that one of ours is compared with; "" for none."""
        behind = next((one for one in (SCORE, PLAIN) if method.endswith(one)), ESTIMATE)
        return self.instead.get(behind, self.chosen)

    def published(self, name: str, method: str) -> dict[str, float]:
        """Return the figures on a set of a published method."""
        found = [row.values.get(name, {}) for row in self.rows if row.method == method]
        return dict(found[0]) if found else {}

    def columns(self) -> list[tuple[str, Figure]]:
        """Return sets and figures, in the order of the table; last the means, where it has some."""
        found = [(name, figure) for name, one in self.sets.items() for figure in one.columns]
        last = next(iter(self.sets.values())).columns if self.mean else []
        return found + [(MEAN, figure) for figure in last]

    def title(self, name: str) -> str:
        """Return what the table calls a set, or the means."""
        return self.sets[name].title if name in self.sets else self.mean

    def methods(self) -> list[str]:
        """Return the names of the estimators, refined ones as well."""
        return [column.estimator.name for column in next(iter(self.blocks.values())).columns]

    def ours(self, method: str, name: str, figure: Figure) -> float:
        """Return what an estimator comes to on a set, or over all sets; NaN where not all were measured."""
        if name == MEAN:
            return float(np.mean([self.ours(method, one, figure) for one in self.sets]))
        columns = self.blocks[name].columns if name in self.blocks else ()
        found = [one.scores.mean(figure.name).mean for one in columns if one.estimator.name == method]
        return found[0] if found else math.nan


def lines(table: Table) -> Iterator[str]:
    """Yield what the terminal shows: for each set ours, the published figure, and how far they are apart."""
    yield f"{table.name}: {table.paper}"
    for name, one in table.sets.items():
        yield ""
        if name in table.unread:
            yield f"{one.title}: not measured: {table.unread[name]}"
            continue
        yield f"{one.title}: {_count(table, name)}"
        yield from _beside(table, name)
        yield from (f"  {said}" for said in (*one.stated(table.regressor), *_gaps(table, name)))
    if table.mean:
        yield ""
        yield f"{table.mean} over all sets:"
        yield from _beside(table, MEAN)


def _beside(table: Table, name: str) -> Iterator[str]:
    width = max(map(len, table.methods()))
    for method in table.methods():
        beside = table.compared(method)
        published, head = table.published(name, beside), f"published: {beside}"
        for _, figure in [one for one in table.columns() if one[0] == name]:
            mean, told = table.ours(method, name, figure), published.get(figure.name)
            unit = f"[{figure.unit}]"
            yield (
                f"  {method:<{width}}  {figure.title:<16} {unit:<11} ours {figure.shown(mean):>7}"
                f"   {head} {_told(told):>6}{_apart(figure, mean, told)}"
            )


def _count(table: Table, name: str) -> str:
    one, scores = table.sets[name], table.blocks[name].scores
    said = f"{len(scores.subjects):,} people in {scores.pictures:,} pictures"
    if one.people:
        said += f"; the paper counts {one.people:,}"
        said += "" if len(scores.subjects) == one.people else ": NOT the same people"
    return said


def _gaps(table: Table, name: str) -> Iterator[str]:
    block, one = table.blocks[name], table.sets[name]
    words: dict[str, int] = {}
    for column in block.columns:
        words |= column.scores.gaps
    needs = " ".join(figure.needs for figure in one.columns)
    silent = [label for label in LABELS if label not in needs]
    yield from (
        f"{count:,} {text}"
        for text, count in sorted(words.items())
        if not any(label in text for label in silent)
    )
    for figure in one.columns:
        if not block.scores.mean(figure.name).count:
            yield f"{figure.title} is missing: {_why(figure, words)}"
    joints = block.scores.joint_means()
    unknown = [joint for joint, mean in joints.items() if not mean.count]
    if unknown and len(unknown) < len(joints):
        yield f"joints that nobody here has, which do not count: {', '.join(unknown)}"


def _why(figure: Figure, gaps: Mapping[str, int]) -> str:
    if figure.name == "mpvpe" and not any("SMPL" in text for text in gaps):
        return "the estimated bodies have other vertices than the labelled ones"
    return f"nobody here has {figure.needs}"


def _told(value: float | None) -> str:
    return ABSENT if value is None else f"{value:g}"


def _apart(figure: Figure, mean: float, told: float | None) -> str:
    if told is None or math.isnan(mean):
        return ""
    ours = 100 * mean if figure.unit == "%" else mean
    return f"  ({ours - told:+.1f})".replace("-", "−")


def markdown(table: Table) -> str:
    """Return the whole table, ours below the published rows, and what is measured of each set."""
    columns = table.columns()
    shown = [f"# {cell(table.name)}", "", cell(table.paper), ""]
    titles = [f"{cell(table.title(name))} {figure.title} [{figure.unit}]" for name, figure in columns]
    shown += [_row(["method", *titles]), _row([":--", *["--:"] * len(titles)])]
    for row in table.rows:
        method = f"**{cell(row.method)}**" if row.method == table.chosen else cell(row.method)
        shown.append(_row([method, *(_told(row.value(name, figure.name)) for name, figure in columns)]))
    for method in table.methods():
        values = [figure.shown(table.ours(method, name, figure)) for name, figure in columns]
        shown.append(_row([f"ours: {cell(method)}", *values]))
    shown.append("")
    for name, one in table.sets.items():
        said = f"not measured: {table.unread[name]}" if name in table.unread else _count(table, name)
        shown += [f"## {cell(one.title)}", "", cell(said), ""]
        shown += [f"- {cell(words)}" for words in one.stated(table.regressor)]
        if name not in table.unread:
            shown += [f"- {cell(gap)}" for gap in _gaps(table, name)]
        shown.append("")
    return "\n".join(shown).rstrip() + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def record(table: Table, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything as plain values for JSON; figures are in the units that papers write (mm, %)."""
    return {
        "schema": SCHEMA,
        "synthgen_version": __version__,
        "name": table.name,
        "paper": table.paper,
        "compared_with": table.chosen,
        "published": [{"method": row.method, **row.values} for row in table.rows],
        "sets": [_set(table, name) for name in table.sets],
        "settings": dict(settings),
    }


def _set(table: Table, name: str) -> dict[str, Any]:
    one = table.sets[name]
    known: dict[str, Any] = {"name": name, "title": one.title, "stated": one.stated(table.regressor)}
    known["protocol"] = {
        "name": one.protocol,
        "joint_set": one.measures.joint_set.name,
        "joints": list(one.measures.joints),
        "root": list(one.measures.root),
        "note": one.measures.note,
    }
    if name in table.unread:
        return {**known, "not_measured": table.unread[name]}
    block = table.blocks[name]
    return {
        **known,
        "source": block.source,
        "pictures": block.scores.pictures,
        "people": len(block.scores.subjects),
        "people_of_paper": one.people or None,
        "gaps": list(_gaps(table, name)),
        "ours": [_column(table, name, column) for column in block.columns],
    }


def _column(table: Table, name: str, column: Column) -> dict[str, Any]:
    beside = table.compared(column.estimator.name)
    published = table.published(name, beside)
    figures = {}
    for figure in table.sets[name].columns:
        mean = column.scores.mean(figure.name)
        scale = 100 if figure.unit == "%" else 1
        value = None if math.isnan(mean.mean) else round(scale * mean.mean, 4)
        figures[figure.name] = {
            "unit": figure.unit,
            "ours": value,
            "published": published.get(figure.name),
            "people": mean.count,
        }
    return {**vars(column.estimator), "compared_with": beside, "figures": figures}
