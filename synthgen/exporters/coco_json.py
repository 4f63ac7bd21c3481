"""COCO's json of people, written as a stream: pictures and annotations go to files, and end in one document.

COCO's boxes count from the corner of the top-left pixel, its keypoints from the pixel's centre; so a box that
covers pixel columns 3 to 7 is x=3, w=5.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.exporters import rle
from synthgen.exporters.export import Desk
from synthgen.exporters.figures import Entry, Figure
from synthgen.exporters.ledger import Ledger
from synthgen.joints import COCO17
from synthgen.observation import ObservedPerson
from synthgen.sample import Float
from synthgen.shards.records import decode_image, numbers

BETWEEN = b",\n"  # rows: one a line
NUM_POSE = 72  # numbers of SMPL's pose
MAX_WHOLE_BYTES = 32 << 20  # of a json that is also parsed as a whole
VISIBLE, HIDDEN, UNKNOWN = 2, 1, 0  # COCO's v
SKELETON = (
    ("left_ankle", "left_knee"), ("left_knee", "left_hip"), ("right_ankle", "right_knee"),
    ("right_knee", "right_hip"), ("left_hip", "right_hip"), ("left_shoulder", "left_hip"),
    ("right_shoulder", "right_hip"), ("left_shoulder", "right_shoulder"), ("left_shoulder", "left_elbow"),
    ("right_shoulder", "right_elbow"), ("left_elbow", "left_wrist"), ("right_elbow", "right_wrist"),
    ("left_eye", "right_eye"), ("nose", "left_eye"), ("nose", "right_eye"), ("left_eye", "left_ear"),
    ("right_eye", "right_ear"), ("left_ear", "left_shoulder"), ("right_ear", "right_shoulder"),
)  # fmt: skip


class Document:
    """A COCO json that grows on the disk.

    Attributes:
        num_annotations: so far; the last annotation's id.
    """

    def __init__(self, scratch: Path) -> None:
        scratch.mkdir()
        self._scratch = scratch
        self._parts = {name: open(scratch / name, "xb") for name in ("images", "annotations")}  # noqa: SIM115
        self._num_images = 0
        self.num_annotations = 0

    def add_image(self, path: str, entry: Entry) -> int:
        """Add a picture and return its id."""
        notes = entry.picture.notes
        height, width = notes.image_size
        self._num_images += 1
        row = {"id": self._num_images, "file_name": path, "width": width, "height": height, "key": notes.key}
        self._append("images", {**row, "caption": notes.caption} if notes.caption else row)
        return self._num_images

    def add_annotation(self, image_id: int, row: Mapping[str, Any]) -> int:
        """Add an annotation and return its id, unique in the document."""
        self.num_annotations += 1
        self._append("annotations", {"id": self.num_annotations, "image_id": image_id, **row})
        return self.num_annotations

    def finish(self, path: Path, info: Mapping[str, Any]) -> None:
        """Write the document and delete the files that it grew in."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "xb") as file:
            file.write(b'{"info":' + _json(info) + b',"licenses":[]')
            for name, part in self._parts.items():
                part.close()
                file.write(f',"{name}":[\n'.encode())
                with open(self._scratch / name, "rb") as rows:
                    rows.read(len(BETWEEN))  # what stands before the first row
                    shutil.copyfileobj(rows, file)
                file.write(b"\n]")
            file.write(b',"categories":' + _json([_category()]) + b"}\n")
        shutil.rmtree(self._scratch)

    def _append(self, name: str, row: Mapping[str, Any]) -> None:
        self._parts[name].write(BETWEEN + _json(row))


