"""Observations of noise, as different as their records can be, and edits of shards that hold some."""

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from synthgen.geometry import intrinsics, project, rotvec_to_rotmat
from synthgen.joints import COCO17, SMPL24
from synthgen.observation import MeasuredJoints, Observation, ObservedPerson
from synthgen.sample import Camera, Person
from synthgen.shards.observation_records import (
    to_record,
)

SIZE = (48, 64)
RNG = np.random.default_rng(0)
CAM_INT = intrinsics(60.5, SIZE)
BOTH = [name for name in COCO17.names if name in SMPL24.names]
BOTH_COCO, BOTH_SMPL = ([joints.index(name) for name in BOTH] for joints in (COCO17, SMPL24))


def make_person(smpl: bool = True, joints: bool = True, count: int = 17) -> ObservedPerson:
    confidence = np.zeros(17, np.float32)
    confidence[:count] = RNG.uniform(0.1, 1, count)
    points = RNG.uniform((-0.4, -0.3, 1), (0.4, 0.3, 2), (24, 3)).astype(np.float32)
    pixels = RNG.uniform(0, 40, (17, 2))
    pixels[BOTH_COCO] = project(points[BOTH_SMPL], CAM_INT)
    return ObservedPerson(
        bbox=np.array([3.25, 4, 40, 44.5], np.float32),
        keypoints_2d=np.where(confidence[:, None] > 0, pixels, 0).astype(np.float32),
        confidence_2d=confidence,
        keypoints_3d=points if joints else None,
        confidence_3d=np.full(24, 0.5 * joints, np.float32),
        person=Person(*(RNG.normal(size=s).astype(np.float32) for s in ((3,), (23, 3), (10,), (3,))))
        if smpl
        else None,
        family="ski",
        action="tuck",
        visibility=RNG.random(17).astype(np.float32) if smpl else None,
        gender="female" if smpl else "neutral",
        joints=make_joints() if smpl else None,
    )


def make_joints(points: bool = True) -> MeasuredJoints:
    names, sure = ("pelvis", "right_ski_tip", "left_pole"), np.array([1, 0, 0.25], np.float32)
    known = sure[:, None] > 0
    return MeasuredJoints(
        names,
        np.where(known, RNG.uniform(0, 40, (3, 2)), 0).astype(np.float32),
        sure,
        np.where(known, RNG.normal(size=(3, 3)), 0).astype(np.float32) if points else None,
        sure * points,
    )


def make_observation(key: str = "real-0", camera: bool = True, **known: object) -> Observation:
    return Observation(
        key=key,
        image=RNG.integers(0, 255, (*SIZE, 3)).astype(np.uint8),
        camera=Camera(intrinsics(60.5, SIZE), SIZE) if camera else None,
        people=(make_person(), make_person(smpl=False, joints=False, count=9)),
        body="smpl",
        source="ski_poseptz/train",
        sequence="run7",
        frame=12,
        view="cam2",
        caption="a skier",
        extrinsics=np.column_stack([rotvec_to_rotmat(np.array([0.1, 2, 0.3])), [0.5, 1, 2.25]]),
        distortion=np.array([0.1, -0.02, 0.001, 0, 0.5]),
        labelled_by="vitpose abc",
        **known,
    )


def assert_same(one: object, other: object, but: tuple[str, ...] = ()) -> None:
    for name, value in vars(one).items():
        found = getattr(other, name)
        if name in but:
            continue
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, found, err_msg=name)
        elif hasattr(value, "__dataclass_fields__"):
            assert_same(value, found)
        elif name == "people":
            for a, b in zip(value, found, strict=True):
                assert_same(a, b)
        else:
            assert value == found, name


def jpeg(image: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", **options)
    return stream.getvalue()


def rewrite(tar: Path, edit: object) -> None:
    """Give every (name, content) of a tar to `edit`, which returns another content, or None for none."""
    with tarfile.open(tar) as archive:
        members = [(entry.name, archive.extractfile(entry).read()) for entry in archive]
    with tarfile.open(tar, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members:
            content = edit(name, content)
            if content is not None:
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))


def edit_record(tar: Path, **changes: object) -> None:
    def edit(name: str, content: bytes) -> bytes:
        return json.dumps({**json.loads(content), **changes}).encode() if name.endswith(".json") else content

    rewrite(tar, edit)


def record_of(person: ObservedPerson) -> dict[str, object]:
    return to_record(replace(make_observation(), people=(person,)).notes())["people"][0]
