"""What is known of people in space, from whatever labels there are: points, how surely, and the mesh.

A person with SMPL parameters of a body that is at hand has all points and a mesh; one with 3D joints has
those; one with 2D joints only has none. Nothing is filled in.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synthgen.body import SMPL, Body, load_body
from synthgen.datasets.smpl_fits import gendered_files
from synthgen.joints import LANDMARK_NAMES, POINT_NAMES, SMPL24
from synthgen.observation import Observation, ObservedPerson, body_name
from synthgen.sample import Float, Person


@dataclass(frozen=True)
class Truth:
    """Labels of N people.

    Attributes:
        points: (N, len(POINT_NAMES), 3) [m], camera frame; 0 where unknown.
        confidence: (N, len(POINT_NAMES)) in [0, 1].
        vertices: of each person (V, 3) [m], camera frame, or None.
        body: of each person the name of the body that its vertices belong to; "" without.
    """

    points: Float
    confidence: Float
    vertices: tuple[Float | None, ...]
    body: tuple[str, ...]


def evaluation_bodies(smpl_file: str) -> dict[str, Body]:
    """Return the bodies that labels and estimates may belong to, by name: open, and SMPL's where given.

    Args:
        smpl_file: of the neutral SMPL, "" for none; male and female ones that lie beside it are loaded too.

    Raises:
        ValueError: it holds another body.
    """
    loaded = [load_body("open"), *([load_body(smpl_file)] if smpl_file else [])]
    if smpl_file and loaded[1].name != SMPL:
        raise ValueError(f"smpl_file: {smpl_file} holds the body {loaded[1].name}, expected smpl")
    gendered = gendered_files(Path(smpl_file).expanduser().parent) if smpl_file else {}
    return {body.name: body for body in loaded} | {
        f"{SMPL}_{gender}": load_body(str(path)) for gender, path in gendered.items()
    }


def truth_of(observations: Sequence[Observation], bodies: Mapping[str, Body]) -> Truth:
    """Return what is known of all people of some pictures, in their order."""
    people = [(body_name(one.body, person), person) for one in observations for person in one.people]
    points = np.zeros((len(people), len(POINT_NAMES), 3))
    confidence = np.zeros((len(people), len(POINT_NAMES)))
    vertices: list[Float | None] = [None] * len(people)
    for row, (_, person) in enumerate(people):
        if person.keypoints_3d is not None:
            points[row, : len(SMPL24)] = person.keypoints_3d
            confidence[row, : len(SMPL24)] = person.confidence_3d
        _add_landmarks(person, points[row], confidence[row])
    for name, body in bodies.items():
        rows = [row for row, (of, person) in enumerate(people) if of == name and person.person is not None]
        posed = body.pose([_parameters(people[row][1]) for row in rows])
        points[rows], confidence[rows] = posed.points, 1.0
        for row, mesh in zip(rows, posed.vertices, strict=True):
            vertices[row] = mesh
    names = tuple(of if mesh is not None else "" for (of, _), mesh in zip(people, vertices, strict=True))
    return Truth(points, confidence, tuple(vertices), names)


def _add_landmarks(person: ObservedPerson, points: Float, confidence: Float) -> None:
    """Put those of a data set's own joints that are landmarks of the body (nose, head_top) in place."""
    own = person.joints
    if own is None or own.keypoints_3d is None:
        return
    for name, place, sure in zip(own.names, own.keypoints_3d, own.confidence_3d, strict=True):
        if name in LANDMARK_NAMES and sure > 0:
            points[POINT_NAMES.index(name)], confidence[POINT_NAMES.index(name)] = place, sure


def gaps(observations: Sequence[Observation], bodies: Mapping[str, Body]) -> Counter[str]:
    """Count people and pictures that lack a label, by what they lack, in words."""
    found: Counter[str] = Counter()
    for one in observations:
        if one.camera is None:
            found["pictures without a known camera: a focal length of the picture's diagonal is assumed"] += 1
        for person in one.people:
            if person.person is None:
                found["people without an SMPL body"] += 1
            elif (name := body_name(one.body, person)) not in bodies:
                found[f"people with SMPL parameters of the body {name!r}, which is not at hand"] += 1
            if not person.confidence_3d.any():
                found["people without 3D joints"] += 1
            if not person.confidence_2d.any():
                found["people without 2D joints"] += 1
            if person.visibility is None:
                found["people of whom nobody knows which joints are hidden"] += 1
    return found


def _parameters(person: ObservedPerson) -> Person:
    assert person.person is not None
    return person.person
