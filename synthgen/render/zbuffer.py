"""Who is seen where, by a z-buffer in NVIDIA Warp (CPU and CUDA, no GL); see `synthgen.render.FaceFinder`.

A triangle is drawn without clipping, also where it reaches behind the camera: a pixel's ray meets it where
the three planes through the camera and its edges have the ray on their inner sides (Olano and Greer, 1997).
"""

import numpy as np
import warp as wp
from numpy.typing import NDArray

from synthgen.render.scenery import FAR, NEAR, Geometry
from synthgen.render.shading import MISS, Ints, Vectors
from synthgen.sample import Camera

wp.set_module_options({"enable_backward": False})

SLACK = wp.constant(
    0.001
)  # [px] by which triangles overlap their neighbours, so that no rounding leaves a gap
BEYOND = wp.constant(1.0e6)  # [px] outside every picture
UNIT = wp.constant(2.0**27)  # of inverse depth [1/m] in the upper half of a z-buffer's cell
FACE_BITS = wp.constant(
    wp.uint64(0xFFFFFFFF)
)  # lower half: the face, counted down, so that the first one wins
ROWS_AT_ONCE = {"cpu": 1, "cuda": 32}  # threads per triangle, each with every 32nd row


@wp.struct
class Grid:
    """A camera with pixels cut into 1x1 or 2x2 samples."""

    project: wp.mat33
    unproject: wp.mat33
    width: wp.int32
    height: wp.int32


@wp.func
def bounds_of(grid: Grid, a: wp.vec3, b: wp.vec3, box: wp.vec4) -> wp.vec4:
    """Grow a box (left, top, right, bottom) by an edge, as far as it lies before the camera."""
    low = wp.where(a[2] < b[2], a, b)
    high = wp.where(a[2] < b[2], b, a)
    if high[2] <= NEAR:
        return box
    if low[2] < NEAR:
        low = wp.lerp(low, high, (NEAR - low[2]) / (high[2] - low[2]))
    p = grid.project * low
    q = grid.project * high
    px = p[0] / p[2]
    py = p[1] / p[2]
    qx = q[0] / q[2]
    qy = q[1] / q[2]
    left = wp.min(box[0], wp.min(px, qx))
    top = wp.min(box[1], wp.min(py, qy))
    return wp.vec4(left, top, wp.max(box[2], wp.max(px, qx)), wp.max(box[3], wp.max(py, qy)))


@wp.func
def edge_plane(grid: Grid, a: wp.vec3, b: wp.vec3, side: float) -> wp.vec3:
    """Return (x, y, 1) coefficients over the grid of the inner side of an edge, in samples from the edge."""
    plane = side * (wp.transpose(grid.unproject) * wp.cross(a, b - a))
    return plane / wp.max(wp.sqrt(plane[0] * plane[0] + plane[1] * plane[1]), 1.0e-20)


@wp.func
def narrow(span: wp.vec2, plane: wp.vec3, y: float) -> wp.vec2:
    """Cut a span of a row to the inner side of an edge."""
    offset = plane[1] * y + plane[2] + SLACK
    if plane[0] > 1.0e-9:
        return wp.vec2(wp.max(span[0], wp.min(-offset / plane[0], BEYOND)), span[1])
    if plane[0] < -1.0e-9:
        return wp.vec2(span[0], wp.min(span[1], wp.max(-offset / plane[0], -BEYOND)))
    return wp.where(offset >= 0.0, span, wp.vec2(1.0, 0.0))


@wp.kernel
def draw_faces(
    vertices: Vectors, faces: Ints, chosen: Ints, grid: Grid, stride: int, cells: wp.array[wp.uint64]
) -> None:
    """Draw the chosen faces into z-buffer cells (0 is empty); thread (i, k) takes row k, k + stride, ..."""
    i, k = wp.tid()
    face = chosen[i]
    a = vertices[faces[3 * face]]
    b = vertices[faces[3 * face + 1]]
    c = vertices[faces[3 * face + 2]]
    normal = wp.cross(b - a, c - a)
    volume = wp.dot(normal, a)
    if volume == 0.0:
        return
    box = bounds_of(grid, a, b, wp.vec4(1.0e9, 1.0e9, -1.0e9, -1.0e9))
    box = bounds_of(grid, b, c, box)
    box = bounds_of(grid, c, a, box)
    left = wp.max(box[0] - SLACK, 0.0)
    right = wp.min(box[2] + SLACK, float(grid.width - 1))
    top = int(wp.ceil(wp.max(box[1] - SLACK, 0.0)))
    bottom = int(wp.floor(wp.min(box[3] + SLACK, float(grid.height - 1))))
    if left > right or top + k > bottom:
        return
    side = wp.sign(volume)
    ab = edge_plane(grid, a, b, side)
    bc = edge_plane(grid, b, c, side)
    ca = edge_plane(grid, c, a, side)
    inverse_depth = (wp.transpose(grid.unproject) * normal) / volume
    for y in range(top + k, bottom + 1, stride):
        row = float(y)
        span = narrow(narrow(narrow(wp.vec2(left, right), ab, row), bc, row), ca, row)
        for x in range(int(wp.ceil(span[0])), int(wp.floor(span[1])) + 1):
            nearness = inverse_depth[0] * float(x) + inverse_depth[1] * row + inverse_depth[2]
            if nearness * NEAR <= 1.0 and nearness * FAR >= 1.0:
                cell = (wp.uint64(nearness * UNIT) << wp.uint64(32)) | (FACE_BITS - wp.uint64(face))
                wp.atomic_max(cells, y * grid.width + x, cell)


