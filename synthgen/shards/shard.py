"""Shards: tar files of samples, each with its report written last. Schema 1, see `shards/README.md`.

A shard is done when its report exists and the tar's sha256 is the one reported. Keys, member names and the
record are in `synthgen.shards.records`; checking somebody's shards is `synthgen.shards.verify`.
"""

import dataclasses
import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from synthgen import storage
from synthgen.observation import Observation
from synthgen.sample import Rejection, Sample
from synthgen.shards.observation_records import StoredPicture, to_members
from synthgen.shards.records import SCHEMA, ImageFormat, LabelledPicture, decode, decode_json, decode_picture
from synthgen.shards.rejected import Album, from_row, to_row
from synthgen.shards.tarball import read_groups

Item = Sample | Observation | StoredPicture | Rejection
SHARD_PATTERN = re.compile(r"(?P<run>[A-Za-z0-9][A-Za-z0-9_-]*)-(?P<index>\d{6,})")
KEY_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
MAX_REPORT_BYTES = 64 << 20
MAX_WALL_S = 1e9
CONFIG_NAME = "config.yaml"
HTML_NAME = "report.html"
QUALITY_NAME = "quality.html"
SHEET_NAME = "contact_sheet.jpg"
FAILED_SUFFIX = ".failed.json"  # beside the shards: why one was given up


def shard_name(run: str, shard_index: int) -> str:
    """Return the name of a shard, without suffix: "ski-000000"."""
    name = f"{run}-{shard_index:06d}"
    if not SHARD_PATTERN.fullmatch(name):
        raise ValueError(f"a run's name may hold letters, digits, '-' and '_' only, got {run!r}")
    return name


@dataclass(frozen=True)
class Shard:
    """What belongs into one shard.

    Attributes:
        run: name of the run.
        index: position of the shard in the run, from 0.
        first_index: `Request.index` of the first request.
        num_requests: how many consecutive requests it covers.
        config_hash: of the run's resolved config.
        image_format: "jpg" or "png".
    """

    run: str
    index: int
    first_index: int
    num_requests: int
    config_hash: str
    image_format: ImageFormat = "jpg"

    @property
    def name(self) -> str:
        """File name without suffix."""
        return shard_name(self.run, self.index)


@dataclass(frozen=True)
class ShardReport:
    """What became of a shard's requests; the JSON file beside the tar.

    Attributes:
        schema: version of the record format.
        run: name of the run.
        shard: name of the shard.
        first_index: `Request.index` of its first request.
        num_requests: requests covered: accepted + rejected.
        accepted: samples in the tar.
        rejected: requests that came to nothing.
        rejections: each of those with stage and reason.
        seconds: time spent by stage [s]; stages that overlapped add up to more than `wall_s`.
        sha256: of the tar.
        size: of the tar [bytes].
        config_hash: of the run's resolved config.
        wall_s: from the start to the finished tar, by the worker's clock [s]; 0 in reports that lack it.
    """

    schema: int
    run: str
    shard: str
    first_index: int
    num_requests: int
    accepted: int
    rejected: int
    rejections: tuple[Rejection, ...]
    seconds: Mapping[str, float]
    sha256: str
    size: int
    config_hash: str
    wall_s: float = 0.0


@dataclass(frozen=True)
class RunSummary:
    """All reports of a run together; fields as in `ShardReport`.

    Attributes:
        reasons: rejections counted by "stage: reason", most frequent first.
    """

    run: str
    shards: int
    num_requests: int
    accepted: int
    rejected: int
    reasons: Mapping[str, int]
    seconds: Mapping[str, float]
    size: int


@dataclass
class _Tally:
    album: Album
    accepted: int = 0
    rejections: list[Rejection] = field(default_factory=list)


