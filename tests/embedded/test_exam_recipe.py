"""The recipe end to end on tiny models."""

import json
import re
import shutil
from functools import partialmethod

import pytest

from synthgen import run
from synthgen.embedded.exam import parts, targets
from synthgen.embedded.exam.probe import Probe
from synthgen.run import import_recipe

FEW = ["pictures=1", "drafts=6", "redraws=1", "probe=1", "threads=1", "device=cpu"]
FEW += [f"models.{role}.num_inference_steps=2" for role in ("draft", "redraw")]


@pytest.fixture
def evaluate(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(Probe, "learn", partialmethod(Probe.learn, steps=4))  # of drafts that are noise
    shutil.copytree(trained, tmp_path / "weights")
    places = [f"{key}={tmp_path / name}" for key, name in
              (("weights", "weights"), ("card", "card/MODELS.md"), ("work", "work"))]  # fmt: skip

    def start(*overrides):
        return run.main(["config=embedded_evaluate.yaml", *FEW, *places, *overrides])

    return start


def figures(folder):
    return json.loads((folder / "work" / "figures.json").read_text())


def test_everything_is_measured_and_parts_alone_keep_the_rest(evaluate, tmp_path, capsys):
    assert evaluate() == 0
    said, text = capsys.readouterr().out, (tmp_path / "card" / "MODELS.md").read_text()
    assert list(figures(tmp_path)) == list(parts.PARTS)
    assert "not measured" not in said and "not measured" not in text.replace("Not measured", "")
    for row in targets.ROWS:
        assert f"| {row.words} | " in text and f"{row.words} " in said
    shown = re.findall(r"\]\((models/[^)]+)\)", text)
    assert {path.name for path in (tmp_path / "card" / "models").iterdir()} == {name[7:] for name in shown}
    assert len(shown) == 6 and str(tmp_path) not in text
    first = figures(tmp_path)

    assert evaluate("parts=[segmenter,keypoints,prior]") == 0  # the same seed finds the same
    assert figures(tmp_path) == first

    path = tmp_path / "weights" / "mesh" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-2] + b"\x00\x00")
    assert evaluate("parts=[prior]", "seed=5000") == 0
    assert "mesh: figures on record belong to other weights; dropped" in capsys.readouterr().out
    assert set(figures(tmp_path)) == set(parts.PARTS) - {"mesh", "speed"}
    text = (tmp_path / "card" / "MODELS.md").read_text()
    assert "Not measured on these weights: mesh, speed." in text and "mesh.jpg" not in text
    assert not (tmp_path / "card" / "models" / "mesh.jpg").exists()
    assert figures(tmp_path)["vae"] == first["vae"] and figures(tmp_path)["prior"] != first["prior"]


def test_missing_models_and_seeds_of_the_training_are_told_at_once(evaluate, tmp_path, capsys):
    shutil.rmtree(tmp_path / "weights" / "segmenter")
    assert evaluate("seed=0") == 1
    said = capsys.readouterr().err
    assert "holds no weights of segmenter; train them with" in said
    assert "seed=0: mesh was trained with seed 0" in said
    assert not (tmp_path / "card").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("parts=[vea]", "parts: no part 'vea'; known: vae, draft"),
        ("pictures=0", "pictures must be at least 1, got 0"),
        ("seed=-1", "threads and seed must be at least 0, got 0, -1"),
        ("card=MODELS.txt", "card must be the path of a .md file, got 'MODELS.txt'"),
        ("drfats=3", "unknown key 'drfats'"),
        ("models.draft.steps=3", "models.draft.steps"),
    ],
)
def test_wrong_keys_are_told_before_anything_is_done(change, message, tmp_path, capsys):
    assert run.main(["config=embedded_evaluate.yaml", f"work={tmp_path / 'work'}", change]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "work").exists()


def test_fresh_pictures_do_not_depend_on_how_many_are_asked_for():
    recipe = import_recipe("evaluate_embedded")
    three = recipe.render(128, "ski", 3, 99, True)
    (one,) = recipe.render(128, "ski", 1, 99, True)
    assert (one.image == three[0].image).all() and one.request.prompt == three[0].request.prompt
    assert all(len(sample.labels) == 1 and sample.labels[0].family == "ski" for sample in three)
