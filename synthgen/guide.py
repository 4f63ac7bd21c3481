"""What a sample starts from: words, a picture, or known bodies. Frozen numpy, checked once, as in `sample`.

A source hands these out; the method in `synthgen.generate` takes each as far as it still has to go. Pixels
have their origin at the centre of the top-left pixel, 3D is metres in the OpenCV camera frame.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.geometry import intrinsics
from synthgen.sample import Camera, Scene

UNKNOWN = "unknown"  # pose family and action where nobody chose one


@dataclass(frozen=True)
class Words:
    """A picture that has still to be drawn.

    Attributes:
        prompt: what it shows.
        fov_deg: vertical field of view [degrees] that its people are placed with; the true one is unknown.
        family: pose family that the words are about.
    """

    prompt: str
    fov_deg: float
    family: str = UNKNOWN


@dataclass(frozen=True)
class Picture:
    """A picture whose people have still to be found.

    Attributes:
        prompt: what it shows.
        image: (H, W, 3) uint8 RGB.
        camera: that took it, or an assumed one.
        family: pose family of its people.
    """

    prompt: str
    image: NDArray[np.uint8]
    camera: Camera
    family: str = UNKNOWN

    def __post_init__(self) -> None:
        _check_image("Picture", self.image, self.camera)


@dataclass(frozen=True)
class Bodies:
    """People that are known, or estimated, in front of a picture to start from.

    Attributes:
        prompt: what the picture shows.
        image: (H, W, 3) uint8 RGB.
        is_blank: the picture shows nothing; drawing starts from noise alone.
        scene: camera and people.
        things: (O, H, W) bool, one mask for each thing that may stand in front of somebody.
        is_in_front: the masks are known to show only what hides a body; otherwise that has to be decided.
        families: pose family of each person.
        actions: and the action.
        figures: (H, W) bool, where the picture shows people, whom a redraw replaces; None for nowhere.
    """

    prompt: str
    image: NDArray[np.uint8]
    is_blank: bool
    scene: Scene
    things: NDArray[np.bool_]
    is_in_front: bool
    families: tuple[str, ...]
    actions: tuple[str, ...]
    figures: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        _check_image("Bodies", self.image, self.scene.camera)
        size = self.scene.camera.image_size
        if self.things.ndim != 3 or self.things.shape[1:] != size or self.things.dtype != np.bool_:
            raise ValueError(
                f"Bodies.things must be (O, {size[0]}, {size[1]}) bool, got {self.things.shape} "
                f"{self.things.dtype}"
            )
        figures = self.figures
        if figures is not None and (figures.shape != size or figures.dtype != np.bool_):
            raise ValueError(f"Bodies.figures must be {size} bool, got {figures.shape} {figures.dtype}")
        people = len(self.scene.people)
        if not len(self.families) == len(self.actions) == people:
            raise ValueError(
                f"Bodies: {people} people but {len(self.families)} families and {len(self.actions)} actions"
            )


def assumed_camera(image_size: tuple[int, int], fov_deg: float) -> Camera:
    """Return the camera of a picture (H, W) [px] that nothing is known of but its vertical field of view."""
    focal_length = image_size[0] / 2 / np.tan(np.radians(fov_deg) / 2)
    return Camera(intrinsics(float(focal_length), image_size), image_size)


def _check_image(owner: str, image: NDArray[np.uint8], camera: Camera) -> None:
    if image.shape != (*camera.image_size, 3) or image.dtype != np.uint8:
        raise ValueError(
            f"{owner}.image must be {(*camera.image_size, 3)} uint8 as its camera says, got {image.shape} "
            f"{image.dtype}"
        )
