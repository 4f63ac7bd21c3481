"""Charts as inline SVG: bars, shares, histograms, left-right pairs, ranges, a rose of directions.

Functions from numbers to markup; every text is escaped. Looks come from the page's style sheet through class
names, so that a chart follows light and dark mode. All are laid out for a column about 360 px wide.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from synthgen.report.histogram import Histogram, ticks

WIDTH = 360
MAX_BARS = 24  # of a histogram
NAME_WIDTH = 112  # left of horizontal bars
LIMIT_ROW = 15  # height of the words of a limit
GLYPH_WIDTH = 6.6  # of the charts' font, to keep names inside NAME_WIDTH


@dataclass(frozen=True)
class Scale:
    """Linear map from values [low, high] to pixels [start, stop]."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        """Return the pixel of a value."""
        span = self.high - self.low
        return self.start + (self.stop - self.start) * ((value - self.low) / span if span else 0.0)


def tag(name: str, attributes: Mapping[str, str | float], *children: str | Markup) -> Markup:
    """Return an element; attribute values and plain-text children are escaped."""
    shown = Markup("").join(
        Markup(' {}="{}"').format(key, value if isinstance(value, str) else f"{value:.2f}")
        for key, value in attributes.items()
    )
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), shown, Markup("").join(children))


def number(value: float) -> str:
    """Write a number for people: 12,345 or 31.4 or 0.042."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1 else f"{value:.2g}"


def text(x: float, y: float, content: str, kind: str = "") -> Markup:
    """Return text whose baseline begins (or ends, or is centred, by its class) at a point."""
    return tag("text", {"x": x, "y": y, "class": kind}, content)


def line(start: tuple[float, float], stop: tuple[float, float], kind: str) -> Markup:
    """Return a straight line."""
    return tag("line", {"x1": start[0], "y1": start[1], "x2": stop[0], "y2": stop[1], "class": kind})


def box(corner: tuple[float, float], size: tuple[float, float], kind: str, hint: str = "") -> Markup:
    """Return a rectangle that shows `hint` under the pointer."""
    shape = {"x": corner[0], "y": corner[1], "width": size[0], "height": size[1]}
    return tag("rect", {**shape, "class": kind}, *([tag("title", {}, hint)] if hint else []))


def canvas(size: tuple[float, float], summary: str, parts: Iterable[Markup]) -> Markup:
    """Return the picture; `summary` is what a screen reader says of it."""
    view = f"0 0 {size[0]:.0f} {size[1]:.0f}"
    return tag("svg", {"viewBox": view, "role": "img", "aria-label": summary, "class": "chart"}, *parts)


def _name(y: float, name: str) -> Markup:
    fits = int(NAME_WIDTH / GLYPH_WIDTH)
    short = name if len(name) <= fits else name[: fits - 1] + "…"
    return tag("text", {"x": NAME_WIDTH, "y": y, "class": "end name"}, short, tag("title", {}, name))


def bars(rows: Sequence[tuple[str, float]], total: float, unit: str, summary: str) -> Markup:
    """Draw a horizontal bar for each (name, count), with its count [unit] and its share of `total`."""
    row, scale = 21, Scale(0, max((n for _, n in rows), default=0), NAME_WIDTH + 8, WIDTH - 112)
    parts = []
    for place, (name, count) in enumerate(rows):
        y, end = place * row, scale(count)
        share, shown = f"{100 * count / (total or 1):.1f} %", f"{number(count)} {unit}".strip()
        parts += [
            _name(y + 14, name),
            box((scale.start, y + 4), (end - scale.start, row - 8), "bar", f"{name}: {shown}, {share}"),
            text(end + 6, y + 14, f"{shown} · {share}", "figure"),
        ]
    return canvas((WIDTH, max(len(rows), 1) * row), summary, parts)


