"""3DOH50K: people hidden by objects, with SMPL fits; and its test set as JOTR and DPMesh evaluate on it.

`{trainset,testset}/annots.json` ({number: {img_path, pose, betas, trans, scale, intri, extri, bbox,
smpl_joints_2d, smpl_joints_3d, …}}) and the pictures that it names. Lengths are metres times `scale`, bodies
the neutral SMPL. Which frame joints are in is found out by projecting them. JOTR's
`3doh_test_annots_scale_1.json` ({picture: {pose, shape, trans, scale, bbox, hrnet_results}}, pictures in
`images/`) comes with detected joints, and bodies in the camera's frame.
"""

from pathlib import Path
from typing import Any

import numpy as np

from synthgen.datasets.entry import Choice, Entry, Origin, UnusableError, make_key
from synthgen.datasets.files import Files, array
from synthgen.datasets.json_rows import RowsMaker, elements
from synthgen.datasets.people import Joints, Known, observe
from synthgen.datasets.smpl_fits import moved, person_of
from synthgen.datasets.views import View
from synthgen.geometry import Array
from synthgen.joints import COCO17, SMPL24
from synthgen.observation import Notes, ObservedPerson
from synthgen.sample import Camera, Person

ORIGIN = Origin(
    "3DOH50K",
    "https://www.yangangwang.com/papers/ZHANG-OOH-2020-03.html",
    "for research; trainset.zip and testset.zip are linked there",
)
SPLITS = ("test", "train")
LAYOUT = (
    "an object of records with img_path, pose, betas, trans, scale, intri, extri, bbox, smpl_joints_2d/3d"
)
JOTR_LAYOUT = "JOTR's object of records by picture, with pose, shape, trans, bbox and hrnet_results"
MISFIT = 0.1  # part of the box's side that projected joints may lie from the given ones
PELVIS_M = 0.6  # SMPL's pelvis in the rest pose lies about 0.22 m from its origin


class ThreeDOH:
    """Reader of one split, or of JOTR's file where `annotations` names it."""

    origin, splits = ORIGIN, SPLITS

    def __init__(self, choice: Choice) -> None:
        self._split = choice.pick(SPLITS, ORIGIN)
        self._files = Files(ORIGIN, choice.root)
        if choice.annotations:
            self._layout = JOTR_LAYOUT
            self._path = self._files.need(choice.annotations, JOTR_LAYOUT)
            self._pictures = self._files.root / "images"
        else:
            self._layout = LAYOUT
            places = [f"{self._split}set/annots.json", f"3DOH50K/{self._split}set/annots.json"]
            self._path = self._files.first(places, LAYOUT)
            self._pictures = self._path.parent
        rows, self._names = RowsMaker(self._path), list[str]()
        with self._files.reading(self._path, self._layout):
            for element in elements(self._path):
                if not isinstance(element.value, dict):
                    raise TypeError(f"{element.member or 'an element'} is no record")
                rows.add(element)
                self._names.append(str(element.value.get("img_path", element.member)).replace("\\", "/"))
            self._rows = rows.rows()
            if not len(self._rows):
                raise ValueError("holds nobody")

    def __len__(self) -> int:
        return len(self._rows)

    def entry(self, index: int) -> Entry:
        """See `Reader`."""
        name = self._names[index]
        if not name or name.startswith("/") or ".." in name.split("/"):
            raise UnusableError("the record names no picture")
        key = make_key(f"3doh-{self._split}-{Path(name).stem}", index)
        return Entry(key, self._pictures / name)

    def notes(self, index: int, image_size: tuple[int, int]) -> Notes:
        """See `Reader`."""
        with self._files.reading(self._path, self._layout, f"record of {self._names[index]!r:.200}"):
            record: dict[str, Any] = self._rows.read(index)
            intri = record.get("intri")
            cam_int = None if intri is None else _numbers(record, "intri", (3, 3))
            is_jotr = "hrnet_results" in record
            person = _jotr_person(record, image_size) if is_jotr else _person(record, cam_int, image_size)
        return Notes(
            key=self.entry(index).key,
            image_size=image_size,
            camera=None if cam_int is None else Camera(cam_int, image_size),
            people=(person,),
            body="smpl",
            source=f"3doh/{self._split}",
        )


