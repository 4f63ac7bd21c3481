"""4D-Humans' training tars: `KEY.jpg` and `KEY.data.pyd`, a pickled list of people; 1000 pictures a tar.

`scale` is (width, height) of the box / 200; 44 joints are OpenPose's 25 and 19 further ones. The loader drops
confidences of OpenPose's 3D joints 1 to 14, so the further ones carry 3D supervision; it trains on people
with more than four 2D joints. Its default filters replace unusual poses and whoever lacks betas by nothing:
`mix_<name>.yaml` turns that off, and `datasets_tar_<name>.yaml` names the tars.
"""

import io
import pickle
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from synthgen import storage
from synthgen.exporters import pickles
from synthgen.exporters.boxes import PER_SCALE, box_of
from synthgen.exporters.checking import MAX_ROWS, SURE, Row, open_picture, problems_of
from synthgen.exporters.export import SMPL, Desk
from synthgen.exporters.figures import Entry, Figure
from synthgen.exporters.joint_sets import EXTRA19, all_44_2d, all_44_3d, pose_of
from synthgen.exporters.ledger import Ledger
from synthgen.joints import OPENPOSE25
from synthgen.shards.records import decode_image
from synthgen.shards.shard import read_members

LEAST_JOINTS = 5  # FILTER_NUM_KP = 4: the loader wants more than that
FEW_JOINTS = f"person with fewer than {LEAST_JOINTS} sure 2D joints, whom 4D-Humans' loader drops"
PERSON_KEYS = {
    "keypoints_2d": (44, 3), "keypoints_3d": (44, 4), "center": (2,), "scale": (2,), "body_pose": (72,),
    "betas": (10,), "has_body_pose": (), "has_betas": (),
}  # fmt: skip
NUM_DIGITS = 6  # of a tar's name


@dataclass(frozen=True)
class HMR2Tars:
    """Options of 4D-Humans' training tars.

    Attributes:
        padding: factor that the visible box is enlarged by; 4D-Humans itself widens it to 3:4.
        pictures_per_tar: 1000 in the published data.
        masks: also write `KEY.detection.npz` with everybody's mask; costs some milliseconds a picture.
        weight: share of the data set in the mix of training sets.
    """

    needs_bodies: ClassVar[bool] = True
    padding: float = 1.0
    pictures_per_tar: int = 1000
    masks: bool = False
    weight: float = 0.1

    def problems(self) -> list[str]:
        """Return what is wrong with the options, one message each."""
        found = [] if 1 <= self.padding <= 3 else [f"padding must be in [1, 3], got {self.padding}"]
        if self.pictures_per_tar < 1:
            found.append(f"pictures_per_tar must be at least 1, got {self.pictures_per_tar}")
        if not self.weight > 0:
            found.append(f"weight must be above 0, got {self.weight}")
        return found

    def write(self, entries: Iterable[Entry], desk: Desk) -> None:
        """Write `000000.tar` …, and the two config files."""
        from webdataset.writer import TarWriter

        members = (one for entry in entries if (one := self._members(entry, desk)))
        count = 0
        for first in members:
            with ExitStack() as open_files:
                path = str(desk.folder / f"{count:0{NUM_DIGITS}d}.tar")
                file = open_files.enter_context(storage.atomic_write(path))
                tar = open_files.enter_context(TarWriter(file, encoder=False, mtime=0))
                tar.write(first)
                for one in islice(members, self.pictures_per_tar - 1):
                    tar.write(one)
            count += 1
        _write_configs(desk, count, self.weight)

    def check(self, desk: Desk) -> list[str]:
        """Read the tars as ImageDataset.load_tars_as_webdataset does, filters included."""
        return problems_of(islice(_rows(desk), MAX_ROWS)) + _missing_tars(desk)

    def _members(self, entry: Entry, desk: Desk) -> dict[str, Any] | None:
        picture = entry.picture
        people, chosen = [], []
        for figure in entry.figures:
            body, extra = all_44_2d(figure)
            joints = np.concatenate([body, extra])
            if (joints[:, 2] >= SURE).sum() < LEAST_JOINTS:
                desk.ledger.leave_out(picture.notes.key, FEW_JOINTS)
                continue
            people.append({**_person(figure, desk, self.padding), "keypoints_2d": joints})
            chosen.append(figure)
        if not chosen:
            return None
        members = {"__key__": picture.notes.key, picture.image_format: picture.data}
        if self.masks and picture.mask is not None:
            members["detection.npz"] = _masks(picture.mask, chosen)
            for index, person in enumerate(people):
                person["extra_info"]["detection_npz_idx"] = index
        members["data.pyd"] = pickles.dumps(people)
        desk.took(entry, chosen)
        return members


