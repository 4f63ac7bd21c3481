from dataclasses import dataclass
from typing import Any

import pytest

from synthgen import backends
from synthgen.backends import BackendError, build


@dataclass(frozen=True)
class Painter:
    image_size: int = 256
    mode: str = "plain"

    def __post_init__(self) -> None:
        if not 64 <= self.image_size <= 512:
            raise ValueError(f"image_size must be in [64, 512], got {self.image_size}")


TABLE = {"painter": f"{__name__}:Painter", "printer": "no_such_module:Printer", "json": "json:dumps"}


def test_build_fills_the_backend() -> None:
    assert build(TABLE, {"backend": "painter", "image_size": 128}) == Painter(128)
    assert backends.complete(TABLE, {"backend": "painter", "mode": "oil"}) == {
        "backend": "painter",
        "image_size": 256,
        "mode": "oil",
    }


def test_all_problems_carry_the_path_of_the_node() -> None:
    node = {"backend": "painter", "image_size": 7, "mod": "oil", "mode": [1]}
    assert backends.problems(TABLE, node, "source") == [
        "unknown key 'source.mod'; did you mean 'mode'?",
        "source.mode must be str, got [1]",
        "source.image_size must be in [64, 512], got 7",
    ]
    assert backends.problems(TABLE, {"backend": "painter"}, "source") == []


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"backend": "panter"}, "source.backend: unknown backend 'panter'; did you mean 'painter'?"),
        ({"image_size": 128}, "source.backend is required; known: painter, printer, json"),
        ({"backend": 3}, "source.backend: unknown backend 3"),
        ({"backend": "printer"}, "source.backend: cannot import 'printer': No module named 'no_such_module'"),
        ({"backend": "json"}, "source.backend: 'json' is not a dataclass"),
    ],
)
def test_names_that_lead_nowhere(node: dict[str, Any], message: str) -> None:
    with pytest.raises(BackendError) as caught:
        build(TABLE, node, "source")
    assert caught.value.problems[0].startswith(message)


@pytest.mark.parametrize(
    ("name", "table"), [("source", backends.SOURCES), *((role, t) for role, t in backends.MODELS.items())]
)
def test_every_backend_builds_from_its_defaults(name: str, table: dict[str, str]) -> None:
    for backend in table:
        assert backends.complete(table, {"backend": backend}, name)["backend"] == backend


def test_models_are_checked_by_role(monkeypatch: Any) -> None:
    assert backends.model_problems({}) == []
    monkeypatch.setattr(backends, "MODELS", {})
    assert backends.model_problems({"draft": {}}) == [
        "unknown key 'models.draft'; this version knows no model roles"
    ]
    monkeypatch.setattr(backends, "MODELS", {"draft": TABLE})
    wrong = {"darft": {}, "draft": {"backend": "painter", "image_size": 1}}
    assert backends.model_problems(wrong) == [
        "unknown key 'models.darft'; did you mean 'draft'?",
        "models.draft.image_size must be in [64, 512], got 1",
    ]
    assert backends.model_problems({"draft": "sd"}) == ["models.draft must hold keys of its own, got 'sd'"]
