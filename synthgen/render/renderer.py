"""Two ways to find who is seen where, one shading for both; and the choice between them.

`zbuffer` finds faces with NVIDIA Warp (CPU and CUDA, no GL), `rasterize` with pyrender on an EGL context.
Pixel (u, v) means its centre, as in `synthgen.geometry`. Depth [m] is z in the camera frame.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from synthgen.sample import BACKGROUND, MAX_PEOPLE, OCCLUDER, Camera
from synthgen.surface import Float32, Stage

if TYPE_CHECKING:
    from synthgen.render.scenery import Geometry

SOFTWARE_GL = ("llvmpipe", "softpipe", "swrast", "swiftshader", "software")  # in the names of such drivers
PROBE_TIMEOUT_S = 60.0
# A prop that hides less than this part of the bodies' silhouettes, or fewer pixels, only touches them, as a
# mat does feet; it is marked where it hides them, and not beside.
LEAST_HIDDEN, LEAST_HIDDEN_PX = 0.01, 4

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Drawing:
    """A picture and what is exactly known of it.

    Attributes:
        image: (H, W, 3) uint8 RGB, anti-aliased.
        depth: (H, W) float32 [m] of visible people; 0 elsewhere.
        mask: (H, W) uint8: BACKGROUND, 1..P, OCCLUDER for props that hide a body: all of such a prop that
            shows, unless it only touches somebody (LEAST_HIDDEN). Ground and walls that hide a body are
            BACKGROUND.
        hidden: (H, W) bool, where a prop hides a body.
        things: (H, W) bool, where props show, in front of bodies or not; None where nobody knows.
        visible: (P,) float32, part of each person's own silhouette (inside the picture) that is seen, [0, 1].
    """

    image: NDArray[np.uint8]
    depth: Float32
    mask: NDArray[np.uint8]
    hidden: NDArray[np.bool_]
    visible: Float32
    things: NDArray[np.bool_] | None = None

    @property
    def silhouettes(self) -> NDArray[np.uint8]:
        """The mask with OCCLUDER only where a prop hides a body."""
        beside = (self.mask == OCCLUDER) & ~self.hidden
        return np.where(beside, np.uint8(BACKGROUND), self.mask)


class FaceFinder(Protocol):
    """Finds the face that is seen; arrays are Warp's, on the device of the geometry."""

    name: str
    revision: str

    def load(self, geometry: "Geometry", camera: Camera) -> None:
        """Take the meshes and the camera that the other methods work on."""
        ...

    def pixels(self) -> Any:
        """Return (H*W,) int32 faces at pixel centres, -1 for none."""
        ...

    def samples(self, is_edge: Any) -> Any:
        """Return (H*W*4,) int32 faces at 2x2 samples, rows first; only marked pixels are looked at."""
        ...

    def covered(self, layer: int) -> NDArray[np.bool_]:
        """Return (H*W,) pixels that one layer would cover alone; called after `pixels`."""
        ...


class Renderer:
    """Draws stages and measures depth. Same input, same bytes.

    Attributes:
        name: "warp" or "pyrender".
        revision: version of that package.
    """

    def __init__(self, finder: FaceFinder, device: str) -> None:
        self._finder = finder
        self._device = device
        self.name = finder.name
        self.revision = finder.revision

    def draw(self, stage: Stage) -> Drawing:
        """Draw a stage.

        Raises:
            ValueError: backdrop and camera differ in size, or a surface is broken.
        """
        height, width = stage.camera.image_size
        if stage.backdrop.shape != (height, width, 3):
            raise ValueError(f"Stage.backdrop must be {(height, width, 3)}, got {stage.backdrop.shape}")
        if not any(len(surface.faces) for surface in stage.surfaces):
            return _empty_drawing(stage)
        from synthgen.render import film, scenery

        geometry = scenery.stage_geometry(stage, self._device)
        self._finder.load(geometry, stage.camera)
        seen = self._finder.pixels()
        shot = film.expose(stage, geometry, seen, self._finder.samples)
        layer = _layer_of(geometry, seen.numpy())
        mask, hidden, visible = self._labels(stage, geometry, seen.numpy(), layer)
        is_body = (mask != BACKGROUND) & (mask != OCCLUDER)
        return Drawing(
            image=shot.image,
            depth=np.where(is_body, shot.depth, np.float32(0)),
            mask=mask,
            hidden=hidden,
            visible=visible,
            things=(layer == OCCLUDER).reshape(mask.shape),
        )

    def depth(
        self, meshes: Sequence[tuple[Float32, NDArray[np.int32]]], camera: Camera
    ) -> tuple[Float32, NDArray[np.uint8]]:
        """Measure the depth of bodies alone: what depth-conditioned diffusion models are given.

        Args:
            meshes: vertices (V, 3) [m], camera frame, and faces (F, 3) of each body, at most 254.
            camera: that sees them.

        Returns:
            depth (H, W) float32 [m], 0 where there is no body, and index (H, W) uint8, 1..n for the nearest
            body, 0 for none.

        Raises:
            ValueError: too many meshes, or a broken one.
        """
        if len(meshes) > MAX_PEOPLE:
            raise ValueError(f"Renderer.depth takes at most {MAX_PEOPLE} meshes, got {len(meshes)}")
        if not any(len(faces) for _, faces in meshes):
            return np.zeros(camera.image_size, np.float32), np.zeros(camera.image_size, np.uint8)
        from synthgen.render import film, scenery

        geometry = scenery.Geometry(meshes, range(1, len(meshes) + 1), self._device)
        self._finder.load(geometry, camera)
        seen = self._finder.pixels()
        index = _layer_of(geometry, seen.numpy()).reshape(camera.image_size)
        return film.measure(geometry, camera, seen), index

    def _labels(
        self, stage: Stage, geometry: "Geometry", seen: NDArray[np.int32], layer: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_], Float32]:
        size = stage.camera.image_size
        visible = np.zeros(_num_people(stage), np.float32)
        is_body = np.zeros(layer.shape, bool)
        for person in sorted({s.layer for s in stage.surfaces if len(s.faces)} - {BACKGROUND, OCCLUDER}):
            covered = self._finder.covered(person)
            visible[person - 1] = (layer == person).sum() / max(covered.sum(), 1)
            is_body |= covered
        is_prop = layer == OCCLUDER
        hidden = is_prop & is_body
        member = np.append(geometry.members, np.int32(-1))[seen]
        names, counts = np.unique(member[hidden], return_counts=True)
        least = max(LEAST_HIDDEN * is_body.sum(), LEAST_HIDDEN_PX)
        is_aside = is_prop & ~hidden & ~np.isin(member, names[counts >= least])
        mask = np.where(is_aside, np.uint8(BACKGROUND), layer)
        return mask.reshape(size), hidden.reshape(size), visible


