"""Sample <-> members of a shard: pictures encoded, labels as one JSON record, schema 1 (`shards/README.md`).

Numbers are written as the shortest decimals that give the same float32 back (float64 for the intrinsics), so
that SMPL parameters read back are exactly those the picture was drawn with. Depth is rounded to millimetres.
"""

import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from synthgen.sample import Camera, Float, Label, Person, Provenance, Request, Sample, Scene, Validity

SCHEMA = 1
ImageFormat = Literal["jpg", "png"]
IMAGE_FORMATS: tuple[ImageFormat, ...] = get_args(ImageFormat)
JPEG_QUALITY = 95
PNG_LEVEL = 2  # of zlib: a third of the time of its default, files a quarter larger
DEPTH_UNITS_PER_M = 1000  # depth PNGs hold millimetres
MAX_DEPTH_M = 65.535  # the most that 16 bits of millimetres hold
MAX_PIXELS = 4096 * 4096  # of a picture read back; nobody's shard holds a larger one
MAX_RECORD_BYTES = 16 << 20

JSON_MEMBER = "json"
DEPTH_MEMBER = "depth.png"
MASK_MEMBER = "mask.png"
DRAFT_MEMBER = "draft.jpg"
THINGS_MEMBER = "things.png"


@dataclass(frozen=True)
class LabelledPicture:
    """What training reads: a sample without depth and mask.

    Attributes:
        request: what was asked for.
        image: (H, W, 3) uint8 RGB.
        scene: camera and people.
        labels: one per person, same order.
        scores: measured qualities of the whole picture.
        provenance: where it comes from.
    """

    request: Request
    image: NDArray[np.uint8]
    scene: Scene
    labels: tuple[Label, ...]
    scores: Mapping[str, float]
    provenance: Provenance


def encode(sample: Sample, image_format: ImageFormat) -> dict[str, bytes]:
    """Return the members of a sample by suffix.

    Raises:
        ValueError: the sample holds a depth that millimetres in 16 bits cannot.
    """
    draft = {} if sample.draft is None else {DRAFT_MEMBER: encode_image(sample.draft, "jpg")}
    things = {} if sample.things is None else {THINGS_MEMBER: _encode_png(sample.things)}
    return {
        DEPTH_MEMBER: _encode_depth(sample.depth, sample.request.key),
        **draft,
        **things,
        image_format: encode_image(sample.image, image_format),
        JSON_MEMBER: encode_json(to_record(sample)),
        MASK_MEMBER: _encode_png(sample.mask),
    }


def decode(members: Mapping[str, bytes]) -> Sample:
    """Return the sample that `encode` was given, its picture as JPEG left it, depth in whole millimetres.

    Raises:
        ValueError: a member is missing, damaged, or not of schema 1.
    """
    picture = decode_picture(members)
    depth = decode_image(members[DEPTH_MEMBER], DEPTH_MEMBER, ("I;16", "I"))
    return Sample(
        request=picture.request,
        image=picture.image,
        depth=depth.astype(np.float32) / np.float32(DEPTH_UNITS_PER_M),
        mask=decode_image(members[MASK_MEMBER], MASK_MEMBER, ("L",)).astype(np.uint8),
        scene=picture.scene,
        labels=picture.labels,
        scores=picture.scores,
        provenance=picture.provenance,
        draft=_maybe(members, DRAFT_MEMBER, "RGB"),
        things=_maybe(members, THINGS_MEMBER, "1"),
    )


def decode_picture(members: Mapping[str, bytes]) -> LabelledPicture:
    """Return picture and labels only; see `decode`."""
    suffix = next((suffix for suffix in IMAGE_FORMATS if suffix in members), None)
    if suffix is None:
        raise ValueError(f"no picture: expected a member .{' or .'.join(IMAGE_FORMATS)}")
    image = decode_image(members[suffix], suffix, ("RGB",)).astype(np.uint8, copy=False)
    return from_record(decode_json(members[JSON_MEMBER]), image)


