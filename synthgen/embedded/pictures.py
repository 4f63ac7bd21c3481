"""Rendered shards decoded once into memory-mapped arrays, which training reads at random.

A cache belongs to exactly the shards it was made from; other shards make a new one.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from synthgen.joints import COCO17, SMPL24
from synthgen.sample import BACKGROUND, NUM_BETAS, OCCLUDER, Sample
from synthgen.shards import read_report, read_samples
from synthgen.shards.records import DEPTH_UNITS_PER_M
from synthgen.shards.shard import shard_names

logger = logging.getLogger(__name__)

HELD_OUT_EVERY = 50  # each so-manieth picture of a run is kept for measuring
_META = "cache.json"
_LOG_EVERY = 5000  # pictures


@dataclass(frozen=True)
class People:
    """Labels of all people of all pictures, one row each.

    Attributes:
        picture: (M,) int64 which picture.
        bbox: (M, 4) float32 xyxy [px] of the visible body.
        keypoints_2d: (M, 17, 2) float32 COCO-17 [px].
        visibility: (M, 17) float32 in [0, 1].
        keypoints_3d: (M, 24, 3) float32 SMPL-24 [m], camera frame.
        global_orient: (M, 3) float32 axis-angle [rad], camera frame.
        body_pose: (M, 23, 3) float32 axis-angle [rad].
        betas: (M, 10) float32.
    """

    picture: NDArray[np.int64]
    bbox: NDArray[np.float32]
    keypoints_2d: NDArray[np.float32]
    visibility: NDArray[np.float32]
    keypoints_3d: NDArray[np.float32]
    global_orient: NDArray[np.float32]
    body_pose: NDArray[np.float32]
    betas: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.picture)


@dataclass(frozen=True)
class Pictures:
    """All training pictures; arrays lie on the disk.

    Attributes:
        image: (N, S, S, 3) uint8 RGB.
        mask: (N, S, S) uint8: BACKGROUND, 1..P, OCCLUDER.
        things: (N, S, S) uint8: 1 where objects show, in front of bodies or not, else 0.
        depth_mm: (N, S, S) uint16 [mm], 0 where the picture shows no body.
        captions: N of them.
        families: pose family of each picture's first person.
        held_out: (N,) bool: kept for measuring, never trained on.
        people: labels.
        digest: of the shards.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    things: NDArray[np.uint8]
    depth_mm: NDArray[np.uint16]
    captions: tuple[str, ...]
    families: tuple[str, ...]
    held_out: NDArray[np.bool_]
    people: People
    digest: str

    def __len__(self) -> int:
        return len(self.captions)

    @property
    def size(self) -> int:
        """Side of the pictures [px]."""
        return self.image.shape[1]

    def rows(self, held_out: bool) -> NDArray[np.int64]:
        """Return the indices of the pictures to train on, or of those to measure on."""
        return np.flatnonzero(self.held_out == held_out)

    def cover(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the part of each of some pictures that people take, in [0, 1]."""
        people = [self.mask[row] for row in rows]
        return np.array([((mask > BACKGROUND) & (mask < OCCLUDER)).mean() for mask in people])

    def joints_of(self, row: int) -> NDArray[np.float32]:
        """Return the COCO-17 joints of all people of a picture, (P * 17, 2) [px]."""
        first, last = np.searchsorted(self.people.picture, [row, row + 1])
        return self.people.keypoints_2d[first:last].reshape(-1, 2)

    def people_rows(self, held_out: bool, families: Sequence[str] = ()) -> NDArray[np.int64]:
        """Return the rows of people in such pictures; `families` narrows it to pictures of these."""
        chosen = self.held_out == held_out
        if families:
            chosen &= np.isin(np.array(self.families), list(families))
        return np.flatnonzero(chosen[self.people.picture])


def spread(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return `count` of some rows (all, if there are fewer), evenly spread: of all runs and families."""
    return rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)]


_PEOPLE_SHAPES: Mapping[str, tuple[int, ...]] = {
    "picture": (),
    "bbox": (4,),
    "keypoints_2d": (len(COCO17), 2),
    "visibility": (len(COCO17),),
    "keypoints_3d": (len(SMPL24), 3),
    "global_orient": (3,),
    "body_pose": (len(SMPL24) - 1, 3),
    "betas": (NUM_BETAS,),
}
_ARRAYS = ("image", "mask", "things", "depth_mm")


