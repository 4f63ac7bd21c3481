"""What exporters read: pictures of any shards as they are stored, without those on a list of bad ones."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from synthgen import storage
from synthgen.exporters.ledger import Ledger
from synthgen.observation import Notes
from synthgen.shards.observation_records import look_at_file, to_notes
from synthgen.shards.records import (
    DEPTH_MEMBER,
    IMAGE_FORMATS,
    JSON_MEMBER,
    MASK_MEMBER,
    ImageFormat,
    decode_json,
)
from synthgen.shards.shard import read_members, read_report, tars

IS_BAD = "picture on the list of bad ones"
IS_EMPTY = "picture without people"


@dataclass(frozen=True)
class Picture:
    """A picture with all that its shard holds, nothing decoded but the record.

    Attributes:
        shard: name of its tar, without suffix.
        notes: what is known.
        data: the file's bytes.
        image_format: what they are.
        mask: PNG as in `Sample.mask`; None where there is none.
        depth: 16-bit PNG [mm]; None where there is none.
        record: the JSON record as it is.
    """

    shard: str
    notes: Notes
    data: bytes
    image_format: ImageFormat
    mask: bytes | None
    depth: bytes | None
    record: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Path of the picture below a folder of pictures: one subfolder a shard."""
        return f"{self.shard}/{self.notes.key}.{self.image_format}"


def read_pictures(source: str, bad: Collection[str], ledger: Ledger) -> Iterator[Picture]:
    """Yield the pictures of a tar, or of all tars of a folder, in order.

    Args:
        source: local path or fsspec URL of a tar or of a folder.
        bad: keys to leave out.
        ledger: counts what is left out.

    Raises:
        ValueError: a picture or its record is damaged, or two have one key; the message names tar and key.
        StorageError: a file cannot be read.
    """
    for tar in tars(source):
        shard, seen = storage.split(tar)[1].removesuffix(".tar"), set[str]()
        for key, members in read_members(tar):
            if key in seen:
                raise ValueError(f"{tar}: key {key}: is there twice, expected each key once")
            seen.add(key)
            if key in bad:
                ledger.leave_out(key, IS_BAD)
                continue
            try:
                picture = _picture(shard, key, members)
            except ValueError as error:
                raise ValueError(f"{tar}: key {key}: {error}") from error
            if picture is None:
                ledger.leave_out(key, IS_EMPTY)
            else:
                yield picture


def _picture(shard: str, key: str, members: Mapping[str, bytes]) -> Picture | None:
    suffix = next((suffix for suffix in IMAGE_FORMATS if suffix in members), None)
    if suffix is None or JSON_MEMBER not in members:
        raise ValueError(f"expected a picture (.{' or .'.join(IMAGE_FORMATS)}) and a record (.{JSON_MEMBER})")
    record = decode_json(members[JSON_MEMBER])
    if record.get("people") == []:
        return None
    notes = to_notes(record)
    if notes.key != key:
        raise ValueError(f"its record says that its key is {notes.key!r}")
    found = look_at_file(members[suffix])
    if found != (suffix, notes.image_size):
        (height, width), (high, wide) = found[1], notes.image_size
        what, wanted = f"{found[0]} of {width}x{height}", f"{suffix} of {wide}x{high}"
        raise ValueError(f"the picture is a {what}, expected {wanted}")
    return Picture(
        shard=shard,
        notes=notes,
        data=members[suffix],
        image_format=suffix,
        mask=members.get(MASK_MEMBER),
        depth=members.get(DEPTH_MEMBER),
        record=record,
    )


def count_pictures(source: str) -> int | None:
    """Return how many pictures there are, as the reports say; None where one has no report."""
    total = 0
    for tar in tars(source):
        folder, name = storage.split(tar)
        try:
            report = read_report(folder, name.removesuffix(".tar"))
        except ValueError:
            report = None
        if report is None:
            return None
        total += report.accepted
    return total
