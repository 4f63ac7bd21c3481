"""mmhuman3d's HumanData npz: one row a person, pictures beside it.

`keypoints2d` and `keypoints3d` have the 190 places of the convention "human_data", not compressed; masks tell
which places anybody fills. Boxes are x, y, width, height [px], enlarged by 1.2, and a confidence. `smpl` is a
dict of arrays; `has_smpl` tells whose rows count. `misc` says whose betas they are. `meta` gives genders
where they are asked for: 3DPW's evaluation takes everybody who is not "m" for a woman.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from synthgen.exporters.bedlam import GENDERS
from synthgen.exporters.boxes import box_of
from synthgen.exporters.checking import Row, problems_of, size_of_picture, spread
from synthgen.exporters.columns import Columns, open_npz
from synthgen.exporters.export import SMPL, Desk
from synthgen.exporters.figures import Entry, Figure
from synthgen.exporters.hmr2_evaluation import NOTHING, is_known
from synthgen.exporters.joint_sets import EXTRA19, FACE_FEET, joints_2d, joints_3d
from synthgen.exporters.spin import NEUTRAL
from synthgen.joints import OPENPOSE25, SMPL24, JointSet

IMAGES = "images"
CONVENTION = "human_data"
NUM_PLACES = 190
_EXTRA = (
    "right_hip", "left_hip", "neck_lsp", "head_top", "pelvis_mpii", "thorax_mpii", "spine_h36m", "jaw_h36m",
    "head_h36m",
)  # fmt: skip
# Where blocks of known joints go: (set, which of it, first place of the 190)
BLOCKS: tuple[tuple[JointSet, tuple[int, ...], int], ...] = (
    (SMPL24, tuple(range(22)), 0),
    (FACE_FEET, tuple(range(len(FACE_FEET))), 55),
    (EXTRA19, tuple(EXTRA19.index(name) for name in _EXTRA), 144),
    (OPENPOSE25, tuple(range(len(OPENPOSE25))), 153),
    (SMPL24, (22, 23), 188),
)
SMPL_PARTS = {"body_pose": (23, 3), "global_orient": (3,), "betas": (10,), "transl": (3,)}


@dataclass(frozen=True)
class HumanData:
    """Options of HumanData.

    Attributes:
        padding: factor that the visible box is enlarged by.
        gender: write "m" or "f" and the betas of that body, as 3DPW is evaluated; others are left out.
    """

    needs_bodies: ClassVar[bool] = True
    padding: float = 1.2
    gender: bool = False

    def problems(self) -> list[str]:
        """Return what is wrong with the options, one message each."""
        return [] if 1 <= self.padding <= 3 else [f"padding must be in [1, 3], got {self.padding}"]

    def write(self, entries: Iterable[Entry], desk: Desk) -> None:
        """Write `<name>.npz` and the folder of pictures; both belong into <data_prefix>/datasets/<name>."""
        pictures, table, parts = desk.pictures(IMAGES), desk.table(), desk.table("smpl")
        filled, genders = np.zeros((2, NUM_PLACES), bool), list[str]()
        for entry in entries:
            chosen = []
            for figure in entry.figures:
                reason = "" if is_known(figure) else NOTHING
                if self.gender and figure.observed.gender == "neutral":
                    reason = NEUTRAL
                if reason:
                    desk.ledger.leave_out(entry.picture.notes.key, reason)
                else:
                    chosen.append(figure)
            if chosen:
                path = f"{IMAGES}/{pictures.add(entry.picture)}"
                for figure in chosen:
                    row = self._row(figure, desk)
                    filled[0] |= row["keypoints2d"][:, 2] > 0
                    filled[1] |= row["keypoints3d"][:, 3] > 0
                    table.add({"image_path": path, **row})
                    parts.add(_smpl(figure, desk, self.gender))
                    genders.append(GENDERS[figure.observed.gender])
                desk.took(entry, chosen)
        extra = _about(desk, table.count, filled) | {"smpl": _dict_of(parts)}
        if self.gender:
            extra["meta"] = {"gender": genders}
        table.write_npz(desk.folder / f"{desk.name}.npz", extra=extra)
        table.close()
        parts.close()

    def check(self, desk: Desk) -> list[str]:
        """Read the npz as HumanData.load and HumanImageDataset do."""
        arrays = open_npz(desk.folder / f"{desk.name}.npz")
        scalars: dict[str, Any] = {name: value.item() for name, value in arrays.items() if value.shape == ()}
        found = {**arrays, **scalars}
        if found["keypoints2d_mask"].shape != (NUM_PLACES,) or found["keypoints2d_convention"] != CONVENTION:
            return [f"keypoints are not those of the convention {CONVENTION}"]
        lengths = {name: len(value) for name, value in found["smpl"].items()} | {
            name: len(found[name]) for name in ("image_path", "bbox_xywh", "keypoints2d", "keypoints3d")
        }
        if set(lengths.values()) != {found["__data_len__"]}:
            return [f"lengths differ: {lengths}, expected {found['__data_len__']}"]
        return problems_of(_rows(found, desk))

    def _row(self, figure: Figure, desk: Desk) -> dict[str, Any]:
        center, size = box_of(figure.observed.bbox, self.padding)
        flat, spatial = np.zeros((NUM_PLACES, 3), np.float32), np.zeros((NUM_PLACES, 4), np.float32)
        for joint_set, chosen, first in BLOCKS:
            places = slice(first, first + len(chosen))
            flat[places] = joints_2d(figure, joint_set)[list(chosen)]
            spatial[places] = joints_3d(figure, joint_set)[list(chosen)]
        return {
            "bbox_xywh": np.concatenate([center - size / 2, size, [1]]).astype(np.float32),
            "keypoints2d": flat,
            "keypoints3d": spatial,
            "has_smpl": np.float32(figure.observed.person is not None),
        }


def _smpl(figure: Figure, desk: Desk, with_gender: bool) -> dict[str, Any]:
    person = figure.observed.person
    if person is None:
        return {name: np.zeros(shape, np.float32) for name, shape in SMPL_PARTS.items()}
    betas = person.betas if with_gender else desk.shape_of(figure)[0]
    return {name: getattr(person, name) for name in SMPL_PARTS} | {"betas": betas}


def _dict_of(parts: Columns) -> dict[str, Any]:
    if not parts.count:
        return {}
    return {name: parts.stream(name) for name in SMPL_PARTS}


def _about(desk: Desk, count: int, filled: Any) -> dict[str, Any]:
    bodies = sorted(desk.ledger.bodies)
    return {
        "__key_strict__": np.array(False),
        "__data_len__": np.array(count),
        "__keypoints_compressed__": np.array(False),
        "keypoints2d_mask": filled[0].astype(np.uint8),
        "keypoints3d_mask": filled[1].astype(np.uint8),
        "keypoints2d_convention": CONVENTION,
        "keypoints3d_convention": CONVENTION,
        "config": desk.name,
        "misc": {
            "kps3d_root_aligned": False,
            "bodies": bodies,
            "betas_are_smpl": set(bodies) <= {SMPL},
        },
    }


def _rows(found: dict[str, Any], desk: Desk) -> Iterator[Row]:
    first = next(place for joint_set, _, place in BLOCKS if joint_set is OPENPOSE25)
    places = slice(first, first + len(OPENPOSE25))
    for index in spread(len(found["image_path"])):
        name = str(found["image_path"][index])
        x, y, width, height, _ = found["bbox_xywh"][index]
        yield Row(
            where=f"row {index}, {name}",
            image=size_of_picture(desk.folder / name),
            center=np.array([x + width / 2, y + height / 2]),
            size=float(max(width, height)),
            joints=OPENPOSE25,
            keypoints_2d=found["keypoints2d"][index, places],
            keypoints_3d=found["keypoints3d"][index, places],
            global_orient=found["smpl"]["global_orient"][index] if found["has_smpl"][index] else None,
        )
