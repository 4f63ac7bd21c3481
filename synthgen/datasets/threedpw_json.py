"""3DPW as 3DCrowdNet and DPMesh distribute it: one json in COCO's format with SMPL in the camera's frame.

`3DPW_latest_{train,validation,test}.json`, `3DPW_oc.json`, `3DPW_pc.json`: images {sequence, file_name,
width, height, cam_param {focal, princpt}}, annotations {bbox, smpl_param {pose, shape, trans, gender},
openpose_result}. Pictures are 3DPW's own. OpenPose's detections are kept as the person's own joints and are
its only 2D labels; of the split crowd, HigherHRNet's are, where `3DPW_validation_crowd_hhrnet_result.json`
lies beside. 3D joints follow from SMPL's gendered file, which evaluation needs anyway.
"""

from pathlib import Path
from typing import Any

import numpy as np

from synthgen.datasets.coco_json import CocoFile
from synthgen.datasets.entry import Entry, UnusableError, make_key
from synthgen.datasets.files import Files, array, field
from synthgen.datasets.joint_orders import OPENPOSE18
from synthgen.datasets.people import Joints, Known, observe
from synthgen.datasets.smpl_fits import gender_of, person_of
from synthgen.joints import COCO17
from synthgen.observation import Notes, ObservedPerson
from synthgen.sample import Camera

CROWD_JOINTS = "3DPW_validation_crowd_hhrnet_result.json"
EXPECTED_JOINTS = "HigherHRNet's joints by annotation: {id: {coco_joints: 17 × x, y, confidence}}"
EXPECTED = "3DPW's json of 3DCrowdNet: images with sequence and cam_param, annotations with smpl_param"


class ThreeDPWJson:
    """Reader of such a file.

    Args:
        files: of 3DPW.
        path: of the json.
        split: as the observations say it.
        sequences: that are read; empty for all.
    """

    def __init__(self, files: Files, path: Path, split: str, sequences: tuple[str, ...] = ()) -> None:
        self._files, self._path, self._split = files, path, split
        self._file = CocoFile(files, path)
        with files.reading(path, EXPECTED):
            names = [str(self._file.read(row).image["sequence"]) for row in range(len(self._file))]
        beside = path.with_name(CROWD_JOINTS)
        has_joints = split == "crowd" and beside.is_file()
        self._joints: dict[str, Any] = files.json(beside, EXPECTED_JOINTS) if has_joints else {}
        self._rows = [row for row, name in enumerate(names) if not sequences or name in sequences]

    def __len__(self) -> int:
        return len(self._rows)

    def entry(self, index: int) -> Entry:
        """See `Reader`."""
        sequence, name = self._place(self._file.read(self._rows[index]).image)
        path = self._files.root / "imageFiles" / sequence / name
        return Entry(make_key(f"3dpw-{sequence}-{path.stem}", index), path)

    def notes(self, index: int, image_size: tuple[int, int]) -> Notes:
        """See `Reader`."""
        found = self._file.read(self._rows[index])
        sequence, name = self._place(found.image)
        with self._files.reading(self._path, EXPECTED, f"image {sequence}/{name}"):
            focal = field(found.image["cam_param"], "focal", (2,))
            middle = field(found.image["cam_param"], "princpt", (2,))
            people = []
            for record in found.people:
                try:
                    people.append(_person(record, self._joints.get(str(record.get("id"))), image_size))
                except UnusableError:  # the others may well be in the picture
                    continue
        if not people:
            raise UnusableError("nobody is in the picture")
        cam_int = np.array([[focal[0], 0, middle[0]], [0, focal[1], middle[1]], [0, 0, 1]])
        digits = "".join(letter for letter in Path(name).stem if letter.isdigit())
        return Notes(
            key=self.entry(index).key,
            image_size=image_size,
            camera=Camera(cam_int, image_size),
            people=tuple(people),
            body="smpl",
            source=f"3dpw/{self._split}",
            sequence=sequence,
            frame=int(digits or 0),
        )

    def _place(self, image: dict[str, Any]) -> tuple[str, str]:
        parts = (str(image.get("sequence", "")), str(image.get("file_name", "")))
        if not all(parts) or any("/" in part or "\\" in part or part == ".." for part in parts):
            raise UnusableError("the annotation names no picture")
        return parts


def _person(record: dict[str, Any], better: Any, image_size: tuple[int, int]) -> ObservedPerson:
    smpl, box = record["smpl_param"], field(record, "bbox", (4,))
    values = {
        name: field({name: np.ravel(smpl[name]).tolist()}, name, (size,))
        for name, size in (("pose", 72), ("shape", 10), ("trans", 3))
    }
    joint_set = OPENPOSE18 if better is None else COCO17
    rows = record["openpose_result"] if better is None else better["coco_joints"]
    seen = array(np.ravel(rows).tolist(), (3 * len(joint_set),)).reshape(-1, 3)
    known = Known(
        bbox=np.concatenate([box[:2], box[:2] + box[2:]]),
        person=person_of(values["pose"], values["shape"], values["trans"]),
        gender=gender_of(str(smpl["gender"])),
    )
    return observe(Joints(joint_set, seen[:, :2], seen[:, 2]), image_size, known)
