"""Do a stored sample's labels fit its pictures and each other? Every misfit is a sentence.

Nothing read here is trusted: whatever the bytes are, the answer is a list of sentences. Frames and units as
in `synthgen.sample`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.body import Body
from synthgen.geometry import project
from synthgen.joints import COCO17, SMPL24
from synthgen.sample import BACKGROUND, OCCLUDER, Float, Label, Person
from synthgen.shards.observation_checks import unknown_keys
from synthgen.shards.records import (
    DEPTH_MEMBER,
    DEPTH_UNITS_PER_M,
    IMAGE_FORMATS,
    JSON_MEMBER,
    MASK_MEMBER,
    LabelledPicture,
    decode_image,
    decode_json,
    from_record,
    to_record,
)

KEYPOINTS_3D_TOLERANCE = 1e-3  # [m] between stored joints and the body posed from the stored parameters
KEYPOINTS_2D_TOLERANCE = 0.5  # [px] between stored keypoints and projected joints
BBOX_TOLERANCE = 1.5  # [px] between a box and the extent of its person's mask
DEPTH_MARGIN = 0.5  # [m] that skin may lie in front of or behind all joints
MODES = {"jpg": ("RGB",), "png": ("RGB",), DEPTH_MEMBER: ("I;16", "I"), MASK_MEMBER: ("L",)}

Finding = tuple[str, str]  # member, what is wrong with it
Picture = NDArray[Any]


def check_sample(
    key: str, members: Mapping[str, bytes], bodies: Mapping[str, Body]
) -> tuple[LabelledPicture | None, list[Finding]]:
    """Check the members of one sample, all of which are present.

    Args:
        key: as the tar has it.
        members: content by suffix.
        bodies: models to pose the stored parameters with, by the name that records use; labels of other
            bodies are checked as far as that goes without.

    Returns:
        Picture and labels where they could be decoded, and all findings.
    """
    pictures, findings = _decode_pictures(members)
    try:
        record = decode_json(members[JSON_MEMBER])
        suffix = next(suffix for suffix in IMAGE_FORMATS if suffix in members)
        picture = from_record(record, pictures.get(suffix, np.zeros((0, 0, 3), np.uint8)))
    except ValueError as error:
        return None, [*findings, (JSON_MEMBER, str(error))]
    findings += [(JSON_MEMBER, text) for text in _record_findings(key, record, picture)]
    findings += _size_findings(pictures, picture.scene.camera.image_size)
    people = list(zip(picture.scene.people, picture.labels, strict=True))
    body = body_of(picture, bodies)
    for number, (person, label) in enumerate(people, 1):
        found = _keypoint_findings(person, label, picture.scene.camera.cam_int, body)
        findings += [(JSON_MEMBER, f"person {number}: {text}") for text in found]
    if not findings:
        findings += _mask_findings(pictures[MASK_MEMBER], pictures[DEPTH_MEMBER], picture.labels)
    return picture, findings


def body_of(picture: LabelledPicture, bodies: Mapping[str, Body]) -> Body | None:
    """Return the body that a sample was made with: same name, same revision where the record holds one."""
    body = bodies.get(picture.scene.body)
    if body is None or picture.provenance.revisions.get("body", body.revision) != body.revision:
        return None
    return body


def _decode_pictures(members: Mapping[str, bytes]) -> tuple[dict[str, Picture], list[Finding]]:
    pictures: dict[str, Picture] = {}
    findings: list[Finding] = []
    for suffix, modes in MODES.items():
        if suffix not in members:
            continue
        try:
            pictures[suffix] = decode_image(members[suffix], "picture", modes)
        except ValueError as error:
            findings.append((suffix, str(error)))
    return pictures, findings


def _record_findings(key: str, record: Mapping[str, Any], picture: LabelledPicture) -> Iterator[str]:
    if picture.request.key != key:
        yield f"key must be that of its file, got {picture.request.key!r}"
    yield from unknown_keys(record, to_record(picture), "")


def _size_findings(pictures: Mapping[str, Picture], size: tuple[int, int]) -> Iterator[Finding]:
    for suffix, picture in pictures.items():
        if picture.shape[:2] != size:
            got, expected = (f"{shape[1]}x{shape[0]}" for shape in (picture.shape, size))
            yield suffix, f"picture is {got}, the record says {expected}"


def _keypoint_findings(person: Person, label: Label, cam_int: Float, body: Body | None) -> Iterator[str]:
    joints, keypoints = label.keypoints_3d, label.keypoints_2d
    names = [name for name in COCO17.names if name in SMPL24.names]
    if body is not None and label.valid.smpl:
        points = body.pose([person]).points[0]
        if label.valid.keypoints_3d:
            yield from _distance_finding(
                "keypoints_3d",
                SMPL24.names,
                joints - body.joints(points, SMPL24),
                KEYPOINTS_3D_TOLERANCE,
                "m",
            )
        coco, names = body.joints(points, COCO17), list(COCO17.names)
    elif label.valid.keypoints_3d:
        coco = joints[[SMPL24.index(name) for name in names]]
    else:
        return
    if not label.valid.keypoints_2d:
        return
    if not (coco[:, 2] > 0).all():
        yield "keypoints lie behind the camera"
        return
    stored = keypoints[[COCO17.index(name) for name in names]]
    offset = stored - project(coco.astype(np.float64), cam_int)
    yield from _distance_finding("keypoints_2d", names, offset, KEYPOINTS_2D_TOLERANCE, "px")


def _distance_finding(
    what: str, names: tuple[str, ...] | list[str], offset: Float, tolerance: float, unit: str
) -> Iterator[str]:
    distance = np.linalg.norm(offset.astype(np.float64), axis=-1)
    if not (distance <= tolerance).all():  # NaN is no fit
        worst = int(np.argmax(np.nan_to_num(distance, nan=np.inf)))
        source = "the posed body" if unit == "m" else "the projected joints"
        yield (
            f"{what} differ from {source}: {names[worst]} by {distance[worst]:.4g} {unit}, "
            f"expected at most {tolerance:g} {unit}"
        )


def _mask_findings(mask: Picture, depth: Picture, labels: tuple[Label, ...]) -> Iterator[Finding]:
    allowed = [BACKGROUND, *range(1, len(labels) + 1), OCCLUDER]
    odd = np.setdiff1d(mask, allowed)
    if odd.size:
        yield MASK_MEMBER, f"holds value {odd[0]}, expected 0 to {len(labels)} or {OCCLUDER}"
    shows_body = (mask != BACKGROUND) & (mask != OCCLUDER)
    misfits = int(((depth > 0) != shows_body).sum())
    if misfits:
        yield DEPTH_MEMBER, f"{misfits} pixels have depth where the mask shows nobody, or none where it does"
    for number, label in enumerate(labels, 1):
        shown = mask == number
        if not shown.any():
            continue
        yield from ((JSON_MEMBER, f"person {number}: {text}") for text in _box_findings(shown, label))
        joints_z = label.keypoints_3d[:, 2]
        low, high = joints_z.min() - DEPTH_MARGIN, joints_z.max() + DEPTH_MARGIN
        metres = depth[shown & (depth > 0)] / DEPTH_UNITS_PER_M
        if label.valid.keypoints_3d and metres.size and not (low <= metres.min() and metres.max() <= high):
            yield (
                DEPTH_MEMBER,
                f"person {number} lies at {metres.min():.3f} to {metres.max():.3f} m, "
                f"expected within {low:.3f} to {high:.3f} m, around the joints",
            )


def _box_findings(shown: Picture, label: Label) -> Iterator[str]:
    height, width = shown.shape
    x1, y1, x2, y2 = label.bbox
    if not (0 <= x1 <= x2 <= width - 1 and 0 <= y1 <= y2 <= height - 1):
        yield f"bbox {label.bbox.tolist()} is not inside the {width}x{height} picture"
        return
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    extent = np.array([columns[0], rows[0], columns[-1], rows[-1]])
    if np.abs(label.bbox - extent).max() > BBOX_TOLERANCE:
        yield f"bbox {label.bbox.tolist()} is not the box of the mask, {extent.tolist()}"
