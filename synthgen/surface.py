"""What can be drawn: triangle meshes with materials, light and a backdrop, all in one camera's frame.

`synthgen.scenes` builds these, `synthgen.render` draws them. Colours are sRGB in [0, 1]; lengths are metres
in the OpenCV camera frame.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synthgen.sample import Camera

Float32 = NDArray[np.float32]
Pattern = Literal["plain", "stripes", "checks", "speckle", "wood", "camouflage"]
PATTERNS: tuple[Pattern, ...] = ("plain", "stripes", "checks", "speckle", "wood", "camouflage")


@dataclass(frozen=True)
class Material:
    """How a surface looks.

    Attributes:
        color: (r, g, b) first colour.
        accent: (r, g, b) second colour of the pattern.
        pattern: how the two mix, over the surface's own coordinates.
        scale: size of one repeat of the pattern [m].
        roughness: 0 (mirror-like highlight) to 1 (matt).
        angle: direction of stripes and wood grain in the surface's xy plane [rad].
    """

    color: tuple[float, float, float]
    accent: tuple[float, float, float] = (0.5, 0.5, 0.5)
    pattern: Pattern = "plain"
    scale: float = 0.1
    roughness: float = 0.8
    angle: float = 0.0


@dataclass(frozen=True)
class Surface:
    """One mesh.

    Attributes:
        vertices: (V, 3) [m], camera frame.
        faces: (F, 3) int32 into vertices.
        materials: what the faces are made of.
        face_material: (F,) int32 into materials.
        coordinates: (V, 3) [m], where patterns are evaluated; for a body its rest pose, so that cloth moves
            along.
        layer: BACKGROUND for ground and walls, 1..P for the body and clothes of person P, OCCLUDER for props,
            which hide a body where they are in front of it.
        is_smooth: shade with interpolated vertex normals (bodies) or flat faces (boxes).
    """

    vertices: Float32
    faces: NDArray[np.int32]
    materials: tuple[Material, ...]
    face_material: NDArray[np.int32]
    coordinates: Float32
    layer: int
    is_smooth: bool = True


@dataclass(frozen=True)
class Light:
    """One sun and a sky.

    Attributes:
        direction: (3,) unit vector from the scene to the sun, camera frame.
        color: (r, g, b) of the sun; may exceed 1.
        sky: (r, g, b) of light from above.
        bounce: (r, g, b) of light from below.
        up: (3,) unit vector of the world's up, camera frame.
        shadow: 0 (none) to 1 (sun fully blocked).
    """

    direction: Float32
    color: tuple[float, float, float]
    sky: tuple[float, float, float]
    bounce: tuple[float, float, float]
    up: Float32
    shadow: float = 0.8


@dataclass(frozen=True)
class Stage:
    """All that is needed to draw one picture.

    Attributes:
        camera: looks along +z.
        surfaces: in any order.
        light: lights all of them.
        backdrop: (H, W, 3) float32 sRGB picture seen where no surface is.
    """

    camera: Camera
    surfaces: tuple[Surface, ...]
    light: Light
    backdrop: Float32
