"""Shoes, ski boots and gloves: paint, melted toes and fingers, and caps that close the toes."""

import numpy as np

from synthgen.scenes.body_map import BodyMap
from synthgen.scenes.garments import Canvas, arm_band, leg_band, sole
from synthgen.scenes.meshes import Mesh, ellipsoid
from synthgen.scenes.palette import Color, dye
from synthgen.surface import Material


def toe_caps(body: BodyMap, material: Material, thickness: float) -> list[tuple[str, Mesh]]:
    """Return a rounded cap over the toes of each foot, rest frame, with the joint that it moves with.

    Args:
        body: whose toes.
        material: of the cap.
        thickness: of the shoe [m].
    """
    caps = []
    for side, sign in (("left", 1), ("right", -1)):
        start = float(body.points[f"{side}_foot"][2])
        is_toe = (body.leg > 2.2) & (body.vertices[:, 2] > start) & (body.vertices[:, 0] * sign > 0)
        low, high = body.vertices[is_toe].min(0), body.vertices[is_toe].max(0)
        wide, tall = (high - low)[:2] / 2 + (thickness - 0.002, thickness - 0.005)
        long = 0.62 * (high[2] - start + 0.02) + thickness - 0.005
        cap = ellipsoid((wide, tall, long), material, 12, 8)
        middle = ((low[0] + high[0]) / 2, low[1] + tall - 0.004, high[2] + thickness + 0.001 - long)
        caps.append((f"{side}_foot", cap.at(*middle)))
    return caps


def wear_shoes(canvas: Canvas, rng: np.random.Generator) -> list[tuple[str, Mesh]]:
    """Put on trainers, mostly over socks."""
    body = canvas.body
    color = dye(str(rng.choice(["white", "black", "grey", "red", "blue", "brown", "yellow"])), rng)
    if rng.uniform() < 0.7:
        sock = dye(str(rng.choice(["white", "white", "black", "grey"])), rng)
        canvas.paint(leg_band(body, rng.uniform(1.62, 1.9)), Material(sock), 0.3)
    leather = Material(color, roughness=0.6)
    canvas.melt(leg_band(body, 1.97))
    canvas.paint(leg_band(body, 1.97), leather, 0.9)
    rim = dye(str(rng.choice(["white", "white", "black", "beige"])), rng)
    canvas.paint(sole(body, 0.016), Material(rim), 1.2)
    return toe_caps(body, leather, 0.009)


def wear_ski_boots(canvas: Canvas, color: Color, accent: Color) -> list[tuple[str, Mesh]]:
    """Put on a pair of stiff boots with a buckled cuff."""
    body, shell = canvas.body, Material(color, roughness=0.3)
    canvas.melt(leg_band(body, 1.97))
    canvas.paint(leg_band(body, 1.62), shell, 2.2)
    canvas.paint(leg_band(body, 1.70, 1.76), Material(accent, roughness=0.3), 2.4)
    return toe_caps(body, shell, 0.024)


def wear_gloves(canvas: Canvas, color: Color) -> None:
    """Put on thick gloves."""
    canvas.melt(arm_band(canvas.body, 2.0))
    canvas.paint(arm_band(canvas.body, 1.88), Material(color), 1.5)
