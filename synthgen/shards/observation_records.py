"""Observation <-> members of a shard: the picture, and one JSON record of kind "observation", schema 1.

What nobody knows is null in the record, never zero. The picture's own bytes may travel unchanged. A generated
sample is read as an observation too: all that its `valid` flags vouch for. Format: `shards/README.md`.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from synthgen.joints import COCO17, SMPL24
from synthgen.observation import Gender, Notes, Observation, ObservedPerson
from synthgen.sample import Camera, Float, Label, Person, Sample
from synthgen.shards.joint_rows import joints_record, read_joints, read_rows, write_rows
from synthgen.shards.records import (
    IMAGE_FORMATS,
    JSON_MEMBER,
    MAX_PIXELS,
    SCHEMA,
    ImageFormat,
    LabelledPicture,
    decode_image,
    decode_json,
    encode,
    encode_image,
    encode_json,
    from_record,
    numbers,
    read_array,
    typed,
)

KIND = "observation"
GENERATED = "synthgen"  # source of observations that are generated samples
PERSON_PARTS = ("global_orient", "body_pose", "betas", "transl")
LEAST_EXTENT = 1.0  # [px] that a box is widened to where the visible body is one pixel wide


class NobodyError(ValueError):
    """A record lists no people: fine as a picture, nothing to learn people from."""


@dataclass(frozen=True)
class StoredPicture:
    """A picture as its file holds it, not decoded, with all that is known of it.

    Attributes:
        notes: what is known.
        data: the file's bytes, which go into shards unchanged.
        image_format: what they are.
    """

    notes: Notes
    data: bytes
    image_format: ImageFormat

    def open(self) -> Observation:
        """Decode the picture.

        Raises:
            ValueError: it is damaged, no RGB, or of another size than the record says.
        """
        image = decode_image(self.data, self.image_format, ("RGB",))
        return self.notes.with_image(image.astype(np.uint8, copy=False))


def look_at_file(data: bytes) -> tuple[ImageFormat, tuple[int, int]]:
    """Return format and size (H, W) [px] of an RGB picture by its first bytes, without decoding it.

    Raises:
        ValueError: it is no RGB JPEG or PNG of reasonable size, so it has to be decoded and encoded anew.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            image_format: ImageFormat = "png" if picture.format == "PNG" else "jpg"
            if picture.mode != "RGB":
                raise ValueError(f"picture has mode {picture.mode}, expected RGB")
            if picture.width * picture.height > MAX_PIXELS:
                raise ValueError(
                    f"picture is {picture.width}x{picture.height}, more than {MAX_PIXELS} pixels"
                )
            return image_format, (picture.height, picture.width)
    except UnidentifiedImageError as error:
        raise ValueError("picture cannot be read: it does not begin as a JPEG or PNG does") from error
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"picture cannot be read: {error}") from error


def to_members(
    item: Sample | Observation | StoredPicture, image_format: ImageFormat
) -> tuple[str, dict[str, bytes]]:
    """Return key and members by suffix of whatever may be stored.

    Raises:
        ValueError: it cannot be stored, or a stored picture is of another size or format than it claims.
    """
    if isinstance(item, Sample):
        return item.request.key, encode(item, image_format)
    if isinstance(item, Observation):
        item = store(item, image_format)
    found = look_at_file(item.data)
    expected = (item.image_format, item.notes.image_size)
    if found != expected:
        raise ValueError(f"observation {item.notes.key}: the picture is {found}, its notes say {expected}")
    return item.notes.key, {item.image_format: item.data, JSON_MEMBER: encode_json(to_record(item.notes))}


def store(observation: Observation, image_format: ImageFormat) -> StoredPicture:
    """Encode the picture of an observation."""
    return StoredPicture(observation.notes(), encode_image(observation.image, image_format), image_format)


def from_members(members: Mapping[str, bytes]) -> StoredPicture:
    """Return the observation, or what a generated sample vouches for; the picture is not decoded.

    Raises:
        NobodyError: the record lists no people.
        ValueError: a member is missing, or the record is not one of schema 1.
    """
    suffix = next((suffix for suffix in IMAGE_FORMATS if suffix in members), None)
    if suffix is None:
        raise ValueError(f"no picture: expected a member .{' or .'.join(IMAGE_FORMATS)}")
    if JSON_MEMBER not in members:
        raise ValueError(f"no record: expected a member .{JSON_MEMBER}")
    record = decode_json(members[JSON_MEMBER])
    if record.get("schema") == SCHEMA and record.get("people") == []:
        raise NobodyError("the record lists no people")
    return StoredPicture(to_notes(record), members[suffix], suffix)


def to_notes(record: Mapping[str, Any]) -> Notes:
    """Return what a record, of an observation or of a generated sample, says.

    Raises:
        ValueError: the record is not one of schema 1.
    """
    if record.get("kind", KIND) != KIND:
        raise ValueError(f"kind must be {KIND!r}, or absent in generated samples, got {record['kind']!r:.60}")
    if "kind" not in record:
        return notes_of_sample(from_record(record, np.zeros((0, 0, 3), np.uint8)))
    if record.get("schema") != SCHEMA:
        raise ValueError(f"schema must be {SCHEMA}, got {record.get('schema')!r}")
    try:
        return _notes(record)
    except KeyError as error:
        raise ValueError(f"the record lacks {error.args[0]!r}") from error
    except (TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"the record holds a value of a wrong type: {error}") from error


def notes_of_sample(picture: Sample | LabelledPicture) -> Notes:
    """Return all of a generated sample's labels that may be trusted."""
    pairs = zip(picture.scene.people, picture.labels, strict=True)
    return Notes(
        key=picture.request.key,
        image_size=picture.scene.camera.image_size,
        camera=picture.scene.camera,
        people=tuple(_trusted(person, label) for person, label in pairs),
        body=picture.scene.body,
        source=GENERATED,
        caption=picture.request.prompt,
    )


