"""Is a run folder, or one shard, whole and right? Every problem is one line: file, member, what, expected.

The files are anybody's: whatever they hold, the answer is lines of text, never an exception or code that
runs. What a sample's labels must fulfil is in `synthgen.shards.label_checks`.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO

from synthgen import storage
from synthgen.body import Body
from synthgen.config import ConfigError, parse
from synthgen.shards.bad_list import BAD_NAME
from synthgen.shards.label_checks import body_of, check_sample
from synthgen.shards.observation_checks import check_observation, is_observation
from synthgen.shards.records import DEPTH_MEMBER, DRAFT_MEMBER, IMAGE_FORMATS, JSON_MEMBER, MASK_MEMBER
from synthgen.shards.rejected import REJECTED_SUFFIX, read_rejected
from synthgen.shards.shard import (
    CONFIG_NAME,
    FAILED_SUFFIX,
    HTML_NAME,
    KEY_PATTERN,
    QUALITY_NAME,
    SHARD_PATTERN,
    SHEET_NAME,
    ShardReport,
    read_report,
    shard_names,
)
from synthgen.shards.tarball import read_groups
from synthgen.storage import StorageError

MAX_CONFIG_BYTES = 1 << 20
KNOWN_FILES = (BAD_NAME, CONFIG_NAME, HTML_NAME, QUALITY_NAME, SHEET_NAME, "README.md")  # beside the shards
REPORT_SUFFIX = ".json"
LABELS = (DEPTH_MEMBER, JSON_MEMBER, MASK_MEMBER)
OBSERVED = (JSON_MEMBER,)


@dataclass
class Verification:
    """One pass over shards; iterate over `problems()`, then read the counts.

    Attributes:
        source: run folder or one tar; local path or fsspec URL.
        bodies: models to pose the stored parameters with, by the name that records use.
        on_sample: called after each sample, for progress.
        shards: tars looked at.
        samples: samples looked at.
        people: people in them.
        unposed: how many samples have a body that is not among `bodies`, by its name and revision.
    """

    source: str
    bodies: Mapping[str, Body]
    on_sample: Callable[[], None] = lambda: None
    shards: int = 0
    samples: int = 0
    people: int = 0
    unposed: dict[str, int] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def expected_samples(self) -> int:
        """Return how many samples the reports promise, as far as they can be read."""
        if not storage.is_folder(self.source):
            folder, name = storage.split(self.source)
            reports = [_quiet_report(folder, name.removesuffix(".tar"))]
        else:
            reports = [_quiet_report(self.source, name) for name in shard_names(self.source)]
        return sum(report.accepted for report in reports if report is not None)

    def problems(self) -> Iterator[str]:
        """Yield one line for each problem.

        Raises:
            StorageError: the store itself cannot be reached.
        """
        if not storage.is_folder(self.source):
            folder, name = storage.split(self.source)
            yield from self._shard_problems(folder, name.removesuffix(".tar"))
            return
        names = storage.list_names(self.source)
        shards = sorted({name.partition(".")[0] for name in names if _is_shard_file(name)})
        yield from _folder_problems(names)
        yield from _coverage_problems(self.source, shards, CONFIG_NAME in names)
        for shard in shards:
            if f"{shard}.tar" in names:
                yield from self._shard_problems(self.source, shard)

    def _shard_problems(self, folder: str, shard: str) -> Iterator[str]:
        tar = f"{shard}.tar"
        self.shards += 1
        try:
            report = read_report(folder, shard)
        except (ValueError, StorageError) as error:
            yield str(error)
            report = None
        else:
            if report is None:
                yield f"{tar}: has no report {shard}.json, so the shard is not complete"
        samples_before = self.samples
        hashed = None
        damage = ""
        try:
            with storage.open_read(storage.join(folder, tar)) as file:
                hashed = _Hashed(file)
                try:
                    for key, members in read_groups(hashed):
                        yield from (f"{tar}: {text}" for text in self._sample_problems(key, members, report))
                except ValueError as error:
                    damage = str(error)
                hashed.drain()
        except StorageError as error:
            damage = str(error)
        yield from (f"{tar}: {text}" for text in _file_problems(hashed, damage, report))
        found = self.samples - samples_before
        if report is not None and not damage:
            yield from (f"{tar}: {text}" for text in _report_problems(report, shard, found))
        yield from _rejected_problems(folder, shard, report)

    def _sample_problems(
        self, key: str, members: list[tuple[str, bytes]], report: ShardReport | None
    ) -> Iterator[str]:
        self.samples += 1
        self.on_sample()
        if not KEY_PATTERN.fullmatch(key):
            yield f"{_clean(key)}: is no key of a sample, expected {KEY_PATTERN.pattern}"
            return
        if key in self._seen:
            yield f"{key}: this key was there before"
        self._seen.add(key)
        is_real = is_observation(dict(members).get(JSON_MEMBER, b""))
        wrong = list(_member_problems(key, [suffix for suffix, _ in members], is_real))
        if wrong:
            yield from wrong
            return
        if is_real:
            notes, findings = check_observation(key, dict(members))
            self.people += len(notes.people) if notes is not None else 0
            yield from (f"{key}.{member}: {_clean(text)}" for member, text in findings)
        else:
            yield from self._label_problems(key, dict(members), report)

    def _label_problems(
        self, key: str, members: Mapping[str, bytes], report: ShardReport | None
    ) -> Iterator[str]:
        """Yield what is wrong with a generated sample that has all its members."""
        picture, findings = check_sample(key, members, self.bodies)
        yield from (f"{key}.{member}: {_clean(text)}" for member, text in findings)
        if picture is None:
            return
        self.people += len(picture.labels)
        if body_of(picture, self.bodies) is None:
            name = _clean(f"{picture.scene.body} {picture.provenance.revisions.get('body', '')}".strip())
            self.unposed[name] = self.unposed.get(name, 0) + 1
        if report is not None:
            index, first, count = picture.request.index, report.first_index, report.num_requests
            if not first <= index < first + count:
                yield f"{key}.json: index must be in [{first}, {first + count}) by the report, got {index}"
            if picture.provenance.config_hash != report.config_hash:
                yield f"{key}.json: config_hash differs from that of the report"


class _Hashed:
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int, /) -> bytes:
        data = self._file.read(size)
        self._hash.update(data)
        self.size += len(data)
        return data

    def drain(self) -> None:
        while self.read(storage.CHUNK):
            continue

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def _is_shard_file(name: str) -> bool:
    stem, dot, suffix = name.partition(".")
    suffixes = (".tar", REPORT_SUFFIX, FAILED_SUFFIX, REJECTED_SUFFIX)
    return bool(SHARD_PATTERN.fullmatch(stem)) and f"{dot}{suffix}" in suffixes


def _folder_problems(names: list[str]) -> Iterator[str]:
    for name in names:
        if storage.is_leftover(name):
            yield f"{name}: left over by a writer that was killed; it can be deleted"
        elif name not in KNOWN_FILES and not _is_shard_file(name):
            yield f"{_clean(name)}: does not belong into a run folder"
    if not any(map(_is_shard_file, names)):
        yield "there is no shard (<run>-000000.tar) in this folder"
    if CONFIG_NAME not in names:
        yield f"{CONFIG_NAME}: is missing, so nobody can tell how the run was made"
    for name in names:
        stem = name.partition(".")[0]
        if name.endswith(FAILED_SUFFIX):
            yield f"{name}: the shard was given up after its last try; run again to try once more"
        elif name == stem + REPORT_SUFFIX and _is_shard_file(name) and f"{stem}.tar" not in names:
            yield f"{stem}.tar: is missing, its report is there"
        elif name == stem + REJECTED_SUFFIX and _is_shard_file(name) and f"{stem}.tar" not in names:
            yield f"{stem}.tar: is missing, pictures of what it rejected are there"


def _coverage_problems(folder: str, shards: list[str], has_config: bool) -> Iterator[str]:
    """Yield what the numbering of shards and requests leaves out."""
    runs = sorted({shard.rpartition("-")[0] for shard in shards})
    if len(runs) > 1:
        yield f"shards of several runs in one folder: {', '.join(runs)}"
        return
    expected = 0
    for shard in shards:
        index = int(shard.rpartition("-")[2])
        missing = [f"{runs[0]}-{number:06d}" for number in range(expected, min(index, expected + 3))]
        if missing:
            more = f" and {index - expected - len(missing)} more" if index - expected > len(missing) else ""
            yield f"shards missing before {shard}: {', '.join(missing)}{more}"
        expected = index + 1
    if has_config:
        yield from _config_problems(folder, shards)


def _config_problems(folder: str, shards: list[str]) -> Iterator[str]:
    try:
        text = storage.read_bytes(storage.join(folder, CONFIG_NAME), MAX_CONFIG_BYTES).decode("utf-8")
        wanted = parse(text, CONFIG_NAME).values.get("num_samples")
    except (ConfigError, UnicodeDecodeError, StorageError) as error:
        yield _clean(f"{CONFIG_NAME}: cannot be read: {error}")
        return
    last = _quiet_report(folder, shards[-1]) if shards else None
    covered = last.first_index + last.num_requests if last else 0
    if isinstance(wanted, int) and last is not None and covered < wanted:
        yield f"{CONFIG_NAME}: asks for {wanted} requests, the shards end at {covered}; run again to finish"


def _quiet_report(folder: str, shard: str) -> ShardReport | None:
    """Return a report; a damaged one is told of where its shard is checked."""
    try:
        return read_report(folder, shard)
    except (ValueError, StorageError):
        return None


def _file_problems(hashed: _Hashed | None, damage: str, report: ShardReport | None) -> Iterator[str]:
    what = _clean(damage)
    if hashed is not None and report is not None and hashed.size < report.size:
        what = f"truncated: {hashed.size} bytes, expected {report.size}" + (f" ({what})" if what else "")
    elif hashed is not None and report is not None and hashed.sha256 != report.sha256:
        changed = (
            f"changed after it was written: sha256 {hashed.sha256[:12]}…, expected {report.sha256[:12]}…"
        )
        what = f"{changed} ({what})" if what else changed
    if what:
        yield what


def _report_problems(report: ShardReport, shard: str, found: int) -> Iterator[str]:
    if report.shard != shard or report.run != shard.rpartition("-")[0]:
        yield f"the report is that of shard {_clean(report.shard)} of run {_clean(report.run)}"
    if found != report.accepted:
        yield f"holds {found} samples, the report says {report.accepted}"
    if report.rejected != len(report.rejections):
        yield f"the report counts {report.rejected} rejections and lists {len(report.rejections)}"
    if report.accepted + report.rejected != report.num_requests:
        total = report.accepted + report.rejected
        yield f"the report covers {report.num_requests} requests, accepted and rejected make {total}"


def _rejected_problems(folder: str, shard: str, report: ShardReport | None) -> Iterator[str]:
    """Yield what is wrong with the pictures of a shard's rejections."""
    try:
        shown = read_rejected(folder, shard)
    except (ValueError, StorageError) as error:
        yield _clean(str(error))
        return
    known = set(report.rejections) if report is not None else set(shown)
    for rejection in shown:
        if rejection not in known:
            text = f"{rejection.key} as rejected by {rejection.stage}: {rejection.reason}"
            yield _clean(f"{shard}{REJECTED_SUFFIX}: shows {text}; the report does not list that")


