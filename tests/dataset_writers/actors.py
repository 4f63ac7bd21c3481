"""People with known joints before known cameras, for data sets that tests write. Independent of the readers.

World: metres, y up. Joints go by the names of body points; orders of data sets are written out where a layout
is written, as the facts about it say.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from synthgen.body import Body
from synthgen.geometry import look_at
from synthgen.joints import POINT_NAMES, SMPL24
from synthgen.sample import Person

SIZE = (96, 128)  # (H, W) of most pictures
SHORT = {  # names as data sets shorten them
    f"{letter}{short}": f"{side}_{short}"
    for letter, side in (("l", "left"), ("r", "right"))
    for short in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist", "eye", "ear")
}


@dataclass(frozen=True)
class Actor:
    """A body in the world.

    Attributes:
        person: its parameters, world frame.
        points: joints by name, (3,) [m], world.
    """

    person: Person
    points: dict[str, np.ndarray]

    @property
    def pose(self) -> np.ndarray:
        return np.concatenate([self.person.global_orient, self.person.body_pose.ravel()]).astype(np.float64)

    def joints(self, names: str | tuple[str, ...]) -> np.ndarray:
        """Return joints by names, short ones too."""
        listed = names.split() if isinstance(names, str) else names
        return np.array([self.points[SHORT.get(name, name)] for name in listed])


def act(body: Body, seed: int = 0, count: int = 1) -> list[Actor]:
    """Return bodies that face all ways, knees and elbows bent."""
    rng = np.random.default_rng(seed)
    people = []
    for _ in range(count):
        pose = rng.normal(0, 0.15, (len(SMPL24) - 1, 3)).astype(np.float32)
        for side in ("left", "right"):
            pose[SMPL24.index(f"{side}_knee") - 1] = (rng.uniform(0.6, 1.2), 0, 0)
            pose[SMPL24.index(f"{side}_hip") - 1, 0] = rng.uniform(-0.9, -0.3)
        people.append(
            Person(
                np.array([0, rng.uniform(-np.pi, np.pi), 0], np.float32),
                pose,
                rng.normal(0, 0.5, 10).astype(np.float32),
                rng.normal(0, 0.1, 3).astype(np.float32),
            )
        )
    points = body.pose(people).points.astype(np.float64)
    actors = []
    for person, own in zip(people, points, strict=True):
        named = dict(zip(POINT_NAMES, own, strict=True))
        named["mid_hip"] = (named["left_hip"] + named["right_hip"]) / 2
        named["thorax"] = named["neck"]
        named["jaw"] = (named["head"] + named["nose"]) / 2
        named["spine"] = (named["spine1"] + named["spine2"]) / 2
        actors.append(Actor(person, named))
    return actors


@dataclass(frozen=True)
class Shot:
    """A camera.

    Attributes:
        cam_int: (3, 3) [px].
        R: (3, 3) world to camera.
        t: (3,) [m].
    """

    cam_int: np.ndarray
    R: np.ndarray
    t: np.ndarray

    @property
    def extrinsics(self) -> np.ndarray:
        return np.column_stack([self.R, self.t])

    @property
    def matrix(self) -> np.ndarray:
        return np.vstack([self.extrinsics, [0, 0, 0, 1]])

    @property
    def position(self) -> np.ndarray:
        return -self.R.T @ self.t

    def see(self, points: np.ndarray) -> np.ndarray:
        return points @ self.R.T + self.t

    def project(self, points: np.ndarray) -> np.ndarray:
        rays = self.see(points) @ self.cam_int.T
        return rays[:, :2] / rays[:, 2:]


def shoot(angle: float = 0.3, size: tuple[int, int] = SIZE) -> Shot:
    """Return a camera that looks at the origin from an angle about the vertical [rad]."""
    eye = 4 * np.array([np.sin(angle), 0.15, np.cos(angle)])
    turn, shift = look_at(eye, np.zeros(3), np.array([0.0, 1, 0]))
    height, width = size
    cam_int = np.array([[110.0, 0, width / 2 - 1], [0, 112.0, height / 2 + 2], [0, 0, 1]])
    return Shot(cam_int, turn, shift)


def paint(path: Path, size: tuple[int, int] = SIZE, seed: int = 0, mode: str = "RGB") -> bytes:
    """Write a picture and return its bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 255, (*size, 3)).astype(np.uint8)
    Image.fromarray(noise).convert(mode).save(path)
    return path.read_bytes()


def replace_betas(body: Body, actor: Actor, betas: np.ndarray) -> Actor:
    """Return an actor in the same pose and place with another shape."""
    person = Person(actor.person.global_orient, actor.person.body_pose, betas, actor.person.transl)
    points = body.pose([person]).points[0].astype(np.float64)
    return Actor(person, dict(zip(POINT_NAMES, points, strict=True)))
