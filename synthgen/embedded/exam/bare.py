"""The bare body of a scene, as the pipeline's depth step renders it: nothing in front of it, no clothes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.body import Body
from synthgen.geometry import Array, project
from synthgen.joints import COCO17
from synthgen.render import Renderer, joint_visibility
from synthgen.sample import Scene
from synthgen.stages.silhouettes import box_of_mask


@dataclass(frozen=True)
class BareBody:
    """What a body alone would look like.

    Attributes:
        depth: (H, W) float32 [m], 0 beside the body.
        mask: (H, W) where the body is.
        bbox: (4,) xyxy [px] of the mask.
        keypoints_2d: (17, 2) COCO-17 [px].
        visibility: (17,) in [0, 1], as far as the body does not hide itself and the picture reaches.
    """

    depth: NDArray[np.float32]
    mask: NDArray[np.bool_]
    bbox: Array
    keypoints_2d: Array
    visibility: Array


def render_bare(scene: Scene, body: Body, renderer: Renderer) -> BareBody:
    """Render the first person of a scene.

    Raises:
        ValueError: the camera does not see the body.
    """
    posed = body.pose(scene.people[:1])
    depth, index = renderer.depth([(posed.vertices[0], body.faces)], scene.camera)
    if not index.any():
        raise ValueError("render_bare: the camera of the scene does not see its first person")
    joints = body.joints(posed.points, COCO17)
    return BareBody(
        depth=depth,
        mask=index > 0,
        bbox=box_of_mask(index > 0),
        keypoints_2d=project(joints[0], scene.camera.cam_int),
        visibility=joint_visibility(joints, depth, index, scene.camera)[0],
    )
