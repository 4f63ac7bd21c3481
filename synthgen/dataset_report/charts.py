"""Charts that only the data set report has, as inline SVG: a map of poses, stick figures."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from synthgen.dataset_report.poses import BONES, TRUNK, joint
from synthgen.report.charts import WIDTH, Scale, canvas, line, tag, text

MAP_HEIGHT = 300
MAX_DOTS = 1500  # of one kind
STICK = (64, 96)  # width and height of a stick figure
REACH = 1.05  # [m] that a stick figure shows to each side of the hips

Array = NDArray[np.floating]


def scatter(sets: Sequence[tuple[str, Array]], axes: tuple[str, str], summary: str) -> Markup:
    """Draw points (N, 2) of several kinds, those of the first kind below.

    Args:
        sets: (class of the colour, points).
        axes: names of the axes.
        summary: what a screen reader says.
    """
    all_points = np.concatenate([points for _, points in sets]) if sets else np.zeros((0, 2))
    if not len(all_points):
        return canvas((WIDTH, 40), summary, [text(WIDTH / 2, 24, "no values", "middle")])
    low, high = np.quantile(all_points, 0.001, 0), np.quantile(all_points, 0.999, 0)
    pad = np.maximum(0.06 * (high - low), 1e-3)
    x = Scale(float(low[0] - pad[0]), float(high[0] + pad[0]), 20, WIDTH - 6)
    y = Scale(float(low[1] - pad[1]), float(high[1] + pad[1]), MAP_HEIGHT - 24, 6)
    parts = [
        line((x.start, y.start), (x.stop, y.start), "axis"),
        line((x.start, y.start), (x.start, y.stop), "axis"),
    ]
    for kind, points in sets:
        shown = points[np.linspace(0, len(points) - 1, min(len(points), MAX_DOTS)).astype(int)]
        places = [
            (x(float(np.clip(a, x.low, x.high))), y(float(np.clip(b, y.low, y.high)))) for a, b in shown
        ]
        path = "".join(f"M{a:.1f} {b:.1f}h0" for a, b in places)
        parts.append(tag("path", {"d": path, "class": f"dots {kind}"}))
    parts.append(text((x.start + x.stop) / 2, MAP_HEIGHT - 6, axes[0], "middle"))
    turned: dict[str, str | float] = {
        "x": -MAP_HEIGHT / 2,
        "y": 12.0,
        "class": "middle",
        "transform": "rotate(-90)",
    }
    parts.append(tag("text", turned, axes[1]))
    return canvas((WIDTH, MAP_HEIGHT), summary, parts)


def stick_figure(pose: Array, words: str) -> Markup:
    """Draw a pose (12, 3) [m], in the person's own frame, from the front: their left is on our right."""
    width, height = STICK
    scale = height / (2 * REACH)

    def place(name: str) -> tuple[float, float]:
        x, y, _ = pose[joint(name)]
        return width / 2 + scale * float(x), height / 2 - scale * float(y - 0.05)

    parts = [line(place(a), place(b), "trunk") for a, b in TRUNK]
    for a, b in BONES:
        parts.append(line(place(a), place(b), "left" if a.startswith("left") else "right"))
    shoulders = np.mean([pose[joint(f"{side}_shoulder")] for side in ("left", "right")], 0)
    head = (width / 2 + scale * float(shoulders[0]), height / 2 - scale * float(shoulders[1] + 0.17))
    parts.append(tag("circle", {"cx": head[0], "cy": head[1], "r": 0.1 * scale, "class": "trunk"}))
    return tag(
        "svg",
        {"class": "stick", "viewBox": f"0 0 {width} {height}", "role": "img", "aria-label": words},
        *parts,
    )
