"""From shards to one of the formats, as a stream; the result is checked before it shows."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, get_args

import numpy as np

from synthgen import __version__, storage
from synthgen.exporters.columns import Columns
from synthgen.exporters.figures import Entry, Figure, complete
from synthgen.exporters.folder import RECORD, Pictures, new_folder
from synthgen.exporters.intake import Picture, read_pictures
from synthgen.exporters.ledger import Ledger
from synthgen.observation import same_mesh
from synthgen.sample import NUM_BETAS, Float
from synthgen.shards.bad_list import BAD_NAME, read_bad_list
from synthgen.shards.shard import CONFIG_NAME

Betas = Literal["smpl_only", "as_stored"]
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
SMPL = "smpl"
UNKNOWN = "unknown"
GENDERED = ("male", "female")
MAX_PROBLEMS = 20  # of a check, that are told


class Format(Protocol):
    """A dataclass of options that writes one format and reads it back as its trainer does.

    Attributes:
        needs_bodies: it wants joints that nobody measured, so people are posed; else labels are enough.
    """

    needs_bodies: ClassVar[bool]

    def problems(self) -> list[str]:
        """Return what is wrong with the options, one message each."""

    def write(self, entries: Iterable[Entry], desk: "Desk") -> None:
        """Write pictures and their people into `desk.folder`, and count them in `desk.ledger`."""

    def check(self, desk: "Desk") -> list[str]:
        """Load what was written as the trainer does, and return what is wrong with it."""


@dataclass(frozen=True)
class Task:
    """What is to be exported.

    Attributes:
        source: run folder or tar; local path or fsspec URL.
        output: folder that does not exist yet.
        name: of the data set.
        body: SMPL file of shards whose body is "smpl", for joints that nobody measured; male and female ones
            beside it are used too; "" for none.
        bad: file of keys to leave out; "auto" for the list beside the shards, where there is one, "none".
        betas: "smpl_only", or "as_stored" for those of other bodies too.
        overwrite: an earlier export at `output` is replaced.
        seed: of the order of rows, where a format wants them shuffled.
    """

    source: str
    output: str
    name: str
    body: str = ""
    bad: str = "auto"
    betas: Betas = "smpl_only"
    overwrite: bool = False
    seed: int = 0

    def problems(self) -> list[str]:
        """Return what is out of range."""
        found = []
        if not NAME.fullmatch(self.name):
            found.append(f"name must match {NAME.pattern}, got {self.name!r}")
        if self.betas not in get_args(Betas):
            found.append(f"betas must be one of {get_args(Betas)}, got {self.betas!r}")
        if self.body and not Path(self.body).expanduser().is_file():
            found.append(f"body must be an SMPL file or nothing, no such file: {self.body!r}")
        if self.seed < 0:
            found.append(f"seed must be at least 0, got {self.seed}")
        return found


@dataclass(frozen=True)
class Desk:
    """Where a format works.

    Attributes:
        task: what is to be exported.
        folder: to write into; under a temporary name until all is done.
        ledger: of what was written and left out.
        run_config: text of the config that made the shards; "" where there is none.
    """

    task: Task
    folder: Path
    ledger: Ledger
    run_config: str = ""

    @property
    def name(self) -> str:
        """Name of the data set."""
        return self.task.name

    def table(self, name: str = "rows") -> Columns:
        """Return a new table that grows on the disk."""
        return Columns(self.folder / f".{name}")

    def pictures(self, folder: str) -> Pictures:
        """Return a new folder of pictures."""
        return Pictures(self.folder / folder)

    def shape_of(self, figure: Figure) -> tuple[Float, bool]:
        """Return the neutral SMPL's betas (10,) of a person and whether they are known; 0 where they are not.

        Shape spaces of other bodies, SMPL's gendered ones among them, are their own: their betas are given
        only where the task asks for them.
        """
        person = figure.observed.person
        if person is None or (figure.body != SMPL and self.task.betas != "as_stored"):
            return np.zeros(NUM_BETAS, np.float32), False
        return person.betas.astype(np.float32), True

    def took(self, entry: Entry, figures: Iterable[Figure]) -> None:
        """Count a picture that was written, and those of its people that were."""
        chosen = list(figures)
        self.ledger.pictures += 1
        self.ledger.people += len(chosen)
        self.ledger.bodies.update(one.body for one in chosen if one.observed.person is not None)
        self.ledger.sources[entry.picture.notes.source] += 1
        made = entry.picture.record.get("provenance", {})
        models, revisions = made.get("models", {}), made.get("revisions", {})
        self.ledger.models.update(
            (role, model, str(revisions.get(role, UNKNOWN))) for role, model in models.items()
        )


def export(task: Task, form: Format, format_name: str, passed: Callable[[], None]) -> Ledger:
    """Write an export, check it, and put it in place.

    Args:
        task: what is to be exported.
        form: the format with its options.
        format_name: as the record calls it.
        passed: called once for each picture that was read.

    Returns:
        The counts.

    Raises:
        ValueError: shards are damaged, nothing is left to write, or the check fails; nothing is in place
            then.
        StorageError: a file cannot be read or written.
    """
    listed = bad_list_of(task)
    bad = read_bad_list(listed) if listed else frozenset[str]()
    ledger = Ledger()
    with new_folder(task.output, task.overwrite) as folder:
        desk = Desk(task, folder, ledger, _run_config(task.source))
        pictures = _watched(read_pictures(task.source, bad, ledger), passed)
        bodies = _bodies(task) if form.needs_bodies else {}
        form.write(complete(pictures, bodies), desk)
        if not ledger.people:
            reasons = "; ".join(ledger.lines()) or "the shards are empty"
            raise ValueError(f"{task.source}: nobody is left to export: {reasons}")
        storage.write_bytes(str(folder / RECORD), _record(desk, form, format_name))
        if found := form.check(desk):
            told = "\n".join(found[:MAX_PROBLEMS])
            raise ValueError(f"the export did not pass its check, {len(found)} problems:\n{told}")
    return ledger


def bad_list_of(task: Task) -> str:
    """Return which file lists the pictures to leave out; "" where there is none."""
    if task.bad != "auto":
        return "" if task.bad == "none" else task.bad
    beside = storage.join(_folder_of(task.source), BAD_NAME)
    return beside if storage.exists(beside) else ""


def warnings(ledger: Ledger, betas: Betas) -> list[str]:
    """Return what users of an export have to know of its bodies, one line each."""
    if ledger.names_bodies:
        what = "their betas do not; the field `body` says whose they are"
    elif betas == "as_stored":
        what = "their betas, written all the same (betas=as_stored), give other bodies there"
    else:
        what = "their betas do not, and are 0 here, marked as unknown where the format can"
    return [
        f"{count} people have body '{name}', which is not {'the neutral ' * same_mesh(name, SMPL)}SMPL: "
        f"their rotations mean the same on SMPL, {what}"
        for name, count in ledger.bodies.items()
        if name != SMPL
    ]


def _bodies(task: Task) -> dict[str, Any]:
    from synthgen.body import OPEN, OPEN_FILE
    from synthgen.body_file import read_body_file, smpl_file_in
    from synthgen.body_points import BodyPoints

    bodies = {OPEN: BodyPoints(read_body_file(OPEN_FILE))}
    if task.body:
        path = Path(task.body).expanduser()
        arrays = read_body_file(path)
        bodies[OPEN if arrays.is_open else SMPL] = BodyPoints(arrays)
        for gender in GENDERED:
            if (beside := smpl_file_in(path.parent, gender)) is not None:
                bodies[f"{SMPL}_{gender}"] = BodyPoints(read_body_file(beside))
    return bodies


def _watched(pictures: Iterable[Picture], passed: Callable[[], None]) -> Iterator[Picture]:
    for one in pictures:
        yield one
        passed()


def _run_config(source: str) -> str:
    url = storage.join(_folder_of(source), CONFIG_NAME)
    return storage.read_bytes(url, 1 << 20).decode("utf-8", "replace") if storage.exists(url) else ""


def _folder_of(source: str) -> str:
    return storage.split(source)[0] if source.endswith(".tar") else source


def _record(desk: Desk, form: Format, format_name: str) -> bytes:
    ledger, task = desk.ledger, desk.task
    options: Mapping[str, Any] = asdict(form) if is_dataclass(form) else {}
    record = {
        "format": format_name,
        "options": options,
        **{name: getattr(task, name) for name in ("source", "name", "betas", "seed")},
        "bad": bad_list_of(task),
        "synthgen_version": __version__,
        "pictures": ledger.pictures,
        "people": ledger.people,
        "left_out": dict(ledger.reasons.most_common()),
        "bodies": dict(ledger.bodies),
        "betas_are_smpl": ledger.bodies.keys() <= {SMPL},
        "notes": warnings(ledger, task.betas),
        "sources": dict(ledger.sources),
        "models": [
            {"role": role, "model": model, "revision": revision, "pictures": count}
            for (role, model, revision), count in sorted(ledger.models.items())
        ],
        "run_config": desk.run_config,
    }
    return (json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
