"""Who is seen where, by pyrender on an EGL context (see `synthgen.render.FaceFinder`).

GL only says which triangle each pixel or sample shows, written into the picture by the shaders in
`assets/segmentation.*`; depth and colour are computed from the triangle by the same code as for rays.
"""

import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from synthgen.render.scenery import FAR, NEAR, Geometry
from synthgen.sample import Camera
from synthgen.surface import Float32

SHADERS = Path(__file__).parents[1] / "assets"
MAX_FACES = 2**24 - 1  # that three bytes can number
OPENCV_TO_GL = np.diag([1.0, -1.0, -1.0, 1.0])


def start_gl() -> tuple[Any, str]:
    """Create a GL context.

    Returns:
        pyrender's offscreen renderer and the name of the GL driver ("NVIDIA H100", "llvmpipe (LLVM 15)").
    """
    os.environ.setdefault("PYOPENGL_PLATFORM", "egl")  # read by PyOpenGL when it is imported
    import pyrender
    from OpenGL.GL import GL_RENDERER, glGetString
    from pyrender.shader_program import ShaderProgramCache

    offscreen = pyrender.OffscreenRenderer(16, 16)
    offscreen._renderer._program_cache = ShaderProgramCache(shader_dir=str(SHADERS))
    return offscreen, glGetString(GL_RENDERER).decode()


class Rasterizer:
    """Finds faces with GL's z-buffer (see `synthgen.render.FaceFinder`)."""

    name = "pyrender"

    def __init__(self) -> None:
        self._offscreen, driver = start_gl()
        self.revision = f"{version('pyrender')} on {driver}"

    def load(self, geometry: Geometry, camera: Camera) -> None:
        """Take the meshes and the camera that the other methods work on."""
        if len(geometry.faces) > MAX_FACES:
            raise ValueError(f"pyrender can draw {MAX_FACES} faces at once, got {len(geometry.faces)}")
        if camera.cam_int[0, 1] != 0:
            raise ValueError(f"pyrender has no camera with skew, got cam_int[0, 1] = {camera.cam_int[0, 1]}")
        self._geometry, self._camera = geometry, camera
        self._faces = _turned_to_camera(geometry.vertices, geometry.faces)

    def pixels(self) -> wp.array:
        """Return (H*W,) int32 faces at pixel centres, -1 for none."""
        return self._geometry.upload(self._draw(self._faces, 1).ravel(), wp.int32)

    def samples(self, is_edge: wp.array) -> wp.array:
        """Return (H*W*4,) int32 faces at the 2x2 samples of all pixels, -1 for none."""
        height, width = self._camera.image_size
        fine = self._draw(self._faces, 2).reshape(height, 2, width, 2)
        return self._geometry.upload(np.ascontiguousarray(fine.swapaxes(1, 2)).ravel(), wp.int32)

    def covered(self, layer: int) -> NDArray[np.bool_]:
        """Return (H*W,) pixels that one layer would cover alone."""
        faces = self._faces[self._geometry.layers == layer]
        return self._draw(faces, 1).ravel() >= 0

    def _draw(self, faces: NDArray[np.int32], fineness: int) -> NDArray[np.int32]:
        """Return (fineness * H, fineness * W) int32 positions in `faces`, -1 where there is none."""
        import pyrender

        height, width = self._camera.image_size
        self._offscreen.viewport_height = fineness * height
        self._offscreen.viewport_width = fineness * width
        scene = pyrender.Scene()
        primitive = pyrender.Primitive(positions=self._geometry.vertices, indices=faces)
        node = scene.add(pyrender.Mesh([primitive]))
        scene.add(self._gl_camera(fineness), pose=OPENCV_TO_GL)
        color, _ = self._offscreen.render(scene, pyrender.RenderFlags.SEG, {node: (255, 255, 255)})
        return color.astype(np.int32) @ np.array([1, 2**8, 2**16], np.int32) - 1

    def _gl_camera(self, fineness: int) -> Any:
        """Return the camera with pixels cut finer; GL's origin is the corner of the first pixel."""
        import pyrender

        cam_int = self._camera.cam_int
        (cx, cy) = (cam_int[:2, 2] + 0.5) * fineness
        fx, fy = cam_int[0, 0] * fineness, cam_int[1, 1] * fineness
        return pyrender.IntrinsicsCamera(fx, fy, cx, cy, znear=float(NEAR), zfar=float(FAR))


def _turned_to_camera(vertices: Float32, faces: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the faces with their corners counter-clockwise to the camera; pyrender culls all others."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    looks_away = np.einsum("fk,fk->f", np.cross(b - a, c - a), a) > 0
    return np.where(looks_away[:, None], faces[:, ::-1], faces)
