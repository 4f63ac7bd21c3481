from pathlib import Path
from typing import Any

import pytest
from small_files import write_config

from synthgen.doctor.hub import locate

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Response:
    headers: dict[str, str] = {}
    request = None
    text = ""
    status_code = 401


def answer(monkeypatch: pytest.MonkeyPatch, info: Any, access: Exception | None = None) -> None:
    """Let the hub answer a question for a model with `info`, and one for access with `access`."""
    import huggingface_hub

    def respond(value: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        return value

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: respond(info))
    monkeypatch.setattr(huggingface_hub.HfApi, "auth_check", lambda *_, **__: respond(access))


class Info:
    def __init__(self, gated: Any) -> None:
        self.gated = gated


def test_paths_are_found_and_others_say_where_to_get_them(tmp_path: Path) -> None:
    place = locate(str(tmp_path), "")
    assert (place.path, place.level) == (tmp_path.resolve(), "ok")
    place = locate("./models/V02_05", "", "VPoser comes from somewhere")
    assert place.level == "FAIL" and place.path is None and place.fix == "VPoser comes from somewhere"
    assert locate("embedded/nothing", "").level == "FAIL"
    assert locate("embedded/draft", "").level == "ok"


def test_without_a_network_the_doctor_warns_and_says_what_to_fetch(offline: Path) -> None:
    place = locate("owner/name", "v2")
    assert place.level == "warn" and "cannot ask the hub" in place.text
    assert "hf download owner/name --revision v2" in place.fix
    assert "https://huggingface.co/owner/name" in place.fix


def test_what_the_cache_holds_needs_no_network(offline: Path) -> None:
    repo = offline / "models--owner--name"
    write_config(repo / "snapshots" / COMMIT)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(COMMIT)
    assert locate("owner/name", "").path == repo / "snapshots" / COMMIT
    assert locate("owner/name", COMMIT).text == "owner/name, in the hub's cache"


def test_the_hub_knows_it_and_lets_everybody_in(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, Info(False), AssertionError("needs no access"))
    place = locate("owner/name", "")
    assert (place.level, place.path) == ("warn", None) and "the first run fetches it" in place.text


@pytest.mark.parametrize("gated_at", ["question", "access"])
def test_a_licence_to_accept_is_named(offline: Path, monkeypatch: pytest.MonkeyPatch, gated_at: str) -> None:
    from huggingface_hub.errors import GatedRepoError

    error = GatedRepoError("403 Client Error", response=Response())  # type: ignore[arg-type]
    answer(monkeypatch, error if gated_at == "question" else Info("auto"), error)
    place = locate("owner/name", "")
    assert place.level == "FAIL" and "licence" in place.text
    assert place.fix.startswith("accept it at https://huggingface.co/owner/name; then `hf auth login`")
    assert "HF_TOKEN" in place.fix


def test_a_gated_model_with_access_is_fine(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, Info("manual"))
    assert locate("owner/name", "").level == "warn"


def test_unknown_models_and_revisions_fail(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    answer(monkeypatch, RepositoryNotFoundError("401 Client Error", response=Response()))  # type: ignore[arg-type]
    place = locate("models/V02_05", "")
    assert place.level == "FAIL" and "./ in front" in place.fix
    answer(monkeypatch, RevisionNotFoundError("404 Client Error", response=Response()))  # type: ignore[arg-type]
    assert "no revision 'v9'" in locate("owner/name", "v9").text
