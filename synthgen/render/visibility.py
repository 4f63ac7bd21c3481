"""How much of the body around a joint a picture shows, measured on its depth and mask."""

import numpy as np
from numpy.typing import NDArray

from synthgen.geometry import project
from synthgen.joints import COCO17, JointSet
from synthgen.sample import BACKGROUND, OCCLUDER, Camera
from synthgen.surface import Float32

PATCH_RADIUS = 0.03  # [m] of the disc around a joint that is looked at: half a wrist
MIN_RADIUS = 0.75  # [px] of that disc in the picture
GRID = 5  # points across the disc
MIN_EVIDENCE = 0.25  # part of the disc that has to show something for visibility to reach 1

# Distance from a joint to the skin over it, in whatever direction it is seen from [m]: adults, a coat's
# thickness included. Deeper than that below the surface, a joint is hidden by another part of its own body.
_FLESH = {
    "nose": 0.05, "eye": 0.05, "ear": 0.06, "head_top": 0.06, "jaw": 0.08, "head": 0.14, "neck": 0.11,
    "collar": 0.13, "shoulder": 0.11, "elbow": 0.08, "wrist": 0.07, "hand": 0.07,
    "pelvis": 0.18, "spine": 0.18, "thorax": 0.13, "hip": 0.16, "knee": 0.10, "ankle": 0.08, "foot": 0.08,
    "big_toe": 0.06, "small_toe": 0.06, "heel": 0.07,
}  # fmt: skip


def flesh(joint_set: JointSet) -> NDArray[np.float64]:
    """Return (J,) how deep below the skin each joint of a set may lie [m]."""
    kinds = [
        name.removeprefix("left_").removeprefix("right_").removeprefix("mid_").rstrip("123")
        for name in joint_set.names
    ]
    return np.array([_FLESH[kind] for kind in kinds])


def joint_visibility(
    joints: NDArray[np.floating],
    depth: Float32,
    mask: NDArray[np.uint8],
    camera: Camera,
    joint_set: JointSet = COCO17,
) -> Float32:
    """Measure which part of the body around each joint the picture shows.

    A joint lies inside the body, so a small disc around it is looked at. A point of the disc shows the joint
    if the picture has the joint's person there with the skin at most `flesh` nearer than the joint. It hides
    the joint if it lies outside the picture, or shows a prop, nearer skin of the same person, or another
    person in front. Points past the edge of the limb (background, bodies behind) say nothing, but if they are
    more than three quarters of the disc, visibility shrinks in proportion: a foot in snow is not seen.

    Args:
        joints: (P, J, 3) [m], camera frame, of the people with mask values 1..P.
        depth: (H, W) [m] as in `Drawing`.
        mask: (H, W) as `Drawing.silhouettes`.
        camera: of the picture.
        joint_set: that the J joints belong to.

    Returns:
        (P, J) float32 in [0, 1]: shown points over shown and hidden ones.

    Raises:
        ValueError: the number of joints is not that of the set.
    """
    if joints.ndim != 3 or joints.shape[1:] != (len(joint_set), 3):
        raise ValueError(
            f"joint_visibility: joints must be (P, {len(joint_set)}, 3) for {joint_set.name}, "
            f"got {joints.shape}"
        )
    joint_depth = joints[..., 2:]
    in_front = joint_depth[..., 0] > 0
    pixels, is_inside = _disc_pixels(np.where(in_front[..., None], joints, 1.0), camera)
    drawn = np.where(is_inside, mask[pixels[..., 1], pixels[..., 0]], OCCLUDER)
    skin = depth[pixels[..., 1], pixels[..., 0]]
    person = np.arange(1, len(joints) + 1)[:, None, None]
    thickness = flesh(joint_set)[None, :, None]
    is_own, is_body = drawn == person, (drawn != BACKGROUND) & (drawn != OCCLUDER)
    is_shown = is_own & (np.abs(skin - joint_depth) <= thickness)
    is_hidden = (drawn == OCCLUDER) | (is_own & (skin < joint_depth - thickness))
    is_hidden |= is_body & ~is_own & (skin < joint_depth)
    shown, hidden = is_shown.sum(-1), is_hidden.sum(-1)
    visible = shown / np.maximum(shown + hidden, MIN_EVIDENCE * is_shown.shape[-1])
    return np.where(in_front, visible, 0.0).astype(np.float32)


def _disc_pixels(joints: NDArray[np.floating], camera: Camera) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return pixels (P, J, S, 2) of discs around joints, clipped to the picture, and which were in it."""
    steps = np.linspace(-1, 1, GRID)
    disc = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)
    disc = disc[np.linalg.norm(disc, axis=1) <= 1.2]
    focal = np.array([camera.cam_int[0, 0], camera.cam_int[1, 1]])
    radius = np.maximum(PATCH_RADIUS * focal / joints[..., 2:], MIN_RADIUS)
    points = project(joints, camera.cam_int)[..., None, :] + disc * radius[..., None, :]
    limit = np.array(camera.image_size[::-1]) - 1
    pixels = np.clip(np.rint(points), -1, limit + 1).astype(np.intp)
    is_inside = ((pixels >= 0) & (pixels <= limit)).all(-1)
    return np.clip(pixels, 0, limit), is_inside
