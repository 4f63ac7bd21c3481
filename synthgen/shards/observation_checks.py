"""Do the labels of a stored observation fit its picture? Every misfit is a sentence.

Annotations are never exact, so nothing is asked of them but that they can be true at all. Nothing read here
is trusted: whatever the bytes are, the answer is a list of sentences.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from synthgen.geometry import project
from synthgen.joints import COCO17, SMPL24
from synthgen.observation import Notes, ObservedPerson
from synthgen.sample import Camera, Float
from synthgen.shards.observation_records import KIND, look_at_file, to_notes, to_record
from synthgen.shards.records import IMAGE_FORMATS, JSON_MEMBER, decode_image, decode_json

FAR_OUTSIDE = 1.0  # sides of the picture that a keypoint may lie outside of it
FAR_APART = 0.5  # sides of the box that 3D joints may lie from 2D ones
_BOTH = tuple(name for name in COCO17.names if name in SMPL24.names)
_COCO_ROWS = [COCO17.index(name) for name in _BOTH]
_SMPL_ROWS = [SMPL24.index(name) for name in _BOTH]


def is_observation(record: bytes) -> bool:
    """Tell whether a record says that it is an observation."""
    try:
        return decode_json(record).get("kind") == KIND
    except ValueError:
        return False


def check_observation(key: str, members: Mapping[str, bytes]) -> tuple[Notes | None, list[tuple[str, str]]]:
    """Check the members of one observation, all of which are present.

    Args:
        key: as the tar has it.
        members: content by suffix.

    Returns:
        What is known where the record could be read, and all findings: (member, what is wrong with it).
    """
    findings: list[tuple[str, str]] = []
    suffix = next(suffix for suffix in IMAGE_FORMATS if suffix in members)
    size = None
    try:
        image_format, _ = look_at_file(members[suffix])
        if image_format != suffix:
            findings.append((suffix, f"picture is in truth a {image_format}"))
        height, width = decode_image(members[suffix], "picture", ("RGB",)).shape[:2]
        size = (height, width)
    except ValueError as error:
        findings.append((suffix, str(error)))
    try:
        record = decode_json(members[JSON_MEMBER])
        notes = to_notes(record)
    except ValueError as error:
        return None, [*findings, (JSON_MEMBER, str(error))]
    if size is not None and size != notes.image_size:
        got, expected = (f"{shape[1]}x{shape[0]}" for shape in (size, notes.image_size))
        findings.append((suffix, f"picture is {got}, the record says {expected}"))
    if notes.key != key:
        findings.append((JSON_MEMBER, f"key must be that of its file, got {notes.key!r}"))
    findings += [(JSON_MEMBER, text) for text in unknown_keys(record, to_record(notes), "")]
    for number, person in enumerate(notes.people, 1):
        found = _person_findings(person, notes)
        findings += [(JSON_MEMBER, f"person {number}: {text}") for text in found]
    return notes, findings


def unknown_keys(found: object, known: object, where: str) -> Iterator[str]:
    """Yield a sentence for each key of a record that the format does not know."""
    if isinstance(found, dict) and isinstance(known, dict):
        for key in found:
            if key not in known:
                yield f"unknown key {f'{where}{key}'!r}"
            else:
                yield from unknown_keys(found[key], known[key], f"{where}{key}.")
    elif isinstance(found, list) and isinstance(known, list):
        for number, (one, other) in enumerate(zip(found, known, strict=False)):
            yield from unknown_keys(one, other, f"{where}{number}.")


def _person_findings(person: ObservedPerson, notes: Notes) -> Iterator[str]:
    size = np.array(notes.image_size[::-1])
    if not (person.bbox[:2] < size).all() or not (person.bbox[2:] > -1).all():
        yield f"bbox {person.bbox.tolist()} is nowhere in the {size[0]}x{size[1]} picture"
    placed = person.keypoints_2d[person.confidence_2d > 0]
    if (placed < -FAR_OUTSIDE * size).any() or (placed > (1 + FAR_OUTSIDE) * size).any():
        yield f"keypoints_2d lie far outside the {size[0]}x{size[1]} picture"
    joints = person.keypoints_3d
    if notes.camera is not None and joints is not None:
        behind = joints[person.confidence_3d > 0, 2] <= 0
        if behind.any():
            yield f"keypoints_3d: {int(behind.sum())} joints lie behind the camera"
        elif (apart := _misfit(person, joints, notes.camera)) > FAR_APART:
            yield (
                f"keypoints_3d, seen by the camera, lie {apart:.1f} sides of the bbox away from keypoints_2d "
                f"(median): camera, frame or joint order does not fit"
            )


def _misfit(person: ObservedPerson, joints: Float, camera: Camera) -> float:
    """Return how far 3D joints, projected, lie from the 2D joints of the same name, in sides of the box."""
    known = (person.confidence_2d[_COCO_ROWS] > 0) & (person.confidence_3d[_SMPL_ROWS] > 0)
    if not known.any():
        return 0.0
    seen = project(joints[_SMPL_ROWS][known].astype(np.float64), camera.cam_int)
    apart = np.linalg.norm(seen - person.keypoints_2d[_COCO_ROWS][known], axis=1)
    return float(np.median(apart) / (person.bbox[2:] - person.bbox[:2]).max())