def shares(names: Sequence[str], counts: NDArray[np.int64], kinds: Sequence[str], summary: str) -> Markup:
    """Draw a full-width bar for each name, divided as its row of counts (names, kinds); writes the first."""
    row, parts = 18, []
    for place, (name, values) in enumerate(zip(names, counts, strict=True)):
        y, total = place * row, max(int(values.sum()), 1)
        scale = Scale(0, total, NAME_WIDTH + 8, WIDTH - 40)
        parts.append(_name(y + 13, name))
        edges = np.concatenate([[0], np.cumsum(values)])
        for step, kind in enumerate(kinds):
            start, stop = scale(edges[step]), scale(edges[step + 1])
            hint = f"{name}, {kind}: {100 * int(values[step]) / total:.1f} %"
            parts.append(box((start, y + 3), (stop - start, row - 5), f"share{step}", hint))
        parts.append(text(WIDTH - 2, y + 13, f"{100 * int(values[0]) / total:.0f} %", "end figure"))
    return canvas((WIDTH, len(names) * row + 2), summary, parts)


def histogram(
    data: Histogram,
    axis: str,
    median: str,
    counted: str,
    summary: str,
    limits: Sequence[tuple[float, str]] = (),
) -> Markup:
    """Draw counts over a number, its median, and limits.

    Args:
        data: the counts.
        axis: name of the number, with its unit.
        median: as it is to be written.
        counted: what is counted.
        summary: what a screen reader says.
        limits: (value, words) each drawn as a dashed line with its words, a row each.
    """
    roof = 26 + LIMIT_ROW * len(limits)
    floor, height = roof + 114, roof + 152
    shown = _bars_within(data, [value for value, _ in limits])
    if not shown:
        return canvas((WIDTH, 40), summary, [text(WIDTH / 2, 24, "no values", "middle")])
    edges = [shown[0][0], shown[-1][1], *(value for value, _ in limits)]
    x = Scale(min(edges), max(edges), 44, WIDTH - 12)
    y = Scale(0, max(count for _, _, count in shown), floor, roof)
    counts = [tick for tick in ticks(0, y.high, 3) if tick == int(tick)]
    parts = [line((x.start, y(tick)), (x.stop, y(tick)), "grid") for tick in counts]
    parts += [text(x.start - 6, y(tick) + 4, f"{tick:,.0f}", "end") for tick in counts]
    for left, right, count in shown:
        hint = f"{number(left)} to {number(right)}: {count:,} {counted}"
        size = (max(x(right) - x(left) - 1, 0.5), floor - y(count))
        parts.append(box((x(left) + 0.5, y(count)), size, "bar", hint))
    parts.append(line((x.start, floor), (x.stop, floor), "axis"))
    parts += [text(x(tick), floor + 15, number(tick), "middle") for tick in ticks(x.low, x.high, 6)]
    flags = [(x(value), LIMIT_ROW * row + 12, words, "limit") for row, (value, words) in enumerate(limits)]
    flags.append((x(data.quantile(0.5)), roof - 8, f"median {median}", "mark"))
    parts += [line((place, top - 8), (place, floor), kind) for place, top, _, kind in flags]
    parts += [
        _flag(place, top, words, "strong" if kind == "mark" else kind) for place, top, words, kind in flags
    ]
    parts += [text((x.start + x.stop) / 2, height - 4, axis, "middle"), text(0, roof - 8, counted)]
    return canvas((WIDTH, height), summary, parts)


def _flag(x: float, y: float, words: str, kind: str) -> Markup:
    """Return words beside the upper end of a line, on the side where there is room."""
    side, shift = ("", 5) if x < WIDTH * 0.62 else ("end ", -5)
    return text(x + shift, y, words, side + kind)


def _bars_within(data: Histogram, limits: Sequence[float]) -> list[tuple[float, float, int]]:
    """Return bars as wide as MAX_BARS of them over values and limits together would be."""
    shown = data.bars(MAX_BARS)
    if not shown or not limits:
        return shown
    low, high = shown[0][0], shown[-1][1]
    part = (high - low) / (max(high, *limits) - min(low, *limits))
    return data.bars(max(round(part * MAX_BARS), 1))


