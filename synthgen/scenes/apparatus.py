"""What sports are done on: beam, bars, rings, vault, boards, hurdles, mats, chairs; fixed in the world.

Each is laid out under, around or above a posed figure that faces +z.
"""

from collections.abc import Callable

import numpy as np

from synthgen.geometry import Array
from synthgen.scenes.figure import Figure
from synthgen.scenes.held import SIDES, UP, grip
from synthgen.scenes.meshes import Mesh, box, frame_along, merge, tube
from synthgen.scenes.palette import BRIGHT, dye, shade, vary
from synthgen.surface import Material

_STEEL = Material((0.62, 0.63, 0.65), roughness=0.25)


def _wood(rng: np.random.Generator) -> Material:
    color = vary((0.66, 0.47, 0.28), 0.1, rng)
    return Material(color, shade(color, 0.75), "wood", 0.08, 0.6)


def contact(figure: Figure, depth: float = 0.03) -> tuple[Array, Array]:
    """Return middle (3,) and level direction (3,) of what lies within `depth` [m] of the lowest point."""
    low = figure.cloth[figure.cloth[:, 1] < figure.cloth[:, 1].min() + depth]
    middle = (low.min(0) + low.max(0)) / 2
    spread = (low - middle)[:, [0, 2]]
    values, vectors = np.linalg.eigh(spread.T @ spread)
    if values[1] < 2 * values[0] or np.ptp(spread @ vectors[:, 1]) < 0.2:
        return middle, np.array([0.0, 0.0, 1.0])
    return middle, np.array([vectors[0, 1], 0.0, vectors[1, 1]])


