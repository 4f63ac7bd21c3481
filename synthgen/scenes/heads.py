"""Faces, hair and everything worn on a head, painted on the body's own faces and pushed outwards."""

import numpy as np

from synthgen.geometry import Array
from synthgen.scenes.body_map import BodyMap
from synthgen.scenes.garments import Canvas, both, either
from synthgen.scenes.meshes import Mesh, blade, ellipsoid, merge, tube
from synthgen.scenes.palette import Color, dye, mix, shade
from synthgen.surface import Material

HAIR_STYLES = ("bald", "short", "crop", "bob", "afro", "ponytail", "bun", "long")
LONG_STYLES = ("bob", "ponytail", "bun", "long")


def paint_face(canvas: Canvas, skin: Color, hair: Color, rng: np.random.Generator) -> None:
    """Paint eyes, brows and lips."""
    body, head = canvas.body, canvas.body.head
    eye = body.points["left_eye"]
    across, up = np.abs(body.center[:, 0]), body.center[:, 1]
    lip = mix(skin, (0.72, 0.25, 0.28), rng.uniform(0.3, 0.6))
    lips = head.in_front & (np.abs(up - head.mouth_y) < 0.009) & (across < 0.024)
    canvas.paint_faces(lips, Material(shade(lip, 0.9), roughness=0.5))
    wide, tall = (across - eye[0]) / 0.0145, (up - eye[1]) / 0.0065
    canvas.paint_faces(head.in_front & (wide**2 + tall**2 < 1), Material((0.88, 0.86, 0.84), roughness=0.3))
    iris = ((0.20, 0.13, 0.08), (0.25, 0.38, 0.52), (0.30, 0.38, 0.22))[int(rng.choice(3, p=(0.7, 0.2, 0.1)))]
    pupil = np.hypot(across - eye[0], up - eye[1]) < 0.0062
    canvas.paint_faces(head.in_front & pupil, Material(shade(iris, 0.6), roughness=0.3))
    brow = eye[1] + 0.020 - 0.04 * (across - eye[0]) - 5.0 * (across - eye[0]) ** 2
    brows = head.in_front & (np.abs(across - eye[0]) < 0.017) & (np.abs(up - brow) < 0.0034)
    canvas.paint_faces(brows, Material(mix(shade(hair, 0.9), skin, 0.4)))


def paint_beard(canvas: Canvas, hair: Color, is_full: bool) -> None:
    """Paint a full beard, or one around the mouth."""
    body, head = canvas.body, canvas.body.head
    up, depth = body.vertices[:, 1], body.vertices[:, 2]
    start = head.ear[1] + (0.025 if is_full else 0.075)
    under = up - float(body.points["nose"][1]) + 0.016
    low = head.mouth_y - (0.075 if is_full else 0.048) - up
    mouth = both(np.abs(up - head.mouth_y) - 0.008, body.across - 0.024)
    cut = both(under, low, start - depth, body.across - 2 * head.width, -mouth)
    canvas.paint(cut, Material(mix(hair, (0.3, 0.25, 0.22), 0.15)), 0.5 if is_full else 0.2)


def scalp(body: BodyMap, fringe: float = 0.55, nape: float = 0.0) -> Array:
    """Cut of the hair: `fringe` = hairline between eyes (0) and crown (1); `nape` [m] longer at the back."""
    head = body.head
    hairline = head.eye_y + fringe * (head.top_y - head.eye_y)
    ear_y, ear_z = head.ear
    limit = np.interp(
        body.vertices[:, 2],
        [ear_z - 0.03, ear_z - 0.012, ear_z + 0.012, ear_z + 0.045, head.front_z - 0.03],
        [head.nape_y - nape, ear_y - 0.015, ear_y + 0.012, head.eye_y + 0.02, hairline],
    )
    return both(limit - body.vertices[:, 1], body.across - 2 * head.width)


def _off_ears(body: BodyMap, cut: Array, radius: float = 0.034) -> Array:
    return both(cut, radius - body.head.to_ear)


def _strand(hair: Color) -> Material:
    return Material(hair, shade(hair, 0.86), "stripes", 0.008, 0.55, angle=0.2)


def draw_hair(canvas: Canvas, style: str, hair: Color) -> list[Mesh]:
    """Paint hair of a style; returns what hangs loose, in the rest frame, to move with the head."""
    body, head = canvas.body, canvas.body.head
    cloth = _strand(hair)
    crown = np.array([0.0, head.top_y - 0.06, head.back_z + 0.01])
    if style == "bald":
        return []
    if style == "afro":
        canvas.paint(
            _off_ears(body, scalp(body, 0.62)), Material(hair, shade(hair, 1.6), "speckle", 0.012), 4.5
        )
        return []
    if style == "crop":
        canvas.paint(
            _off_ears(body, scalp(body, 0.66)), Material(hair, shade(hair, 1.3), "speckle", 0.006), 0.3
        )
        return []
    if style == "short":
        canvas.paint(_off_ears(body, scalp(body, 0.52)), cloth, 1.6)
        return []
    canvas.paint(_off_ears(body, scalp(body, 0.6, 0.02)), cloth, 1.0 if style in ("bun", "ponytail") else 1.8)
    if style == "bun":
        return [ellipsoid((0.042, 0.04, 0.036), cloth).at(*crown + (0, 0.035, -0.012))]
    if style == "ponytail":
        path = crown + np.array(
            [(0, 0, 0.02), (0, 0.005, -0.045), (0, -0.07, -0.075), (0, -0.17, -0.065), (0, -0.26, -0.05)]
        )
        return [tube(path, [0.018, 0.026, 0.036, 0.028, 0.006], cloth)]
    length = 0.13 if style == "bob" else 0.25
    return [_curtain(body, cloth, length)]


