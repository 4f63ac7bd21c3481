"""Answers to the page's questions, as JSON values and bytes; knows nothing of HTTP."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthgen import storage
from synthgen.shards.bad_list import BAD_NAME
from synthgen.shards.observation_records import look_at_file
from synthgen.shards.records import (
    DEPTH_MEMBER,
    DEPTH_UNITS_PER_M,
    DRAFT_MEMBER,
    IMAGE_FORMATS,
    MASK_MEMBER,
    decode_image,
)
from synthgen.viewer.cards import SKELETON, card, shown
from synthgen.viewer.catalog import Catalog
from synthgen.viewer.columns import Choice
from synthgen.viewer.marks import Marks
from synthgen.viewer.meshes import Meshes
from synthgen.viewer.rejects import Rejects

MAX_PAGE = 200  # samples on a page
THUMB_SIDE = 384  # [px]
AS_IT_IS = 640  # pictures no larger than this are sent as they are [px]
LAYERS = {"depth": DEPTH_MEMBER, "mask": MASK_MEMBER, "draft": DRAFT_MEMBER}
TYPES = {"jpg": "image/jpeg", "png": "image/png"}


@dataclass(frozen=True)
class Query:
    """What a page asks for.

    Attributes:
        choice: which samples.
        start: first of them, from 0.
        count: how many.
        is_marked: only those marked as bad.
        stage: of rejections; "" for any.
        reason: of rejections; "" for any.
    """

    choice: Choice
    start: int = 0
    count: int = 24
    is_marked: bool = False
    stage: str = ""
    reason: str = ""


class Desk:
    """Everything that the viewer knows of some shards.

    Args:
        source: folder of shards or one tar; local path or fsspec URL.
        bad: file of the marks; "" for `bad.txt` beside the shards.
        files: SMPL files by the name of the body.

    Raises:
        ValueError: there are no shards, or the file of marks is none.
    """

    def __init__(self, source: str, bad: str, files: Mapping[str, str]) -> None:
        folder = storage.split(source)[0] if source.endswith(".tar") else source
        self.name = storage.split(source)[1]
        self.catalog = Catalog(source)
        self.marks = Marks(bad or storage.join(folder, BAD_NAME))
        self.meshes = Meshes(files)
        self.rejects = Rejects(self.catalog.shards)

    def state(self) -> dict[str, Any]:
        """Return what the page's controls offer."""
        columns = self.catalog.columns
        return {
            "name": shown(self.name),
            "bad_list": shown(self.marks.path),
            "marked": len(self.marks.keys),
            **self._progress(),
            "families": [[shown(name), count] for name, count in columns.families().items()],
            "scores": [[shown(name), *ends] for name, ends in columns.scores().items()],
            "lacking": [[name, count] for name, count in columns.lacking().items() if count],
            "rejected": sum(self.catalog.rejections.values()),
            "problems": [shown(one) for one in [*self.catalog.problems, *self.rejects.problems]],
            "skeleton": SKELETON,
        }

    def reasons(self) -> dict[str, Any]:
        """Return (stage, reason, pictures, rejections) of all reasons that have a picture."""
        total = self.catalog.rejections
        found = self.rejects.reasons().items()
        rows = [[shown(a), shown(b), count, total.get((a, b), count)] for (a, b), count in found]
        return {"reasons": rows}

    def page(self, query: Query) -> dict[str, Any]:
        """Return some samples of a choice."""
        if query.choice.is_open and not query.is_marked:
            if query.start <= self.catalog.total:
                self.catalog.reach(query.start + query.count)
            total = self.catalog.total
            chosen = list(range(query.start, min(query.start + query.count, total)))
        else:
            positions = self.catalog.columns.select(self._marked(query))
            total = len(positions)
            chosen = positions[query.start : query.start + query.count].tolist()
        return {**self._progress(), "found": total, "items": [self._card(position) for position in chosen]}

    def rejected_page(self, query: Query) -> dict[str, Any]:
        """Return some rejections that have a picture."""
        numbers = self.rejects.select(query.stage, query.reason)
        rows = [(number, self.rejects.rejection(number)) for number in numbers[query.start :][: query.count]]
        items = [
            {"number": number, "key": shown(one.key), "stage": shown(one.stage), "reason": shown(one.reason)}
            for number, one in rows
        ]
        return {**self._progress(), "found": len(numbers), "items": items}

    def change(self, positions: list[int], is_bad: bool) -> dict[str, Any]:
        """Mark samples as bad, or take the marks off."""
        keys = [self.catalog.place(position).key for position in positions]
        return {"marked": len(self.marks.change(keys, is_bad)), "positions": positions, "bad": is_bad}

    def picture(self, position: int, is_small: bool) -> tuple[str, bytes]:
        """Return type and bytes of a picture, scaled down if it is large and `is_small`."""
        _, data = self.catalog.member(position, IMAGE_FORMATS)
        image_format, size = look_at_file(data)
        if not is_small or max(size) <= AS_IT_IS:
            return TYPES[image_format], data
        return "image/jpeg", _thumbnail(data)

    def layer(self, position: int, name: str) -> tuple[str, bytes]:
        """Return type and bytes of a view of the sample: depth, mask or draft.

        Raises:
            KeyError: the sample has none.
        """
        suffix, data = self.catalog.member(position, (LAYERS[name],))
        if name == "draft":
            look_at_file(data)
            return "image/jpeg", data
        return "image/png", _colored(suffix, data)

    def _progress(self) -> dict[str, Any]:
        catalog = self.catalog
        return {"total": catalog.total, "scanned": catalog.scanned, "complete": catalog.is_complete}

    def _marked(self, query: Query) -> Choice:
        from dataclasses import replace

        return replace(query.choice, keys=self.marks.keys) if query.is_marked else query.choice

    def _card(self, position: int) -> dict[str, Any]:
        """Return a sample's card; of a damaged one, what is wrong."""
        try:
            place = self.catalog.place(position)
        except (IndexError, OSError) as error:
            return {"position": position, "key": "", "problem": shown(str(error))}
        is_bad = place.key in self.marks.keys
        try:
            found = card(position, place.tar, place.key, self.catalog.record(position))
        except (ValueError, OSError) as error:
            found = {**card(position, place.tar, place.key, {}), "problem": shown(str(error))}
        return {**found, "bad": is_bad}

    def views(self, position: int) -> list[str]:
        """Return which layers a sample has."""
        members = self.catalog.members(position)
        return [name for name, suffix in LAYERS.items() if suffix in members]


def _thumbnail(data: bytes) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
        picture.draft("RGB", (2 * THUMB_SIDE, 2 * THUMB_SIDE))
        picture.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.BOX)
        picture.convert("RGB").save(stream, "JPEG", quality=85)
    return stream.getvalue()


def _colored(suffix: str, data: bytes) -> bytes:
    import numpy as np
    from PIL import Image

    from synthgen.render.views import colorize_depth, colorize_mask

    stream = io.BytesIO()
    if suffix == MASK_MEMBER:
        image = colorize_mask(decode_image(data, suffix, ("L",)).astype(np.uint8))
    else:
        depth = decode_image(data, suffix, ("I;16", "I")).astype(np.float32)
        image = colorize_depth(depth / np.float32(DEPTH_UNITS_PER_M))
    Image.fromarray(image).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