@wp.kernel
def merge(cells: wp.array[wp.uint64], total: wp.array[wp.uint64], covered: wp.array[wp.uint8]) -> None:
    """Add a z-buffer to a total, mark its cells that are not empty, and empty them."""
    i = wp.tid()
    covered[i] = wp.uint8(wp.where(cells[i] == wp.uint64(0), 0, 1))
    total[i] = wp.max(total[i], cells[i])
    cells[i] = wp.uint64(0)


@wp.func
def face_in(cell: wp.uint64) -> int:
    """Return the face in a z-buffer's cell, or MISS."""
    if cell == wp.uint64(0):
        return MISS
    return int(FACE_BITS - (cell & FACE_BITS))


@wp.kernel
def read_pixels(cells: wp.array[wp.uint64], seen: Ints) -> None:
    """Decode the face of every cell."""
    i = wp.tid()
    seen[i] = face_in(cells[i])


@wp.kernel
def read_samples(cells: wp.array[wp.uint64], width: int, is_edge: wp.array[wp.uint8], samples: Ints) -> None:
    """Decode the faces of the 2x2 cells of every marked pixel, rows first."""
    i = wp.tid()
    if is_edge[i] != wp.uint8(0):
        first = 4 * (i // width) * width + 2 * (i % width)
        samples[4 * i] = face_in(cells[first])
        samples[4 * i + 1] = face_in(cells[first + 1])
        samples[4 * i + 2] = face_in(cells[first + 2 * width])
        samples[4 * i + 3] = face_in(cells[first + 2 * width + 1])


class ZBuffer:
    """Finds faces by drawing each layer's faces, so that a person's whole silhouette is known as well."""

    name = "warp"
    revision: str = wp.__version__

    def load(self, geometry: Geometry, camera: Camera) -> None:
        """Take the meshes and the camera that the other methods work on."""
        self._geometry, self._camera = geometry, camera
        self._covered: dict[int, NDArray[np.bool_]] = {}

    def pixels(self) -> wp.array:
        """Return (H*W,) int32 faces at pixel centres, -1 for none."""
        cells, total = self._empty_cells(1), self._empty_cells(1)
        for layer in np.unique(self._geometry.layers):
            chosen = np.flatnonzero(self._geometry.layers == layer).astype(np.int32)
            self._draw(self._geometry.upload(chosen, wp.int32), 1, cells)
            covered = wp.empty(len(cells), dtype=wp.uint8, device=self._geometry.device)
            wp.launch(merge, len(cells), [cells, total, covered], device=self._geometry.device)
            self._covered[int(layer)] = covered.numpy() != 0
        seen = wp.empty(len(total), dtype=wp.int32, device=self._geometry.device)
        wp.launch(read_pixels, len(total), [total, seen], device=self._geometry.device)
        return seen

    def samples(self, is_edge: wp.array) -> wp.array:
        """Return (H*W*4,) int32 faces at the 2x2 samples of marked pixels (uint8), -1 for none."""
        cells = self._empty_cells(2)
        everything = np.arange(len(self._geometry.faces), dtype=np.int32)
        self._draw(self._geometry.upload(everything, wp.int32), 2, cells)
        samples = wp.empty(len(cells), dtype=wp.int32, device=self._geometry.device)
        width = self._camera.image_size[1]
        wp.launch(read_samples, len(is_edge), [cells, width, is_edge, samples], device=self._geometry.device)
        return samples

    def covered(self, layer: int) -> NDArray[np.bool_]:
        """Return (H*W,) pixels that one layer would cover alone; needs `pixels` to have run."""
        return self._covered[layer]

    def _empty_cells(self, fineness: int) -> wp.array:
        height, width = self._camera.image_size
        return wp.zeros(fineness**2 * height * width, dtype=wp.uint64, device=self._geometry.device)

    def _draw(self, chosen: wp.array, fineness: int, cells: wp.array) -> None:
        geometry = self._geometry
        grid = grid_of(self._camera, fineness)
        rows = ROWS_AT_ONCE["cuda" if geometry.device.startswith("cuda") else "cpu"]
        wp.launch(
            draw_faces,
            (len(chosen), rows),
            [geometry.points, geometry.corners, chosen, grid, rows, cells],
            device=geometry.device,
        )


def grid_of(camera: Camera, fineness: int) -> Grid:
    """Return the camera with every pixel cut into fineness x fineness samples, as in `shading.sample_ray`."""
    height, width = camera.image_size
    to_samples = np.array(
        [[fineness, 0, (fineness - 1) / 2], [0, fineness, (fineness - 1) / 2], [0, 0, 1]], np.float64
    )
    project = to_samples @ camera.cam_int
    grid = Grid()
    grid.project = wp.mat33(*project.ravel().tolist())
    grid.unproject = wp.mat33(*np.linalg.inv(project).ravel().tolist())
    grid.width = fineness * width
    grid.height = fineness * height
    return grid
