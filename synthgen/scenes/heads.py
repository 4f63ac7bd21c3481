"""Faces, hair and everything worn on a head, painted on the body's own faces and pushed outwards."""

import numpy as np

from synthgen.scenes.body_map import BodyMap, Mask
from synthgen.scenes.garments import Canvas
from synthgen.scenes.meshes import Mesh, blade, ellipsoid, merge, tube
from synthgen.scenes.palette import Color, dye, mix, shade
from synthgen.surface import Material

HAIR_STYLES = ("bald", "short", "crop", "bob", "afro", "ponytail", "bun", "long")
LONG_STYLES = ("bob", "ponytail", "bun", "long")


def paint_face(canvas: Canvas, skin: Color, hair: Color, rng: np.random.Generator) -> None:
    """Paint eyes, brows and lips; shade the cheeks a little."""
    body = canvas.body
    head, center = body.head, body.center
    eye = body.points["left_eye"]
    across, up = np.abs(center[:, 0]), center[:, 1]
    in_front = body.is_head & (center[:, 2] > head.ear[1] + 0.05)
    low_lip = mix(skin, (0.72, 0.25, 0.28), rng.uniform(0.35, 0.7))
    lips = in_front & (np.abs(up - head.mouth[0]) < 0.009) & (across < 0.026)
    canvas.paint(lips, Material(shade(low_lip, 0.9), roughness=0.5))
    wide, tall = (across - eye[0]) / 0.0155, (up - eye[1]) / 0.0085
    canvas.paint(in_front & (wide**2 + tall**2 < 1), Material((0.92, 0.90, 0.88), roughness=0.3))
    iris = ((0.20, 0.13, 0.08), (0.25, 0.38, 0.52), (0.30, 0.38, 0.22))[int(rng.choice(3, p=(0.7, 0.2, 0.1)))]
    canvas.paint(in_front & (head.to_eye < 0.0065), Material(shade(iris, 0.6), roughness=0.3))
    brow = eye[1] + 0.019 + 0.10 * (across - eye[0]) - 4.0 * (across - eye[0]) ** 2
    brows = in_front & (np.abs(across - eye[0]) < 0.021) & (np.abs(up - brow) < 0.0042)
    canvas.paint(brows, Material(mix(shade(hair, 0.7), skin, 0.1)))


def paint_beard(canvas: Canvas, hair: Color, is_full: bool) -> None:
    """Paint a beard or a moustache with a stubbly chin."""
    body, head = canvas.body, canvas.body.head
    up, depth = body.center[:, 1], body.center[:, 2]
    nose_y = float(body.points["nose"][1])
    jaw = body.is_head & (up < nose_y - 0.016) & (depth > head.ear[1] + (0.02 if is_full else 0.07))
    jaw &= up > head.mouth[0] - (0.085 if is_full else 0.05)
    mouth = (np.abs(up - head.mouth[0]) < 0.009) & (np.abs(body.center[:, 0]) < 0.024)
    canvas.paint(jaw & ~mouth, Material(mix(hair, (0.3, 0.25, 0.22), 0.15)), 0.5 if is_full else 0.2)


def scalp(body: BodyMap, fringe: float = 0.55, nape: float = 0.0) -> Mask:
    """Faces under the hair: `fringe` = height of the hairline between eyes (0) and crown (1); `nape` [m] longer."""
    head = body.head
    hairline = head.eye_y + fringe * (head.top_y - head.eye_y)
    limit = np.interp(
        body.center[:, 2],
        [
            head.ear[1] - 0.03,
            head.ear[1] - 0.012,
            head.ear[1] + 0.012,
            head.ear[1] + 0.045,
            head.front_z - 0.03,
        ],
        [head.nape_y - nape, head.ear[0] - 0.015, head.ear[0] + 0.012, head.eye_y + 0.02, hairline],
    )
    return body.is_head & (body.center[:, 1] > limit)


def _strand(hair: Color) -> Material:
    return Material(hair, shade(hair, 0.72), "stripes", 0.008, 0.55, angle=0.2)


def draw_hair(canvas: Canvas, style: str, hair: Color) -> list[Mesh]:
    """Paint hair of a style; returns what hangs loose, in the rest frame, to move with the head."""
    body, head = canvas.body, canvas.body.head
    cloth = _strand(hair)
    is_ear = head.to_ear < 0.034
    crown = np.array([0.0, head.top_y - 0.06, head.back_z + 0.01])
    if style == "bald":
        return []
    if style == "afro":
        canvas.paint(scalp(body, 0.62) & ~is_ear, Material(hair, shade(hair, 1.6), "speckle", 0.012), 4.5)
        return []
    if style == "crop":
        canvas.paint(scalp(body, 0.66) & ~is_ear, Material(hair, shade(hair, 1.3), "speckle", 0.006), 0.3)
        return []
    if style == "short":
        canvas.paint(scalp(body, 0.52) & ~is_ear, cloth, 1.6)
        return []
    canvas.paint(scalp(body, 0.6, 0.02) & ~is_ear, cloth, 1.0 if style in ("bun", "ponytail") else 1.8)
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
    top = head.ear[0] + 0.02
    middle = (head.ear[1] + head.back_z) / 2
    locks = []
    for angle in np.linspace(-0.62, 0.62, 7) * np.pi:
        reach = np.array([np.sin(angle) * (head.width + 0.012), 0.0, middle - np.cos(angle) * 0.075])
        drop = np.array([(0, 0.03, 0), (0, -0.35 * length, 0), (0, -length, 0)])
        inwards = np.array([1.0, 1.0, 0.93])[:, None] * (reach * (1, 0, 1)) + (0, top, 0)
        locks.append(tube(inwards + drop, [0.022, 0.034, 0.016], cloth, sides=6))
    return merge(locks)


