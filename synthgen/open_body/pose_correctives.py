"""Learns pose blend shapes that keep a skinned body's joints from collapsing; used to build the open body.

The target of a pose spreads the twist of elbows and wrists over the forearms, as bones do, skins with dual
quaternions (Kavan et al., 2007), which keeps limbs' volume, and ends with delta mush (Mancewicz et al.,
2014), which smooths the skin and puts its detail back. SMPL's blend shapes are linear in the elements of the
joints' rotations; they are fitted to that target over many random poses, each vertex by the few joints near
it. Frame: SMPL's rest frame, metres.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from synthgen.joints import ROOT, SMPL24, mirrored
from synthgen.open_body.rest_pose import chain_transforms, skin

Float64 = NDArray[np.float64]
Int = NDArray[np.int64]

NUM_FEATURES = 9 * (len(SMPL24) - 1)  # elements of every rotation but the root's
_MIRROR = np.array([-1.0, 1.0, 1.0])
_SMOOTHING, _SMOOTHING_STEPS = 0.5, 16  # how far a vertex moves to its neighbours' mean, how often
_SOFTENING_STEPS = 6  # of skinning weights
_MIN_WEIGHT = 1e-3
_MAX_JOINTS = 4  # that one vertex listens to
_MIN_BLENDING = 0.004  # of a joint's part with the rest of the body around a vertex, for it to listen
_MIN_SPREAD = 0.02  # share of an arm joint's twist that a vertex must be corrected by, for it to listen
_RIDGE = 0.3
_REST_SHARE = 0.2  # of joints in a random pose that stay at rest
_NEGLIGIBLE = 2e-4  # blend shape element [m] that is dropped

# Where along the forearm (0 the elbow, 1 the wrist) the skin begins and ends to follow a joint's twist.
_TWIST_SPANS = {"elbow": (-0.15, 0.6), "wrist": (0.25, 1.1)}

_TWISTING = tuple(_TWIST_SPANS)

# Random poses of the left side and the middle: lowest and highest part about x, y and z of the axis-angle
# [degrees]; of _TWISTING joints, which twist about x and then bend, Euler angles.
_RANGES = {
    "left_hip": ((-125, 40), (-45, 45), (-25, 65)),
    "left_knee": ((0, 145), (-10, 10), (-5, 5)),
    "left_ankle": ((-35, 50), (-20, 20), (-20, 20)),
    "left_foot": ((-40, 30), (0, 0), (0, 0)),
    "spine1": ((-25, 35), (-20, 20), (-20, 20)),
    "spine2": ((-25, 35), (-20, 20), (-20, 20)),
    "spine3": ((-25, 35), (-20, 20), (-20, 20)),
    "neck": ((-30, 30), (-40, 40), (-25, 25)),
    "head": ((-30, 30), (-40, 40), (-25, 25)),
    "left_collar": ((-10, 10), (-20, 20), (-15, 35)),
    "left_shoulder": ((-80, 80), (-110, 45), (-85, 90)),
    "left_elbow": ((-90, 90), (-145, 0), (-10, 10)),
    "left_wrist": ((-80, 80), (-35, 35), (-75, 75)),
}


def soften_weights(weights: Float64, mush: "DeltaMush") -> Float64:
    """Return skinning weights (V, 24) whose parts blend into each other over a wider band."""
    softened = mush.smooth(weights, _SOFTENING_STEPS)
    softened[softened < _MIN_WEIGHT] = 0
    return softened / softened.sum(1, keepdims=True)


@dataclass(frozen=True)
class Skin:
    """A symmetric skinned mesh in the rest pose.

    Attributes:
        vertices: (V, 3) [m].
        faces: (F, 3).
        joints: (24, 3) [m].
        weights: (V, 24).
        mirror: (V,) each vertex's mirror image.
    """

    vertices: Float64
    faces: Int
    joints: Float64
    weights: Float64
    mirror: Int


def draw_rotations(rng: np.random.Generator) -> Float64:
    """Draw a random pose within _RANGES: local rotations (24, 3, 3), the root's the identity."""
    rotations = np.tile(np.eye(3), (len(SMPL24), 1, 1))
    for row, name in enumerate(SMPL24.names):
        is_right = name.startswith("right_")
        low, high = np.radians(_RANGES.get(mirrored(name) if is_right else name, ((0, 0),) * 3)).T
        reach = rng.uniform() if rng.uniform() > _REST_SHARE else 0.0
        x, y, z = reach * rng.uniform(low, high) * (-_MIRROR if is_right else 1)
        if name.endswith(_TWISTING):
            rotations[row] = Rotation.from_euler("YZX", [y, z, x]).as_matrix()
        else:
            rotations[row] = Rotation.from_rotvec([x, y, z]).as_matrix()
    return rotations


