"""A picture source for tests: one standing person before a plain wall; quick, and fails on demand.

SYNTHGEN_TEST_SLOW_S in the environment gives the seconds that each request takes on top.
"""

import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synthgen.body import Body
from synthgen.geometry import intrinsics
from synthgen.render import Renderer
from synthgen.sample import Camera, Person, Rejection, Request, Scene
from synthgen.scenes.compose import Composition
from synthgen.surface import Light, Material, Stage, Surface


@dataclass
class PlainSource:
    """Draws people of random shape and heading.

    Attributes:
        image_size: [px].
        reject_every: each so-manieth request is rejected; 0 for none.
        fail_at: index of a request that always raises; -1 for none.
        die_at: index of a request at which the process kills itself, once; -1 for none.
        die_always: the same each time.
        hang_at: index of a request that never ends; with `notes` only the first time; -1 for none.
        notes: folder for "started", "died" and "hung" notes; empty for none.
        crowd: number of workers that all wait for each other before they draw; needs `notes`.
        refuse_setup: setup raises.
        fail_always: every request raises.
        odd_error: what `fail_at` raises cannot be pickled.
        break_folder: a run folder to move away while the first shard is written; empty for none.
    """

    image_size: int = 64
    reject_every: int = 0
    fail_at: int = -1
    die_at: int = -1
    die_always: bool = False
    hang_at: int = -1
    notes: str = ""
    crowd: int = 0
    refuse_setup: bool = False
    fail_always: bool = False
    odd_error: bool = False
    break_folder: str = ""

    def setup(self, body: Body, renderer: Renderer) -> None:
        if self.refuse_setup:
            raise ValueError("weights of this source are missing")
        self._models = (body, renderer)

    def __call__(self, requests: Sequence[Request]) -> list[Composition | Rejection]:
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Composition | Rejection:
        self.misbehave(request.index)
        if self.reject_every and request.index % self.reject_every == 0:
            return Rejection(request.key, "compose", "no luck")
        return _compose(request, *self._models, self.image_size)

    def misbehave(self, index: int) -> None:
        """Fail, hang, or die at a request, as the options say."""
        time.sleep(float(os.environ.get("SYNTHGEN_TEST_SLOW_S", "0")))
        if self.notes:
            (Path(self.notes) / f"worker-{os.getpid()}").touch()
            self._await_others(time.monotonic() + PATIENCE_S)
        if self.break_folder and Path(self.break_folder).exists():
            Path(self.break_folder).rename(f"{self.break_folder}-elsewhere")
        if index == self.fail_at or self.fail_always:
            raise OddError() if self.odd_error else RuntimeError(f"request {index} cannot be drawn")
        if index == self.hang_at:
            hung = Path(self.notes) / f"hung-{index}"
            if not self.notes or not hung.exists():
                if self.notes:
                    hung.touch()
                time.sleep(FOREVER_S)
        if index == self.die_at:
            died = Path(self.notes) / f"died-{index}"
            if self.die_always or not died.exists():
                died.touch()
                os.kill(os.getpid(), signal.SIGKILL)

    def _await_others(self, end: float) -> None:
        while len(list(Path(self.notes).glob("worker-*"))) < self.crowd:
            if time.monotonic() > end:
                raise TimeoutError(f"fewer than {self.crowd} workers have come")
            time.sleep(0.02)


FOREVER_S = 3600.0
PATIENCE_S = 120.0  # until the other workers must be there


class OddError(Exception):
    """Holds what cannot be pickled."""

    def __init__(self) -> None:
        super().__init__("has a lock in it")
        self.lock = threading.Lock()


def _compose(request: Request, body: Body, renderer: Renderer, image_size: int) -> Composition:
    rng = np.random.default_rng([request.seed, 1])
    size = (image_size, image_size)
    camera = Camera(intrinsics(1.2 * image_size, size), size)
    person = Person(
        global_orient=np.array([np.pi, 0, 0], np.float32),  # y up becomes the camera's y down
        body_pose=rng.normal(0, 0.1, (23, 3)).astype(np.float32),
        betas=rng.normal(0, 1, 10).astype(np.float32),
        transl=np.array([0, 0, 3], np.float32),
    )
    posed = body.pose([person])
    stage = Stage(camera, (_skin(posed.vertices[0], body, rng),), LIGHT, np.full((*size, 3), 0.8, np.float32))
    return Composition(
        prompt="a photo of a person in front of a wall",
        scene=Scene(camera, (person,), body.name),
        drawing=renderer.draw(stage),
        points=posed.points,
        families=("everyday",),
        actions=("stand",),
    )


def _skin(vertices: np.ndarray, body: Body, rng: np.random.Generator) -> Surface:
    red, green, blue = rng.uniform(0.2, 0.9, 3)
    return Surface(
        vertices=vertices,
        faces=body.faces,
        materials=(Material((red, green, blue)),),
        face_material=np.zeros(len(body.faces), np.int32),
        coordinates=body.rest_vertices,
        layer=1,
    )


LIGHT = Light(
    direction=np.array([0, -0.6, -0.8], np.float32),
    color=(0.9, 0.9, 0.9),
    sky=(0.3, 0.3, 0.3),
    bounce=(0.2, 0.2, 0.2),
    up=np.array([0, -1, 0], np.float32),
)
