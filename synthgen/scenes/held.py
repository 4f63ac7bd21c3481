"""What people wear and hold: skis and poles, a snowboard, a vaulting pole, a phone, a ball.

All of it is laid out in the world around a posed figure and moves along with it.
"""

from collections.abc import Callable

import numpy as np

from synthgen.geometry import Array
from synthgen.scenes.figure import Figure
from synthgen.scenes.meshes import Mesh, blade, box, ellipsoid, frame_along, merge, tube
from synthgen.scenes.palette import BRIGHT, Color, dye, shade
from synthgen.surface import Material

SIDES = ("left", "right")
UP = np.array([0.0, 1.0, 0.0])
_CAPSULES = (
    ("pelvis", "neck", 0.16), ("head", "head_top", 0.12), ("left_hip", "left_knee", 0.10),
    ("right_hip", "right_knee", 0.10), ("left_knee", "left_ankle", 0.08), ("right_knee", "right_ankle", 0.08),
)  # fmt: skip


def sole_middle(figure: Figure, side: str) -> Array:
    """Return the middle (3,) of a shoe's sole [m]."""
    return figure.cloth[figure.body.soles[side]].mean(0)


def grip(figure: Figure, side: str) -> Array:
    """Return the middle (3,) of a fist [m]."""
    rotation = figure.rotation(f"{side}_wrist")
    return 0.35 * figure.point(f"{side}_wrist") + 0.65 * figure.point(f"{side}_hand") - 0.022 * rotation[:, 1]


def clearance(figure: Figure, points: Array) -> float:
    """Return the least distance [m] of points (N, 3) from trunk, head and legs; negative inside."""
    nearest = np.inf
    for first, second, radius in _CAPSULES:
        start = figure.point(first)
        line = figure.point(second) - start
        along = np.clip((points - start) @ line / (line @ line), 0, 1)
        gap = np.linalg.norm(points - start - along[:, None] * line, axis=1).min() - radius
        nearest = min(nearest, float(gap))
    return nearest


def _level(forward: Array, middle: Array, reach: tuple[float, float]) -> Array:
    """Tilt a direction so that neither end of a ski (`reach` before and behind) lies below y=0."""
    front, back = reach
    height = max(float(middle[1]), 0.0) + 0.02
    sine = float(np.clip(forward[1] / np.linalg.norm(forward), -height / front, height / back))
    flat = forward * (1, 0, 1)
    flat = flat / max(float(np.linalg.norm(flat)), 1e-6)
    return flat * np.sqrt(max(1 - sine**2, 0.0)) + sine * UP


def _plank(length: float, widths: tuple[float, float], tip: float, material: Material) -> Mesh:
    """Return a ski or board along z with upturned ends, its underside on y=0 at the middle."""
    z = np.array([-0.46, -0.43, -0.30, 0.0, 0.30, 0.42, 0.48, 0.52]) * length
    y = np.array([0.25, 0.05, 0.0, 0.0, 0.0, 0.12, 0.5, 1.0]) * tip
    waist, shovel = widths
    half = np.array([0.6, 0.95, 0.9, 0.72, 0.92, 1.0, 0.8, 0.25]) * shovel
    half[3] = waist
    return blade(np.stack([0 * z, y, z], -1), half, 0.02, material)