def pose_features(rotations: Float64) -> Float64:
    """Return what SMPL's blend shapes are linear in: (..., 23, 9) elements of rotations minus identity."""
    return (rotations[..., 1:, :, :] - np.eye(3)).reshape(*rotations.shape[:-3], len(SMPL24) - 1, 9)


def pose_transforms(joints: Float64, rotations: Float64) -> Float64:
    """Return the (24, 4, 4) transforms of each joint's part for local rotations (24, 3, 3)."""
    turns = rotations.copy()
    for child, parent in enumerate(SMPL24.parents):
        if parent != ROOT:
            turns[child] = turns[parent] @ rotations[child]
    return chain_transforms(joints, turns)


def _quaternion_product(first: Float64, second: Float64) -> Float64:
    """Multiply quaternions (..., 4), scalar last."""
    a, s, b, t = first[..., :3], first[..., 3:], second[..., :3], second[..., 3:]
    return np.concatenate([s * b + t * a + np.cross(a, b), s * t - (a * b).sum(-1, keepdims=True)], axis=-1)


def dual_quaternion_skin(vertices: Float64, weights: Float64, transforms: Float64) -> Float64:
    """Move vertices (V, 3) by blended (V, 24) rigid transforms (24, 4, 4)."""
    real = Rotation.from_matrix(transforms[:, :3, :3]).as_quat()
    shift = np.concatenate([transforms[:, :3, 3], np.zeros((len(transforms), 1))], axis=1)
    dual = _quaternion_product(shift, real) / 2
    sides = np.einsum("vq,jq->vj", real[weights.argmax(1)], real)
    signed = np.where(sides < 0, -weights, weights)
    real, dual = signed @ real, signed @ dual
    length = np.linalg.norm(real, axis=1, keepdims=True)
    real, dual = real / length, dual / length
    shift = 2 * _quaternion_product(dual, real * [-1, -1, -1, 1])[:, :3]
    return Rotation.from_quat(real).apply(vertices) + shift


class DeltaMush:
    """Smooths a deformed mesh and puts the rest mesh's detail back on it."""

    def __init__(self, vertices: Float64, faces: Int) -> None:
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        both = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)
        counts = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
        count = len(vertices)
        adjacency = scipy.sparse.csr_matrix((np.ones(len(both)), (both[:, 0], both[:, 1])), (count, count))
        share = np.full(count, _SMOOTHING)
        share[counts[0][counts[1] == 1]] = 0  # the rims of lips and eyelids stay
        mean = scipy.sparse.diags(share / np.asarray(adjacency.sum(1)).ravel()) @ adjacency
        self._smoother = scipy.sparse.csr_matrix(mean + scipy.sparse.diags(1 - share))
        self._edges = both
        self._sum = scipy.sparse.csr_matrix(
            (np.ones(len(both)), (both[:, 0], np.arange(len(both)))), (count, len(both))
        )
        self._rest = self.smooth(vertices)
        self._detail = vertices - self._rest

    def smooth(self, values: Float64, steps: int = _SMOOTHING_STEPS) -> Float64:
        """Average values (V, ...) over their surroundings."""
        for _ in range(steps):
            values = self._smoother @ values
        return values

    def __call__(self, deformed: Float64) -> Float64:
        """Return the deformed vertices (V, 3) smoothed, with detail."""
        smooth = self.smooth(deformed)
        before = self._rest[self._edges[:, 1]] - self._rest[self._edges[:, 0]]
        after = smooth[self._edges[:, 1]] - smooth[self._edges[:, 0]]
        products = (after[:, :, None] * before[:, None, :]).reshape(-1, 9)
        left, _, right = np.linalg.svd((self._sum @ products).reshape(-1, 3, 3))
        left[:, :, 2] *= np.sign(np.linalg.det(left @ right))[:, None]
        return smooth + np.einsum("vab,vbc,vc->va", left, right, self._detail)


def follow_parts(weights: Float64) -> Float64:
    """Return (V, 24): how much each joint moves each vertex, itself or through joints below it."""
    moved = weights.copy()
    for child, parent in reversed(list(enumerate(SMPL24.parents))):
        if parent != ROOT:
            moved[:, parent] += moved[:, child]
    return moved