def _layer_of(geometry: "Geometry", seen: NDArray[np.int32]) -> NDArray[np.uint8]:
    return np.append(geometry.layers, np.uint8(BACKGROUND))[seen]


def _num_people(stage: Stage) -> int:
    return max((surface.layer for surface in stage.surfaces if surface.layer != OCCLUDER), default=0)


def _empty_drawing(stage: Stage) -> Drawing:
    size = stage.camera.image_size
    mask, visible = np.zeros(size, np.uint8), np.zeros(_num_people(stage), np.float32)
    image = (np.clip(stage.backdrop, 0, 1) * 255 + 0.5).astype(np.uint8)
    return Drawing(image, np.zeros(size, np.float32), mask, mask > 0, visible, mask > 0)


@cache
def _probe_gl() -> tuple[str, str]:
    """Try a GL context in a process of its own, as bad drivers crash; return (driver, reason if none)."""
    package_folder = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", "from synthgen.render.rasterize import start_gl; print(start_gl()[1])"]
    search_path = os.pathsep.join(filter(None, [package_folder, os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": search_path}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", str(error)
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    last = lines[-1] if lines else f"the driver ended the process with code {done.returncode}"
    return (last, "") if done.returncode == 0 else ("", last)


def resolve_renderer(choice: Literal["auto", "pyrender", "warp"]) -> Literal["pyrender", "warp"]:
    """Choose a renderer for this machine.

    `auto` takes pyrender only with a GPU's GL driver: with GL in software (llvmpipe) a picture takes longer
    than with Warp, and needs system libraries besides. Ask once per run, on a machine like those that draw.

    Raises:
        ValueError: pyrender was asked for and no GL context can be had, or the choice is unknown.
    """
    if choice not in ("auto", "pyrender", "warp"):
        raise ValueError(f"renderer must be auto, pyrender or warp, got {choice!r}")
    if choice == "warp":
        return "warp"
    driver, reason = _probe_gl()
    if choice == "auto":
        is_software = any(name in driver.lower() for name in SOFTWARE_GL)
        log.info("GL driver: %s", driver or f"none ({reason})")
        return "pyrender" if driver and not is_software else "warp"
    if not driver:
        raise ValueError(
            f"renderer=pyrender needs an OpenGL context through EGL and gets none here ({reason}); install a "
            "GPU driver with EGL, or software GL (Debian: apt-get install libegl1 libgl1-mesa-dri), or take "
            "renderer=warp, which needs no GL"
        )
    return "pyrender"


def make_renderer(name: str, device: str = "cpu") -> Renderer:
    """Set up a renderer in this process.

    Args:
        name: "warp" or "pyrender", as `resolve_renderer` returns it.
        device: where rays are cast and pixels shaded, "cpu" or "cuda:0".

    Raises:
        ValueError: unknown name or device, or pyrender without a GL context.
    """
    if name not in ("warp", "pyrender"):
        raise ValueError(f"renderer must be warp or pyrender, got {name!r}")
    from synthgen.render.scenery import start_warp

    if name == "pyrender":
        resolve_renderer("pyrender")
        from synthgen.render.rasterize import Rasterizer

        start_warp(device)
        return Renderer(Rasterizer(), device)
    from synthgen.render.zbuffer import ZBuffer

    start_warp(device)
    return Renderer(ZBuffer(), device)
