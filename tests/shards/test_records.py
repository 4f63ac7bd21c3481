import copy
import dataclasses
import io
import json
import math
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from synthgen.sample import Sample
from synthgen.shards import records
from synthgen.shards.records import (
    decode,
    decode_image,
    decode_json,
    decode_picture,
    encode,
    from_record,
    to_record,
)


def equal(one: Any, other: Any) -> bool:
    """Compare dataclasses that hold arrays, exactly."""
    if dataclasses.is_dataclass(one):
        return type(one) is type(other) and all(
            equal(getattr(one, field.name), getattr(other, field.name)) for field in dataclasses.fields(one)
        )
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return np.array_equal(one, other) if isinstance(one, np.ndarray) else bool(one == other)


def test_a_sample_comes_back_exactly(sample: Sample) -> None:
    whole = dataclasses.replace(
        sample, depth=np.rint(sample.depth * 1000).astype(np.float32) / np.float32(1000)
    )
    assert equal(decode(encode(whole, "png")), whole)


def test_where_things_show_comes_back_and_may_be_unknown(sample: Sample) -> None:
    things = np.zeros(sample.mask.shape, bool)
    things[3:7, 2:9] = True
    back = decode(encode(dataclasses.replace(sample, things=things), "jpg"))
    assert back.things is not None and back.things.dtype == np.bool_ and np.array_equal(back.things, things)
    assert decode(encode(dataclasses.replace(sample, things=None), "jpg")).things is None
    with pytest.raises(ValueError, match="things must be"):
        dataclasses.replace(sample, things=things[1:])


def test_as_jpeg_only_the_picture_changes_and_little(sample: Sample) -> None:
    back = decode(encode(sample, "jpg"))
    assert equal(back.scene, sample.scene) and equal(back.labels, sample.labels)
    assert np.abs(back.image.astype(int) - sample.image).mean() < 2
    assert np.abs(back.depth - sample.depth).max() <= 0.00051
    assert back.image.flags.writeable


def test_the_same_sample_gives_the_same_bytes(sample: Sample) -> None:
    assert encode(sample, "jpg") == encode(copy.deepcopy(sample), "jpg")


def test_members_are_what_the_format_says(sample: Sample) -> None:
    from PIL import Image

    members = encode(sample, "jpg")
    assert sorted(members) == ["depth.png", "jpg", "json", "mask.png"]
    picture = Image.open(io.BytesIO(members["jpg"]))
    assert picture.format == "JPEG"
    assert [layer[1:3] for layer in picture.layer] == [(1, 1)] * 3, "no chroma subsampling"
    assert Image.open(io.BytesIO(members["depth.png"])).mode.startswith("I;16")
    assert Image.open(io.BytesIO(members["mask.png"])).mode == "L"
    record = json.loads(members["json"])
    assert {
        "schema",
        "key",
        "prompt",
        "seed",
        "source",
        "image",
        "camera",
        "people",
        "body",
        "provenance",
    } < set(record)
    person = record["people"][0]
    assert np.shape(person["keypoints_2d"]) == (17, 3) and np.shape(person["keypoints_3d"]) == (24, 3)
    assert person["valid"] == {"smpl": True, "keypoints_2d": True, "keypoints_3d": True}
    assert record["image"] == {"width": 128, "height": 96}


def test_numbers_are_short_and_exact() -> None:
    rng = np.random.default_rng(0)
    tricky = np.array([0.1, 1 / 3, 1e-30, 3.4e38, -0.0, 16777217, 1e-45], np.float32)
    bits = rng.integers(0, 2**32, 20000, dtype=np.uint32).view(np.float32)
    values = np.concatenate([tricky, bits[np.isfinite(bits)]])
    written = json.loads(json.dumps(records.numbers(values)))
    assert np.array_equal(np.array(written, np.float32), values)
    assert json.dumps(records.numbers(np.array([0.1], np.float32))) == "[0.1]"


def test_unusual_text_survives(sample: Sample) -> None:
    prompt = 'eine Skifahrerin, 滑雪, \U0001f3bf "quoted" \\ \n </script>\u2028'
    changed = dataclasses.replace(sample, request=dataclasses.replace(sample.request, prompt=prompt))
    assert decode(encode(changed, "jpg")).request.prompt == prompt


def test_depth_beyond_sixteen_bits_is_refused(sample: Sample) -> None:
    deep = np.where(sample.mask > 0, 70, 0).astype(np.float32)
    with pytest.raises(
        ValueError, match=r"sample run-00000000: depth must lie in \[0, 65.535\] m, got up to 70"
    ):
        encode(dataclasses.replace(sample, depth=deep), "jpg")


