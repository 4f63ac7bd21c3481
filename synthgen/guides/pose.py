"""The `pose` source: SMPL poses that are known, to draw a picture around; no draft, no estimate."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from synthgen.body import Body
from synthgen.guide import UNKNOWN, Bodies, assumed_camera
from synthgen.guides.framing import draw_framing, place_in_view, turned
from synthgen.guides.motions import SUFFIX, Motions
from synthgen.guides.ranges import FOV_DEG, range_problems, size_problems, weight_problems
from synthgen.guides.reading import Complaints, UnreadableError, holds_shards, place_of, require
from synthgen.guides.shelf import Shelf
from synthgen.guides.squares import square_camera
from synthgen.render import Renderer
from synthgen.sample import NUM_BETAS, Person, Rejection, Request, Scene
from synthgen.scenes import poses

LIBRARY = "library"
GREY = 127  # of the empty picture
_MOST_SHAPE = 2.5  # [standard deviations] of a beta that is drawn
_POSE, _SHAPE, _VIEW = (0x706F7365 + number for number in range(3))  # streams of a request's seed

Captions = Literal["prompts", "actions"]


@dataclass(frozen=True)
class _Pose:
    """A person at the origin of a y-up world.

    Attributes:
        person: who.
        family: of the pose.
        action: likewise.
        prompt: what a picture of it shows.
    """

    person: Person
    family: str
    action: str
    prompt: str


_Source: TypeAlias = Motions | Shelf | None


@dataclass
class PoseGuides:
    """Poses from the library, from motion files or from shards.

    Attributes:
        path: library for the built-in poses; an AMASS-style .npz (SMPL, SMPL+H, SMPL-X) or a folder of
            them; or shards of samples, a tar or a run folder, whose people, camera and prompt are kept. All
            but the library may be behind an fsspec URL.
        families: of the library, with their weights.
        image_size: side of the square pictures [px], a multiple of 8, 64 to 2048.
        fov_deg: vertical field of view [degrees], 5 to 120; shards know their cameras.
        stride: take each so-manieth frame of a motion file.
        body_shape: standard deviation of the betas where nothing gives them, 0 to 3.
        heading: random turns people about the vertical; kept has the library's face the camera, and those of
            motion files as they stand to somebody who looks along +y.
        pitch_deg: mean angle that the camera looks down at people [degrees], -60 to 60; negative looks up.
        pitch_spread_deg: its standard deviation [degrees], 0 to 40.
        least_cover: least part of the picture's side that a person spans, 0.2 to 0.95.
        most_cover: greatest, 0.2 to 0.95.
        captions: prompts takes the prompt of the request; actions adds what the library's pose does to it
            ("a photo of a person" + "carving a turn").
    """

    path: str = LIBRARY
    families: dict[str, float] = field(default_factory=lambda: {"everyday": 1.0})
    image_size: int = 128
    fov_deg: float = 40.0
    stride: int = 1
    body_shape: float = 0.9
    heading: Literal["random", "kept"] = "random"
    pitch_deg: float = 6.0
    pitch_spread_deg: float = 10.0
    least_cover: float = 0.6
    most_cover: float = 0.9
    captions: Captions = "prompts"

    def problems(self) -> list[str]:
        """Return everything that is wrong with the options, one line each."""
        found = [*size_problems(self.image_size), *weight_problems("families", self.families, poses.FAMILIES)]
        found += range_problems(
            self,
            {
                "fov_deg": FOV_DEG,
                "stride": (1, 1_000_000),
                "body_shape": (0, 3),
                "pitch_deg": (-60, 60),
                "pitch_spread_deg": (0, 40),
                "least_cover": (0.2, 0.95),
                "most_cover": (0.2, 0.95),
            },
        )
        if self.least_cover > self.most_cover:
            found.append(f"least_cover must be <= most_cover, got {self.least_cover} > {self.most_cover}")
        if self.captions == "actions" and self.path != LIBRARY:
            found.append(f"captions=actions needs path={LIBRARY}: nothing else names its actions")
        return found

    def setup(self, body: Body, renderer: Renderer) -> None:
        """List files and count what they hold.

        Raises:
            FileNotFoundError: there is nothing at `path`.
            ValueError: it holds no poses, damaged ones, or those of another body model.
        """
        self._body = body
        self._complaints = Complaints()
        self._source: _Source = None
        if self.path == LIBRARY:
            return
        require(self.path, f"{LIBRARY}, a motion file or folder of them ({SUFFIX}), or shards of samples")
        if not holds_shards(self.path):
            self._source = Motions(self.path, self.stride)
            return
        self._source = Shelf(self.path, "pose cannot be read")
        made_with = self._source.read(0).scene.body
        if made_with != body.name:
            raise ValueError(f"path: {self.path} was made with {_other_body(made_with, body)}")

    def __call__(self, requests: Sequence[Request]) -> list[Bodies | Rejection]:
        """Return the people of each request; a damaged guide is a rejection."""
        if isinstance(self._source, Shelf):
            return [self._from_shard(request, self._source) for request in requests]
        chosen = [self._choose(request, self._source) for request in requests]
        posed = self._body.pose([one.person for one in chosen if isinstance(one, _Pose)])
        vertices = iter(posed.vertices)
        return [
            self._take(request, one, next(vertices)) if isinstance(one, _Pose) else one
            for request, one in zip(requests, chosen, strict=True)
        ]

    def _choose(self, request: Request, motions: Motions | None) -> _Pose | Rejection:
        """Return somebody in the pose of a request, turned."""
        rng = np.random.default_rng([request.seed, _SHAPE])
        betas = np.clip(rng.normal(0, self.body_shape, NUM_BETAS), -_MOST_SHAPE, _MOST_SHAPE)
        heading = float(rng.uniform(0, 2 * np.pi)) if self.heading == "random" else 0.0
        try:
            pose = self._drawn(request, betas) if motions is None else _moment(request, betas, motions)
        except UnreadableError as error:
            return self._complaints.reject(request, error)
        return _Pose(turned(pose.person, heading), pose.family, pose.action, pose.prompt)

    def _drawn(self, request: Request, betas: NDArray[np.float64]) -> _Pose:
        rng = np.random.default_rng([request.seed, _POSE])
        names = sorted(self.families)
        weights = np.array([self.families[name] for name in names], float)
        pose = poses.draw_pose(names[int(rng.choice(len(names), p=weights / weights.sum()))], rng)
        prompt = f"{request.prompt} {pose.verb}" if self.captions == "actions" else request.prompt
        person = Person(pose.global_orient, pose.body_pose, betas, np.zeros(3))
        return _Pose(person, pose.family, pose.action, prompt)

    def _take(self, request: Request, pose: _Pose, vertices: NDArray[np.float32]) -> Bodies:
        """Put somebody in front of the camera."""
        rng = np.random.default_rng([request.seed, _VIEW])
        cover = (self.least_cover, self.most_cover)
        framing = draw_framing(self.pitch_deg, self.pitch_spread_deg, cover, rng)
        camera = assumed_camera((self.image_size, self.image_size), self.fov_deg)
        person = place_in_view(pose.person, vertices, camera, framing, self._body)
        scene = Scene(camera, (person,), self._body.name)
        return self._bodies(pose.prompt, scene, (pose.family,), (pose.action,))

    def _from_shard(self, request: Request, shelf: Shelf) -> Bodies | Rejection:
        try:
            sample = shelf.read(place_of(request) % len(shelf))
        except UnreadableError as error:
            return self._complaints.reject(request, error)
        if sample.scene.body != self._body.name:
            reason = "pose of another body model"
        elif not all(label.valid.smpl for label in sample.labels):
            reason = "pose not trusted"
        else:
            camera = square_camera(sample.scene.camera, self.image_size, "pad")
            scene = Scene(camera, sample.scene.people, sample.scene.body)
            families = tuple(label.family for label in sample.labels)
            actions = tuple(label.action for label in sample.labels)
            return self._bodies(sample.request.prompt, scene, families, actions)
        return Rejection(request.key, "compose", reason)

    def _bodies(
        self, prompt: str, scene: Scene, families: tuple[str, ...], actions: tuple[str, ...]
    ) -> Bodies:
        size = scene.camera.image_size
        return Bodies(
            prompt=prompt,
            image=np.full((*size, 3), GREY, np.uint8),
            is_blank=True,
            scene=scene,
            things=np.zeros((0, *size), np.bool_),
            is_in_front=True,
            families=families,
            actions=actions,
        )


def _moment(request: Request, betas: NDArray[np.float64], motions: Motions) -> _Pose:
    frame = motions.read(place_of(request) % len(motions))
    shape = betas if frame.betas is None else frame.betas
    person = Person(frame.global_orient, frame.body_pose, shape, np.zeros(3))
    return _Pose(person, UNKNOWN, UNKNOWN, request.prompt)


def _other_body(made_with: str, body: Body) -> str:
    return (
        f"the body model {made_with!r}, this run has {body.name!r}: the same parameters mean another person; "
        "set body to the model that the shards were made with"
    )
