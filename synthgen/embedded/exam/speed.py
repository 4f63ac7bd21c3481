"""Part `speed`: seconds that one picture takes from its caption to its last check, at default options."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from synthgen.backends.protocols import Guides
from synthgen.embedded.exam import exam as streams
from synthgen.embedded.exam.exam import Answer, Exam, Picture
from synthgen.embedded.exam.models import Models
from synthgen.embedded.exam.scores import people_in
from synthgen.nearness import nearness
from synthgen.sample import Sample
from synthgen.stages.silhouettes import box_of_mask

_RUNS = 3  # of which the median counts, after one that does not
STAGES = ("draft", "estimate", "redraw", "checks")


def examine(exam: Exam) -> Answer:
    """Time draft, estimate (masks, mesh, prior, depth), redraw and checks (the same models, keypoints)."""
    (sample,) = exam.alone(1)
    models = replace(exam.models, batch_size=1)
    runs = [_run(exam, models, sample, seed) for seed in exam.seeds(streams.SPEED, _RUNS + 1)][1:]
    figures = {stage: float(np.median([run[stage] for run in runs])) for stage in STAGES}
    total = float(np.median([sum(run.values()) for run in runs]))
    return Answer(f"{_RUNS} runs", {"seconds": total, "threads": float(torch.get_num_threads()), **figures})


def _run(exam: Exam, models: Models, sample: Sample, seed: int) -> dict[str, float]:
    """Make one picture; return the seconds of each stage."""
    seconds: dict[str, float] = {}
    camera, caption = sample.scene.camera, sample.request.prompt

    def timed(stage: str, work: Callable[[], Any]) -> Any:
        begin = time.perf_counter()
        result = work()
        seconds[stage] = time.perf_counter() - begin
        return result

    def estimate(image: Picture, is_check: bool) -> Guides:
        people = people_in(models.segmenter([image])[0])
        bbox = box_of_mask(people[0] if people else np.ones(camera.image_size, bool))
        if is_check:
            models.keypoints([image], [bbox[None]])
        (found,) = models.mesh([image], [bbox[None]], [camera.cam_int])
        models.prior(np.stack([person.body_pose for person in found.people]))
        vertices = exam.body.pose(found.people).vertices[0]
        depth, index = exam.renderer.depth([(vertices, exam.body.faces)], camera)
        return Guides(image[None], nearness(depth)[None], index[None] > 0)

    draft = timed("draft", lambda: models.draft([caption], [""], [seed]).images[0])
    guides = timed("estimate", partial(estimate, draft, False))
    redrawn = timed("redraw", lambda: models.redraw(guides, [caption], [""], [seed])[0])
    timed("checks", partial(estimate, redrawn, True))
    return seconds