def twist_spread(body: Skin) -> dict[int, Float64]:
    """Return {joint: (V,) share of its twist to follow beyond what linear skinning does}."""
    moved = follow_parts(body.weights)
    spread = {}
    for side in ("left", "right"):
        elbow, wrist = (body.joints[SMPL24.index(f"{side}_{name}"), 0] for name in ("elbow", "wrist"))
        along = (body.vertices[:, 0] - elbow) / (wrist - elbow)
        for name, (begin, end) in _TWIST_SPANS.items():
            ramp = np.clip((along - begin) / (end - begin), 0, 1)
            joint = SMPL24.index(f"{side}_{name}")
            spread[joint] = ramp * ramp * (3 - 2 * ramp) - moved[:, joint]
    return spread


def spread_twist(body: Skin, spread: dict[int, Float64], rotations: Float64) -> Float64:
    """Roll rest vertices (V, 3) about the arms, which lie along x, so that skinning spreads the twist."""
    rolled = body.vertices.copy()
    for joint, extra in spread.items():
        angle = Rotation.from_matrix(rotations[joint]).as_euler("YZX")[2]
        turned = np.flatnonzero(np.abs(extra) > 1e-3)
        turns = Rotation.from_rotvec(np.outer(extra[turned] * angle, [1, 0, 0]))
        rolled[turned] = turns.apply(rolled[turned] - body.joints[joint]) + body.joints[joint]
    return rolled


def listened_joints(body: Skin, mush: DeltaMush) -> NDArray[np.bool_]:
    """Return (V, 23): which joints' rotations change the surroundings of which vertex."""
    moved = follow_parts(body.weights)
    blending = mush.smooth(moved * (1 - moved))[:, 1:]
    threshold = np.maximum(np.sort(blending, axis=1)[:, [-_MAX_JOINTS]], _MIN_BLENDING)
    listened = blending >= threshold
    for joint, extra in twist_spread(body).items():
        listened[:, joint - 1] |= np.abs(extra) > _MIN_SPREAD
    flip = np.array(SMPL24.flip_permutation())[1:] - 1
    return listened | listened[body.mirror][:, flip]


def _unposed_offsets(body: Skin, mush: DeltaMush, spread: dict[int, Float64], rotations: Float64) -> Float64:
    """Return by how much (V, 3) vertices must be moved before linear skinning to come out at the target."""
    transforms = pose_transforms(body.joints, rotations)
    rolled = spread_twist(body, spread, rotations)
    target = mush(dual_quaternion_skin(rolled, body.weights, transforms))
    missing = target - skin(body.vertices, body.weights, transforms)
    linear = (body.weights @ transforms[:, :3, :3].reshape(-1, 9)).reshape(-1, 3, 3)
    damped = np.swapaxes(linear, 1, 2) @ linear + 0.01 * np.eye(3)  # folded skin has no inverse
    return np.linalg.solve(damped, np.einsum("vba,vb->va", linear, missing)[..., None])[..., 0]


def fit_pose_shapes(body: Skin, mush: DeltaMush, poses: int, seed: int) -> Float64:
    """Fit `posedirs` (V, 3, 207), symmetric.

    Args:
        body: the mean body.
        mush: of its mesh.
        poses: how many random poses to learn from; each counts twice, once mirrored.
        seed: of the poses.
    """
    rng = np.random.default_rng(seed)
    spread = twist_spread(body)
    listens = listened_joints(body, mush)
    used = np.flatnonzero(listens.any(1))
    features, offsets = [], []
    for _ in range(poses):
        rotations = draw_rotations(rng)
        wanted = _unposed_offsets(body, mush, spread, rotations)
        flipped = rotations[list(SMPL24.flip_permutation())] * np.outer(_MIRROR, _MIRROR)
        for turned, offset in ((rotations, wanted), (flipped, (wanted * _MIRROR)[body.mirror])):
            features.append(pose_features(turned).astype(np.float32))
            offsets.append(offset[used].astype(np.float32))
    every_feature, every_offset = np.stack(features), np.stack(offsets)
    posedirs = np.zeros((len(body.vertices), 3, len(SMPL24) - 1, 9))
    sets, member = np.unique(listens[used], axis=0, return_inverse=True)
    for index, joints in enumerate(sets):
        group = np.flatnonzero(member.ravel() == index)
        known = every_feature[:, joints].reshape(len(every_feature), -1).astype(np.float64)
        wanted = every_offset[:, group].reshape(len(every_feature), -1)
        solution = np.linalg.solve(known.T @ known + _RIDGE * np.eye(known.shape[1]), known.T @ wanted)
        shaped = solution.reshape(joints.sum(), 9, len(group), 3).transpose(2, 3, 0, 1)
        posedirs[np.ix_(used[group], np.arange(3), np.flatnonzero(joints))] = shaped
    posedirs[np.abs(posedirs) < _NEGLIGIBLE] = 0
    return posedirs.reshape(-1, 3, NUM_FEATURES)
