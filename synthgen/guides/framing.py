"""A camera in front of a posed body so that all of it is in the picture.

World frame: y up, metres, the body at the origin; heading 0 faces +z, which is where the camera stands.
"""

from dataclasses import dataclass

import numpy as np

from synthgen.body import Body
from synthgen.geometry import Array, look_at, rotmat_to_rotvec, rotvec_to_rotmat, transform_root
from synthgen.sample import Camera, Person
from synthgen.scenes.cameras import NEAREST
from synthgen.scenes.meshes import turn

STEEPEST_DEG = 75.0  # [degrees] that a camera looks up or down at most
_MARGIN = 0.98  # part of the picture that a body stays within, wherever it stands
_ASIDE = 0.6  # part of the way from the middle to the edge that a body may stand aside


@dataclass(frozen=True)
class Framing:
    """How a person is taken.

    Attributes:
        pitch: of the camera [rad]; positive looks down.
        cover: part of the picture's side that the body spans, in (0, _MARGIN].
        aside: (2,) in [-1, 1], how far the body stands from the middle, right and down.
    """

    pitch: float
    cover: float
    aside: Array


def draw_framing(
    pitch_deg: float, spread_deg: float, cover: tuple[float, float], rng: np.random.Generator
) -> Framing:
    """Draw how to take a person.

    Args:
        pitch_deg: mean [degrees].
        spread_deg: its standard deviation [degrees].
        cover: least and greatest part of the picture's side that the body spans.
        rng: of the sample.
    """
    pitch = np.clip(rng.normal(pitch_deg, spread_deg), -STEEPEST_DEG, STEEPEST_DEG)
    return Framing(float(np.radians(pitch)), float(rng.uniform(*cover)), rng.uniform(-1, 1, 2))


def turned(person: Person, heading: float) -> Person:
    """Return a person at the origin of a y-up world turned by `heading` [rad] about the vertical."""
    orient = rotmat_to_rotvec(turn(heading) @ rotvec_to_rotmat(person.global_orient))
    return Person(orient, person.body_pose, person.betas, person.transl)


def place_in_view(person: Person, vertices: Array, camera: Camera, framing: Framing, body: Body) -> Person:
    """Return a person of the y-up world in the frame of a camera that sees all of the body.

    Args:
        person: at the origin.
        vertices: (V, 3) of the posed body [m], same frame.
        camera: looks at the middle of its picture; only its lens counts.
        framing: from where, how large and how far aside.
        body: that the vertices are of.
    """
    eye = np.array([0.0, np.sin(framing.pitch), np.cos(framing.pitch)])
    rotation, _ = look_at(eye, np.zeros(3), np.array([0.0, 1.0, 0.0]))
    shift = _shift(np.asarray(vertices, np.float64) @ rotation.T, camera, framing)
    pelvis = body.rest_pelvis(person.betas)
    orient, transl = transform_root(rotation, shift, person.global_orient, person.transl, pelvis)
    return Person(
        *(np.asarray(part, np.float32) for part in (orient, person.body_pose, person.betas, transl))
    )


def _shift(points: Array, camera: Camera, framing: Framing) -> Array:
    """Return the translation (3,) [m] that brings points (N, 3) into the picture.

    A point is inside where |x| <= h z, h being half the picture on the plane z = 1. With a shift t that is
    x - h z <= h t_z - t_x and -x - h z <= h t_z + t_x for all points: two numbers per axis say all of them.
    """
    height, width = camera.image_size
    half = np.array([width - 1, height - 1]) / 2 / np.diagonal(camera.cam_int)[:2]
    right, left = _reach(points, framing.cover * half)
    distance = float(np.max((right + left) / (2 * framing.cover * half)))
    distance = max(distance, NEAREST - float(points[:, 2].min()))
    right, left = _reach(points, _MARGIN * half)
    low, high = left - _MARGIN * half * distance, _MARGIN * half * distance - right
    aside = (low + high) / 2 + _ASIDE * framing.aside * (high - low) / 2
    return np.array([*aside, distance])


def _reach(points: Array, half: Array) -> tuple[Array, Array]:
    """Return max(x - h z) and max(-x - h z) of points (N, 3) for both axes, (2,) each."""
    plane, depth = points[:, :2], points[:, 2:] * half
    return (plane - depth).max(0), (-plane - depth).max(0)
