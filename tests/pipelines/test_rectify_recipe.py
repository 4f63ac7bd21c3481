"""What rectify is worth has a command: counts by reason, errors where the truth is known, pictures."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthgen import config as configs
from synthgen import run
from synthgen.agreement import Agreement, Verification
from synthgen.run import import_recipe

RUN = """
pipeline: generate
run: quick
models: embedded
source: {backend: render, image_size: 128, families: {everyday: 1}, second_person: 0}
verify: {renders: true, min_pck: 1}
"""
QUICK = "models.refiner={backend: score, iterations: 1, start: 4, step: 2, polish: 2, attempts: 1}"


def test_rejections_and_spoiled_labels_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "quick.yaml").write_text(RUN)
    output = tmp_path / "out"
    settings = [f"run={tmp_path / 'quick.yaml'}", f"settings=['{QUICK}']", f"output={output}", "threads=1"]
    assert run.main(["config=rectify_evaluate.yaml", *settings, "num_requests=2", "truths=1"]) == 0
    said = capsys.readouterr().out
    accepted, judged = map(int, re.findall(r"(\d+) of (\d+) pictures pass without help", said)[0])
    tables = json.loads((output / "rectification.json").read_text())
    both = tables["redraws"].pop("of masks and joints")
    assert (
        both["turned_away"] == judged - accepted == sum(r["turned_away"] for r in tables["redraws"].values())
    )
    shifted = tables["spoiled"]["body shifted"]
    assert shifted["turned_away"] == 1 and 0 <= shifted["rectified"] <= 1
    assert all(name in said for name in tables["spoiled"])
    assert sum(row["labels"] for row in tables["spoiled"].values()) == 4, "right, and spoiled in three ways"
    reject, rectify = tables["accepted"]["reject"], tables["accepted"]["rectify"]
    assert reject["accepted"] == 4 - sum(row["turned_away"] for row in tables["spoiled"].values())
    back = sum(row["rectified"] for row in tables["spoiled"].values())
    assert rectify["accepted"] == reject["accepted"] + back and "  rectify: " in said
    assert tables["accepted"]["rectified"]["accepted"] == back and "  rectified: " in said
    drawn = sorted(output.glob("*.jpg"))
    assert drawn and Image.open(drawn[0]).size[0] == 3 * 320


def test_wrong_labels_that_rectify_lets_through_are_seen() -> None:
    """What fits were turned away for and what came of them: one was right as it was, one is right now, one is
    accepted but wrong, one given up."""
    recipe = import_recipe("evaluate_rectification")
    near, far = recipe.Errors(20.0, 0.05), recipe.Errors(80.0, 0.2)
    trials = [
        recipe.Trial("right", None, None, passes, accepted, errors)
        for passes, accepted, errors in (
            (True, True, (near, near)),
            (False, True, (far, near)),
            (False, True, (far, far)),
            (False, False, (far, far)),
        )
    ]
    assert recipe._trust(trials, "reject") == {"accepted": 1, "wrong": 0, "pa_mpjpe": 20}
    assert recipe._trust(trials, "rectified") == {"accepted": 2, "wrong": 1, "pa_mpjpe": 50}
    assert recipe._trust(trials, "rectify") == {"accepted": 3, "wrong": 1, "pa_mpjpe": 40}
    row = recipe._total(trials)
    assert (row["labels"], row["turned_away"], row["rectified"], row["nearer"]) == (4, 3, 2, 0.5)


def test_its_reasons_are_those_of_verification() -> None:
    """Each reason that is counted as one of masks and joints can be given; the others are another number of
    people and another body."""
    fine = Agreement(1, *(np.array([value]) for value in (1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0)))
    bad = {"iou": 0.0, "pck": 0.0, "oks": 0.0, "worst_joint": 9.0, "limb": 0.0, "support": 0.0, "trust": 0.0}
    limits = Verification(min_limb=0.5)
    given = {limits.reason(replace(fine, **{name: np.array([value])})) for name, value in bad.items()}
    assert given == set(import_recipe("evaluate_rectification").OF_MASKS_AND_JOINTS)


def test_wrong_numbers_are_named() -> None:
    with pytest.raises(configs.ConfigError) as caught:
        configs.load(import_recipe("evaluate_rectification").Config, None, ["num_requests=-1", "truths=-1"])
    assert caught.value.problems == [
        "num_requests must be at least 0, got -1",
        "truths must be at least 0, got -1",
    ]
    with pytest.raises(configs.ConfigError, match="one of num_requests and truths must be at least 1"):
        configs.load(import_recipe("evaluate_rectification").Config, None, ["num_requests=0", "truths=0"])
