"""A Hugging Face data set folder: parquet with pictures, and a card; `load_dataset(folder)` reads it."""

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from synthgen.exporters.card import Statistics, card
from synthgen.exporters.checking import Row, open_picture, problems_of
from synthgen.exporters.export import Desk
from synthgen.exporters.figures import Entry
from synthgen.joints import COCO17, SMPL24
from synthgen.observation import ObservedPerson
from synthgen.sample import Float

ROWS_AT_ONCE = 100  # pictures of a row group, which is what readers load at a time
MAX_FILE_BYTES = 400 << 20  # of pictures in a parquet file
VISIBLE_ABOVE = 0.3
IMAGES = ("image", "mask", "depth")


@dataclass(frozen=True)
class HuggingFace:
    """Options of the Hugging Face format.

    Attributes:
        masks: take masks and depth maps along where the shards have them.
    """

    needs_bodies: ClassVar[bool] = False
    masks: bool = True

    def problems(self) -> list[str]:
        """Return what is wrong with the options: nothing can be."""
        return []

    def write(self, entries: Iterable[Entry], desk: Desk) -> None:
        """Write `data/train-00000.parquet` … and README.md, the card."""
        import pyarrow.parquet as parquet

        (desk.folder / "data").mkdir()
        desk.ledger.names_bodies = True
        statistics, schema = Statistics(), _schema()
        stream = iter(entries)
        block = list(islice(stream, ROWS_AT_ONCE))
        number = 0
        while block:
            with ExitStack() as open_file:
                path = desk.folder / "data" / f"train-{number:05d}.parquet"
                file = open_file.enter_context(parquet.ParquetWriter(path, schema))
                size = 0
                while block and size < MAX_FILE_BYTES:
                    file.write_batch(_batch([self._row(one) for one in block], schema))
                    size += sum(len(one.picture.data) for one in block)
                    for one in block:
                        desk.took(one, one.figures)
                        statistics.add(one, VISIBLE_ABOVE)
                    block = list(islice(stream, ROWS_AT_ONCE))
            number += 1
        (desk.folder / "README.md").write_text(card(desk, statistics), "utf-8")

    def check(self, desk: Desk) -> list[str]:
        """Read the files as the parquet loader does: images by their metadata, first rows of each file."""
        import pyarrow.parquet as parquet

        found, count = [], 0
        for path in sorted((desk.folder / "data").glob("train-*.parquet")):
            with parquet.ParquetFile(path) as file:
                features = json.loads(file.schema_arrow.metadata[b"huggingface"])["info"]["features"]
                if any(features[name] != {"_type": "Image"} for name in IMAGES):
                    found.append(f"{path.name}: {IMAGES} are not marked as images")
                count += file.metadata.num_rows
                first = next(file.iter_batches(ROWS_AT_ONCE)).to_pylist()
                found += problems_of(_rows(first, path.name))
        if count != desk.ledger.pictures:
            found.append(f"{count} rows, expected {desk.ledger.pictures}")
        return found

    def _row(self, entry: Entry) -> dict[str, Any]:
        picture, notes = entry.picture, entry.picture.notes
        name = f"{notes.key}.{picture.image_format}"
        height, width = notes.image_size
        extra = {"mask": picture.mask, "depth": picture.depth} if self.masks else {}
        return {
            "image": {"bytes": picture.data, "path": name},
            **{
                kind: {"bytes": data, "path": f"{notes.key}.{kind}.png"}
                for kind, data in extra.items()
                if data
            },
            **{one: getattr(notes, one) for one in ("key", "caption", "source", "sequence", "frame", "view")},
            "width": width,
            "height": height,
            "cam_int": None if notes.camera is None else notes.camera.cam_int.tolist(),
            "body": notes.body,
            "people": [_person(person) for person in notes.people],
        }


def _person(person: ObservedPerson) -> dict[str, Any]:
    smpl = person.person
    parts = ("global_orient", "body_pose", "betas", "transl")
    return {
        "bbox": person.bbox.tolist(),
        **{name: None if smpl is None else getattr(smpl, name).tolist() for name in parts},
        "keypoints_2d": _rows_of(person.keypoints_2d, person.confidence_2d),
        "keypoints_3d": None
        if person.keypoints_3d is None
        else _rows_of(person.keypoints_3d, person.confidence_3d),
        "visibility": None if person.visibility is None else person.visibility.tolist(),
        "family": person.family,
        "action": person.action,
        "gender": person.gender,
    }


def _rows_of(points: Float, confidence: Float) -> list[list[float]] | None:
    return np.column_stack([points, confidence]).tolist() if confidence.any() else None


def _schema() -> Any:
    import pyarrow as pa

    row, table = pa.list_(pa.float32()), pa.list_(pa.list_(pa.float32()))
    image = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    person = {
        "bbox": row, "global_orient": row, "body_pose": table, "betas": row, "transl": row,
        "keypoints_2d": table, "keypoints_3d": table, "visibility": row, "family": pa.string(),
        "action": pa.string(), "gender": pa.string(),
    }  # fmt: skip
    schema = pa.schema(
        {
            **dict.fromkeys(IMAGES, image),
            **dict.fromkeys(("key", "caption", "source", "sequence"), pa.string()),
            "frame": pa.int64(),
            "view": pa.string(),
            "width": pa.int32(),
            "height": pa.int32(),
            "cam_int": pa.list_(pa.list_(pa.float64())),
            "body": pa.string(),
            "people": pa.list_(pa.struct(person)),
        }
    )
    features = {"info": {"features": {name: {"_type": "Image"} for name in IMAGES}}}
    return schema.with_metadata({"huggingface": json.dumps(features)})


def _batch(rows: list[dict[str, Any]], schema: Any) -> Any:
    import pyarrow as pa

    return pa.RecordBatch.from_pylist(rows, schema)


def _rows(rows: list[dict[str, Any]], file: str) -> Iterator[Row]:
    for row in rows:
        size = open_picture(row["image"]["bytes"])
        if size != (row["height"], row["width"]):
            raise ValueError(f"{file}, {row['key']}: the picture is {size}")
        for number, person in enumerate(row["people"], 1):
            x0, y0, x1, y1 = person["bbox"]
            joints = person["keypoints_2d"]
            yield Row(
                where=f"{file}, {row['key']}, person {number}",
                image=size,
                center=np.array([(x0 + x1) / 2, (y0 + y1) / 2]),
                size=1.25 * max(x1 - x0, y1 - y0, 1),
                joints=COCO17,
                keypoints_2d=None if joints is None else np.array(joints),
                keypoints_3d=_coco_of(person["keypoints_3d"]),
                global_orient=None if person["global_orient"] is None else np.array(person["global_orient"]),
                cam_int=None if row["cam_int"] is None else np.array(row["cam_int"]),
            )


def _coco_of(rows: list[list[float]] | None) -> Float | None:
    """Return SMPL-24 rows (24, 4) in COCO's order (17, 4); the face, which SMPL lacks, has confidence 0."""
    if rows is None:
        return None
    table, joints = np.zeros((len(COCO17), 4)), np.array(rows)
    for place, name in enumerate(COCO17.names):
        if name in SMPL24.names:
            table[place] = joints[SMPL24.index(name)]
    return table
