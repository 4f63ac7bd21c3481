"""Expose a picture: run the kernels of `pixels` over a stage that `scenery` has uploaded."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import warp as wp
from numpy.typing import NDArray

from synthgen.render import pixels
from synthgen.render.scenery import Geometry, stage_world
from synthgen.sample import Camera
from synthgen.surface import Float32, Stage


@dataclass(frozen=True)
class Shot:
    """A picture (H, W, 3) uint8 sRGB and the depth (H, W) float32 [m] of whatever surface comes first."""

    image: NDArray[np.uint8]
    depth: Float32


def expose(stage: Stage, geometry: Geometry, seen: wp.array, sample: Callable[[wp.array], wp.array]) -> Shot:
    """Shade a stage.

    Args:
        stage: what is drawn.
        geometry: its meshes on the device.
        seen: (H*W,) int32 face at each pixel's centre, -1 for none.
        sample: returns (H*W*4,) int32 faces at 2x2 samples of the pixels marked in the (H*W,) uint8 it gets.
    """
    size = stage.camera.image_size
    device, count = geometry.device, len(seen)
    world, search_tree = stage_world(stage, geometry)
    film = _empty_film(seen, size, device)
    backdrop = np.ascontiguousarray(stage.backdrop.reshape(count, 3), np.float32)
    film.backdrop = geometry.upload(backdrop, wp.vec3)
    image = wp.empty(3 * count, dtype=wp.uint8, device=device)
    wp.launch(pixels.measure_sky, len(film.point_sky), [world, film], device=device)
    wp.launch(pixels.smooth_sky, len(film.point_sky), [world, film], device=device)
    wp.launch(pixels.measure_sun, count, [world, film, 0], device=device)
    wp.launch(pixels.measure_sun, count, [world, film, 1], device=device)
    wp.launch(pixels.shade_pixels, count, [world, film], device=device)
    wp.launch(pixels.find_edges, count, [world, film], device=device)
    samples = sample(film.is_edge)
    wp.launch(pixels.refine_edges, count, [world, film, samples], device=device)
    wp.launch(pixels.encode_pixels, count, [film, image], device=device)
    shot = Shot(image.numpy().reshape(*size, 3), film.depth.numpy().reshape(size))
    del search_tree  # kernels that use it have ended by now
    return shot


def measure(geometry: Geometry, camera: Camera, seen: wp.array) -> Float32:
    """Return the (H, W) float32 depth [m] of the faces seen at pixel centres, 0 where there is none."""
    film = _empty_film(seen, camera.image_size, geometry.device)
    wp.launch(pixels.measure_depth, len(seen), [geometry.world(camera), film], device=geometry.device)
    return film.depth.numpy().reshape(camera.image_size)


def _empty_film(seen: wp.array, size: tuple[int, int], device: str) -> pixels.Film:
    film = pixels.Film()
    film.seen = seen
    film.color = wp.empty(len(seen), dtype=wp.vec3, device=device)
    film.depth = wp.empty(len(seen), dtype=wp.float32, device=device)
    film.sun = wp.empty(len(seen), dtype=wp.float32, device=device)
    film.sky = wp.empty(len(seen), dtype=wp.float32, device=device)
    film.is_edge = wp.empty(len(seen), dtype=wp.uint8, device=device)
    num_points = -(-size[0] // pixels.SKY_STEP) * -(-size[1] // pixels.SKY_STEP)
    film.point_rays = wp.empty(num_points, dtype=wp.float32, device=device)
    film.point_sky = wp.empty(num_points, dtype=wp.float32, device=device)
    film.point_position = wp.empty(num_points, dtype=wp.vec3, device=device)
    return film
