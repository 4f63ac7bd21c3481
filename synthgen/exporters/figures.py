"""People with all that is known of the points of their bodies: measured joints, posed bodies for the rest."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from synthgen.exporters.intake import Picture
from synthgen.geometry import rotvec_to_rotmat
from synthgen.joints import POINT_NAMES
from synthgen.observation import ObservedPerson, body_name
from synthgen.sample import Camera, Float

if TYPE_CHECKING:
    from synthgen.body_points import BodyPoints

BLOCK = 64  # pictures whose people are posed together


@dataclass(frozen=True)
class Figure:
    """One person of a picture.

    Attributes:
        place: position among the people of the picture, from 0.
        observed: the labels.
        body: body model that SMPL parameters belong to ("smpl", "smpl_male", "open").
        camera: of the picture; None where nobody knows it.
        points: (36, 3) POINT_NAMES [m, camera frame]; measured joints as they are, others from the posed
            body.
        confidence: (36,) in [0, 1]; 0 where nobody knows.
    """

    place: int
    observed: ObservedPerson
    body: str
    camera: Camera | None
    points: Float
    confidence: Float


@dataclass(frozen=True)
class Entry:
    """A picture and its people."""

    picture: Picture
    figures: tuple[Figure, ...]


def complete(pictures: Iterable[Picture], bodies: Mapping[str, "BodyPoints"]) -> Iterator[Entry]:
    """Yield each picture with its people; whose body is not among `bodies` keep only what was measured.

    Args:
        pictures: read as they are needed, BLOCK at a time.
        bodies: by name: "open", "smpl", "smpl_male", "smpl_female".
    """
    stream = iter(pictures)
    while block := list(islice(stream, BLOCK)):
        people = [
            (one, place) for one in block for place, person in enumerate(one.notes.people) if person.person
        ]
        posed: dict[tuple[int, int], Float] = {}
        for name, body in bodies.items():
            chosen = [
                (one, place)
                for one, place in people
                if body_name(one.notes.body, one.notes.people[place]) == name
            ]
            if chosen:
                points = _pose([one.notes.people[place] for one, place in chosen], body)
                posed |= {(id(one), place): found for (one, place), found in zip(chosen, points, strict=True)}
        for one in block:
            yield Entry(
                one,
                tuple(
                    _figure(one, place, posed.get((id(one), place))) for place in range(len(one.notes.people))
                ),
            )


def _pose(people: Sequence[ObservedPerson], body: "BodyPoints") -> Float:
    """Return points (P, 36, 3) [m] in the camera frame."""
    import torch

    known = [one.person for one in people if one.person is not None]
    rotvec = np.stack([np.concatenate([one.global_orient[None], one.body_pose]) for one in known])
    betas = torch.from_numpy(np.stack([one.betas for one in known]).astype(np.float32))
    with torch.inference_mode():
        points = body(torch.from_numpy(rotvec_to_rotmat(rotvec).astype(np.float32)), betas).numpy()
    return points + np.stack([one.transl for one in known])[:, None]


def _figure(picture: Picture, place: int, posed: Float | None) -> Figure:
    notes = picture.notes
    person = notes.people[place]
    points = np.zeros((len(POINT_NAMES), 3), np.float32)
    confidence = np.zeros(len(POINT_NAMES), np.float32)
    if posed is not None:
        points[:], confidence[:] = posed, 1
    if person.keypoints_3d is not None:
        measured = np.flatnonzero(person.confidence_3d > 0)  # SMPL-24 are the first of POINT_NAMES
        points[measured] = person.keypoints_3d[measured]
        confidence[measured] = person.confidence_3d[measured]
    return Figure(place, person, body_name(notes.body, person), notes.camera, points, confidence)