def butterfly(above: Histogram, below: Histogram | None, summary: str) -> Markup:
    """Draw shares over 0 to 180 degrees, one histogram upwards and, where there is one, another downwards."""
    width, wing = 168, 34
    middle = wing + 6 if below is not None else 2 * wing + 8
    bottom = 2 * wing + 22
    joined = [data.counts.reshape(18, -1).sum(1) for data in (above, below) if data is not None]
    most = max(float((counts / max(counts.sum(), 1)).max()) for counts in joined) or 1.0
    x = Scale(0, 180, 4, width - 4)
    parts = [line((x(angle), 4), (x(angle), 2 * wing + 8), "grid") for angle in (0, 90, 180)]
    for counts, direction, kind in zip(joined, (-1, 1), ("left", "right"), strict=False):
        total = max(int(counts.sum()), 1)
        for place, count in enumerate(counts):
            reach = (wing if below is not None else 2 * wing) * int(count) / total / most
            y = middle - reach if direction < 0 else middle
            hint = f"{place * 10} to {place * 10 + 10}°: {100 * int(count) / total:.1f} %"
            kind_of = kind if below is not None else "bar"
            parts.append(box((x(place * 10) + 0.5, y), (x(10) - x(0) - 1, reach), kind_of, hint))
    parts.append(line((x.start, middle), (x.stop, middle), "axis"))
    anchors = {0: "", 90: "middle", 180: "end"}
    parts += [text(x(angle), bottom, f"{angle}°", kind) for angle, kind in anchors.items()]
    return canvas((width, bottom + 4), summary, parts)


def ranges(names: Sequence[str], data: Sequence[Histogram], unit: str, summary: str) -> Markup:
    """Draw for each name a line over the middle 90 % of values, a box over the middle half, the median."""
    row, top = 18, 4
    x = Scale(
        min([-1.0, *(item.quantile(0.05) for item in data)]),
        max([1.0, *(item.quantile(0.95) for item in data)]),
        NAME_WIDTH + 8,
        WIDTH - 12,
    )
    floor = top + row * len(names)
    parts = [line((x(tick), top), (x(tick), floor), "grid") for tick in ticks(x.low, x.high, 6)]
    for place, (name, item) in enumerate(zip(names, data, strict=True)):
        y = top + (place + 0.5) * row
        low, first, median, third, high = (x(item.quantile(q)) for q in (0.05, 0.25, 0.5, 0.75, 0.95))
        hint = f"{name}: median {number(item.quantile(0.5))}, middle half {number(item.quantile(0.25))}"
        hint += f" to {number(item.quantile(0.75))} {unit}"
        parts += [
            _name(y + 4, name),
            line((low, y), (high, y), "whisker"),
            box((first, y - 4.5), (third - first, 9), "bar", hint),
            line((median, y - 6), (median, y + 6), "mark"),
        ]
    parts += [text(x(tick), floor + 14, number(tick), "middle") for tick in ticks(x.low, x.high, 6)]
    parts.append(text((x.start + x.stop) / 2, floor + 30, unit, "middle"))
    return canvas((WIDTH, floor + 34), summary, parts)


ROSE_NAMES = ("away from the camera", "towards the camera", "picture left", "picture right")


def rose(counts: NDArray[np.int64], summary: str, names: tuple[str, str, str, str] = ROSE_NAMES) -> Markup:
    """Draw counts by direction seen from above; sector 0 points down, to the camera, the next to its right.

    The area of a sector is in proportion to its count; `names` are those of up, down, left and right.
    """
    centre, reach, height = (WIDTH / 2, 122.0), 96.0, 250
    largest, step = max(int(counts.max()), 1), 2 * math.pi / len(counts)
    parts = [
        tag("circle", {"cx": centre[0], "cy": centre[1], "r": reach * part, "class": "grid"})
        for part in (0.5, 1)
    ]
    for sector, count in enumerate(counts):
        radius = reach * math.sqrt(int(count) / largest)
        ends = [(sector + side) * step for side in (-0.5, 0.5)]
        (x0, y0), (x1, y1) = (
            (centre[0] + radius * math.sin(angle), centre[1] + radius * math.cos(angle)) for angle in ends
        )
        arc = f"A{radius:.1f} {radius:.1f} 0 0 0 {x1:.1f} {y1:.1f}"
        path = f"M{centre[0]:.1f} {centre[1]:.1f}L{x0:.1f} {y0:.1f}{arc}Z"
        hint = f"{math.degrees(sector * step):.0f}°: {int(count):,} people"
        parts.append(tag("path", {"d": path, "class": "bar"}, tag("title", {}, hint)))
    parts += [
        text(centre[0], 16, names[0], "middle"),
        text(centre[0], height - 8, names[1], "middle"),
        text(centre[0] - reach - 8, centre[1] + 4, names[2], "end"),
        text(centre[0] + reach + 8, centre[1] + 4, names[3]),
    ]
    return canvas((WIDTH, height), summary, parts)