def to_record(sample: Sample | LabelledPicture) -> dict[str, Any]:
    """Return the JSON record of a sample."""
    height, width = sample.scene.camera.image_size
    return {
        "schema": SCHEMA,
        "key": sample.request.key,
        "index": sample.request.index,
        "seed": sample.request.seed,
        "prompt": sample.request.prompt,
        "negative_prompt": sample.request.negative_prompt,
        "source": sample.request.guide,
        "guide_index": sample.request.guide_index,
        "variant": sample.request.variant,
        "image": {"width": width, "height": height},
        "camera": {"cam_int": np.asarray(sample.scene.camera.cam_int, np.float64).tolist()},
        "people": [_person(*pair) for pair in zip(sample.scene.people, sample.labels, strict=True)],
        "body": sample.scene.body,
        "scores": _scores(sample.scores),
        "provenance": {
            "models": dict(sample.provenance.models),
            "revisions": dict(sample.provenance.revisions),
            "config_hash": sample.provenance.config_hash,
            "synthgen_version": sample.provenance.synthgen_version,
        },
    }


def from_record(record: Mapping[str, Any], image: NDArray[np.uint8]) -> LabelledPicture:
    """Return picture and labels of a record.

    Raises:
        ValueError: the record is not one of schema 1.
    """
    if record.get("schema") != SCHEMA:
        raise ValueError(f"schema must be {SCHEMA}, got {record.get('schema')!r}")
    if "kind" in record:
        raise ValueError(f"is no generated sample but an {record['kind']!r:.60}; see read_observations")
    try:
        return LabelledPicture(
            request=_request(record),
            image=image,
            scene=_scene(record),
            labels=tuple(_label(person) for person in record["people"]),
            scores=_scores(record["scores"]),
            provenance=_provenance(record["provenance"]),
        )
    except KeyError as error:
        raise ValueError(f"the record lacks {error.args[0]!r}") from error
    except (TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"the record holds a value of a wrong type: {error}") from error


