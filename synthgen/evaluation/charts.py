"""Charts of an evaluation as inline SVG, in the manner of `synthgen.report.charts`; a colour an estimator."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from synthgen.report.charts import LIMIT_ROW, NAME_WIDTH, WIDTH, Scale, canvas, line, tag, text
from synthgen.report.histogram import ticks

ROW = 21
TOP = 6
RADIUS = 4.5
NUM_COLORS = 6  # classes series0 …; estimators beyond share the last


def series(place: int) -> str:
    """Return the class of an estimator's colour."""
    return f"series{min(place, NUM_COLORS - 1)}"


def dots(
    rows: Sequence[tuple[str, Sequence[float]]], names: Sequence[str], unit: str, summary: str
) -> Markup:
    """Draw a row for each name with a dot for each estimator, joined by a line; values start at 0.

    Args:
        rows: name, and a value for each estimator; NaN draws no dot.
        names: of the estimators.
        unit: of the values.
        summary: what a screen reader says.
    """
    there = [value for _, values in rows for value in values if not math.isnan(value)]
    x = Scale(0, max(there, default=1.0) * 1.04 or 1.0, NAME_WIDTH + 8, WIDTH - 46)
    floor = TOP + ROW * len(rows)
    parts = [line((x(tick), TOP), (x(tick), floor), "grid") for tick in ticks(x.low, x.high, 5)]
    for place, (name, values) in enumerate(rows):
        y = TOP + (place + 0.5) * ROW
        parts.append(_name(y + 4, name))
        known = [(number, value) for number, value in enumerate(values) if not math.isnan(value)]
        if not known:
            parts.append(text(x.start, y + 4, "no label", "soft"))
            continue
        ends = [x(value) for _, value in known]
        parts.append(line((min(ends), y), (max(ends), y), "link"))
        for number, value in reversed(known):
            hint = tag("title", {}, f"{name}, {names[number]}: {value:.1f} {unit}")
            where: dict[str, str | float] = {"cx": x(value), "cy": y, "r": RADIUS, "class": series(number)}
            parts.append(tag("circle", where, hint))
        parts.append(text(WIDTH - 2, y + 4, f"{known[-1][1]:.0f}", "end figure"))
    parts += [text(x(tick), floor + 14, f"{tick:,.0f}", "middle") for tick in ticks(x.low, x.high, 5)]
    parts.append(text((x.start + x.stop) / 2, floor + 30, unit, "middle"))
    return canvas((WIDTH, floor + 36), summary, parts)


def shares_below(values: Sequence[Sequence[float]], names: Sequence[str], unit: str, summary: str) -> Markup:
    """Draw, for each estimator, the part of people whose error is at most so much; errors without NaN."""
    roof, floor, height = 12, 172, 172 + 36
    most = max((sorted(one)[int(0.98 * (len(one) - 1))] for one in values if len(one)), default=1.0)
    x, y = Scale(0, max(most, 1e-6), 44, WIDTH - 12), Scale(0, 1, floor, roof)
    parts: list[Markup] = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts.append(line((x.start, y(share)), (x.stop, y(share)), "axis" if share == 0 else "grid"))
        parts.append(text(x.start - 6, y(share) + 4, f"{share:.0%}", "end"))
    parts += [text(x(tick), floor + 15, f"{tick:,.0f}", "middle") for tick in ticks(0, x.high, 6)]
    for number, one in enumerate(values):
        if not len(one):
            continue
        ordered = sorted(one)
        steps = sorted({round(place * (len(ordered) - 1) / 99) for place in range(100)})
        shown = [step for step in steps if ordered[step] <= x.high]
        path = [(x(ordered[step]), y((step + 1) / len(ordered))) for step in shown]
        start = [(path[0][0], float(floor))] if path else []
        points = " ".join(f"{left:.1f},{top:.1f}" for left, top in [*start, *path])
        kind = f"curve {series(number)}"
        parts.append(tag("polyline", {"points": points, "class": kind}, tag("title", {}, names[number])))
    parts.append(text((x.start + x.stop) / 2, floor + 15 + LIMIT_ROW, unit, "middle"))
    return canvas((WIDTH, height), summary, parts)


def _name(y: float, name: str) -> Markup:
    fits = int(NAME_WIDTH / 6.6)
    short = name if len(name) <= fits else name[: fits - 1] + "…"
    return tag("text", {"x": NAME_WIDTH, "y": y, "class": "end name"}, short, tag("title", {}, name))
