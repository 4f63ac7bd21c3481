"""Labels to look at: bodies over a picture, depth and masks in colour."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthgen.sample import BACKGROUND, OCCLUDER, Camera
from synthgen.surface import Float32, Light, Material, Stage, Surface

if TYPE_CHECKING:
    from synthgen.render import Renderer

# Okabe and Ito's colours (2008), which people with any colour vision can tell apart.
PERSON_COLORS = (
    (0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167),
    (86, 180, 233), (213, 94, 0), (240, 228, 66),
)  # fmt: skip
OCCLUDER_COLOR = (225, 225, 225)
RIM = 1 / 160  # width of an outline, of the picture's shorter side
RIM_LIGHT = (255, 255, 255)
FAR_SHADE = 0.25  # brightness of the furthest body in a depth picture; the nearest has 1


def person_color(number: int) -> tuple[int, int, int]:
    """Return the colour of a person of mask value 1..P; colours repeat after seven people."""
    return PERSON_COLORS[(number - 1) % len(PERSON_COLORS)]


def overlay(
    image: NDArray[np.uint8],
    meshes: Sequence[tuple[Float32, NDArray[np.int32]]],
    camera: Camera,
    renderer: "Renderer",
    alpha: float = 0.6,
) -> NDArray[np.uint8]:
    """Draw bodies over a picture, shaded, each in the colour of `person_color`.

    Args:
        image: (H, W, 3) RGB; unchanged where no body is.
        meshes: vertices (V, 3) [m], camera frame, and faces (F, 3) of each body.
        camera: of the picture.
        renderer: to draw with.
        alpha: weight of the bodies, 0 (unseen) to 1 (opaque).

    Returns:
        (H, W, 3) uint8.
    """
    surfaces = tuple(_body_surface(mesh, number) for number, mesh in enumerate(meshes, start=1))
    backdrop = image.astype(np.float32) / np.float32(255)
    drawn = renderer.draw(Stage(camera, surfaces, _headlight(), backdrop)).image
    mixed = image + alpha * (drawn.astype(np.float32) - image)
    return np.rint(mixed).astype(np.uint8)


def colorize_depth(depth: Float32) -> NDArray[np.uint8]:
    """Return (H, W, 3) grey: the nearest body white, the furthest dark grey, black where there is none.

    Brightness falls with inverse depth, as in the pictures that depth-conditioned diffusion models are given.
    """
    is_body = depth > 0
    if not is_body.any():
        return np.zeros((*depth.shape, 3), np.uint8)
    inverse = 1 / np.where(is_body, depth, np.inf)
    low, high = inverse[is_body].min(), inverse.max()
    grey = FAR_SHADE + (1 - FAR_SHADE) * (inverse - low) / max(high - low, 1e-9)
    return np.repeat((np.where(is_body, grey, 0)[..., None] * 255 + 0.5).astype(np.uint8), 3, axis=2)


def colorize_mask(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W, 3): people in the colours of `person_color`, occluders light grey, background black."""
    table = np.array([(0, 0, 0), *(person_color(number) for number in range(1, 256))], np.uint8)
    table[OCCLUDER] = OCCLUDER_COLOR
    return table[mask]


def outlined(image: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) with each person of a mask (H, W) outlined in colour, edged in white."""
    from scipy import ndimage

    drawn = image.copy()
    width = max(round(RIM * min(mask.shape)), 1)
    for number in np.unique(mask[(mask > BACKGROUND) & (mask < OCCLUDER)]):
        far = ndimage.distance_transform_edt(mask != number)
        drawn[(far > width) & (far <= width + max(width / 2, 1))] = RIM_LIGHT
        drawn[(far > 0) & (far <= width)] = person_color(int(number))
    return drawn


def _body_surface(mesh: tuple[Float32, NDArray[np.int32]], number: int) -> Surface:
    vertices, faces = mesh
    red, green, blue = person_color(number)
    material = Material(color=(red / 255, green / 255, blue / 255), roughness=0.6)
    face_material = np.zeros(len(faces), np.int32)
    return Surface(vertices, faces, (material,), face_material, vertices, number)


def _headlight() -> Light:
    """Return a light over the left shoulder of whoever looks, so that every body shows its relief."""
    direction = np.array([-0.4, -0.5, -0.77], np.float32)
    return Light(
        direction=direction / np.linalg.norm(direction),
        color=(0.9, 0.9, 0.9),
        sky=(0.45, 0.45, 0.45),
        bounce=(0.25, 0.25, 0.25),
        up=np.array([0, -1, 0], np.float32),
        shadow=0.0,
    )
