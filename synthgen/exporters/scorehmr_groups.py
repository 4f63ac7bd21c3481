"""ScoreHMR's batched pkl: a list of groups, the views of one moment or the frames of one clip.

`scale` is the box side in pixels. `extra_keypoints_3d` is always there, as ScoreHMR's loader stops in a
debugger without it; what nobody knows has confidence 0.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from synthgen import storage
from synthgen.exporters import pickles
from synthgen.exporters.checking import MAX_ROWS, Row, problems_of, size_of_picture
from synthgen.exporters.columns import Columns, Order
from synthgen.exporters.export import Desk
from synthgen.exporters.figures import Entry, Figure
from synthgen.exporters.hmr2_evaluation import NOTHING, PADDING, is_known, person_row
from synthgen.exporters.joint_sets import EXTRA19
from synthgen.observation import Notes

IMAGES = "images"
ALONE = "person in a group of fewer than"
NAME_BYTES = 16


@dataclass(frozen=True)
class ScoreHMRGroups:
    """Options of ScoreHMR's batched pkl.

    Attributes:
        group: "views" of one moment, "frames" of one clip and view; groups follow from `sequence`, `frame`
            and `view` of the records, and a picture's first person is taken for the same as another picture's
            first.
        least: pictures that a group has to have.
        padding: factor that the visible box is enlarged by.
    """

    needs_bodies: ClassVar[bool] = True
    group: Literal["views", "frames"] = "views"
    least: int = 1
    padding: float = PADDING

    def problems(self) -> list[str]:
        """Return what is wrong with the options, one message each."""
        found = [] if 1 <= self.padding <= 3 else [f"padding must be in [1, 3], got {self.padding}"]
        return found if self.least >= 1 else [*found, f"least must be at least 1, got {self.least}"]

    def write(self, entries: Iterable[Entry], desk: Desk) -> None:
        """Write `<name>.pkl` and the folder of pictures."""
        pictures, table = desk.pictures(IMAGES), desk.table()
        names = array("B")  # of each row's group, NAME_BYTES each
        for entry in entries:
            notes = entry.picture.notes
            chosen = [one for one in entry.figures if is_known(one)]
            for _ in range(len(entry.figures) - len(chosen)):
                desk.ledger.leave_out(notes.key, NOTHING)
            if chosen:
                path = pictures.add(entry.picture)
                for figure in chosen:
                    names.frombytes(self._group(notes, figure))
                    table.add(
                        {"imgname": path, "order": notes.frame, **person_row(figure, desk, self.padding)}
                    )
                desk.took(entry, chosen)
        large = self._large(_groups(names, table), table, desk)
        with storage.atomic_write(str(desk.folder / f"{desk.name}.pkl")) as file:
            pickles.write_list(file, _gather(table, large))  # type: ignore[arg-type]
        table.close()

    def check(self, desk: Desk) -> list[str]:
        """Read the pkl as BatchedImageDataset does."""
        groups: list[dict[str, Any]] = []

        def take(group: dict[str, Any]) -> None:
            if len(groups) < MAX_ROWS:
                groups.append(group)

        with open(desk.folder / f"{desk.name}.pkl", "rb") as file:
            pickles.read_list(file, take)
        return problems_of(islice(_rows(groups, desk), MAX_ROWS))

    def _group(self, notes: Notes, figure: Figure) -> bytes:
        """Return the name of a person's group, in NAME_BYTES: a million of them fit into memory."""
        name = notes.sequence or notes.key  # single pictures are groups of their own
        moment = notes.frame if self.group == "views" else notes.view
        words = repr((notes.source, bool(notes.sequence), name, moment, figure.place))
        return blake2b(words.encode("utf-8", "surrogateescape"), digest_size=NAME_BYTES).digest()

    def _large(self, groups: Iterable[Order], table: Columns, desk: Desk) -> Iterator[Order]:
        for rows in groups:
            if len(rows) >= self.least:
                yield rows
                continue
            desk.ledger.people -= len(rows)
            first = Path(next(table.texts("imgname", rows[:1]))).stem
            for _ in rows:
                desk.ledger.leave_out(first, f"{ALONE} {self.least} {self.group}")


def _groups(names: "array[int]", table: Columns) -> Iterator[Order]:
    """Yield the rows of each group in the order of their frames, groups by their first row."""
    if not table.count:
        return
    keys = np.frombuffer(names, f"S{NAME_BYTES}")
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    order = np.lexsort((np.arange(len(keys)), table.rows("order"), first[group]))
    sizes = np.bincount(group)[np.argsort(first)]
    start = 0
    for size in sizes.tolist():
        yield order[start : start + size]
        start += size


def _gather(table: Columns, groups: Iterable[Order]) -> Iterator[dict[str, Any]]:
    names = [
        "center", "scale", "body_pose", "has_body_pose", "betas", "has_betas", "body_keypoints_2d",
        "extra_keypoints_2d", "body_keypoints_3d", "extra_keypoints_3d", "personid",
    ]  # fmt: skip
    for chosen in groups:
        group: dict[str, Any] = {name: np.array(table.rows(name, chosen)) for name in names}
        group["scale"] = group["scale"].max(1)
        yield {
            "imgname": np.array(list(table.texts("imgname", chosen))),
            **group,
            "body": np.array(list(table.texts("body", chosen))),
        }


def _rows(groups: list[dict[str, Any]], desk: Desk) -> Iterator[Row]:
    for number, group in enumerate(groups):
        for index, name in enumerate(group["imgname"]):
            yield Row(
                where=f"group {number}, {name}",
                image=size_of_picture(desk.folder / IMAGES / str(name)),
                center=group["center"][index],
                size=float(group["scale"][index]),
                joints=EXTRA19,
                keypoints_2d=group["extra_keypoints_2d"][index],
                keypoints_3d=group["extra_keypoints_3d"][index],
                global_orient=group["body_pose"][index, :3] if group["has_body_pose"][index] else None,
            )