def shards_digest(folders: Sequence[str]) -> str:
    """Return a hash of the content of all shards in some run folders.

    Raises:
        ValueError: a folder has no shards, or one lacks its report.
    """
    digest = hashlib.sha256()
    for folder in folders:
        names = shard_names(folder)
        if not names:
            raise ValueError(f"{folder}: no shards here; run the step render first")
        for name in names:
            report = read_report(folder, name)
            if report is None:
                raise ValueError(f"{folder}: shard {name} has no report; run the step render to its end")
            digest.update(f"{name} {report.sha256} {report.accepted}\n".encode())
    return digest.hexdigest()


def open_pictures(folders: Sequence[str], cache: Path) -> Pictures:
    """Return the pictures of some run folders, decoding them into `cache` when that is not there yet.

    Raises:
        ValueError: shards are missing, damaged, or pictures differ in size.
    """
    digest = shards_digest(folders)
    if not (cache / _META).is_file() or json.loads((cache / _META).read_text())["digest"] != digest:
        _build(folders, cache, digest)
    meta = json.loads((cache / _META).read_text())
    arrays = {name: np.load(cache / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
    with np.load(cache / "people.npz") as file:
        people = People(**{field.name: file[field.name] for field in fields(People)})
    return Pictures(
        image=arrays["image"],
        mask=arrays["mask"],
        things=arrays["things"],
        depth_mm=arrays["depth_mm"],
        captions=tuple(meta["captions"]),
        families=tuple(meta["families"]),
        held_out=np.array(meta["held_out"], bool),
        people=people,
        digest=digest,
    )


def _build(folders: Sequence[str], cache: Path, digest: str) -> None:
    """Decode all shards; the cache's folder appears once it is complete."""
    count = sum(_accepted(folder) for folder in folders)
    first = next(read_samples(folders[0]), None)
    if first is None:
        raise ValueError(f"{folders[0]}: its shards hold no picture")
    size = first.image.shape[:2]
    partial = cache.with_name(f"{cache.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    shapes = {"image": (*size, 3), "mask": size, "things": size, "depth_mm": size}
    arrays = {
        name: open_memmap(
            partial / f"{name}.npy", "w+", np.uint16 if name == "depth_mm" else np.uint8, (count, *shape)
        )
        for name, shape in shapes.items()
    }
    captions, families, held_out = [], [], []
    people: dict[str, list[NDArray[np.floating] | int]] = {name: [] for name in _PEOPLE_SHAPES}
    for row, (position, sample) in enumerate(_positions(folders)):
        if sample.image.shape[:2] != size:
            raise ValueError(f"{sample.request.key} is {sample.image.shape[:2]} px, others are {size}")
        if sample.things is None:
            raise ValueError(
                f"{sample.request.key}: its shard does not say where objects show; render the pictures anew"
            )
        arrays["image"][row], arrays["mask"][row] = sample.image, sample.mask
        arrays["things"][row] = sample.things
        arrays["depth_mm"][row] = np.rint(sample.depth * DEPTH_UNITS_PER_M)
        captions.append(sample.request.prompt)
        families.append(sample.labels[0].family)
        held_out.append(position % HELD_OUT_EVERY == 0)
        _append(people, row, sample)
        if row % _LOG_EVERY == _LOG_EVERY - 1:
            logger.info("pictures: %d of %d decoded", row + 1, count)
    for array in arrays.values():
        array.flush()
    labels: dict[str, Any] = _stacked(people)
    np.savez(partial / "people.npz", **labels)
    meta = {"digest": digest, "captions": captions, "families": families, "held_out": held_out}
    (partial / _META).write_text(json.dumps(meta))
    shutil.rmtree(cache, ignore_errors=True)
    partial.rename(cache)


def _accepted(folder: str) -> int:
    return sum(report.accepted for name in shard_names(folder) if (report := read_report(folder, name)))


def _positions(folders: Sequence[str]) -> Iterator[tuple[int, Sample]]:
    for folder in folders:
        yield from enumerate(read_samples(folder))


def _append(people: Mapping[str, list[NDArray[np.floating] | int]], row: int, sample: Sample) -> None:
    for person, label in zip(sample.scene.people, sample.labels, strict=True):
        people["picture"].append(row)
        for name in ("bbox", "keypoints_2d", "visibility", "keypoints_3d"):
            people[name].append(getattr(label, name))
        for name in ("global_orient", "body_pose", "betas"):
            people[name].append(getattr(person, name))


def _stacked(people: Mapping[str, list[NDArray[np.floating] | int]]) -> dict[str, NDArray[np.generic]]:
    return {
        name: np.array(people[name], np.int64 if name == "picture" else np.float32).reshape(-1, *shape)
        for name, shape in _PEOPLE_SHAPES.items()
    }
