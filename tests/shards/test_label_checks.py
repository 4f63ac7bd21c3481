import dataclasses
import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from synthgen.body import Body
from synthgen.sample import Sample
from synthgen.shards.label_checks import check_sample
from synthgen.shards.records import encode, encode_image

Change = Callable[[dict[str, Any]], None]


def check(
    sample: Sample, body: Body, change: Change | None = None, **members: bytes
) -> list[tuple[str, str]]:
    stored = {**encode(sample, "jpg"), **{name.replace("_", "."): data for name, data in members.items()}}
    if change is not None:
        record = json.loads(stored["json"])
        change(record)
        stored["json"] = json.dumps(record).encode()
    return check_sample(sample.request.key, stored, {body.name: body})[1]


def png(array: np.ndarray) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


def shift(name: str, amount: float, person: int = 1) -> Change:
    def change(record: dict[str, Any]) -> None:
        values = record["people"][person][name]
        while isinstance(values[3 % len(values)], list):
            values = values[3 % len(values)]
        values[0] += amount

    return change


def test_a_right_sample_has_no_findings(sample: Sample, body: Body) -> None:
    assert check(sample, body) == []


def test_small_rounding_is_allowed(sample: Sample, body: Body) -> None:
    assert check(sample, body, shift("keypoints_3d", 5e-4)) == []
    assert check(sample, body, shift("keypoints_2d", 0.3)) == []
    assert check(sample, body, shift("bbox", -1.0)) == []


@pytest.mark.parametrize(
    ("name", "amount", "message"),
    [
        ("keypoints_3d", 0.002, "person 2: keypoints_3d differ from the posed body: spine1 by 0.002 m"),
        ("keypoints_2d", 0.8, "person 2: keypoints_2d differ from the projected joints: left_ear by 0.8"),
        ("body_pose", 0.2, "person 2: keypoints_3d differ from the posed body"),
        ("betas", 0.5, "person 2: keypoints_3d differ from the posed body"),
        ("transl", 0.01, "person 2: keypoints_3d differ from the posed body: "),
        ("bbox", -4.0, "is not the box of the mask"),
        ("bbox", -400.0, "is not inside the 128x96 picture"),
    ],
)
def test_labels_that_do_not_fit_are_named(
    sample: Sample, body: Body, name: str, amount: float, message: str
) -> None:
    findings = check(sample, body, shift(name, amount))
    assert findings and findings[0][0] == "json" and message in findings[0][1]


def test_labels_nobody_vouches_for_are_not_compared(sample: Sample, body: Body) -> None:
    def disown(record: dict[str, Any]) -> None:
        shift("body_pose", 0.5)(record)
        record["people"][1]["valid"]["smpl"] = False

    assert check(sample, body, disown) == []


@pytest.mark.parametrize("field", ["body", "revision"])
def test_without_the_body_shared_joints_are_still_projected(sample: Sample, body: Body, field: str) -> None:
    def elsewhere(record: dict[str, Any]) -> None:
        if field == "body":
            record["body"] = "smpl"
        else:
            record["provenance"]["revisions"]["body"] = "another"
        record["people"][0]["keypoints_2d"][5][0] += 3

    findings = check(sample, body, elsewhere)
    assert len(findings) == 1 and "left_shoulder by 3" in findings[0][1]


def test_a_mask_with_a_value_of_nobody(sample: Sample, body: Body) -> None:
    mask = sample.mask.copy()
    mask[0, 0] = 3
    findings = check(sample, body, mask_png=png(mask))
    assert ("mask.png", "holds value 3, expected 0 to 2 or 255") in findings
    assert ("depth.png", "1 pixels have depth where the mask shows nobody, or none where it does") in findings


def test_an_occluder_has_no_depth(sample: Sample, body: Body) -> None:
    rows, columns = np.nonzero(sample.mask == 1)
    middle = len(rows) // 2
    mask, depth = sample.mask.copy(), sample.depth.copy()
    mask[rows[middle], columns[middle]] = 255
    findings = check(dataclasses.replace(sample, mask=mask), body)
    assert findings == [
        ("depth.png", "1 pixels have depth where the mask shows nobody, or none where it does")
    ]
    depth[rows[middle], columns[middle]] = 0
    assert check(dataclasses.replace(sample, mask=mask, depth=depth), body) == []


def test_depth_far_from_the_joints(sample: Sample, body: Body) -> None:
    findings = check(dataclasses.replace(sample, depth=sample.depth * 2), body)
    assert len(findings) == 2 and "around the joints" in findings[0][1]


def test_people_swapped_in_the_mask(sample: Sample, body: Body) -> None:
    mask = np.where(sample.mask > 0, 3 - sample.mask, 0).astype(np.uint8)
    assert any(
        "is not the box of the mask" in text
        for _, text in check(dataclasses.replace(sample, mask=mask), body)
    )


def test_pictures_of_other_sizes(sample: Sample, body: Body) -> None:
    small = np.ascontiguousarray(sample.image[:50])
    assert check(sample, body, jpg=encode_image(small, "jpg")) == [
        ("jpg", "picture is 128x50, the record says 128x96")
    ]


def test_keypoints_behind_the_camera(sample: Sample, body: Body) -> None:
    findings = check(sample, body, shift("transl", 0.0))
    assert findings == []

    def behind(record: dict[str, Any]) -> None:
        record["people"][0]["transl"][2] -= 10

    texts = [text for _, text in check(sample, body, behind)]
    assert "person 1: keypoints lie behind the camera" in texts


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda record: record.update(mood="good"), "unknown key 'mood'"),
        (lambda record: record["people"][1].update(hat=1), "unknown key 'people.1.hat'"),
        (lambda record: record.update(key="other"), "key must be that of its file, got 'other'"),
        (lambda record: record.update(schema=3), "schema must be 1, got 3"),
        (lambda record: record["people"].pop(), "holds value 2"),
        (lambda record: record["people"][0]["betas"].__setitem__(0, 1e30), "keypoints_3d differ"),
    ],
)
def test_records_that_are_not_of_schema_1(sample: Sample, body: Body, change: Change, message: str) -> None:
    assert any(message in text for _, text in check(sample, body, change))


def test_random_damage_never_raises(sample: Sample, body: Body) -> None:
    members = encode(sample, "jpg")
    rng = np.random.default_rng(0)
    found = 0
    for number in range(80):
        name = sorted(members)[number % 4]
        data = bytearray(members[name])
        for place in rng.integers(0, len(data), 3):
            data[place] = rng.integers(256)
        found += bool(check_sample(sample.request.key, {**members, name: bytes(data)}, {body.name: body})[1])
    assert found > 40