def write_shard(
    folder: str,
    shard: Shard,
    items: Iterable[Item],
    seconds: Mapping[str, float] | None = None,
    keep_rejected: int = 0,
) -> ShardReport:
    """Write a tar, pictures of what was rejected, and then the report, each whole or not at all.

    Args:
        folder: of the run, existing; local path or fsspec URL.
        shard: what `items` cover.
        items: one Sample, Observation or Rejection for each request, in order; consumed as a stream.
        seconds: time by stage [s]; read once all items were consumed.
        keep_rejected: how many pictures of rejections are kept for each reason.

    Returns:
        The report, as written.

    Raises:
        ValueError: items do not match `shard`, or a sample cannot be stored.
        StorageError: the folder cannot be written to.
    """
    started = time.perf_counter()
    tally = _Tally(Album(keep_rejected))
    storage.remove(report_url(folder, shard.name))  # of an earlier tar, which this one replaces
    with storage.atomic_write(storage.join(folder, f"{shard.name}.tar")) as output:
        _write_tar(output, items, shard.image_format, tally)
        covered = tally.accepted + len(tally.rejections)
        if covered != shard.num_requests:
            raise ValueError(f"shard {shard.name}: {shard.num_requests} requests came to {covered} items")
    report = ShardReport(
        schema=SCHEMA,
        run=shard.run,
        shard=shard.name,
        first_index=shard.first_index,
        num_requests=shard.num_requests,
        accepted=tally.accepted,
        rejected=len(tally.rejections),
        rejections=tuple(tally.rejections),
        seconds=dict(seconds or {}),
        sha256=output.sha256,
        size=output.size,
        config_hash=shard.config_hash,
        wall_s=time.perf_counter() - started,
    )
    tally.album.write(folder, shard.name)
    record = {**dataclasses.asdict(report), "rejections": [to_row(one) for one in report.rejections]}
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    storage.write_bytes(report_url(folder, shard.name), text.encode())
    return report


def report_url(folder: str, name: str) -> str:
    """Return where the report of shard `name` is."""
    return storage.join(folder, f"{name}.json")


def read_report(folder: str, name: str) -> ShardReport | None:
    """Return the report of a shard, or None where it has none.

    Raises:
        ValueError: it is damaged or of another schema.
    """
    return load_report(folder, name) if storage.exists(report_url(folder, name)) else None


def load_report(folder: str, name: str) -> ShardReport:
    """Return the report of a shard that has one; see `read_report`."""
    try:
        return _report(decode_json(storage.read_bytes(report_url(folder, name), MAX_REPORT_BYTES)))
    except ValueError as error:
        raise ValueError(f"report {name}.json: {error}") from error


def done_report(folder: str, name: str) -> ShardReport | None:
    """Return the report of a shard that is complete: the tar is there and has the reported sha256."""
    try:
        report = read_report(folder, name)
    except ValueError:
        return None
    tar = storage.join(folder, f"{name}.tar")
    if report is None or not storage.exists(tar):
        return None
    return report if storage.digest(tar) == (report.sha256, report.size) else None


def is_done(folder: str, name: str) -> bool:
    """Tell whether a shard is complete; see `done_report`."""
    return done_report(folder, name) is not None


def shard_names(folder: str) -> list[str]:
    """Return the names of all tars of a run folder, sorted."""
    return [name.removesuffix(".tar") for name in storage.list_names(folder) if name.endswith(".tar")]


def read_samples(source: str) -> Iterator[Sample]:
    """Yield the samples of a tar, or of all tars of a run folder, in order.

    Args:
        source: local path or fsspec URL of a tar or of a folder.

    Raises:
        ValueError: a sample is damaged; the message names tar and key.
        StorageError: a file cannot be read.
    """
    for tar in tars(source):
        for key, members in read_members(tar):
            yield _named(tar, key, decode, members)


def read_pictures(source: str) -> Iterator[LabelledPicture]:
    """Yield pictures and labels without depth and masks, as training needs them; see `read_samples`."""
    for tar in tars(source):
        for key, members in read_members(tar):
            yield _named(tar, key, decode_picture, members)


