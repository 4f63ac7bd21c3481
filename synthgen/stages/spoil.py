"""Labels spoiled on purpose, to see if verification notices: a limb turned, a body moved, sides swapped."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from synthgen.body import Body
from synthgen.geometry import rotmat_to_rotvec, rotvec_to_rotmat
from synthgen.joints import SMPL24
from synthgen.sample import Person

TURN_DEG = 40.0  # of a limb
SHIFT = 0.1  # of a body, as a part of its height
LIMBS = {  # joint that turns, and the next one along the limb
    "shoulder": "elbow", "elbow": "wrist", "hip": "knee", "knee": "ankle",
}  # fmt: skip

Spoil = Callable[[Person, Body, np.random.Generator], Person]


def turn_limb(person: Person, body: Body, rng: np.random.Generator) -> Person:
    """Turn one limb by TURN_DEG about an axis across it, chosen at random."""
    joint = str(rng.choice(list(LIMBS)))
    side = str(rng.choice(["left", "right"]))
    start, end = SMPL24.index(f"{side}_{joint}"), SMPL24.index(f"{side}_{LIMBS[joint]}")
    rest = body.pose([_at_rest(person)]).points[0]
    along = rest[end] - rest[start]
    along /= np.linalg.norm(along)
    axis = np.cross(along, rng.standard_normal(3))
    turn = rotvec_to_rotmat(axis / np.linalg.norm(axis) * np.radians(TURN_DEG))
    pose = np.array(person.body_pose, np.float64)
    pose[start - 1] = rotmat_to_rotvec(rotvec_to_rotmat(pose[start - 1]) @ turn)
    return replace(person, body_pose=pose.astype(np.float32))


def shift(person: Person, body: Body, rng: np.random.Generator) -> Person:
    """Move a body across the line of sight by SHIFT of its height, in a random direction."""
    rest = body.pose([_at_rest(person)]).vertices[0]
    height = float(np.ptp(rest[:, 1]))
    angle = rng.uniform(0, 2 * np.pi)
    offset = SHIFT * height * np.array([np.cos(angle), np.sin(angle), 0])
    return replace(person, transl=(person.transl + offset).astype(np.float32))


def swap_sides(person: Person, body: Body, rng: np.random.Generator) -> Person:
    """Give the left limbs the mirrored pose of the right ones, and the other way round."""
    order = np.array(SMPL24.flip_permutation())[1:] - 1
    pose = np.asarray(person.body_pose)[order] * np.array([1, -1, -1])
    return replace(person, body_pose=pose.astype(np.float32))


SPOILS: Mapping[str, Spoil] = {"limb turned": turn_limb, "body shifted": shift, "sides swapped": swap_sides}


def _at_rest(person: Person) -> Person:
    return replace(person, global_orient=np.zeros(3, np.float32), body_pose=np.zeros_like(person.body_pose))