class Objects:
    """A JSON object of many entries that is written as a stream."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(path, "xb")  # noqa: SIM115
        self._file.write(b"{\n")
        self._is_first = True

    def add(self, key: str, value: Any) -> None:
        """Write an entry."""
        self._file.write(b"" if self._is_first else BETWEEN)
        self._file.write(_json(key) + b":" + _json(value))
        self._is_first = False

    def close(self) -> None:
        """End the object."""
        self._file.write(b"\n}\n")
        self._file.close()


def info_of(desk: Desk) -> dict[str, Any]:
    """Return what the document says of itself."""
    return {"description": f"{desk.name}, exported by synthgen", "url": "", "version": "1.0"}


def annotation(
    figure: Figure, image_size: tuple[int, int], visible_above: float, mask: Any = None
) -> dict[str, Any]:
    """Return COCO's annotation of a person, without ids.

    Args:
        figure: the person.
        image_size: (H, W) [px] of the picture.
        visible_above: part of a joint that the picture has to show for it to count as visible.
        mask: (H, W) bool of what shows of the person; None where nobody knows.
    """
    x0, y0, x1, y1 = (float(number) for number in numbers(figure.observed.bbox))
    width, height = x1 - x0 + 1, y1 - y0 + 1
    joints = _keypoints(figure.observed, visible_above, image_size)
    row: dict[str, Any] = {
        "category_id": 1,
        "iscrowd": 0,
        "bbox": [x0, y0, width, height],
        "area": width * height,
        "num_keypoints": int((joints[:, 2] > 0).sum()),
        "keypoints": [cell for x, y, v in joints.tolist() for cell in (round(x, 3), round(y, 3), int(v))],
    }
    if mask is not None:
        row["segmentation"], row["area"] = rle.encode(mask)
    return row


def masks_of(entry: Entry) -> dict[int, Any]:
    """Return the masks (H, W) of people by their place; empty where the picture has none."""
    if entry.picture.mask is None:
        return {}
    shown = np.asfortranarray(decode_image(entry.picture.mask, "mask", ("L",)))  # runs go down the columns
    return {figure.place: shown == figure.place + 1 for figure in entry.figures}


def smpl_fields(figure: Figure, desk: Desk) -> dict[str, Any] | None:
    """Return a person's SMPL parameters and camera as NeuralAnnot writes them; None where one is unknown."""
    person, camera = figure.observed.person, figure.camera
    if person is None or camera is None:
        return None
    betas, _ = desk.shape_of(figure)
    parts = (person.global_orient, person.body_pose.ravel(), betas, person.transl)
    cells = numbers(np.concatenate(parts))
    K = np.asarray(camera.cam_int, np.float64)  # noqa: N806
    gender = figure.observed.gender
    return {
        "smpl_param": {
            "pose": cells[:NUM_POSE],
            "shape": cells[NUM_POSE:-3],
            "trans": cells[-3:],
            **({} if gender == "neutral" else {"gender": gender}),
        },
        "cam_param": {"focal": [K[0, 0], K[1, 1]], "princpt": [K[0, 2], K[1, 2]]},
    }


def read(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ("images" or "annotations", row) of a document of `Document`'s making, a line at a time.

    Raises:
        ValueError: it is no such document, ids do not count up from 1, or an annotation belongs to no
            picture.
    """
    last = {"images": 0, "annotations": 0}
    name = ""
    for line in read_lines(path):
        if not line.startswith("{") or line.startswith('{"info"'):
            name = "images" if '"images":[' in line else "annotations" if '"annotations":[' in line else ""
            continue
        row = json.loads(line.rstrip(",\n"))
        if not name or row["id"] != last[name] + 1:
            raise ValueError(f"{path.name}: ids of {name} do not count up: {row['id']}")
        last[name] = row["id"]
        if name == "annotations" and not 1 <= row["image_id"] <= last["images"]:
            raise ValueError(f"{path.name}: annotation {row['id']} belongs to no picture")
        yield name, row


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a json file; a small one is parsed as a whole first, as trainers do.

    Raises:
        ValueError: it is no JSON.
    """
    if path.stat().st_size <= MAX_WHOLE_BYTES:
        json.loads(path.read_bytes())
    with open(path, encoding="utf-8") as file:
        yield from file


def some(path: Path, count: int, most: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Read all of a document and return at most `most` of its `count` annotations with their pictures."""
    every = max(1, -(-count // most))
    chosen: list[dict[str, Any]] = []
    number = 0
    for name, row in read(path):
        if name == "annotations":
            if number % every == 0:
                chosen.append(row)
            number += 1
    if number != count:
        raise ValueError(f"{path.name}: {number} annotations, expected {count}")
    images = _images(path, {one["image_id"] for one in chosen})
    return [(one, images[one["image_id"]]) for one in chosen]


def _images(path: Path, wanted: set[int]) -> dict[int, dict[str, Any]]:
    """Return the pictures of some ids."""
    found: dict[int, dict[str, Any]] = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if len(found) == len(wanted):
                break
            if line.startswith('{"id"'):
                row = json.loads(line.rstrip(",\n"))
                found |= {row["id"]: row} if row["id"] in wanted else {}
    return found


def counted(ledger: Ledger, key: str, figures: Iterable[Figure], reason: str) -> list[Figure]:
    """Return those with a 2D joint; count the others."""
    chosen = []
    for figure in figures:
        if figure.observed.confidence_2d.any():
            chosen.append(figure)
        else:
            ledger.leave_out(key, reason)
    return chosen


def _keypoints(person: ObservedPerson, visible_above: float, image_size: tuple[int, int]) -> Float:
    """Return (17, 3): x, y, v; 0, 0, 0 for joints that nobody knows or that lie outside the picture."""
    limit = np.array(image_size[::-1]) - 0.5
    inside = ((person.keypoints_2d >= -0.5) & (person.keypoints_2d < limit)).all(1)
    known = (person.confidence_2d > 0) & inside
    visible = np.ones(len(COCO17), bool) if person.visibility is None else person.visibility >= visible_above
    v = np.where(known, np.where(visible, VISIBLE, HIDDEN), UNKNOWN)
    return np.column_stack([np.where(known[:, None], person.keypoints_2d, 0), v]).astype(np.float64)


def _category() -> dict[str, Any]:
    bones = [[COCO17.index(one) + 1, COCO17.index(other) + 1] for one, other in SKELETON]
    return {
        "id": 1,
        "name": "person",
        "supercategory": "person",
        "keypoints": list(COCO17.names),
        "skeleton": bones,
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
