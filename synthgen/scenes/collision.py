"""Self-collision of a posed body: a fast test on capsules, and a measure on the skin itself.

The capsules follow the stick figure of `synthgen.scenes.skeleton`; neighbouring limbs, which always touch,
are left out. Soft contact (a tuck, crossed arms) is normal: see SOFT.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from synthgen.body import Body
from synthgen.joints import SMPL24
from synthgen.scenes.anatomy import Float64

SOFT = 0.008  # [m] flesh gives way this much before two limbs look as if they ran into each other
_SOFTER = 0.035  # [m] more between thighs and trunk, which fold onto each other
_CLASPED = 0.05  # [m] interlocked fingers

_End = tuple[str, tuple[float, float, float], float]  # joint, rest offset from it [m], radius [m]
_LEFT_CAPSULES: dict[str, tuple[_End, _End]] = {
    "chest": (("spine3", (0.075, -0.06, 0.062), 0.105), ("spine3", (0.07, 0.07, 0.055), 0.095)),
    "waist": (("spine1", (0.05, -0.02, 0.025), 0.092), ("spine2", (0.045, 0.04, 0.035), 0.095)),
    "hips": (("pelvis", (0.065, 0.02, 0.022), 0.1), ("pelvis", (0.07, -0.05, 0.0), 0.1)),
    "upper_arm": (("shoulder", (0.06, 0.0, 0.0), 0.046), ("elbow", (0.0, 0.0, 0.0), 0.038)),
    "forearm": (("elbow", (0.03, 0.0, 0.005), 0.038), ("wrist", (0.0, 0.0, 0.0), 0.028)),
    "hand": (("wrist", (0.03, -0.005, 0.0), 0.03), ("hand", (0.095, -0.024, 0.0), 0.017)),
    "thigh": (("hip", (0.0, -0.1, 0.018), 0.084), ("knee", (0.0, 0.02, 0.0), 0.06)),
    "shin": (("knee", (0.0, -0.06, -0.008), 0.055), ("ankle", (0.0, 0.02, 0.0), 0.037)),
    "foot": (("ankle", (0.0, -0.045, -0.01), 0.033), ("foot", (0.0, -0.005, 0.02), 0.025)),
}
_MIDDLE_CAPSULES: dict[str, tuple[_End, _End]] = {
    "neck": (("neck", (0.0, 0.0, 0.01), 0.055), ("head", (0.0, -0.05, 0.01), 0.055)),
    "skull": (("head", (0.0, -0.01, 0.05), 0.08), ("head", (0.0, 0.06, 0.03), 0.085)),
}
_TRUNK = ("chest", "waist", "hips")
_ARM = ("upper_arm", "forearm", "hand")
_LEG = ("thigh", "shin", "foot")


def _capsules() -> dict[str, tuple[_End, _End]]:
    capsules = dict(_MIDDLE_CAPSULES)
    for sign, side in ((1.0, "left"), (-1.0, "right")):
        for name, ends in _LEFT_CAPSULES.items():
            placed = [
                (
                    joint if joint in ("pelvis", "spine1", "spine2", "spine3") else f"{side}_{joint}",
                    (sign * offset[0], offset[1], offset[2]),
                    radius,
                )
                for joint, offset, radius in ends
            ]
            capsules[f"{side}_{name}"] = (placed[0], placed[1])
    return capsules


def _pairs() -> list[tuple[str, str]]:
    pairs = []
    for side, other in (("left", "right"), ("right", "left")):
        own = [f"{side}_{n}" for n in _ARM]
        trunk = [f"{s}_{n}" for s in ("left", "right") for n in _TRUNK]
        pairs += [(limb, part) for limb in own[1:] for part in (*trunk, "neck", "skull")]
        pairs += [(own[0], part) for part in ("skull", f"{other}_chest", f"{side}_waist", f"{side}_hips")]
        pairs += [(own[2], own[0])]
        pairs += [(limb, f"{s}_{leg}") for limb in own for leg in _LEG for s in ("left", "right")]
        pairs += [(f"{side}_{leg}", part) for leg in _LEG[1:] for part in (*trunk, "skull")]
        pairs += [(f"{side}_thigh", part) for part in (f"{side}_chest", f"{other}_chest", "skull")]
        pairs += [(f"{side}_foot", f"{side}_thigh")]
    pairs += [(f"left_{a}", f"right_{b}") for a in _ARM for b in _ARM]
    pairs += [(f"left_{a}", f"right_{b}") for a in _LEG for b in _LEG]
    return pairs


_CAPSULES = _capsules()
CAPSULE_PAIRS = tuple(_pairs())
_NAMES = tuple(_CAPSULES)
_END_JOINTS = np.array([[SMPL24.index(end[0]) for end in ends] for ends in _CAPSULES.values()])
_END_OFFSETS = np.array([[end[1] for end in ends] for ends in _CAPSULES.values()])
_END_RADII = np.array([[end[2] for end in ends] for ends in _CAPSULES.values()])
_FIRST = np.array([_NAMES.index(first) for first, _ in CAPSULE_PAIRS])
_SECOND = np.array([_NAMES.index(second) for _, second in CAPSULE_PAIRS])


def _give(first: str, second: str) -> float:
    """Return how far two limbs may overlap [m] before it shows."""
    if {first, second} == {"left_hand", "right_hand"}:
        return _CLASPED
    return SOFT + _SOFTER * ("thigh" in first and second.endswith(_TRUNK))


_GIVE = np.array([_give(*pair) for pair in CAPSULE_PAIRS])


def _dot(a: Float64, b: Float64) -> Float64:
    return np.einsum("...i,...i->...", a, b)


def _closest(p: Float64, u: Float64, q: Float64, v: Float64) -> tuple[Float64, Float64, Float64]:
    """Return distance and parameters in [0, 1] of the closest points of segments p + s u and q + t v."""
    w = p - q
    a, b, c, d, e = _dot(u, u), _dot(u, v), _dot(v, v), _dot(u, w), _dot(v, w)
    s = np.clip((b * e - c * d) / np.maximum(a * c - b * b, 1e-9), 0, 1)
    t = np.clip((b * s + e) / np.maximum(c, 1e-9), 0, 1)
    s = np.clip((b * t - d) / np.maximum(a, 1e-9), 0, 1)
    gap = w + s[..., None] * u - t[..., None] * v
    return np.sqrt(_dot(gap, gap)), s, t


def capsule_depths(position: Float64, orientation: Float64, pairs: NDArray[np.intp] | None = None) -> Float64:
    """Measure how deep limbs of posed stick figures run into each other.

    Args:
        position: (..., 24, 3) joints [m].
        orientation: (..., 24, 3, 3) of the joints.
        pairs: (K,) which of CAPSULE_PAIRS to measure; all of them if None.

    Returns:
        (..., K) overlap [m] beyond what flesh gives way; negative where there is a gap.
    """
    first, second = (_FIRST, _SECOND) if pairs is None else (_FIRST[pairs], _SECOND[pairs])
    ends = (
        position[..., _END_JOINTS, :]
        + (orientation[..., _END_JOINTS, :, :] @ _END_OFFSETS[..., None])[..., 0]
    )
    start, along = ends[..., 0, :], ends[..., 1, :] - ends[..., 0, :]
    distance, s, t = _closest(
        start[..., first, :], along[..., first, :], start[..., second, :], along[..., second, :]
    )
    radius, growth = _END_RADII[:, 0], _END_RADII[:, 1] - _END_RADII[:, 0]
    reach = radius[first] + s * growth[first] + radius[second] + t * growth[second]
    return reach - distance - (_GIVE if pairs is None else _GIVE[pairs])


_SKIN_REGIONS: dict[str, tuple[str, ...]] = {  # joints whose skin belongs to a region; {} is the side
    "trunk": ("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar"),
    "head": ("head",),
    "{}_upper_arm": ("{}_shoulder",),
    "{}_lower_arm": ("{}_elbow", "{}_wrist", "{}_hand"),
    "{}_thigh": ("{}_hip",),
    "{}_shank": ("{}_knee", "{}_ankle", "{}_foot"),
}
_NEIGHBOURS = (
    "trunk-head",
    "trunk-{}_upper_arm",
    "{}_upper_arm-{}_lower_arm",
    "trunk-{}_thigh",
    "{}_thigh-{}_shank",
)
_EVERY = 3  # of the skin's vertices and faces is looked at
_DEEPEST = 0.12  # [m] beyond which "inside" would mean the far side of a limb
_STEEP = 0.6  # cosine between the way to the nearest face and its normal, for a point behind it
_FEW = 3  # samples that must agree before a depth counts


@cache
def _regions(body: Body) -> tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]:
    """Return (vertices, faces) of each skin region, thinned out."""
    owner = body.weights.argmax(-1)
    regions = []
    for joints in _named_regions().values():
        is_in = np.isin(owner, [SMPL24.index(joint) for joint in joints])
        faces = np.flatnonzero(is_in[body.faces].all(-1))[::_EVERY]
        regions.append((np.flatnonzero(is_in)[::_EVERY], faces))
    return tuple(regions)


def _named_regions() -> dict[str, tuple[str, ...]]:
    named = {}
    for name, joints in _SKIN_REGIONS.items():
        for side in ("left", "right"):
            named[name.format(side)] = tuple(joint.format(side) for joint in joints)
    return named


def _distant_regions() -> tuple[tuple[int, int], ...]:
    names = tuple(_named_regions())
    near = {pair.format(*(side,) * 2) for pair in _NEIGHBOURS for side in ("left", "right")}
    near.add("left_thigh-right_thigh")
    pairs = [(a, b) for a in range(len(names)) for b in range(a + 1, len(names))]
    return tuple((a, b) for a, b in pairs if f"{names[a]}-{names[b]}" not in near)


_DISTANT_REGIONS = _distant_regions()


def self_penetration(body: Body, vertices: NDArray[np.floating]) -> float:
    """Measure how deep the skin of a posed body runs into itself.

    Skin of one region is inside another where it lies behind the other's nearest face. Regions that join are
    not compared: their skin always folds.

    Args:
        body: whose faces and weights tell the regions apart.
        vertices: (V, 3) [m] of one posed body, any frame.

    Returns:
        depth [m], 0 where nothing meets. Soft contact, as of crossed arms, goes to about 0.02.
    """
    regions = _regions(body)
    corners = [vertices[body.faces[faces]].astype(np.float64) for _, faces in regions]
    centres = [triangle.mean(1) for triangle in corners]
    trees = [cKDTree(centre) for centre in centres]
    deepest = 0.0
    for a, b in _DISTANT_REGIONS:
        for probe, target in ((a, b), (b, a)):
            points = vertices[regions[probe][0]]
            points = points[_near_box(points, centres[target])]
            if len(points) < _FEW:
                continue
            deepest = max(deepest, _depth(points, corners[target], trees[target]))
    return deepest


def _depth(points: NDArray[np.floating], triangles: Float64, tree: cKDTree) -> float:
    """Return how deep points (N, 3) lie behind triangles (F, 3, 3) whose centres are in the tree [m]."""
    distance, nearest = tree.query(points, distance_upper_bound=_DEEPEST)
    is_found = np.isfinite(distance)
    triangle, distance = triangles[nearest[is_found]], distance[is_found]
    normal = np.cross(triangle[:, 1] - triangle[:, 0], triangle[:, 2] - triangle[:, 0])
    height = _dot(points[is_found] - triangle.mean(1), normal) / np.sqrt(_dot(normal, normal))
    depths = np.sort(distance[height < -_STEEP * distance])  # else beside the rim of the region
    return float(depths[-_FEW]) if len(depths) >= _FEW else 0.0


def _near_box(points: NDArray[np.floating], others: Float64) -> NDArray[np.bool_]:
    return ((points > others.min(0)) & (points < others.max(0))).all(-1)
