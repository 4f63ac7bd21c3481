import shutil

import pytest

from synthgen.embedded.exam import ledger, parts
from synthgen.embedded.exam.ledger import Entry
from synthgen.embedded.exam.models import Models


@pytest.fixture
def weights(trained, tmp_path):
    shutil.copytree(trained, tmp_path / "weights")
    return tmp_path / "weights"


def digest(weights, part, **nodes):
    return ledger.weights_digest(Models(weights, nodes=nodes), parts.PARTS[part].folders)


def entry(value):
    return Entry(value, 7, "cpu", "2 renders", {"pck": 0.5, "pck/ski": 0.25}, ["keypoints"], {"words": ["a"]})


def test_entries_come_back_as_they_were_written(tmp_path):
    assert ledger.read(tmp_path) == {}
    entries = {"keypoints": entry("x"), "mesh": entry("y")}
    ledger.write(tmp_path, entries)
    assert ledger.read(tmp_path) == entries


def test_figures_of_other_weights_are_dropped(weights):
    before = {part: digest(weights, part) for part in parts.PARTS}
    entries = {part: entry(value) for part, value in before.items()}
    assert ledger.current(entries, before) == entries
    path = weights / "segmenter" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    after = {part: digest(weights, part) for part in parts.PARTS}
    dropped = set(entries) - set(ledger.current(entries, after))
    assert dropped == {"draft", "redraw", "segmenter", "speed"}


def test_the_log_of_the_training_may_change_and_options_may_not(weights):
    before = digest(weights, "redraw")
    (weights / "redraw" / "training.json").write_text("{}")
    assert digest(weights, "redraw") == before
    assert digest(weights, "redraw", redraw={"strength": 0.7, "id": "elsewhere"}) == before  # its default
    assert digest(weights, "redraw", redraw={"strength": 0.123}) != before


def test_a_missing_model_has_no_hash_and_no_figures(weights):
    before = digest(weights, "draft")
    shutil.rmtree(weights / "draft" / "unet")  # its VAE is still there
    assert digest(weights, "draft") == ""
    assert ledger.current({"draft": entry(before)}, {"draft": ""}) == {}
    assert ledger.current({"draft": entry("")}, {"draft": ""}) == {}


def test_missing_models_are_told_with_what_can_be_measured(weights):
    assert parts.problems(list(parts.PARTS), weights) == []
    shutil.rmtree(weights / "redraw")
    shutil.rmtree(weights / "mesh")
    assert parts.problems(["vae", "prior"], weights) == []
    (problem,) = parts.problems(["redraw", "mesh"], weights)
    assert "holds no weights of mesh, redraw" in problem
    assert problem.endswith("parts=[vae,draft,segmenter,keypoints,prior]")


def test_seeds_of_the_training_are_refused(weights):
    assert parts.seed_problems(1_000_000, weights) == []
    problems = parts.seed_problems(0, weights)  # all were trained with seed 0
    assert len(problems) == 7 and "seed=0: draft/vae was trained with seed 0" in problems[0]
    (weights / "prior" / "training.json").write_text('{"rounds": [{"seed": 2030}]}')
    (problem,) = parts.seed_problems(4000, weights)  # its pictures would have come from 4060 and 4061
    assert "prior was trained with seed 2030" in problem
