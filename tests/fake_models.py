"""Models and a source for tests of the method: quick, exact, and open about what they were asked.

They live in a world of flat colours: people are RED (a second one OTHER), things BLUE, all else grey. What a
draft shows follows from words in its prompt: nobody, crowd, front, behind, flagged, far, tiny.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from synthgen.backends.protocols import Drafts, Guides, Keypoints, MeshEstimate, PriorReport, Segments
from synthgen.clues import Clues
from synthgen.geometry import intrinsics
from synthgen.guide import Bodies, Picture, Words
from synthgen.joints import COCO17
from synthgen.sample import Camera, Person, Request, Scene

RED, OTHER, BLUE, GREY = (220, 0, 0), (220, 0, 60), (0, 0, 220), (127, 127, 127)
FOCAL = 1.2  # focal length over the side of the picture
HEIGHT_M = 1.7


def camera_of(size: int) -> Camera:
    return Camera(intrinsics(FOCAL * size, (size, size)), (size, size))


def standing(
    x: float = 0.0, z: float = 3.0, bend: float = 0.0, orient: Sequence[float] = (np.pi, 0, 0)
) -> Person:
    """Somebody upright in front of the camera, [m]; `bend` [rad] is the turn of the left hip about x."""
    pose = np.zeros((23, 3), np.float32)
    pose[0, 0] = bend
    return Person(
        np.array(orient, np.float32), pose, np.zeros(10, np.float32), np.array([x, 0.2, z], np.float32)
    )


def known(people: Sequence[Person], size: int = 64, image: Any = None, **keys: Any) -> Bodies:
    """People in front of a grey picture, with nothing else in it."""
    names = ("everyday",) * len(people)
    picture = np.full((size, size, 3), GREY, np.uint8) if image is None else image
    things = np.zeros((0, size, size), bool)
    values = {"is_blank": False, "things": things, "is_in_front": False} | keys
    scene = Scene(camera_of(size), tuple(people), "open")
    return Bodies("a person", picture, scene=scene, families=names, actions=names, **values)


@dataclass
class Model:
    """What all of them share."""

    id: str = "fake"
    batch_size: int = 4
    capacity: int = 0  # greatest batch_size that its GPU has memory for; 0 for any

    def __post_init__(self) -> None:
        self.version = f"{type(self).__name__}-1"
        self.calls: list[Any] = []

    def problems(self) -> list[str]:
        return []

    def setup(self, device: str = "cpu", dtype: str = "float32") -> None:
        pass

    def note(self, *asked: Any) -> None:
        """Keep what was asked; run out of memory where the batch is too large."""
        import torch

        self.calls.append(asked)
        if self.capacity and self.batch_size > self.capacity:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


@dataclass
class Source(Model):
    """Hands out words, pictures, or bodies; sizes go round."""

    gives: str = "words"
    sizes: list[int] = field(default_factory=lambda: [64])
    bend: float = 0.0

    def setup(self, body: Any, renderer: Any) -> None:
        pass

    def __call__(self, requests: Sequence[Request]) -> list[Any]:
        return [self._one(request, self.sizes[request.index % len(self.sizes)]) for request in requests]

    def _one(self, request: Request, size: int) -> Any:
        if self.gives == "words":
            return Words(request.prompt, 45.0)
        if self.gives == "picture":
            return Picture(request.prompt, painted(request.prompt, size, request.seed), camera_of(size))
        return known([standing(bend=self.bend)], size, is_blank=self.gives == "blank")


def painted(prompt: str, size: int, seed: int) -> np.ndarray:
    """Draw what a prompt says; the background's colour comes from the seed."""
    image = np.full((size, size, 3), 100 + seed % 50, np.uint8)
    top, bottom = (size // 8, size * 7 // 8) if "far" not in prompt else (size // 3, size // 2)
    middle, half = size // 2, 1 if "tiny" in prompt else size // 10
    if "behind" in prompt:
        image[size // 4 : size * 3 // 4, : size // 2] = BLUE
    if "nobody" not in prompt:
        image[top:bottom, middle - half : middle + half] = RED
    if "crowd" in prompt:
        image[top:bottom, -2 * half :] = OTHER
    if "front" in prompt:
        image[size // 2 : size * 5 // 8] = BLUE
    return image


@dataclass
class Draft(Model):
    size: int = 64

    def __call__(self, prompts: Sequence[str], negatives: Sequence[str], seeds: Sequence[int]) -> Drafts:
        self.note(list(prompts), list(negatives), list(seeds))
        images = [painted(prompt, self.size, seed) for prompt, seed in zip(prompts, seeds, strict=True)]
        return Drafts(np.stack(images), np.array(["flagged" in prompt for prompt in prompts]))


@dataclass
class Redraw(Model):
    """Paints bodies where the map has some, and over the rest of the region; `misses` calls draw nobody."""

    misses: int = 0
    shift: int = 0  # [px] to the right

    def __call__(
        self, guides: Guides, prompts: Sequence[str], negatives: Sequence[str], seeds: Sequence[int]
    ) -> np.ndarray:
        self.note(guides, list(prompts), list(negatives), list(seeds))
        images = guides.images.copy()
        images[guides.region] = GREY
        self.misses -= 1
        if self.misses < 0:
            images[np.roll(guides.nearness > 0, self.shift, axis=2)] = RED
        images[:, 0, 0] = np.array(seeds)[:, None] % 251
        return images


@dataclass
class Segmenter(Model):
    def __call__(self, images: Sequence[np.ndarray]) -> list[Segments]:
        self.note(list(images))
        return [self._one(image) for image in images]

    def _one(self, image: np.ndarray) -> Segments:
        people = [mask for mask in (is_like(image, RED), is_like(image, OTHER)) if mask.any()]
        things = [mask for mask in (is_like(image, BLUE),) if mask.any()]
        none = np.zeros((0, *image.shape[:2]), bool)
        return Segments(
            np.stack(people) if people else none,
            np.ones(len(people)),
            np.stack(things) if things else none,
            np.ones(len(things)),
            ("skis",) * len(things),
        )


def is_like(image: np.ndarray, color: Sequence[int]) -> np.ndarray:
    return (np.abs(image.astype(int) - color) < 25).all(-1)


@dataclass
class Joints(Model):
    """Finds all joints in the middle of the box, without being sure."""

    def __call__(
        self,
        images: Sequence[np.ndarray],
        boxes: Sequence[np.ndarray],
        places: Sequence[np.ndarray] | None = None,
    ) -> list[Keypoints]:
        self.note(list(images), list(boxes))
        middles = [(found[:, :2] + found[:, 2:]) / 2 for found in boxes]
        return [
            Keypoints(np.repeat(one[:, None], len(COCO17), 1), np.full((len(one), len(COCO17)), 0.1))
            for one in middles
        ]


@dataclass
class Mesh(Model):
    """Puts somebody of HEIGHT_M upright into each box."""

    body: str = "open"
    bend: float = 0.0
    is_behind: bool = False

    def __call__(
        self, images: Sequence[np.ndarray], boxes: Sequence[np.ndarray], cam_ints: Sequence[np.ndarray]
    ) -> list[MeshEstimate]:
        self.note(list(images), list(boxes), list(cam_ints))
        return [
            MeshEstimate(
                tuple(self._one(box, cam_int) for box in found), np.zeros((len(found), 1, 1), np.float32)
            )
            for found, cam_int in zip(boxes, cam_ints, strict=True)
        ]

    def _one(self, box: np.ndarray, cam_int: np.ndarray) -> Person:
        z = HEIGHT_M * cam_int[1, 1] / max(box[3] - box[1], 1.0)
        x = ((box[0] + box[2]) / 2 - cam_int[0, 2]) * z / cam_int[0, 0]
        return standing(float(x), float(-z if self.is_behind else z), self.bend)


@dataclass
class Prior(Model):
    """Codes are the 63 numbers of a pose themselves, so that nothing is lost."""

    error: float = 0.0

    def __call__(self, poses: np.ndarray) -> PriorReport:
        self.note(poses)
        codes = np.asarray(poses[:, :21], np.float64).reshape(len(poses), 63)
        return PriorReport(codes, (codes**2).sum(-1), np.array(poses), np.full(len(poses), self.error))

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return np.concatenate([codes.reshape(-1, 21, 3), np.zeros((len(codes), 2, 3))], 1)

    def sample(self, seeds: Sequence[int]) -> np.ndarray:
        raise NotImplementedError


@dataclass
class Critic(Model):
    """Trusts every label alike."""

    trust: float = 1.0

    def __call__(self, clues: Sequence[Clues], is_drawn: bool = True) -> list[np.ndarray]:
        self.note(list(clues), is_drawn)
        return [np.full(len(one["overlap"]), self.trust) for one in clues]


@dataclass
class Refiner(Model):
    """Moves everybody to the right by so many pixels, in its last attempt, and bends every joint [rad]."""

    shift: int = 0
    bend: float = 0.0
    attempts: int = 1

    def __call__(
        self,
        images: Sequence[np.ndarray],
        scenes: Sequence[Scene],
        keypoints: Sequence[Keypoints],
        attempt: int = 0,
    ) -> list[Scene]:
        self.note(list(images), list(scenes), list(keypoints))
        if attempt + 1 < self.attempts:
            return list(scenes)
        return [
            Scene(scene.camera, tuple(self._moved(p, scene) for p in scene.people), scene.body)
            for scene in scenes
        ]

    def _moved(self, person: Person, scene: Scene) -> Person:
        step = self.shift * person.transl[2] / scene.camera.cam_int[0, 0]
        transl = person.transl + np.array([step, 0, 0], np.float32)
        return Person(person.global_orient, person.body_pose + np.float32(self.bend), person.betas, transl)


def nodes(**keys: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the config nodes of all roles; keys of a role change its model."""
    names = {
        "draft": "Draft", "redraw": "Redraw", "segmenter": "Segmenter", "keypoints": "Joints", "mesh": "Mesh",
        "prior": "Prior", "critic": "Critic", "refiner": "Refiner",
    }  # fmt: skip
    return {role: {"backend": f"fake_models:{name}", **keys.get(role, {})} for role, name in names.items()}
