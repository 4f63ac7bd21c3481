"""Who is seen where, by NVIDIA Warp ray casting (CPU and CUDA, no GL).

Rays have z = 1, so the distance along a ray is depth [m]. Only NEAR to FAR is seen, as in GL.
"""

from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from synthgen.sample import Camera
from synthgen.scenery import FAR, NEAR, Geometry
from synthgen.shading import MISS, Ints, pixel_ray, sample_ray

wp.set_module_options({"enable_backward": False})


@wp.func
def face_of(query: Any) -> int:
    """Return the face that a mesh query found, or MISS."""
    if query.result:
        return int(query.face)
    return int(MISS)


@wp.func
def first_face(mesh: wp.uint64, ray: wp.vec3, root: int) -> int:
    """Return the first face along a ray (z = 1) from the camera's centre, at or below a node (-1: all)."""
    return face_of(wp.mesh_query_ray(mesh, NEAR * ray, ray, FAR, root))


@wp.kernel
def cast_pixels(mesh: wp.uint64, unproject: wp.mat33, width: int, seen: Ints) -> None:
    """Find the face at the centre of every pixel."""
    i = wp.tid()
    seen[i] = first_face(mesh, pixel_ray(unproject, width, i, 0.0, 0.0), -1)


@wp.kernel
def cast_samples(
    mesh: wp.uint64, unproject: wp.mat33, width: int, is_edge: wp.array[wp.uint8], samples: Ints
) -> None:
    """Find the faces at the 2x2 samples of every marked pixel."""
    i = wp.tid()
    if is_edge[i] != wp.uint8(0):
        for k in range(4):
            samples[4 * i + k] = first_face(mesh, sample_ray(unproject, width, i, k), -1)


@wp.kernel
def cast_layer(
    mesh: wp.uint64, unproject: wp.mat33, width: int, box: wp.vec4i, layer: int, covered: wp.array[wp.uint8]
) -> None:
    """Mark the pixels of a box (x, y, width, height) that one layer of the mesh would cover alone."""
    i = wp.tid()
    pixel = (box[1] + i // box[2]) * width + box[0] + i % box[2]
    if covered[pixel] == wp.uint8(0):
        ray = pixel_ray(unproject, width, pixel, 0.0, 0.0)
        if first_face(mesh, ray, wp.mesh_get_group_root(mesh, layer)) != MISS:
            covered[pixel] = wp.uint8(1)


class RayCaster:
    """Finds faces with rays through the search tree of the geometry (see `synthgen.render.FaceFinder`)."""

    name = "warp"
    revision: str = wp.__version__

    def load(self, geometry: Geometry, camera: Camera) -> None:
        """Take the meshes and the camera that the other methods work on."""
        world = geometry.world(camera)
        self._geometry, self._camera, self._device = geometry, camera, geometry.device
        self._view = [world.mesh, world.unproject, world.width]
        self._count = camera.image_size[0] * camera.image_size[1]

    def pixels(self) -> wp.array:
        """Return (H*W,) int32 faces at pixel centres, -1 for none."""
        seen = wp.empty(self._count, dtype=wp.int32, device=self._device)
        wp.launch(cast_pixels, self._count, [*self._view, seen], device=self._device)
        return seen

    def samples(self, is_edge: wp.array) -> wp.array:
        """Return (H*W*4,) int32 faces at the 2x2 samples of marked pixels (uint8); others are undefined."""
        samples = wp.empty(4 * self._count, dtype=wp.int32, device=self._device)
        wp.launch(cast_samples, self._count, [*self._view, is_edge, samples], device=self._device)
        return samples

    def covered(self, layer: int, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return (H*W,) pixels that one layer would cover alone; `known` ones are known to be."""
        marks = wp.array(known.astype(np.uint8), dtype=wp.uint8, device=self._device)
        x, y, width, height = box = self._geometry.bounds(layer, self._camera)
        wp.launch(
            cast_layer, width * height, [*self._view, wp.vec4i(*box), layer, marks], device=self._device
        )
        return marks.numpy() != 0
