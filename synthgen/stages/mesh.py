"""Step `mesh`: the bodies of the people in a picture, in the camera frame of the whole picture."""

from collections.abc import Callable, Sequence

import numpy as np

from synthgen.backends.protocols import MeshEstimate
from synthgen.guide import UNKNOWN, Bodies, Picture
from synthgen.sample import Scene
from synthgen.stages.masks import People


def estimate_bodies(
    pictures: Sequence[Picture],
    people: Sequence[People],
    estimator: Callable[..., list[MeshEstimate]],
    body: str,
) -> list[Bodies | str]:
    """Estimate the body of everybody.

    Args:
        pictures: with their cameras.
        people: found in each of them.
        estimator: makes its own crops of the boxes.
        body: name of the body model that its parameters belong to.
    """
    estimates = estimator(
        [picture.image for picture in pictures],
        [found.boxes for found in people],
        [picture.camera.cam_int for picture in pictures],
    )
    answers: list[Bodies | str] = []
    for picture, found, estimate in zip(pictures, people, estimates, strict=True):
        if any(person.transl[2] <= 0 for person in estimate.people):
            answers.append("body behind the camera")
            continue
        families, actions = ((name,) * len(estimate.people) for name in (picture.family, UNKNOWN))
        scene = Scene(picture.camera, estimate.people, body)
        figures = np.logical_or.reduce(found.masks, axis=0)
        answers.append(
            Bodies(
                prompt=picture.prompt,
                image=picture.image,
                is_blank=False,
                scene=scene,
                things=found.things,
                is_in_front=False,
                families=families,
                actions=actions,
                figures=figures,
            )
        )
    return answers