def tars(source: str) -> list[str]:
    """Return the tars that `source` means: itself, or those in the folder.

    Raises:
        ValueError: there are none.
    """
    if source.endswith(".tar"):
        return [source]
    found = [storage.join(source, f"{name}.tar") for name in shard_names(source)]
    if not found:
        raise ValueError(f"{source}: no such folder, or no shard (<run>-000000.tar) in it")
    return found


def read_members(tar: str) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yield (key, {suffix: content}) of each sample of a tar, streaming.

    Raises:
        ValueError: the tar is damaged or holds something that is not a small regular file.
    """
    with storage.open_read(tar) as file:
        try:
            for key, members in read_groups(file):
                yield key, dict(members)
        except ValueError as error:
            raise ValueError(f"{tar}: {error}") from error


def summarize(folder: str) -> RunSummary:
    """Add up the reports of a run folder.

    Raises:
        ValueError: there is none, or one is damaged.
    """
    reports = [report for name in shard_names(folder) if (report := read_report(folder, name))]
    if not reports:
        raise ValueError(f"{folder}: no shard with a report")
    reasons = Counter(f"{one.stage}: {one.reason}" for report in reports for one in report.rejections)
    seconds: Counter[str] = Counter()
    for report in reports:
        seconds.update(report.seconds)
    return RunSummary(
        run=reports[0].run,
        shards=len(reports),
        num_requests=sum(report.num_requests for report in reports),
        accepted=sum(report.accepted for report in reports),
        rejected=sum(report.rejected for report in reports),
        reasons=dict(reasons.most_common()),
        seconds=dict(seconds),
        size=sum(report.size for report in reports),
    )


def _write_tar(
    output: storage.Output, items: Iterable[Item], image_format: ImageFormat, tally: _Tally
) -> None:
    from webdataset.writer import TarWriter

    with TarWriter(output, encoder=False, mtime=0) as tar:
        for item in items:
            if isinstance(item, Rejection):
                tally.album.add(item)
                tally.rejections.append(dataclasses.replace(item, picture=None))
                continue
            key, members = to_members(item, image_format)
            if not KEY_PATTERN.fullmatch(key):
                raise ValueError(f"key {key!r} must match {KEY_PATTERN.pattern}")
            tar.write({"__key__": key, **members})
            tally.accepted += 1


def _named(tar: str, key: str, function: Any, members: Mapping[str, bytes]) -> Any:
    try:
        return function(members)
    except KeyError as error:
        raise ValueError(f"{tar}: key {key}: lacks its member .{error.args[0]}") from error
    except ValueError as error:
        raise ValueError(f"{tar}: key {key}: {error}") from error


def _report(record: Mapping[str, Any]) -> ShardReport:
    names = {field.name: field.type for field in dataclasses.fields(ShardReport)}
    if record.get("schema") != SCHEMA:
        raise ValueError(f"schema must be {SCHEMA}, got {record.get('schema')!r}")
    if odd := sorted((names.keys() ^ record.keys()) - {"wall_s"}):
        raise ValueError(f"missing or unknown keys: {', '.join(odd)}")
    for name, kind in names.items():
        if kind in (int, str) and type(record[name]) is not kind:
            raise ValueError(f"{name} must be {kind.__name__}, got {record[name]!r:.60}")
    if not isinstance(record["rejections"], list) or not isinstance(record["seconds"], dict):
        raise ValueError("rejections must be a list and seconds an object")
    if not all(isinstance(value, float | int) for value in record["seconds"].values()):
        raise ValueError(f"seconds must hold numbers, got {record['seconds']!r:.80}")
    if (
        not isinstance(record.get("wall_s", 0.0), float | int)
        or not 0 <= record.get("wall_s", 0.0) < MAX_WALL_S
    ):
        raise ValueError(f"wall_s must be a number of seconds, got {record['wall_s']!r:.60}")
    return ShardReport(**{**record, "rejections": tuple(from_row(item) for item in record["rejections"])})