def to_record(notes: Notes) -> dict[str, Any]:
    """Return the JSON record of an observation."""
    height, width = notes.image_size
    camera = notes.camera
    return {
        "schema": SCHEMA,
        "kind": KIND,
        "key": notes.key,
        "image": {"width": width, "height": height},
        "camera": None if camera is None else {"cam_int": _exact(camera.cam_int)},
        "people": [_person_record(person) for person in notes.people],
        "body": notes.body,
        "source": notes.source,
        "sequence": notes.sequence,
        "frame": notes.frame,
        "view": notes.view,
        "caption": notes.caption,
        "extrinsics": None if notes.extrinsics is None else _exact(notes.extrinsics),
        "distortion": None if notes.distortion is None else _exact(notes.distortion),
        "labelled_by": notes.labelled_by,
    }


def _trusted(person: Person, label: Label) -> ObservedPerson:
    bbox = label.bbox.astype(np.float32)
    middle, extent = (bbox[:2] + bbox[2:]) / 2, np.maximum(bbox[2:] - bbox[:2], LEAST_EXTENT)
    valid = label.valid
    return ObservedPerson(
        bbox=np.concatenate([middle - extent / 2, middle + extent / 2]),
        keypoints_2d=label.keypoints_2d,
        confidence_2d=np.full(len(COCO17), valid.keypoints_2d, np.float32),
        keypoints_3d=label.keypoints_3d if valid.keypoints_3d else None,
        confidence_3d=np.full(len(SMPL24), valid.keypoints_3d, np.float32),
        person=person if valid.smpl else None,
        family=label.family,
        action=label.action,
        visibility=label.visibility,
    )


def _person_record(person: ObservedPerson) -> dict[str, Any]:
    smpl, joints = person.person, person.keypoints_3d
    has_2d = bool(person.confidence_2d.any())
    parts = {name: None if smpl is None else numbers(getattr(smpl, name)) for name in PERSON_PARTS}
    return {
        "bbox": numbers(person.bbox),
        **parts,
        "keypoints_2d": write_rows(person.keypoints_2d, person.confidence_2d) if has_2d else None,
        "keypoints_3d": None if joints is None else write_rows(joints, person.confidence_3d),
        "visibility": None if person.visibility is None else numbers(person.visibility),
        "valid": {"smpl": smpl is not None, "keypoints_2d": has_2d, "keypoints_3d": joints is not None},
        "family": person.family,
        "action": person.action,
        "gender": person.gender,
        "joints": None if person.joints is None else joints_record(person.joints),
    }


def _exact(array: Float) -> Any:
    return np.asarray(array, np.float64).tolist()


def _notes(record: Mapping[str, Any]) -> Notes:
    size = record["image"]
    image_size = (typed(size, "height", int), typed(size, "width", int))
    camera = record["camera"]
    return Notes(
        key=typed(record, "key", str),
        image_size=image_size,
        camera=None if camera is None else Camera(read_array(camera["cam_int"], np.float64), image_size),
        people=tuple(_person(one, place) for place, one in enumerate(record["people"], 1)),
        body=typed(record, "body", str),
        source=typed(record, "source", str),
        sequence=typed(record, "sequence", str),
        frame=typed(record, "frame", int),
        view=typed(record, "view", str),
        caption=typed(record, "caption", str),
        extrinsics=_optional(record, "extrinsics"),
        distortion=_optional(record, "distortion"),
        labelled_by=typed(record, "labelled_by", str) if "labelled_by" in record else "",
    )


def _optional(record: Mapping[str, Any], name: str) -> Float | None:
    """Return an array of a key that older records lack, or None."""
    value = record.get(name)
    return None if value is None else read_array(value, np.float64)


def _person(record: Mapping[str, Any], place: int) -> ObservedPerson:
    keypoints_2d, confidence_2d = read_rows(record, "keypoints_2d", (len(COCO17), 2))
    keypoints_3d, confidence_3d = read_rows(record, "keypoints_3d", (len(SMPL24), 3))
    joints = record.get("joints")
    parts = [record[name] for name in PERSON_PARTS]
    known = [part is not None for part in parts]
    if any(known) and not all(known):
        raise ValueError(f"person {place}: {', '.join(PERSON_PARTS)} must all be given, or all be null")
    visibility = record["visibility"]
    person = ObservedPerson(
        bbox=read_array(record["bbox"]),
        keypoints_2d=keypoints_2d,
        confidence_2d=confidence_2d,
        keypoints_3d=None if record["keypoints_3d"] is None else keypoints_3d,
        confidence_3d=confidence_3d,
        person=Person(*map(read_array, parts)) if all(known) else None,
        family=typed(record, "family", str),
        action=typed(record, "action", str),
        visibility=None if visibility is None else read_array(visibility),
        gender=cast(Gender, typed(record, "gender", str)) if "gender" in record else "neutral",
        joints=None if joints is None else read_joints(joints),
    )
    _check_flags(record["valid"], person, place)
    return person


def _check_flags(valid: Mapping[str, Any], person: ObservedPerson, place: int) -> None:
    there = {
        "smpl": person.person is not None,
        "keypoints_2d": bool(person.confidence_2d.any()),
        "keypoints_3d": person.keypoints_3d is not None,
    }
    for name, is_there in there.items():
        if typed(valid, name, bool) != is_there:
            raise ValueError(f"person {place}: valid.{name} is {valid[name]}, but the labels say {is_there}")