def wear_helmet(canvas: Canvas, color: Color, accent: Color) -> list[Mesh]:
    """Put on a ski helmet: a hard shell over scalp and ears, with a stripe over the crown."""
    body, head = canvas.body, canvas.body.head
    shell = scalp(body, 0.45) | (
        body.is_head & (head.to_ear < 0.05) & (body.center[:, 2] < head.ear[1] + 0.03)
    )
    canvas.paint(shell, Material(color, roughness=0.25), 2.6)
    stripe = shell & (np.abs(body.center[:, 0]) < 0.022) & (body.center[:, 1] > head.eye_y + 0.04)
    canvas.paint(stripe, Material(accent, roughness=0.25), 2.6)
    return []


def wear_goggles(canvas: Canvas, frame: Color, lens: Color) -> list[Mesh]:
    """Put on ski goggles and their strap."""
    body, head = canvas.body, canvas.body.head
    up, depth = body.center[:, 1] - head.eye_y, body.center[:, 2]
    band = body.is_head & (np.abs(up - 0.006) < 0.036)
    nose = (np.abs(body.center[:, 0]) < 0.018) & (up < -0.012)
    canvas.paint(
        body.is_head & (np.abs(up - 0.02) < 0.017) & (depth <= head.ear[1] + 0.05), Material(frame), 2.9
    )
    canvas.paint(band & (depth > head.ear[1] + 0.05) & ~nose, Material(frame, roughness=0.4), 1.8)
    glass = band & (np.abs(up - 0.006) < 0.026) & (depth > head.ear[1] + 0.065) & ~nose
    canvas.paint(glass, Material(lens, roughness=0.12), 2.1)
    return []


def wear_cap(canvas: Canvas, color: Color, hair: Color) -> list[Mesh]:
    """Put on a cap with a peak, over short hair."""
    body, head = canvas.body, canvas.body.head
    canvas.paint(scalp(body, 0.52) & ~(head.to_ear < 0.034), _strand(hair), 0.8)
    edge = head.eye_y + 0.45 * (head.top_y - head.eye_y)
    canvas.paint(body.is_head & (body.center[:, 1] > edge), Material(color), 1.6)
    path = np.array(
        [
            (0, edge + 0.012, head.front_z - 0.05),
            (0, edge + 0.012, head.front_z + 0.02),
            (0, edge - 0.012, head.front_z + 0.075),
        ]
    )
    return [blade(path, np.array([0.068, 0.075, 0.045]), 0.006, Material(color))]


def wear_beanie(canvas: Canvas, color: Color, accent: Color) -> list[Mesh]:
    """Put on a knitted hat, sometimes seen with a bobble."""
    body, head = canvas.body, canvas.body.head
    edge = (
        head.eye_y + 0.36 * (head.top_y - head.eye_y) - 0.35 * np.maximum(head.ear[1] - body.center[:, 2], 0)
    )
    hat = body.is_head & (body.center[:, 1] > edge)
    canvas.paint(hat, Material(color, shade(color, 0.8), "stripes", 0.012), 1.7)
    canvas.paint(
        hat & (body.center[:, 1] < edge + 0.03), Material(accent, shade(accent, 0.8), "stripes", 0.01), 2.3
    )
    return [
        ellipsoid((0.03, 0.03, 0.03), Material(accent), 8, 6).at(
            0, head.top_y + 0.035, 0.5 * (head.front_z + head.back_z)
        )
    ]


def wear_swim_cap(canvas: Canvas, color: Color) -> list[Mesh]:
    """Put on a swimming cap."""
    canvas.paint(
        scalp(canvas.body, 0.5) & (canvas.body.head.to_ear > 0.02), Material(color, roughness=0.35), 0.5
    )
    return []


def wear_headband(canvas: Canvas, rng: np.random.Generator) -> list[Mesh]:
    """Put a sweat band around the forehead."""
    body, head = canvas.body, canvas.body.head
    level = head.eye_y + 0.5 * (head.top_y - head.eye_y) - 0.2 * (head.front_z - body.center[:, 2])
    band = body.is_head & (np.abs(body.center[:, 1] - level) < 0.016)
    canvas.paint(band, Material(dye(str(rng.choice(["red", "white", "blue", "black", "yellow"])), rng)), 2.0)
    return []