def _person(figure: Figure, desk: Desk, padding: float) -> dict[str, Any]:
    center, size = box_of(figure.observed.bbox, padding)
    betas, has_betas = desk.shape_of(figure)
    return {
        "keypoints_3d": np.concatenate(all_44_3d(figure)),
        "center": center,
        "scale": size / np.float32(PER_SCALE),
        "body_pose": pose_of(figure),
        "betas": betas,
        "has_body_pose": np.array(float(figure.observed.person is not None)),
        "has_betas": np.array(float(has_betas)),
        "personid": figure.place,
        "extra_info": {"body": figure.body},
    }


def _masks(mask: bytes, figures: list[Figure]) -> bytes:
    shown = decode_image(mask, "mask", ("L",))
    stream = io.BytesIO()
    np.savez_compressed(stream, masks=np.stack([shown == one.place + 1 for one in figures]))
    return stream.getvalue()


def _write_configs(desk: Desk, num_tars: int, weight: float) -> None:
    ledger = desk.ledger
    entry = desk.name.upper()
    last = f"{max(num_tars - 1, 0):0{NUM_DIGITS}d}"
    (desk.folder / f"datasets_tar_{desk.name}.yaml").write_text(
        f"# Entry for hmr2/configs/datasets_tar.yaml. epoch_size switches resampling on; it may be changed.\n"
        f"{entry}:\n"
        f"    TYPE: ImageDataset\n"
        f"    URLS: {desk.task.output.rstrip('/')}/{{{'0' * NUM_DIGITS}..{last}}}.tar\n"
        f"    epoch_size: {ledger.people}\n"
    )
    (desk.folder / f"mix_{desk.name}.yaml").write_text(
        "# Lines for hmr2/configs_hydra/data/mix_all.yaml, which begins with `/data_filtering: low1`.\n"
        "DATASETS:\n"
        "  SUPPRESS_BAD_POSES: False # or poses that AMASS lacks, as sport has them, are not trained on\n"
        f"{_pose_alone(ledger)}"
        f"  TRAIN:\n    {entry}:\n      WEIGHT: {weight}\n"
    )


def _pose_alone(ledger: Ledger) -> str:
    if set(ledger.bodies) <= {SMPL}:
        return ""
    return "  POSES_BETAS_SIMULTANEOUS: False # betas are unknown here, and poses count without\n"


def _missing_tars(desk: Desk) -> list[str]:
    names = sorted(path.stem for path in desk.folder.glob("*.tar"))
    expected = [f"{index:0{NUM_DIGITS}d}" for index in range(len(names))]
    return [] if names == expected else [f"tars are {names}, expected {expected}"]


def _rows(desk: Desk) -> Iterator[Row]:
    for path in sorted(desk.folder.glob("*.tar")):
        for key, members in read_members(str(path)):
            image = open_picture(members["jpg"] if "jpg" in members else members["png"])
            masks = _read_masks(members)
            for index, person in enumerate(pickle.loads(members["data.pyd"])):
                yield _row(f"{key}, person {index + 1}", person, image, masks)


def _read_masks(members: dict[str, bytes]) -> np.ndarray | None:
    if "detection.npz" not in members:
        return None
    with np.load(io.BytesIO(members["detection.npz"])) as data:
        return data["masks"]


def _row(where: str, person: dict[str, Any], image: tuple[int, int], masks: np.ndarray | None) -> Row:
    for name, shape in PERSON_KEYS.items():
        if np.shape(person[name]) != shape:
            raise ValueError(f"{where}: {name} has shape {np.shape(person[name])}, expected {shape}")
    if masks is not None and masks[person["extra_info"]["detection_npz_idx"]].shape != image:
        raise ValueError(f"{where}: the mask is not as large as the picture")
    joints = np.array(person["keypoints_2d"])
    joints[joints[:, 2] < SURE, 2] = 0
    if (joints[:, 2] > 0).sum() < LEAST_JOINTS:
        raise ValueError(f"{where}: the loader would drop this person")
    spatial = np.array(person["keypoints_3d"])
    spatial[1:15, 3] = 0
    width, height = person["scale"] * PER_SCALE
    return Row(
        where=where,
        image=image,
        center=person["center"],
        size=float(max(width, height)),
        joints=EXTRA19,
        keypoints_2d=joints[len(OPENPOSE25) :],
        keypoints_3d=spatial[len(OPENPOSE25) :],
        global_orient=person["body_pose"][:3] if person["has_body_pose"] > 0 else None,
    )
