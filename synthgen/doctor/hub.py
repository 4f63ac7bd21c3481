"""Where a model's files are: on this machine, in the hub's cache, or on the hub, maybe behind a licence."""

from dataclasses import dataclass
from pathlib import Path

from synthgen.backends import model_files
from synthgen.doctor.finding import Level

ANSWER_S = 10.0  # patience with the hub
INDEX_FILES = ("model_index.json", "config.json")  # one of them is in every model's folder
LOG_IN = "`hf auth login`, or set HF_TOKEN to a token of your account on every node"


@dataclass(frozen=True)
class Place:
    """Where a model is, or why it is nowhere.

    Attributes:
        path: folder or file; None where it is not on this machine.
        level: of the finding that this makes by itself.
        text: what to tell.
        fix: what to do.
    """

    path: Path | None
    level: Level
    text: str
    fix: str = ""


def locate(model_id: str, revision: str, source: str = "") -> Place:
    """Find a model without fetching it.

    Args:
        model_id: path, embedded/<name> or hub id, as a backend's `id`.
        revision: of a hub id.
        source: where a model that is not on the hub comes from, and its licence.
    """
    path = Path(model_id).expanduser()
    if model_id.startswith(model_files.BUNDLED):
        path = model_files.BUNDLED_FOLDER / model_id.removeprefix(model_files.BUNDLED)
        if not path.exists():
            fix = "train it with config=embedded.yaml, or reinstall synthgen, which brings it"
            return Place(None, "FAIL", f"{model_id}: not in {path.parent}", fix)
    if path.exists():
        return Place(path.resolve(), "ok", model_id)
    if not model_files.looks_like_hub_id(model_id):
        fix = source or "give the path of a folder, embedded/<name>, or a hub id, owner/name"
        return Place(None, "FAIL", f"{model_id}: no such file or folder here", fix)
    cached = _cached(model_id, revision)
    if cached is not None:
        return Place(cached, "ok", f"{model_id}, in the hub's cache")
    return _on_hub(model_id, revision)


def _cached(model_id: str, revision: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    for name in INDEX_FILES:
        found = try_to_load_from_cache(model_id, name, revision=revision or None)
        if isinstance(found, str):
            return Path(found).parent
    return None


def _on_hub(model_id: str, revision: str) -> Place:
    from httpx2 import HTTPError  # of the hub's client, which lets failures of the network through
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    page = f"https://huggingface.co/{model_id}"
    at = f" at revision {revision}" if revision else ""
    command = f"`hf download {model_id}{f' --revision {revision}' if revision else ''}`"
    api = HfApi()
    try:
        info = api.model_info(model_id, revision=revision or None, timeout=ANSWER_S)
        if info.gated:
            api.auth_check(model_id)
    except GatedRepoError:
        fix = f"accept it at {page}; then {LOG_IN}"
        return Place(None, "FAIL", f"{model_id}: its licence has to be accepted first", fix)
    except RevisionNotFoundError:
        return Place(
            None, "FAIL", f"{model_id}: the hub has no revision {revision!r} of it", f"look at {page}"
        )
    except RepositoryNotFoundError:
        fix = f"look at {page}; a private one needs {LOG_IN}; a file or folder needs ./ in front"
        return Place(None, "FAIL", f"{model_id}: no such path here, and no such model on the hub", fix)
    except (HTTPError, OSError) as error:
        reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
        text = f"{model_id}{at}: not on this machine, and cannot ask the hub ({reason[0][:80]})"
        return Place(None, "warn", text, f"fetch it where there is a network: {command}; licence: {page}")
    text = f"{model_id}{at}: on the hub, not on this machine; the first run fetches it"
    return Place(
        None, "warn", text, f"fetch it before: {command}; on a cluster, HF_HOME in a folder of all nodes"
    )
