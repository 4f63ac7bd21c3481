"""Rejections on disk: as rows of a shard's report, and small pictures of some of them in a file beside it.

`<run>-000007.rejected.json` holds the first few pictures of each reason, as base64 of JPEG. It is JSON, as
every `*.tar` of a run folder holds samples and nothing else. It is written before the shard's report and
belongs to no sample: without it, a shard is as complete as with it.
"""

import base64
import binascii
import io
from collections import Counter
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from synthgen import storage
from synthgen.sample import Rejection, Stage
from synthgen.shards.records import MAX_RECORD_BYTES, SCHEMA, decode_image, decode_json, encode_json

REJECTED_SUFFIX = ".rejected.json"
MAX_SIDE = 256  # of a picture written [px]
MAX_PIXELS = 1024 * 1024  # of a picture read back; nobody's file holds a larger one
MAX_PICTURES = 150  # in a file, whatever number of reasons there is
QUALITY = 85
ROW = ("key", "stage", "reason")  # what a report says of a rejection
STAGES = get_args(Stage)
PICTURE = "jpg"
FILE = ("schema", "shard", "pictures")


class Album:
    """Pictures of a shard's rejections: the first of each reason, scaled down and encoded as they come."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._kept: Counter[tuple[str, str]] = Counter()
        self._pages: list[dict[str, str]] = []

    def add(self, rejection: Rejection) -> None:
        """Keep the picture of a rejection, if it has one and there is room for it."""
        cause = (rejection.stage, rejection.reason)
        is_full = self._kept[cause] >= self._keep or len(self._pages) >= MAX_PICTURES
        if rejection.picture is None or is_full:
            return
        self._kept[cause] += 1
        picture = base64.b64encode(_small(rejection.picture)).decode("ascii")
        self._pages.append({**to_row(rejection), PICTURE: picture})

    def write(self, folder: str, shard: str) -> None:
        """Write the pictures of a shard; without any, take away those of an earlier try."""
        url = rejected_url(folder, shard)
        if self._pages:
            record = {"schema": SCHEMA, "shard": shard, "pictures": self._pages}
            storage.write_bytes(url, encode_json(record) + b"\n")
        else:
            storage.remove(url)


def rejected_url(folder: str, shard: str) -> str:
    """Return where the pictures of a shard's rejections are."""
    return storage.join(folder, shard + REJECTED_SUFFIX)


def read_rejected(folder: str, shard: str) -> list[Rejection]:
    """Return the rejections of a shard that have a picture; none where there is no such file.

    Raises:
        ValueError: the file is damaged, or of another schema or shard.
        StorageError: it cannot be read, or is unreasonably large.
    """
    try:
        return [_decoded(one, data) for one, data in read_pages(folder, shard)]
    except ValueError as error:
        name = shard + REJECTED_SUFFIX
        raise ValueError(str(error) if str(error).startswith(name) else f"{name}: {error}") from error


def read_pages(folder: str, shard: str) -> list[tuple[Rejection, bytes]]:
    """Return the same without decoding: each rejection, and its picture as somebody's JPEG; see there."""
    url = rejected_url(folder, shard)
    if not storage.exists(url):
        return []
    try:
        record = decode_json(storage.read_bytes(url, MAX_RECORD_BYTES))
        if sorted(record) != sorted(FILE) or record["schema"] != SCHEMA:
            raise ValueError(f"expected {', '.join(FILE)} of schema {SCHEMA}, got {sorted(record)!r:.80}")
        if record["shard"] != shard:
            raise ValueError(f"belongs to another shard, {record['shard']!r:.80}")
        pages = record["pictures"]
        if not isinstance(pages, list) or len(pages) > MAX_PICTURES:
            raise ValueError(f"pictures must be a list of at most {MAX_PICTURES}")
        return [_from_page(page) for page in pages]
    except ValueError as error:
        raise ValueError(f"{shard}{REJECTED_SUFFIX}: {error}") from error


def to_row(rejection: Rejection) -> dict[str, str]:
    """Return what a report says of a rejection."""
    return {"key": rejection.key, "stage": rejection.stage, "reason": rejection.reason}


def from_row(item: Any, picture: NDArray[np.uint8] | None = None) -> Rejection:
    """Return the rejection that a row of somebody's report means.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(item, dict) or item.keys() != set(ROW):
        raise ValueError(f"a rejection must hold {', '.join(ROW)}, got {item!r:.80}")
    key, stage, reason = item["key"], item["stage"], item["reason"]
    if not (isinstance(key, str) and isinstance(reason, str)) or stage not in STAGES:
        raise ValueError(f"a rejection has an unknown stage or a value that is no text: {item!r:.80}")
    return Rejection(key, stage, reason, picture)


def _small(image: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    picture = Image.fromarray(image)
    picture.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def _from_page(page: Any) -> tuple[Rejection, bytes]:
    if not isinstance(page, dict) or not isinstance(page.get(PICTURE), str):
        raise ValueError(f"a picture must hold {', '.join((*ROW, PICTURE))}, got {page!r:.80}")
    rejection = from_row({name: value for name, value in page.items() if name != PICTURE})
    try:
        return rejection, base64.b64decode(page[PICTURE].encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(f"the picture of {rejection.key!r:.80} is no base64: {error}") from error


def _decoded(rejection: Rejection, data: bytes) -> Rejection:
    image = decode_image(data, f"the picture of {rejection.key!r:.80}", ("RGB",), MAX_PIXELS)
    return Rejection(rejection.key, rejection.stage, rejection.reason, image.astype(np.uint8, copy=False))