def _person(record: dict[str, Any], cam_int: Array | None, image_size: tuple[int, int]) -> ObservedPerson:
    if cam_int is None:
        raise KeyError("intri")
    count, scale = len(SMPL24), float(_numbers(record, "scale", (1,))[0])
    if not scale > 0:
        raise ValueError(f"scale is {scale}, expected a positive one")
    seen = _numbers(record, "smpl_joints_2d", (count, 2))
    world, bbox = _numbers(record, "smpl_joints_3d", (count, 3)) / scale, _numbers(record, "bbox", (4,))
    extrinsics = _numbers(record, "extri", (-1, 4))[:3].copy()
    extrinsics[:, 3] /= scale
    still = np.eye(4)[:3]
    views = [View(cam_int, one) for one in (extrinsics, still)]
    apart = [_apart(view, world, seen) for view in views]
    view = views[int(np.argmin(apart))]
    if not min(apart) <= MISFIT * float((bbox[2:] - bbox[:2]).max()):
        raise UnusableError("its joints in space and in the picture contradict each other")
    joints = Joints(SMPL24, seen, None, view.to_camera(world))
    known = Known(bbox=bbox, person=_placed(record, world, scale, view))
    return observe(joints, image_size, known)


def _placed(record: dict[str, Any], world: Array, scale: float, view: View) -> Person | None:
    """Return the body in the camera's frame; None where its pelvis cannot be found out.

    Whether the translation was scaled or not, the pelvis of the rest pose is the one that is near the origin.
    """
    trans, root = _numbers(record, "trans", (3,)), world[SMPL24.index("pelvis")]
    pelvis = min((root - trans / scale, root - trans), key=lambda one: float(np.linalg.norm(one)))
    if np.linalg.norm(pelvis) > PELVIS_M:
        return None
    pose, betas = _numbers(record, "pose", (72,)), _numbers(record, "betas", (10,))
    return moved(person_of(pose, betas, root - pelvis), view.extrinsics, pelvis)


def _jotr_person(record: dict[str, Any], image_size: tuple[int, int]) -> ObservedPerson:
    detected = _numbers(record, "hrnet_results", (len(COCO17), 3))
    scale = float(_numbers({"scale": 1, **record}, "scale", (1,))[0])
    trans = _numbers(record, "trans", (3,)) / scale
    person = person_of(_numbers(record, "pose", (72,)), _numbers(record, "shape", (10,)), trans)
    bbox = _numbers(record, "bbox", (4,)) if record.get("bbox") else None
    sure = np.clip(detected[:, 2], 0, 1)
    return observe(Joints(COCO17, detected[:, :2], sure), image_size, Known(bbox=bbox, person=person))


def _apart(view: View, world: Array, seen: Array) -> float:
    """Return how far joints are projected from where they are seen [px], median; inf behind it."""
    errors = np.linalg.norm(view.project(view.to_camera(world)) - seen, axis=1)
    return float(np.median(errors)) if np.isfinite(errors).all() else float("inf")


def _numbers(record: dict[str, Any], name: str, shape: tuple[int, ...]) -> Array:
    """Return the numbers of a field, nested in whatever lists, in a shape."""
    try:
        flat = np.ravel(np.asarray(record[name], np.float64))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} holds no numbers: {error}") from error
    wanted = int(np.prod(np.abs(shape)))
    if flat.size % wanted if -1 in shape else flat.size != wanted:
        raise ValueError(f"{name} has {flat.size} numbers, expected {shape}")
    if not np.isfinite(flat).all():
        raise ValueError(f"{name} holds {int((~np.isfinite(flat)).sum())} NaN or inf")
    return array(flat.reshape(shape).tolist(), tuple(None if size == -1 else size for size in shape))