def _member_problems(key: str, suffixes: list[str], is_real: bool) -> Iterator[str]:
    needed, allowed = (OBSERVED, OBSERVED) if is_real else (LABELS, (*LABELS, DRAFT_MEMBER))
    what = "an observation" if is_real else "a sample"
    pictures = [suffix for suffix in suffixes if suffix in IMAGE_FORMATS]
    for suffix in sorted(set(needed) - set(suffixes)):
        yield f"{key}.{suffix}: is missing"
    if not pictures:
        yield f"{key}.{IMAGE_FORMATS[0]}: is missing"
    for suffix in sorted(set(suffixes)):
        if suffix not in (*allowed, *IMAGE_FORMATS):
            yield f"{key}.{_clean(suffix)}: is no member of {what}"
        elif suffixes.count(suffix) > 1:
            yield f"{key}.{suffix}: is there {suffixes.count(suffix)} times"
    if len(set(pictures)) > 1:
        yield f"{key}: has two pictures, .{' and .'.join(sorted(set(pictures)))}"
    if suffixes != sorted(suffixes):
        yield f"{key}: members must be sorted by name, got {_clean(', '.join(suffixes))}"


def _clean(text: str) -> str:
    """Return text on one line, harmless on a terminal, of bearable length."""
    shown = "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in text)
    return shown if len(shown) <= 300 else f"{shown[:300]}…"