def encode_image(image: NDArray[np.uint8], image_format: ImageFormat) -> bytes:
    """Encode an (H, W, 3) uint8 RGB picture; JPEG without chroma subsampling."""
    from PIL import Image

    stream = io.BytesIO()
    if image_format == "png":
        return _encode_png(image)
    Image.fromarray(image).save(stream, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return stream.getvalue()


def _maybe(members: Mapping[str, bytes], name: str, mode: str) -> NDArray[Any] | None:
    return decode_image(members[name], name, (mode,)) if name in members else None


def decode_image(
    data: bytes, name: str, modes: tuple[str, ...], max_pixels: int = MAX_PIXELS
) -> NDArray[Any]:
    """Decode a picture of somebody else's making.

    Args:
        data: JPEG or PNG.
        name: what messages call it.
        modes: Pillow modes it may have.
        max_pixels: more are unreasonable.

    Raises:
        ValueError: it is damaged, of another mode, or unreasonably large.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            if picture.width * picture.height > max_pixels:
                raise ValueError(f"{name} is {picture.width}x{picture.height}, more than {max_pixels} pixels")
            if picture.mode not in modes:
                raise ValueError(f"{name} has mode {picture.mode}, expected {' or '.join(modes)}")
            return np.array(picture)
    except (OSError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ValueError(f"{name} cannot be decoded: {error}") from error


def encode_json(value: Mapping[str, Any]) -> bytes:
    """Encode compact UTF-8 JSON; NaN and infinity are refused with ValueError."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def decode_json(data: bytes) -> dict[str, Any]:
    """Decode a JSON object of somebody else's making.

    Raises:
        ValueError: it is too large, no JSON, no object, or holds NaN.
    """
    if len(data) > MAX_RECORD_BYTES:
        raise ValueError(f"json has {len(data)} bytes, expected at most {MAX_RECORD_BYTES}")
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("json is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"json is not UTF-8: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"json must hold an object, got {type(value).__name__}")
    return value


def numbers(array: Float) -> list[Any]:
    """Return nested lists of the shortest decimals that read back as the same float32."""
    values = np.asarray(array, np.float32)
    short = np.array([float(str(value)) for value in values.ravel()])
    exact = np.where(short.astype(np.float32) == values.ravel(), short, values.ravel().astype(np.float64))
    return exact.reshape(values.shape).tolist()


def _refuse_constant(name: str) -> float:
    raise ValueError(f"json holds {name}")


def _person(person: Person, label: Label) -> dict[str, Any]:
    return {
        "bbox": numbers(label.bbox),
        "global_orient": numbers(person.global_orient),
        "body_pose": numbers(person.body_pose),
        "betas": numbers(person.betas),
        "transl": numbers(person.transl),
        "keypoints_2d": numbers(np.column_stack([label.keypoints_2d, label.visibility])),
        "keypoints_3d": numbers(label.keypoints_3d),
        "valid": {
            "smpl": label.valid.smpl,
            "keypoints_2d": label.valid.keypoints_2d,
            "keypoints_3d": label.valid.keypoints_3d,
        },
        "family": label.family,
        "action": label.action,
        "scores": _scores(label.scores),
    }


def read_array(value: Any, dtype: type[np.floating[Any]] = np.float32) -> Float:
    """Return numbers of a record as an array; anything else is a TypeError."""
    array = np.asarray(value)
    if array.dtype.kind not in "fi":
        raise TypeError(f"expected numbers, got {str(value)[:60]}")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, which the types refuse
        return array.astype(dtype)


def _scores(scores: Mapping[str, float]) -> dict[str, float]:
    for name, value in scores.items():
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
            raise TypeError(f"score {name} must be a number, got {value!r:.60}")
        if not math.isfinite(value):
            raise ValueError(f"score {name} must be finite, got {value}")
    return {name: float(value) for name, value in scores.items()}


def _names(node: Mapping[str, str]) -> dict[str, str]:
    for name, value in node.items():
        if not isinstance(value, str):
            raise TypeError(f"{name} must be text, got {value!r:.60}")
    return dict(node)


def _request(record: Mapping[str, Any]) -> Request:
    return Request(
        key=typed(record, "key", str),
        index=typed(record, "index", int),
        seed=typed(record, "seed", int),
        prompt=typed(record, "prompt", str),
        negative_prompt=typed(record, "negative_prompt", str),
        guide=typed(record, "source", str),
        guide_index=typed(record, "guide_index", int) if "guide_index" in record else 0,
        variant=typed(record, "variant", int) if "variant" in record else 0,
    )


def _scene(record: Mapping[str, Any]) -> Scene:
    size = record["image"]
    camera = Camera(
        read_array(record["camera"]["cam_int"], np.float64),
        (typed(size, "height", int), typed(size, "width", int)),
    )
    names = ("global_orient", "body_pose", "betas", "transl")
    people = tuple(Person(*(read_array(person[name]) for name in names)) for person in record["people"])
    return Scene(camera, people, typed(record, "body", str))


def _label(person: Mapping[str, Any]) -> Label:
    keypoints = read_array(person["keypoints_2d"])
    if keypoints.ndim != 2 or keypoints.shape[1] != 3:
        raise ValueError(f"keypoints_2d must be rows of x, y, visibility, got shape {keypoints.shape}")
    valid = person["valid"]
    return Label(
        bbox=read_array(person["bbox"]),
        keypoints_2d=keypoints[:, :2],
        visibility=keypoints[:, 2],
        keypoints_3d=read_array(person["keypoints_3d"]),
        valid=Validity(*(typed(valid, name, bool) for name in ("smpl", "keypoints_2d", "keypoints_3d"))),
        family=typed(person, "family", str),
        action=typed(person, "action", str),
        scores=_scores(person["scores"]),
    )


def _provenance(node: Mapping[str, Any]) -> Provenance:
    return Provenance(
        models=_names(node["models"]),
        revisions=_names(node["revisions"]),
        config_hash=typed(node, "config_hash", str),
        synthgen_version=typed(node, "synthgen_version", str),
    )


def typed(node: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    """Return a value of a record that is of exactly this type; anything else is a TypeError."""
    value = node[name]
    if type(value) is not kind:
        raise TypeError(f"{name} must be {kind.__name__}, got {value!r:.60}")
    return value


def _encode_depth(depth: NDArray[np.float32], key: str) -> bytes:
    if depth.min() < 0 or depth.max() > MAX_DEPTH_M:
        raise ValueError(f"sample {key}: depth must lie in [0, {MAX_DEPTH_M}] m, got up to {depth.max()}")
    return _encode_png(np.rint(depth * DEPTH_UNITS_PER_M).astype(np.uint16))


def _encode_png(array: NDArray[Any]) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG", compress_level=PNG_LEVEL)
    return stream.getvalue()
