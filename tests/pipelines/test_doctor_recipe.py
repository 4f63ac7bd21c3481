from pathlib import Path
from typing import Any

import pytest

from synthgen import run
from synthgen.cluster import ADDRESS_VARIABLE

CONFIG = """\
# A small run
pipeline: generate
run: words
num_samples: 20
renderer: warp
models: embedded
source: {backend: text}
prompts: {templates: [a photo of a skier]}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv(ADDRESS_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words.yaml").write_text(CONFIG)
    return "config=words.yaml"


def subjects(lines: list[str]) -> dict[str, str]:
    return {
        line.split()[1]: line.split()[0] for line in lines if line[:1].strip() and line.split()[0] != "words:"
    }


def test_a_run_on_the_models_of_the_package_is_ready(config: str, tmp_path: Path, capsys: Any) -> None:
    assert run.main(["pipeline=doctor", config]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = subjects(lines)
    roles = ("draft", "redraw", "segmenter", "keypoints", "mesh", "prior", "critic")
    assert {told[f"models.{role}"] for role in roles} == {"ok"}
    rest = ("python", "packages", "config", "body", "renderer", "gpu", "ray", "memory", "output")
    assert set(told) == {f"models.{role}" for role in roles} | set(rest)
    assert "FAIL" not in told.values() and lines[-1].startswith("words: 16 checks")
    assert {path.name for path in tmp_path.iterdir()} == {"words.yaml"}, "nothing is made"


def test_what_is_missing_for_real_models_is_told_at_once(config: str, capsys: Any) -> None:
    assert run.main(["pipeline=doctor", config, "models=paper"]) == 1
    out = capsys.readouterr().out
    told = subjects(out.splitlines())
    assert (told["models.draft"], told["models.mesh"], told["models.prior"]) == ("warn", "FAIL", "FAIL")
    assert told["body"] == "FAIL" and told["output"] == "ok"
    assert "hf download sd2-community/stable-diffusion-2-depth" in out
    assert "register at smpl.is.tue.mpg.de" in out
    assert out.splitlines()[-1].startswith("words: 15 checks: 3 FAIL, ")


def test_wrong_values_do_not_keep_the_rest_from_being_checked(config: str, capsys: Any) -> None:
    wrong = ["seed=-1", "body=none.pkl", "models.draft.num_inference_steps=0"]
    assert run.main(["pipeline=doctor", config, *wrong]) == 1
    out = capsys.readouterr().out
    assert "FAIL  config" in out and "seed must be at least 0, got -1" in out
    assert "models.draft.num_inference_steps must be in [1, 1000], got 0" in out
    told = subjects(out.splitlines())
    assert told["models.redraw"] == "ok" and told["body"] == "FAIL"
    assert out.count("none.pkl") == 1


def test_keys_that_no_run_has_are_errors_of_the_command(config: str, capsys: Any) -> None:
    assert run.main(["pipeline=doctor", config, "num_sample=3"]) == 2
    assert "unknown key 'num_sample'; did you mean 'num_samples'?" in capsys.readouterr().err


def test_roles_that_a_run_does_not_load_are_not_asked_for(config: str, capsys: Any) -> None:
    assert run.main(["pipeline=doctor", config, "source={backend: render}", "models=paper"]) == 0
    assert "models." not in capsys.readouterr().out


def test_the_help_shows_the_keys_of_a_run(config: str, capsys: Any) -> None:
    assert run.main(["pipeline=doctor", "--help"]) == 0
    out = capsys.readouterr().out
    assert "Keys of doctor" in out and "num_samples: int" in out and "requests to make" in out
