"""Finds a model's files: a folder, one of the bundled models, or a hub id; and says what is missing.

Nothing is ever run from a model folder: remote code stays off, weights come from safetensors, or from `.bin`
files that PyTorch opens `weights_only`.
"""

import hashlib
import logging
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")
BUNDLED = "embedded/"  # ids of the models that come with the package: embedded/draft
BUNDLED_FOLDER = Path(__file__).parents[1] / "embedded" / "weights"
_BLOCK = 1 << 16  # bytes; files up to _BLOCKS of these are hashed whole, larger ones by that many samples
_BLOCKS = 64
_HUB_FILES = ["*.json", "*.txt", "*.safetensors"]


def find_model(
    model_id: str, revision: str, fetch: Callable[[str, str | None], str], source: str = ""
) -> Path:
    """Return the folder or file with a model.

    Args:
        model_id: path, "embedded/<name>", or hub id "owner/name".
        revision: branch, tag or commit on the hub; "" for the newest. Means nothing for a path.
        fetch: brings a hub id at a revision here, unless it is here already, and returns its folder.
        source: where a model that is not on the hub comes from, and its licence.

    Raises:
        FileNotFoundError: there is no such path, and the hub cannot give it.
    """
    path = Path(model_id).expanduser()
    if model_id.startswith(BUNDLED):
        path = BUNDLED_FOLDER / model_id.removeprefix(BUNDLED)
    if path.exists():
        return path.resolve()
    if model_id.startswith(BUNDLED):
        raise FileNotFoundError(
            f"{model_id}: not in {BUNDLED_FOLDER}; train the bundled models with "
            "`python -m synthgen.run config=embedded.yaml`, or set the id to a folder or hub id"
        )
    if not looks_like_hub_id(model_id):
        advice = f". {source}" if source else ""
        raise FileNotFoundError(
            f"{model_id}: no such file or folder (nor is it a hub id, owner/name){advice}"
        )
    return Path(_fetched(model_id, revision, fetch))


def looks_like_hub_id(model_id: str) -> bool:
    """Return whether a text can be `owner/name` on the hub."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(model_id)
    except HFValidationError:
        return False
    return model_id.count("/") == 1 and not model_id.startswith((".", "~"))


def fetch_files(model_id: str, revision: str | None) -> str:
    """Bring config, tokenizer and safetensors files of a hub id to this machine; for `find_model`."""
    from huggingface_hub import snapshot_download

    return snapshot_download(model_id, revision=revision, allow_patterns=_HUB_FILES)


def _fetched(model_id: str, revision: str, fetch: Callable[[str, str | None], str]) -> str:
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError

    is_out_of_reach = LocalEntryNotFoundError, ConnectionError, TimeoutError

    where = f"https://huggingface.co/{model_id}"
    at = f" at revision {revision!r}" if revision else ""
    try:
        return fetch(model_id, revision or None)
    except (HfHubHTTPError, OSError) as error:
        causes = list(_causes(error))
        if any(isinstance(cause, GatedRepoError) for cause in causes):
            reason = f"its licence has to be accepted first, at {where}; then `hf auth login`"
        elif any(isinstance(cause, is_out_of_reach) for cause in causes):
            reason = (
                f"not on this machine{at}, and the hub cannot be reached; fetch it where there is a network: "
                f"`hf download {model_id}`, or give the path of a copy. Licence: {where}"
            )
        else:
            reason = (
                f"the hub gives nothing under this id{at} ({_first(error)}). Look at {where}; a private or "
                "gated model needs `hf auth login`"
            )
        raise FileNotFoundError(f"{model_id}: {reason}") from error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@contextmanager
def reading(path: Path, wanted: str) -> Iterator[None]:
    """Turn what libraries raise over a folder into one clear error.

    Args:
        path: folder or file that is read inside.
        wanted: what it should hold, "a text-to-image pipeline of diffusers".

    Raises:
        FileNotFoundError: a file of the model is missing.
        ValueError: it is something else, damaged, or wants to run code.
    """
    from huggingface_hub.errors import HFValidationError
    from safetensors import SafetensorError

    quiet_libraries()
    try:
        yield
    except (SafetensorError, pickle.UnpicklingError, EOFError) as error:
        raise ValueError(f"{path}: weights are damaged, cut short, or no weights: {_first(error)}") from error
    except (OSError, HFValidationError) as error:
        raise FileNotFoundError(f"{path} is not {wanted}, or lacks files: {_first(error)}") from error
    except (ValueError, TypeError, KeyError, AttributeError, ImportError, RuntimeError) as error:
        raise ValueError(f"{path} is not {wanted}: {_first(error)}") from error


def _first(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def quiet_libraries() -> None:
    """Turn off the progress bars and advice of diffusers and transformers; errors are raised, not logged."""
    import diffusers
    import transformers

    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()
        library.utils.logging.set_verbosity_error()


def version_of(path: Path) -> str:
    """Return what tells these weights from others: the hub's commit, or a hash of the files.

    Large files are hashed by their size and samples spread over them: a new training run changes them all.
    """
    if path.parent.name == "snapshots" and len(path.name) == 40:
        return path.name
    digest = hashlib.sha256()
    for file in _files_of(path):
        size = file.stat().st_size
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        digest.update(f"{name}\0{size}\0".encode())
        with file.open("rb") as stream:
            if size <= _BLOCK * _BLOCKS:
                digest.update(stream.read())
                continue
            for number in range(_BLOCKS):
                stream.seek(number * (size - _BLOCK) // (_BLOCKS - 1))
                digest.update(stream.read(_BLOCK))
    return digest.hexdigest()[:16]


def _files_of(path: Path) -> list[Path]:
    """Return all files of a model; parts that it shares with another are links to folders right below it."""
    if not path.is_dir():
        return [path]
    linked = [part for part in path.iterdir() if part.is_symlink() and part.is_dir()]
    return sorted(file for folder in (path, *linked) for file in folder.rglob("*") if file.is_file())


def all_used(path: Path, missing: list[str], unexpected: list[str], mismatched: list[str]) -> None:
    """Raise ValueError unless every weight of the model was in the file; keys too many are only logged."""
    if missing or mismatched:
        wrong = [*missing, *mismatched]
        raise ValueError(
            f"{path}: {len(wrong)} weights are missing or of another shape "
            f"({', '.join(wrong[:4])}); the file belongs to another model"
        )
    if unexpected:
        logger.info("%s: %d weights are not used: %s", path, len(unexpected), ", ".join(unexpected[:4]))
