"""Handwork: what a sample costs beside diffusion and networks, step by step, on one core.

Real: guides, bodies posed and rendered as depth, masks cleaned, agreement measured, labels, encoding, tar.
Simulated: what networks answer; segments, joints and bodies are those of the labels.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from synthgen.backends.protocols import Keypoints, MeshEstimate, Segments
from synthgen.body import Body, load_body
from synthgen.geometry import project
from synthgen.guide import Bodies
from synthgen.guides.pose import PoseGuides
from synthgen.joints import COCO17
from synthgen.prompts import Prompts, RequestStream
from synthgen.quality import Gate
from synthgen.render import Renderer, make_renderer
from synthgen.sample import Provenance, Request, Sample
from synthgen.shards import Shard, write_shard
from synthgen.stages.depth import Conditioning, Plan, plan_pictures, repaint
from synthgen.stages.label import label, measure, visibilities
from synthgen.stages.masks import Masking, cleaned
from synthgen.stages.verify import Testimony, compare

BATCH_SIZE = 16
T = TypeVar("T")


def split(folder: str, num_samples: int, image_size: int) -> dict[str, float]:
    """Return milliseconds a sample by step.

    Args:
        folder: where a shard is written to; exists.
        num_samples: rounded up to whole batches.
        image_size: side of the pictures [px].
    """
    body, renderer = load_body("open"), make_renderer("warp")
    source = PoseGuides(image_size=image_size)
    source.setup(body, renderer)
    stream = RequestStream("handwork", 0, Prompts(), "pose")
    batches = list(stream.batches(0, num_samples, BATCH_SIZE))
    picture = draw_picture(image_size)
    bench = _Bench(body, renderer, picture, Path(folder))
    bench.make(batches[0], source, 0)  # compiles and loads what is needed
    bench.seconds.clear()
    for number, requests in enumerate(batches):
        bench.make(requests, source, number)
    return {step: 1000 * total / num_samples for step, total in bench.seconds.items()}


class _Bench:
    def __init__(self, body: Body, renderer: Renderer, picture: NDArray[np.uint8], folder: Path) -> None:
        self.body, self.renderer, self.picture, self.folder = body, renderer, picture, folder
        self.seconds: dict[str, float] = {}

    def make(self, requests: list[Request], source: PoseGuides, number: int) -> None:
        """Take a batch through all steps."""
        guides = [one for one in source(requests) if isinstance(one, Bodies)]
        plans = [p for p in self._timed("depth", lambda: self._plans(guides)) if isinstance(p, Plan)]
        self._timed("gate", lambda: [self._measured(plan) for plan in plans])
        plans = [repaint(plan, self.picture) for plan in plans]
        masks = self._timed("masks", lambda: [cleaned(_segments(plan), Masking()) for plan in plans])
        seen = [self._testimony(plan, mask) for plan, mask in zip(plans, masks, strict=True)]
        self._timed("verify", lambda: compare(plans, seen, self.body))
        labels = self._timed("label", lambda: [label(plan, self.body, ({},)) for plan in plans])
        samples = [
            Sample(
                request=request,
                image=plan.drawing.image,
                depth=plan.drawing.depth,
                mask=plan.drawing.mask,
                scene=plan.bodies.scene,
                labels=own,
                scores={},
                provenance=Provenance({}, {}, "0" * 64, "0"),
                draft=self.picture,
            )
            for request, plan, own in zip(requests, plans, labels, strict=False)
        ]
        shard = Shard("handwork", number, 0, len(samples), "0" * 64)
        self._timed("write", lambda: write_shard(str(self.folder), shard, samples))

    def _plans(self, guides: list[Bodies]) -> list[Plan | str]:
        things = np.zeros((1, *self.picture.shape[:2]), bool)
        things[0, self.picture.shape[0] * 2 // 3 :] = True  # something that may be in front has to be judged
        guides = [replace(one, things=things) for one in guides]
        return plan_pictures(guides, self.body, self.renderer, Conditioning(min_hidden=0.9))

    def _measured(self, plan: Plan) -> str | None:
        return Gate().reason(measure(plan.drawing, visibilities(plan, self.body), Gate()))

    def _testimony(self, plan: Plan, masks: NDArray[np.bool_]) -> Testimony:
        joints = project(self.body.joints(plan.points, COCO17), plan.bodies.scene.camera.cam_int)
        people = plan.bodies.scene.people
        estimate = MeshEstimate(people, np.zeros((len(people), 1, 1), np.float32))
        sure = np.any(masks, axis=0).astype(np.float64)
        return Testimony(masks, sure, Keypoints(joints, np.ones(joints.shape[:2])), estimate)

    def _timed(self, step: str, work: Callable[[], T]) -> T:
        start = time.perf_counter()
        result = work()
        self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - start
        return result


def _segments(plan: Plan) -> Segments:
    shown = plan.drawing.mask == 1
    return Segments(shown[None], np.ones(1), np.zeros((0, *shown.shape), bool), np.zeros(0), ())


def draw_picture(image_size: int) -> NDArray[np.uint8]:
    """Return a soft picture of random colours, about as hard to encode as a photograph."""
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(0).normal(127, 60, (image_size, image_size, 3))
    soft = gaussian_filter(noise, (2, 2, 0)) + gaussian_filter(noise, (16, 16, 0)) * 4
    return np.clip(soft - soft.mean() + 127, 0, 255).astype(np.uint8)
