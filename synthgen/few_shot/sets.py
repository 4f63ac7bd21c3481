"""The experiment's sets on the disk: how many pictures they hold, what they hold, and the annotated one."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from synthgen.backends.model_files import find_model
from synthgen.few_shot.annotate import Annotator, annotated
from synthgen.observation import Observation
from synthgen.shards.observations import read_observations, write_observations
from synthgen.shards.shard import load_report
from synthgen.training import receipts

REAL = "real"


def count(folder: Path) -> int:
    """Return how many pictures the finished shards of a folder hold."""
    return sum(load_report(str(folder), tar.stem).accepted for tar in folder.glob("*.tar"))


def digest(folders: Sequence[str]) -> str:
    """Return a hash of what sets hold: their reports name the hashes of the tars."""
    reports = [tar.with_suffix(".json") for one in folders for tar in sorted(Path(one).glob("*.tar"))]
    return receipts.files_digest(reports)


def model_digest(model: str) -> str:
    """Return a hash of a model of the package, a folder or a file.

    Raises:
        FileNotFoundError: there is no such model.
    """
    return receipts.files_digest([find_model(model, "", _no_fetching)])


def _no_fetching(model_id: str, revision: str | None) -> str:
    raise FileNotFoundError(f"start: {model_id}: no such folder or file, and no model of the package")


def first(folder: str, number: int) -> list[Observation]:
    """Return the first pictures of a set."""
    return list(islice(read_observations(folder), number))


def annotate(train: str, folder: Path, number: int, annotator: Annotator, seed: int) -> None:
    """Write the first pictures of a set as a person would have labelled them, unless that is done.

    Args:
        train: folder with the whole truth.
        folder: that gets the pictures with 2D joints alone.
        number: of pictures.
        annotator: who looks at them.
        seed: of the errors.
    """
    inputs = receipts.combined(asdict(annotator), number, seed, digest([train]))
    tars = sorted(folder.glob("*.tar"))
    if tars and receipts.is_current(folder, inputs, tars):
        return
    folder.mkdir(parents=True, exist_ok=True)
    for tar in tars:
        tar.unlink()
    pictures = islice(read_observations(train), number)
    write_observations(str(folder), REAL, annotated(pictures, annotator, seed))
    receipts.write(folder, inputs, sorted(folder.glob("*.tar")))