def beam(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a balance beam under the lowest point."""
    middle, along = contact(figure)
    top = float(figure.cloth[:, 1].min())
    suede = Material(vary((0.80, 0.66, 0.48), 0.05, rng), roughness=0.9)
    rotation, start = (
        frame_along(along, np.cross(UP, along)),
        middle * (1, 0, 1) + rng.uniform(-1.2, 1.2) * along,
    )
    bar = box((0.11, 0.15, 5.0), suede).moved(rotation, start + (top - 0.15) * UP)
    legs = []
    for side in (-1.7, 1.7):
        foot = start + side * along
        for lean in (-0.3, 0.3):
            spread = foot + lean * rotation[:, 0]
            legs.append(tube([spread, foot + max(top - 0.14, 0.02) * UP], 0.03, _STEEL, 6))
    return [bar, *legs] if top > 0.3 else [bar]


def _bar(figure: Figure, rng: np.random.Generator, length: float, material: Material) -> list[Mesh]:
    left, right = grip(figure, "left"), grip(figure, "right")
    across = (left - right) * (1, 0, 1)
    across = across / max(float(np.linalg.norm(across)), 1e-6)
    middle = (left + right) / 2
    ends = [middle + side * length / 2 * across for side in (-1, 1)]
    meshes = [tube(ends, 0.018, material)]
    for end in ends:
        meshes.append(tube([end * (1, 0, 1), end], 0.035, _STEEL, 8))
    return meshes


def bar(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a horizontal bar in the hands; a second, higher or lower one beside it now and then."""
    meshes = _bar(figure, rng, rng.uniform(2.2, 2.5), _wood(rng) if rng.uniform() < 0.6 else _STEEL)
    if rng.uniform() < 0.5:
        back = np.array([0.0, rng.choice([-0.8, 0.8]), float(rng.choice([-1.6, 1.6]))])
        if all(float(mesh.vertices[:, 1].max()) + back[1] > 0.6 for mesh in meshes[:1]):
            rail = meshes[0].moved(np.eye(3), back)
            posts = []
            for end in (rail.vertices[:8].mean(0), rail.vertices[8:].mean(0)):
                posts.append(tube([end * (1, 0, 1), end], 0.035, _STEEL))
            meshes += [rail, *posts]
    return meshes


def rings(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a ring in each hand, on straps from high above."""
    meshes = []
    for side in SIDES:
        hand = grip(figure, side)
        angles = np.linspace(0, 2 * np.pi, 15)
        circle = hand + (0, 0.1, 0) + 0.1 * np.stack([np.sin(angles), -np.cos(angles), 0 * angles], -1)
        meshes.append(tube(circle, 0.014, _wood(rng), 6))
        top = hand + (0, 0.2, 0)
        meshes.append(tube([top, top + (0, 3.0, 0)], 0.012, Material((0.9, 0.88, 0.8)), 4))
    return meshes


def vault(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a vaulting table under the hands and a springboard before it."""
    hands = (grip(figure, "left") + grip(figure, "right")) / 2
    lowest = min(float(grip(figure, side)[1]) for side in SIDES)
    color = dye(str(rng.choice(["blue", "red", "beige", "navy"])), rng)
    top = max(lowest - 0.045, 0.5)
    table = box((0.95, 0.3, 1.1), Material(color, roughness=0.7)).at(hands[0], top - 0.3, hands[2] + 0.2)
    leg = box((0.35, max(top - 0.3, 0.05), 0.4), Material(shade(color, 0.5))).at(hands[0], 0, hands[2] + 0.2)
    ramp = box((0.6, 0.2, 1.1), _wood(rng)).at(hands[0], 0, hands[2] - 1.6)
    return [table, leg, ramp]


def mat(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a thin mat under the person: long and narrow for yoga, larger for gymnastics."""
    low, high = figure.cloth.min(0), figure.cloth.max(0)
    middle = (low + high) / 2
    color = dye(str(rng.choice([*BRIGHT, "grey", "black", "navy"])), rng)
    wide = figure.pose.family == "gymnastics"
    span = high - low
    turned = np.pi / 2 if span[0] > span[2] + 0.2 else 0.0
    length = max(1.8, float(max(span[0], span[2])) * 0.95) if not wide else rng.uniform(2.4, 5.0)
    size = (rng.uniform(1.6, 3.0) if wide else rng.uniform(0.62, 0.75), 0.016, length)
    return [
        box(size, Material(color, shade(color, 0.92), "speckle", 0.03))
        .at(middle[0], -0.009, middle[2], turned)
        .on_layer(0)
    ]


def springboard(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a diving board behind somebody in the air, or under the feet of somebody who stands on it."""
    low, high = figure.cloth.min(0), figure.cloth.max(0)
    is_tower = rng.uniform() < (
        1.0 if "platform" in figure.pose.verb else 0.0 if "board" in figure.pose.verb else 0.4
    )
    paint = Material(dye(str(rng.choice(["white", "blue", "grey", "teal"])), rng), roughness=0.7)
    if figure.pose.support == "air":
        top = max(float(low[1]) - rng.uniform(-0.6, 0.9), 0.5)
        tip = np.array([0.5 * (low[0] + high[0]), top, float(low[2]) - rng.uniform(0.45, 1.3)])
    else:
        middle, _ = contact(figure, 0.05)
        tip = np.array([middle[0], float(low[1]), float(middle[2]) + rng.uniform(0.05, 0.2)])
    width, thick, length = (2.0, 0.25, 4.5) if is_tower else (0.5, 0.05, 4.2)
    plank = box((width, thick, length), paint).at(tip[0], tip[1] - thick, tip[2] - length / 2)
    post = box((0.5 if is_tower else 0.3, max(tip[1] - thick, 0.05), 0.6), Material((0.70, 0.72, 0.74)))
    meshes = [plank, post.at(tip[0], 0, tip[2] - length * 0.72)]
    for side in (-1, 1):
        x, y = tip[0] + side * (width / 2 - 0.02), tip[1]
        rail = [
            (x, y, tip[2] - length * 0.95),
            (x, y + 0.9, tip[2] - length * 0.95),
            (x, y + 0.9, tip[2] - length * 0.5),
            (x, y, tip[2] - length * 0.5),
        ]
        meshes.append(tube(rail, 0.02, _STEEL, 6))
    return [merge(meshes[:2]), *meshes[2:]]


def hurdle(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a hurdle just below the hips of somebody who clears it, and more of them down the track."""
    pelvis = figure.point("pelvis")
    near = np.abs(figure.cloth[:, 2] - pelvis[2]) < 0.12
    under = float(figure.cloth[near, 1].min()) if near.any() else 1.0
    top = float(np.clip(under - 0.05, 0.4, 1.07))
    color = dye(str(rng.choice(["red", "blue", "black", "green", "orange"])), rng)
    plank = Material((0.96, 0.96, 0.95), color, "stripes", 0.5, 0.5)
    meshes = []
    for row in range(int(rng.integers(1, 4))):
        parts = [box((1.18, 0.07, 0.025), plank).at(0, top - 0.07, 0)]
        for x in (-0.55, 0.55):
            parts += [
                box((0.035, top - 0.05, 0.035), _STEEL).at(x, 0, 0),
                box((0.04, 0.03, 0.7), _STEEL).at(x, 0, -0.3),
            ]
        meshes.append(merge(parts).at(pelvis[0], 0, pelvis[2] + row * 8.5))
    return meshes


def crossbar(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return crossbar, uprights and soft mats of a high jump or pole vault: under or before the jumper."""
    pelvis, low = figure.point("pelvis"), figure.cloth.min(0)
    is_over = figure.pose.support == "air"
    at = float(pelvis[2]) if is_over else float(figure.cloth[:, 2].max()) + rng.uniform(0.3, 0.8)
    near = np.abs(figure.cloth[:, 2] - at) < 0.12
    under = (
        float(figure.cloth[near, 1].min()) - rng.uniform(0.03, 0.1) if near.any() else rng.uniform(1.3, 1.9)
    )
    top = max(under, 0.6)
    color = dye(str(rng.choice(["blue", "red", "green", "navy", "yellow"])), rng)
    rail = Material((0.95, 0.9, 0.3), (0.1, 0.1, 0.1), "stripes", 0.5, 0.4)
    x = float(pelvis[0])
    meshes: list[Mesh] = [tube([(x - 2.0, top, at), (x + 2.0, top, at)], 0.016, rail)]
    meshes += [box((0.06, top + 0.4, 0.06), _STEEL).at(x + side, 0, at) for side in (-2.06, 2.06)]
    deep = float(min(0.75, max(low[1] - 0.05, 0.1))) if is_over else 0.75
    pad = box((5.0, deep, 3.2), Material(color, shade(color, 0.8), "checks", 1.25))
    return [*meshes, pad.at(x, 0, at + 1.85)]


def sand_pit(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return the sand of a long jump ahead of the jumper, and the board behind."""
    pelvis = figure.point("pelvis")
    color = vary((0.86, 0.76, 0.56), 0.05, rng)
    sand = box((3.0, 0.012, 9.0), Material(color, shade(color, 0.85), "speckle", 0.08))
    start = float(pelvis[2]) - rng.uniform(-0.5, 1.5)
    plank = box((1.22, 0.012, 0.2), Material((0.95, 0.95, 0.95)))
    return [
        sand.at(pelvis[0], -0.004, start + 4.5).on_layer(0),
        plank.at(pelvis[0], -0.004, start - rng.uniform(1.0, 2.5)).on_layer(0),
    ]


def starting_blocks(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return blocks behind both feet."""
    paint = Material(_rail_color(rng), roughness=0.5)
    meshes = []
    for side in SIDES:
        heel, toe = figure.point(f"{side}_heel"), figure.point(f"{side}_big_toe")
        back = heel * (1, 0, 1) - 0.03 * (toe - heel) * (1, 0, 1)
        meshes.append(box((0.11, max(float(heel[1]) * 0.7, 0.1), 0.04), paint).at(back[0], 0, back[2] - 0.04))
    middle = (figure.point("left_heel") + figure.point("right_heel")) / 2
    meshes.append(box((0.06, 0.03, 0.9), _STEEL).at(middle[0], 0, middle[2]))
    return meshes


def _rail_color(rng: np.random.Generator) -> tuple[float, float, float]:
    return dye(str(rng.choice([*BRIGHT, "black"])), rng)


def chair(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a chair, a stool or a bench under the seat of somebody who sits."""
    pelvis, seat = figure.point("pelvis"), min(_seat_height(figure), 0.5)
    facing = figure.rotation("pelvis")[:, 2] * (1, 0, 1)
    heading = float(np.arctan2(facing[0], facing[2]))
    wood = (
        _wood(rng)
        if rng.uniform() < 0.5
        else Material(dye(str(rng.choice([*BRIGHT, "white", "black", "grey"])), rng))
    )
    kind = float(rng.uniform())
    width = 1.4 if kind < 0.2 else 0.44
    parts = [box((width, 0.045, 0.44), wood).at(0, seat - 0.045, 0.04)]
    legs = max(seat - 0.045, 0.02)
    for x in (-0.45, 0.45):
        parts += [box((0.04, legs, 0.04), wood).at(x * width, 0, z) for z in (-0.15, 0.23)]
    if kind > 0.35:  # a back
        gap = _behind(figure, facing)
        parts += [box((0.04, 0.5, 0.03), wood).at(x * width, seat, -gap) for x in (-0.45, 0.45)]
        parts += [box((width, 0.12, 0.025), wood).at(0, seat + y, -gap) for y in (0.2, 0.38)]
        parts.append(
            box((width, 0.045, max(gap - 0.16, 0.02)), wood).at(0, seat - 0.045, -0.16 - (gap - 0.16) / 2)
        )
    return [merge(parts).at(pelvis[0], 0, pelvis[2], heading)]


def _seat_height(figure: Figure) -> float:
    """Return the height of the underside of the buttocks [m]."""
    pelvis = figure.point("pelvis")
    near = np.linalg.norm((figure.cloth - pelvis)[:, [0, 2]], axis=1) < 0.14
    near &= figure.cloth[:, 1] > pelvis[1] - 0.35
    return max(float(figure.cloth[near, 1].min()), 0.06) if near.any() else 0.45


def _behind(figure: Figure, facing: Array) -> float:
    """Return how far the back of the trunk reaches behind the pelvis [m]."""
    pelvis = figure.point("pelvis")
    facing = facing / max(float(np.linalg.norm(facing)), 1e-6)
    trunk = (figure.cloth[:, 1] > pelvis[1]) & (figure.cloth[:, 1] < pelvis[1] + 0.5)
    side = np.abs((figure.cloth - pelvis) @ np.cross(UP, facing)) < 0.2
    reach = -((figure.cloth[trunk & side] - pelvis) @ facing)
    return float(np.clip(reach.max() + 0.03, 0.15, 0.6)) if len(reach) else 0.25


def step(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a step or low box under the higher foot."""
    side = max(SIDES, key=lambda s: float(figure.point(f"{s}_heel")[1]))
    foot = figure.cloth[figure.body.soles[side]]
    top, middle = float(foot[:, 1].min()), foot.mean(0)
    color = vary((0.62, 0.60, 0.58), 0.08, rng)
    if top < 0.06:
        return []
    stone = Material(color, shade(color, 0.85), "speckle", 0.05)
    forward = figure.rotation("pelvis")[:, 2]
    turned = float(np.arctan2(forward[0], forward[2]))
    depth = rng.uniform(0.3, 0.45)
    shift = middle + 0.5 * (depth - 0.28) * forward * (1, 0, 1)
    return [box((rng.uniform(0.5, 1.2), top, depth), stone).at(shift[0], 0, shift[2], turned)]


def apparatus_for(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return what a figure's action needs, fixed in the world; nothing for most."""
    needs_chair = not figure.pose.apparatus and "chair" in figure.pose.verb
    builder = APPARATUS.get("chair" if needs_chair else figure.pose.apparatus)
    return builder(figure, rng) if builder else []


Builder = Callable[[Figure, np.random.Generator], list[Mesh]]
APPARATUS: dict[str, Builder] = {
    "beam": beam, "bar": bar, "high_bar": crossbar, "rings": rings, "vault": vault, "mat": mat,
    "springboard": springboard, "hurdle": hurdle, "pit": sand_pit, "blocks": starting_blocks,
    "chair": chair, "step": step,
}  # fmt: skip
