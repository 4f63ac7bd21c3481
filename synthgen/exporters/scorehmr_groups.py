"""ScoreHMR's batched pkl: a list of groups, the views of one moment or the frames of one clip.

`scale` is the box side in pixels. `extra_keypoints_3d` is always there, as ScoreHMR's loader stops in a
debugger without it; what nobody knows has confidence 0.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import numpy as np

from synthgen import storage
from synthgen.exporters import pickles
from synthgen.exporters.checking import MAX_ROWS, Row, problems_of, size_of_picture
from synthgen.exporters.columns import Columns
from synthgen.exporters.export import Desk
from synthgen.exporters.figures import Entry, Figure
from synthgen.exporters.folder import Pictures
from synthgen.exporters.hmr2_evaluation import NOTHING, PADDING, is_known, person_row
from synthgen.exporters.joint_sets import EXTRA19
from synthgen.observation import Notes

IMAGES = "images"
ALONE = "person in a group of fewer than"


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

    group: Literal["views", "frames"] = "views"
    least: int = 1
    padding: float = PADDING

    def problems(self) -> list[str]:
        """Return what is wrong with the options, one message each."""
        found = [] if 1 <= self.padding <= 3 else [f"padding must be in [1, 3], got {self.padding}"]
        return found if self.least >= 1 else [*found, f"least must be at least 1, got {self.least}"]

    def write(self, entries: Iterable[Entry], desk: Desk) -> None:
        """Write `<name>.pkl` and the folder of pictures."""
        pictures, table = Pictures(desk.folder / IMAGES), desk.table()
        groups: dict[tuple[object, ...], list[int]] = {}
        for entry in entries:
            notes = entry.picture.notes
            chosen = [one for one in entry.figures if is_known(one)]
            for _ in range(len(entry.figures) - len(chosen)):
                desk.ledger.leave_out(notes.key, NOTHING)
            if chosen:
                path = pictures.add(entry.picture)
                for figure in chosen:
                    groups.setdefault(self._group(notes, figure), []).append(table.count)
                    table.add(
                        {"imgname": path, "order": notes.frame, **person_row(figure, desk, self.padding)}
                    )
                desk.took(entry, chosen)
        large = self._large(groups, desk)
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

    def _group(self, notes: Notes, figure: Figure) -> tuple[object, ...]:
        name = notes.sequence or notes.key  # single pictures are groups of their own
        moment = notes.frame if self.group == "views" else notes.view
        return (notes.source, name, moment, figure.place)

    def _large(self, groups: dict[tuple[object, ...], list[int]], desk: Desk) -> list[list[int]]:
        kept = []
        for group, rows in groups.items():
            if len(rows) >= self.least:
                kept.append(rows)
                continue
            desk.ledger.people -= len(rows)
            for _ in rows:
                desk.ledger.leave_out(str(group[1]), f"{ALONE} {self.least} {self.group}")
        return kept


def _gather(table: Columns, groups: Iterable[list[int]]) -> Iterator[dict[str, Any]]:
    names = [
        "center", "scale", "body_pose", "has_body_pose", "betas", "has_betas", "body_keypoints_2d",
        "extra_keypoints_2d", "body_keypoints_3d", "extra_keypoints_3d", "personid",
    ]  # fmt: skip
    groups = list(groups)
    if not groups:
        return
    columns = {name: table.rows(name) for name in names}
    frames = table.rows("order")
    for rows in groups:
        chosen = np.array(sorted(rows, key=lambda row: (int(frames[row]), row)))
        group: dict[str, Any] = {name: np.array(column[chosen]) for name, column in columns.items()}
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