def skis(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a pair of skis under the soles and, mostly, two poles in the hands."""
    color, length = dye(str(rng.choice([*BRIGHT, "black", "white"])), rng), rng.uniform(1.5, 1.85)
    paint = Material(
        color, dye(str(rng.choice(["white", "black", "yellow"])), rng), "stripes", 0.35, 0.3, np.pi / 2
    )
    steel = Material((0.25, 0.25, 0.27), roughness=0.4)
    meshes = []
    for side in SIDES:
        middle, ankle = sole_middle(figure, side), figure.rotation(f"{side}_ankle")
        ski = _plank(length, (0.036, 0.056), 0.13, paint)
        ski = merge([ski, box((0.07, 0.03, 0.36), steel).at(0, 0.018, 0.0)])
        forward = ankle[:, 2]
        if figure.pose.support == "ground":
            forward = _level(forward, middle - 0.05 * UP, (0.52 * length, 0.46 * length))
        rotation = frame_along(forward, ankle[:, 0])
        meshes.append(ski.moved(rotation, middle - 0.04 * rotation[:, 1]))
    has_poles = figure.pose.action != "ski_jump" and rng.uniform() < 0.93
    return meshes + (_poles(figure, rng) if has_poles else [])


def _poles(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    length, color = rng.uniform(1.0, 1.2), dye(str(rng.choice([*BRIGHT, "black", "grey", "white"])), rng)
    return [_pole(figure, side, length, color) for side in SIDES]


def _pole(figure: Figure, side: str, length: float, color: Color) -> Mesh:
    """Return a ski pole in a fist, turned out of the way of body and ground."""
    hand, fist = grip(figure, side), figure.rotation(f"{side}_wrist")
    wanted = -fist[:, 2]
    back = -figure.rotation("pelvis")[:, 2] * (1, 0, 1)
    out = figure.rotation("spine3")[:, 0] * (1 if side == "left" else -1)
    best: Array = wanted
    least = np.inf
    for down in (0.15, 0.5, 1.0, 1.8):
        for sideways in (0.0, 0.25, 0.6):
            direction = wanted + 0.9 * back - down * UP + sideways * out
            direction = direction / max(float(np.linalg.norm(direction)), 1e-6)
            points = hand + np.linspace(0.1, length - 0.1, 8)[:, None] * direction
            depth = max(0.0, -float(points[-1, 1]) - 0.02)
            raised = max(0.0, float(direction[1]) - 0.2)
            cost = 3 * max(0.0, 0.02 - clearance(figure, points)) + 4 * depth + 0.5 * raised
            cost -= 0.25 * float(direction @ wanted)
            if cost < least:
                best, least = direction, cost
    tip = hand + best * (length - 0.1)
    shaft = tube(
        [hand - 0.1 * best, hand + 0.02 * best, tip],
        [0.016, 0.009, 0.007],
        Material(color, roughness=0.35),
        6,
    )
    handle = tube([hand - 0.1 * best, hand + 0.04 * best], 0.017, Material((0.08, 0.08, 0.09)), 6)
    basket = tube([tip - 0.07 * best, tip - 0.06 * best], [0.035, 0.03], Material((0.1, 0.1, 0.1)), 8)
    return merge([shaft, handle, basket])


def snowboard(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a board under both feet."""
    left, right = sole_middle(figure, "left"), sole_middle(figure, "right")
    color = dye(str(rng.choice([*BRIGHT, "black", "white"])), rng)
    paint = Material(color, dye(str(rng.choice(["white", "black", "orange"])), rng), "camouflage", 0.4, 0.3)
    middle, length = (left + right) / 2, rng.uniform(1.4, 1.6)
    forward: Array = left - right
    if figure.pose.support == "ground":
        forward = _level(forward, middle - 0.05 * UP, (0.52 * length, 0.46 * length))
    up = figure.rotation("left_ankle")[:, 1] + figure.rotation("right_ankle")[:, 1]
    rotation = frame_along(forward, np.cross(up, forward))
    deck = _plank(length, (0.125, 0.15), 0.11, paint)
    return [deck.moved(rotation, middle - 0.035 * rotation[:, 1])]


def vaulting_pole(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a long pole through both fists; planted in the ground where the vaulter hangs on it."""
    left, right = grip(figure, "left"), grip(figure, "right")
    color = dye(str(rng.choice(["yellow", "white", "black", "red", "blue", "green"])), rng)
    paint, length = Material(color, roughness=0.3), rng.uniform(3.8, 4.6)
    upper, lower = (left, right) if left[1] > right[1] else (right, left)
    along = lower - upper
    along = along / max(float(np.linalg.norm(along)), 1e-6)
    if figure.pose.support in ("hang", "air", "apparatus"):
        foot = np.array([upper[0], 0.0, upper[2]]) + (0, 0, rng.uniform(-0.4, 0.9))
        bend = (upper + foot) / 2 + (0, 0, -0.35)
        return [tube([upper + (upper - bend) * 0.05, upper, bend, foot], 0.02, paint)]
    front = along if along[2] > 0 else -along
    return [tube([left + front * (length * 0.75), right - front * (length * 0.12)], 0.02, paint)]


def javelin(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a javelin in the higher fist, pointing forwards."""
    hand = max((grip(figure, side) for side in SIDES), key=lambda p: float(p[1]))
    forward = figure.rotation("pelvis")[:, 2] * (1, 0, 1) + (0, rng.uniform(0.15, 0.6), 0)
    forward = forward / np.linalg.norm(forward)
    paint = Material(
        dye(str(rng.choice(["yellow", "white", "red", "blue"])), rng), (0.9, 0.9, 0.9), "stripes", 0.6
    )
    line = hand + np.array([-1.1, -0.2, 0.9, 1.35])[:, None] * forward
    return [tube(line, [0.006, 0.014, 0.012, 0.003], paint, 6)]


def _in_hands(figure: Figure) -> Array:
    """Return the place (3,) of something held: between the fists where they are near, else beyond one."""
    left, right = grip(figure, "left"), grip(figure, "right")
    if np.linalg.norm(left - right) < 0.7:
        return (left + right) / 2
    side = "left" if left[1] > right[1] else "right"
    return grip(figure, side) - 0.05 * figure.rotation(f"{side}_wrist")[:, 1]


def shot(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a shot in the higher hand."""
    side = max(SIDES, key=lambda s: float(grip(figure, s)[1]))
    fist = figure.rotation(f"{side}_wrist")
    radius = rng.uniform(0.05, 0.062)
    place = grip(figure, side) - (radius + 0.012) * fist[:, 1]
    return [ellipsoid((radius,) * 3, Material((0.35, 0.35, 0.36), roughness=0.3), 10, 8).at(*place)]


def discus(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a discus under the hand that is farther from the trunk."""
    side = max(SIDES, key=lambda s: float(np.linalg.norm(grip(figure, s) - figure.point("spine3"))))
    fist = figure.rotation(f"{side}_wrist")
    disc = ellipsoid(
        (0.11, 0.022, 0.11), Material(dye(str(rng.choice(["brown", "black", "grey"])), rng)), 14, 6
    )
    return [disc.moved(fist, grip(figure, side) - 0.03 * fist[:, 1])]


def hammer(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a hammer on its wire, swung outwards by both hands."""
    hands = (grip(figure, "left") + grip(figure, "right")) / 2
    out = hands - (figure.point("left_shoulder") + figure.point("right_shoulder")) / 2
    end = hands + 1.1 * out / max(float(np.linalg.norm(out)), 1e-6)
    end[1] = max(end[1], 0.08)
    steel = Material((0.3, 0.3, 0.31), roughness=0.3)
    return [tube([hands, end], 0.004, steel, 4), ellipsoid((0.06,) * 3, steel, 10, 8).at(*end)]


def phone(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a phone in the higher hand, flat on the palm."""
    side = max(SIDES, key=lambda s: float(grip(figure, s)[1]))
    fist = figure.rotation(f"{side}_wrist")
    slab = box((0.15, 0.009, 0.072), Material((0.06, 0.06, 0.07), roughness=0.15), bottom=False)
    return [slab.moved(fist, grip(figure, side) - 0.012 * fist[:, 1])]


def sports_ball(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a ball: between the hands, or at the foot of somebody who kicks."""
    radius = rng.uniform(0.10, 0.125)
    color = dye(str(rng.choice([*BRIGHT, "white", "brown"])), rng)
    paint = Material(color, shade(color, 0.45), "checks", radius * 0.9, 0.5)
    if "kick" in figure.pose.action:
        side = max(
            SIDES, key=lambda s: float(np.linalg.norm(figure.point(f"{s}_ankle") - figure.point("pelvis")))
        )
        toe = figure.point(f"{side}_big_toe")
        place = toe + figure.rotation("pelvis")[:, 2] * rng.uniform(0.12, 0.5)
        place[1] = max(place[1], radius)
    else:
        place = _in_hands(figure)
        gap = float(np.linalg.norm(grip(figure, "left") - grip(figure, "right"))) / 2
        radius = float(np.clip(gap - 0.01, 0.10, 0.13)) if gap < 0.3 else radius
    return [ellipsoid((radius,) * 3, paint, 14, 10).at(*place)]


def carried_box(figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Return a box between the hands."""
    left, right = grip(figure, "left"), grip(figure, "right")
    across = left - right
    width = float(np.linalg.norm(across))
    rotation = frame_along(np.cross(across, UP), across)
    size = (max(width - 0.03, 0.2), rng.uniform(0.2, 0.36), rng.uniform(0.22, 0.34))
    color = dye(str(rng.choice(["beige", "brown", "white", "blue"])), rng)
    card = Material(color, shade(color, 0.8), "plain")
    middle = (left + right) / 2
    middle[1] = max(middle[1], size[1] / 2)
    return [box(size, card, bottom=False).moved(rotation, middle + 0.05 * figure.rotation("spine3")[:, 2])]


Holder = Callable[[Figure, np.random.Generator], list[Mesh]]
HELD: dict[str, Holder] = {
    "skis": skis, "snowboard": snowboard, "pole": vaulting_pole, "javelin": javelin, "shot": shot,
    "discus": discus, "hammer": hammer, "phone": phone, "ball": sports_ball, "box": carried_box,
}  # fmt: skip