def test_nan_is_refused_when_written(sample: Sample) -> None:
    with pytest.raises(ValueError, match="score a must be finite, got nan"):
        encode(dataclasses.replace(sample, scores={"a": math.nan}), "jpg")


def put(*path: str | int) -> Callable[[Any, Any], None]:
    def change(record: Any, value: Any) -> None:
        for step in path[:-1]:
            record = record[step]
        record[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema",), 2, "schema must be 1, got 2"),
        (("key",), 3, "key must be str, got 3"),
        (("key",), "a.b", "Request.key must be non-empty, without '.'"),
        (("seed",), True, "seed must be int, got True"),
        (("source",), "photo", "guide must be one of"),
        (("camera",), [1], "a value of a wrong type"),
        (("camera", "cam_int"), [[1, 2], [3]], "inhomogeneous"),
        (("camera", "cam_int"), "x", "expected numbers, got x"),
        (("image", "width"), -5, "image_size and focal length must be positive"),
        (("people",), [], "Scene.people must hold 1 to 254 people, got 0"),
        (("people",), None, "a value of a wrong type"),
        (("people", 0, "betas"), [0.0] * 9, r"betas must have shape \(10,\), got \(9,\)"),
        (("people", 0, "betas"), ["a"] * 10, "expected numbers"),
        (("people", 0, "betas"), [1e300] * 10, "betas must be finite"),
        (("people", 0, "betas"), [10**400] * 10, "expected numbers"),
        (("people", 0, "keypoints_2d"), [[1, 2]] * 17, "rows of x, y, visibility"),
        (("people", 0, "keypoints_2d"), [[1, 2, 7]] * 17, r"visibility must lie in \[0, 1\]"),
        (("people", 0, "valid"), {"smpl": 1}, "smpl must be bool, got 1"),
        (("people", 0, "scores"), {"a": "nan"}, "score a must be a number"),
        (("people", 0, "scores"), {"a": 10**400}, "too large"),
        (("people", 0, "scores"), {"a": 1e999}, "score a must be finite"),
        (("provenance", "models"), {"a": 1}, "a must be text, got 1"),
        (("provenance",), {}, "the record lacks 'models'"),
    ],
)
def test_what_is_wrong_in_a_record_is_said(
    sample: Sample, path: tuple[str | int, ...], value: Any, message: str
) -> None:
    record = json.loads(json.dumps(to_record(sample)))
    put(*path)(record, value)
    with pytest.raises(ValueError, match=message):
        from_record(record, sample.image)


@pytest.mark.parametrize("key", ["seed", "people", "camera", "body", "scores", "index"])
def test_what_lacks_in_a_record_is_said(sample: Sample, key: str) -> None:
    record = to_record(sample)
    del record[key]
    with pytest.raises(ValueError, match=f"the record lacks '{key}'"):
        from_record(record, sample.image)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "Expecting property name"),
        (b"[1]", "json must hold an object, got list"),
        (b'{"a": NaN}', "json holds NaN"),
        (b'{"a": -Infinity}', "json holds -Infinity"),
        (b"\xff\xfe{}", "json is not UTF-8"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
        (b" " * (records.MAX_RECORD_BYTES + 1), "expected at most"),
    ],
)
def test_bad_json_is_a_value_error(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode_json(data)


def test_bad_pictures_are_value_errors(sample: Sample) -> None:
    members = encode(sample, "jpg")
    with pytest.raises(ValueError, match="jpg cannot be decoded"):
        decode_picture({**members, "jpg": members["jpg"][:300]})
    with pytest.raises(ValueError, match=r"mask\.png has mode RGB, expected L"):
        decode({**members, "mask.png": encode(sample, "png")["png"]})
    with pytest.raises(ValueError, match="no picture"):
        decode_picture({"json": members["json"]})
    with pytest.raises(ValueError, match="x cannot be decoded"):
        decode_image(b"GIF89a" + bytes(50), "x", ("RGB",))


@pytest.mark.parametrize(("side", "message"), [(5000, "mask is 5000x5000, more than"), (30_000, "bomb")])
def test_a_decompression_bomb_is_refused_before_it_is_unpacked(side: int, message: str) -> None:
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    parts = [struct.pack(">I", len(b)) + a + b + struct.pack(">I", zlib.crc32(a + b)) for a, b in chunks]
    with pytest.raises(ValueError, match=message):
        decode_image(b"\x89PNG\r\n\x1a\n" + b"".join(parts), "mask", ("L",))
