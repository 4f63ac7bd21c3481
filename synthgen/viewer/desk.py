"""Answers to the page's questions, as JSON values and bytes; knows nothing of HTTP."""

import io
import os
import zlib
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import ceil
from threading import Lock
from typing import Any

from synthgen import storage
from synthgen.shards.bad_list import BAD_NAME
from synthgen.shards.observation_records import look_at_file
from synthgen.shards.records import (
    DEPTH_MEMBER,
    DEPTH_UNITS_PER_M,
    DRAFT_MEMBER,
    MASK_MEMBER,
    decode_image,
)
from synthgen.viewer.cards import SKELETON, card, shown
from synthgen.viewer.catalog import Catalog
from synthgen.viewer.columns import Choice
from synthgen.viewer.marks import Marks
from synthgen.viewer.meshes import Meshes, Posed
from synthgen.viewer.rejects import Rejects

MAX_PAGE = 200  # samples on a page
THUMB_SIDE = 384  # [px]
AS_IT_IS = 640  # pictures no larger than this are sent as they are [px]
MAX_THUMBS = 1024  # scaled pictures that are kept, some 20 kB each
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
        self._thumbs: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(os.cpu_count(), "thumbs")

    def close(self) -> None:
        """End all threads."""
        self.catalog.close()
        self._pool.shutdown(cancel_futures=True)

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
        return {**self._progress(), "found": total, "items": list(self._pool.map(self._card, chosen))}

    def sheet(self, query: Query) -> dict[str, Any]:
        """Return some samples of a choice with their pictures for cards, as data URLs.

        One answer instead of one for each picture, so a browser draws the page once, and soon.
        """
        answer = self.page(query)
        items = answer["items"]
        found = self._pool.map(self._address, [one["position"] for one in items])
        for item, (address, problem) in zip(items, found, strict=True):
            item["picture"] = address
            if problem:
                item["problem"] = item.get("problem", shown(problem))
        return answer

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

    def picture(self, position: int) -> tuple[str, bytes]:
        """Return type and bytes of a picture."""
        data = self.catalog.picture(position)
        return TYPES[look_at_file(data)[0]], data

    def thumb(self, position: int) -> tuple[str, bytes]:
        """Return type and bytes of a picture as it is stored, or scaled down if it is large.

        Raises:
            KeyError: there is none.
            ValueError: it is damaged.
        """
        place = self.catalog.place(position)
        name = f"{place.tar}/{place.key}"
        with self._lock:
            if name in self._thumbs:
                self._thumbs.move_to_end(name)
                return TYPES["jpg"], self._thumbs[name]
        data = self.catalog.picture(position)
        image_format, size = look_at_file(data)
        if max(size) <= AS_IT_IS:
            return TYPES[image_format], data
        small = _thumbnail(data)
        with self._lock:
            self._thumbs[name] = small
            if len(self._thumbs) > MAX_THUMBS:
                self._thumbs.popitem(last=False)
        return TYPES["jpg"], small

    def layer(self, position: int, name: str) -> tuple[str, bytes]:
        """Return type and bytes of a view of the sample: depth, mask or draft.

        Raises:
            KeyError: the sample has none.
        """
        suffix = LAYERS[name]
        data = self.catalog.member(position, suffix)
        if name == "draft":
            look_at_file(data)
            return "image/jpeg", data
        return "image/png", _colored(suffix, data)

    def _address(self, position: int) -> tuple[str, str]:
        """Return a picture for a card as a data URL, or nothing and what is wrong with it."""
        try:
            kind, data = self.thumb(position)
        except (ValueError, OSError, LookupError) as error:
            return "", str(error.args[0] if isinstance(error, LookupError) else error)
        return f"data:{kind};base64,{b64encode(data).decode('ascii')}", ""

    def _progress(self) -> dict[str, Any]:
        catalog = self.catalog
        return {"total": catalog.total, "scanned": catalog.scanned, "complete": catalog.is_complete}

    def _marked(self, query: Query) -> Choice:
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

    def posed(self, positions: list[int]) -> list[Posed | str]:
        """Return the bodies of some samples, or why there are none."""
        return self.meshes.of([self._record(position) for position in positions])

    def _record(self, position: int) -> dict[str, Any]:
        """Return a sample's record; of a damaged one nothing, which those who read it complain of."""
        try:
            return self.catalog.record(position)
        except ValueError:
            return {}

    def views(self, position: int) -> list[str]:
        """Return which layers a sample has."""
        members = self.catalog.members(position)
        return [name for name, suffix in LAYERS.items() if suffix in members]


def _thumbnail(data: bytes) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            scale = THUMB_SIDE / max(picture.size)
            wanted = (ceil(scale * picture.width), ceil(scale * picture.height))
            picture.draft("RGB", wanted)  # a JPEG is decoded at a fraction of its size
            picture.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.BOX)
            picture.save(stream, "JPEG", quality=85)
    except (SyntaxError, EOFError, zlib.error) as error:  # of damaged PNGs
        raise ValueError(f"picture cannot be read: {error}") from error
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