def _curtain(body: BodyMap, cloth: Material, length: float) -> Mesh:
    """Hair falling behind the ears and the neck."""
    head = body.head
    top, middle = head.ear[0] + 0.03, head.ear[1]
    deep = middle - head.back_z
    locks = []
    for angle in np.linspace(-0.5, 0.5, 9) * np.pi:
        out = np.array([np.sin(angle) * (head.width + 0.004), 0.0, -np.cos(angle) * deep])
        path = [out * 0.95 + (0, top + 0.035, middle), out * 1.0 + (0, top - 0.4 * length, middle)]
        end = out * (0.9, 0, 0.8) + (0, top - length, middle)
        locks.append(tube(np.stack([*path, end]), [0.020, 0.026, 0.012], cloth, sides=6))
    return merge(locks)


def wear_helmet(canvas: Canvas, color: Color, accent: Color) -> list[Mesh]:
    """Put on a ski helmet: a hard shell over scalp and ears, with a stripe over the crown."""
    body, head = canvas.body, canvas.body.head
    ears = both(head.to_ear - 0.05, body.vertices[:, 2] - head.ear[1] - 0.03)
    shell = either(scalp(body, 0.45), ears)
    canvas.paint(shell, Material(color, roughness=0.25), 2.6)
    stripe = both(shell, body.across - 0.022, head.eye_y + 0.04 - body.vertices[:, 1])
    canvas.paint(stripe, Material(accent, roughness=0.25), 2.6)
    return []


def wear_goggles(canvas: Canvas, frame: Color, lens: Color) -> list[Mesh]:
    """Put on ski goggles and their strap."""
    body, head = canvas.body, canvas.body.head
    up, depth = body.vertices[:, 1] - head.eye_y, body.vertices[:, 2]
    narrow = body.across - 2 * head.width
    ahead = head.ear[1] + 0.05 - depth
    nose = both(body.across - 0.018, up + 0.012)
    canvas.paint(both(np.abs(up - 0.02) - 0.017, -ahead, narrow), Material(frame), 2.9)
    band = np.abs(up - 0.006)
    canvas.paint(both(band - 0.034, ahead, -nose, narrow), Material(frame, roughness=0.4), 1.8)
    glass = both(band - 0.026, ahead + 0.015, -nose, narrow)
    canvas.paint(glass, Material(lens, roughness=0.12), 2.1)
    return []


def _above(body: BodyMap, level: Array | float) -> Array:
    """Cut of the head above a level."""
    return both(level - body.vertices[:, 1], body.across - 2 * body.head.width)


def wear_cap(canvas: Canvas, color: Color, hair: Color) -> list[Mesh]:
    """Put on a cap with a peak, over short hair."""
    body, head = canvas.body, canvas.body.head
    canvas.paint(_off_ears(body, scalp(body, 0.52)), _strand(hair), 0.8)
    edge = head.eye_y + 0.45 * (head.top_y - head.eye_y)
    canvas.paint(_above(body, edge), Material(color), 1.6)
    z = head.front_z
    path = np.array([(0, edge + 0.012, z - 0.05), (0, edge + 0.012, z + 0.02), (0, edge - 0.012, z + 0.075)])
    return [blade(path, np.array([0.068, 0.075, 0.045]), 0.006, Material(color))]


def wear_beanie(canvas: Canvas, color: Color, accent: Color) -> list[Mesh]:
    """Put on a knitted hat with a bobble."""
    body, head = canvas.body, canvas.body.head
    edge = head.eye_y + 0.36 * (head.top_y - head.eye_y)
    level = edge - 0.35 * np.maximum(head.ear[1] - body.vertices[:, 2], 0)
    canvas.paint(_above(body, level), Material(color, shade(color, 0.8), "stripes", 0.012), 1.7)
    brim = both(_above(body, level), body.vertices[:, 1] - level - 0.03)
    canvas.paint(brim, Material(accent, shade(accent, 0.8), "stripes", 0.01), 2.3)
    bobble = ellipsoid((0.03, 0.03, 0.03), Material(accent), 8, 6)
    return [bobble.at(0, head.top_y + 0.035, 0.5 * (head.front_z + head.back_z))]


def wear_swim_cap(canvas: Canvas, color: Color) -> list[Mesh]:
    """Put on a swimming cap."""
    canvas.paint(_off_ears(canvas.body, scalp(canvas.body, 0.5), 0.02), Material(color, roughness=0.35), 0.5)
    return []


def wear_headband(canvas: Canvas, rng: np.random.Generator) -> list[Mesh]:
    """Put a sweat band around the forehead."""
    body, head = canvas.body, canvas.body.head
    level = head.eye_y + 0.5 * (head.top_y - head.eye_y) - 0.2 * (head.front_z - body.vertices[:, 2])
    band = both(np.abs(body.vertices[:, 1] - level) - 0.016, body.across - 2 * head.width)
    canvas.paint(band, Material(dye(str(rng.choice(["red", "white", "blue", "black", "yellow"])), rng)), 2.0)
    return []
