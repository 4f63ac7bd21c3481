"""Run the shading kernels over the pixels of a picture: centres first, then more samples where it pays."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import warp as wp
from numpy.typing import NDArray

from synthgen import shading
from synthgen.patterns import srgb_to_linear
from synthgen.sample import Camera
from synthgen.scenery import Geometry, stage_world
from synthgen.surface import Float32, Stage

EDGE_CONTRAST = 0.06  # of neighbours, in square roots of linear light; more calls for more samples


@dataclass(frozen=True)
class Shot:
    """What `expose` returns: image (H, W, 3) uint8, depth (H, W) float32 [m], is_empty (H, W) bool."""

    image: NDArray[np.uint8]
    depth: Float32
    is_empty: NDArray[np.bool_]


def expose(stage: Stage, geometry: Geometry, seen: wp.array, sample: Callable[[wp.array], wp.array]) -> Shot:
    """Shade a stage.

    Args:
        stage: what is drawn.
        geometry: its meshes on the device.
        seen: (H*W,) int32 face at each pixel's centre, -1 for none.
        sample: returns the faces at 2x2 samples of the pixels marked in the (H*W,) uint8 array it is given.

    Returns:
        The picture; `depth` is that of the first surface of any kind, `is_empty` marks pixels that show the
        backdrop alone.
    """
    height, width = size = stage.camera.image_size
    count, device = height * width, geometry.device
    world = stage_world(stage, geometry)
    linear = srgb_to_linear(stage.backdrop).astype(np.float32).reshape(count, 3)
    backdrop = geometry.upload(linear, wp.vec3)
    color = wp.empty(count, dtype=wp.vec3, device=device)
    depth = wp.empty(count, dtype=wp.float32, device=device)
    is_edge = wp.empty(count, dtype=wp.uint8, device=device)
    image = wp.empty(3 * count, dtype=wp.uint8, device=device)
    wp.launch(shading.shade_pixels, count, [world, seen, backdrop, color, depth], device=device)
    wp.launch(shading.find_edges, count, [seen, color, width, EDGE_CONTRAST, is_edge], device=device)
    samples = sample(is_edge)
    wp.launch(shading.refine_pixels, count, [world, is_edge, samples, backdrop, color], device=device)
    wp.launch(shading.encode_pixels, count, [color, image], device=device)
    is_empty = (seen.numpy() == shading.MISS) & (is_edge.numpy() == 0)
    return Shot(image.numpy().reshape(*size, 3), depth.numpy().reshape(size), is_empty.reshape(size))


def measure(geometry: Geometry, camera: Camera, seen: wp.array) -> Float32:
    """Return the (H, W) float32 depth [m] of the faces seen at pixel centres, 0 where there is none."""
    depth = wp.empty(len(seen), dtype=wp.float32, device=geometry.device)
    wp.launch(
        shading.measure_pixels, len(seen), [geometry.world(camera), seen, depth], device=geometry.device
    )
    return depth.numpy().reshape(camera.image_size)
