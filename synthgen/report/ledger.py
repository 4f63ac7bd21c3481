"""What became of every request of a run: made, rejected and why, or missing, as its folder's files tell.

A folder in any state can be read, also one of a run that still goes on or broke off; what is damaged or
missing is noted as a problem.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from synthgen import storage
from synthgen.config import ConfigError, parse
from synthgen.shards.records import decode_json
from synthgen.shards.shard import (
    CONFIG_NAME,
    FAILED_SUFFIX,
    SHARD_PATTERN,
    ShardReport,
    read_report,
    shard_name,
)
from synthgen.storage import StorageError

REPORT_SUFFIX, TAR_SUFFIX = ".json", ".tar"
MAX_EXAMPLES = 4  # keys named for each reason
MAX_SMALL_FILE = 4 << 20  # bytes of a config or a failure note
TRACEBACK_CHARACTERS = 8000  # shown of a traceback, from its end


@dataclass(frozen=True)
class Problem:
    """Something that keeps a run from being complete.

    Attributes:
        line: what, in one sentence.
        detail: a traceback, or empty.
    """

    line: str
    detail: str = ""


@dataclass
class Ledger:
    """Counts of a run.

    Attributes:
        run: its name.
        config: text of its resolved config; empty where there is none.
        settings: the same, parsed.
        reports: one per finished shard, by name; their rejections are counted below and left out here.
        reasons: {(stage, reason): requests}.
        examples: {(stage, reason): a few keys}.
        problems: what is missing or damaged.
    """

    run: str
    config: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    reports: dict[str, ShardReport] = field(default_factory=dict)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """Pictures in the finished shards."""
        return sum(report.accepted for report in self.reports.values())

    @property
    def rejected(self) -> int:
        """Requests that came to nothing, each with a reason."""
        return sum(report.rejected for report in self.reports.values())

    @property
    def planned(self) -> int:
        """Requests of the whole run; without a config, those of the finished shards."""
        planned = self.settings.get("num_samples")
        done = self.accepted + self.rejected
        return max(planned, done) if isinstance(planned, int) else done

    @property
    def planned_shards(self) -> list[str]:
        """Names of all shards that the config asks for; without a config, up to the last one present."""
        size = self.settings.get("samples_per_shard")
        if isinstance(size, int) and size > 0:
            return [shard_name(self.run, index) for index in range(-(-self.planned // size))]
        last = max((_shard_index(name) for name in self.reports), default=-1)
        return [shard_name(self.run, index) for index in range(last + 1)]

    @property
    def size(self) -> int:
        """Bytes of the finished shards."""
        return sum(report.size for report in self.reports.values())

    def seconds(self) -> Counter[str]:
        """Return the time that workers spent, by stage [s]."""
        total: Counter[str] = Counter()
        for report in self.reports.values():
            total.update(report.seconds)
        return total

    def worker_seconds(self) -> float:
        """Return the time that workers spent by their clocks [s]; stages can overlap within it."""
        return sum(report.wall_s or sum(report.seconds.values()) for report in self.reports.values())

    def add(self, report: ShardReport) -> None:
        """Take in a finished shard."""
        for rejection in report.rejections:
            cause = (rejection.stage, rejection.reason)
            self.reasons[cause] += 1
            keys = self.examples.setdefault(cause, [])
            if len(keys) < MAX_EXAMPLES:
                keys.append(rejection.key)
        self.reports[report.shard] = replace(report, rejections=())


def read_ledger(folder: str) -> Ledger:
    """Read config, shard reports and failure notes of a run folder.

    Raises:
        ValueError: the folder holds nothing of a run.
        StorageError: it cannot be read.
    """
    names = storage.list_names(folder)
    stems = sorted(
        {name.partition(".")[0] for name in names if SHARD_PATTERN.fullmatch(name.partition(".")[0])}
    )
    if not stems and CONFIG_NAME not in names:
        raise ValueError(
            f"{folder}: no such folder, or neither {CONFIG_NAME} nor a shard (<run>-000000.tar) in it"
        )
    ledger = Ledger(_run_name(folder, stems))
    if CONFIG_NAME in names:
        _read_config(folder, ledger)
    for stem in stems:
        _read_shard(folder, stem, set(names), ledger)
    _note_missing(ledger, stems)
    return ledger


def _run_name(folder: str, stems: list[str]) -> str:
    match = SHARD_PATTERN.fullmatch(stems[0]) if stems else None
    return match["run"] if match else storage.split(folder)[1]


def _shard_index(name: str) -> int:
    match = SHARD_PATTERN.fullmatch(name)
    return int(match["index"]) if match else -1


def _read_config(folder: str, ledger: Ledger) -> None:
    try:
        raw = storage.read_bytes(storage.join(folder, CONFIG_NAME), MAX_SMALL_FILE)
        ledger.config = raw.decode("utf-8", "replace")
        ledger.settings = parse(ledger.config, CONFIG_NAME).values
    except (ConfigError, StorageError) as error:
        ledger.problems.append(Problem(f"{CONFIG_NAME} cannot be read: {error}"))
    run = ledger.settings.get("run")
    if isinstance(run, str):
        ledger.run = run


def _read_shard(folder: str, stem: str, names: set[str], ledger: Ledger) -> None:
    try:
        report = read_report(folder, stem) if stem + REPORT_SUFFIX in names else None
    except (ValueError, StorageError) as error:
        ledger.problems.append(Problem(str(error)))
        report = None
    if stem + FAILED_SUFFIX in names:
        ledger.problems.append(_failure(folder, stem))
    elif report is not None and stem + TAR_SUFFIX not in names:
        ledger.problems.append(Problem(f"shard {stem} has a report but no tar; a re-run makes it again."))
        report = None
    elif report is None and stem + REPORT_SUFFIX not in names:
        ledger.problems.append(
            Problem(f"shard {stem} has no report: it is being written, or a run broke off.")
        )
    if report is not None and stem + TAR_SUFFIX in names:
        ledger.add(report)


def _failure(folder: str, stem: str) -> Problem:
    try:
        note = decode_json(storage.read_bytes(storage.join(folder, stem + FAILED_SUFFIX), MAX_SMALL_FILE))
    except (ValueError, StorageError) as error:
        return Problem(f"shard {stem} is in quarantine, and its note cannot be read: {error}")
    tries, cause = note.get("attempts", "several"), note.get("error", "no error noted")
    line = f"shard {stem} is in quarantine after {tries} attempts: {cause}"
    return Problem(line, str(note.get("traceback", ""))[-TRACEBACK_CHARACTERS:])


def _note_missing(ledger: Ledger, present: list[str]) -> None:
    known = {*present, *ledger.reports}
    missing = [name for name in ledger.planned_shards if name not in known]
    if missing:
        shown = ", ".join(missing[:MAX_EXAMPLES]) + (", …" if len(missing) > MAX_EXAMPLES else "")
        ledger.problems.append(
            Problem(f"{len(missing)} of {len(ledger.planned_shards)} shards were not made yet: {shown}")
        )
