import re
from pathlib import Path
from typing import Any

import pytest

from synthgen import config as configs
from synthgen import run
from synthgen.backends.logistic_critic import read_critics
from synthgen.clues import CLUES
from synthgen.run import import_recipe

SETTINGS = ["pipeline=evaluate_verification", "models=embedded", "num_samples=2", "max_requests=32"]
WIDE = ["verify.min_iou=0", "verify.min_pck=0", "verify.min_oks=0", "verify.max_worst_joint=99"]
WIDE += ["verify.max_mpvpe_mm=9999", "verify.min_limb=0", "verify.min_support=0"]
WIDE += ["verify.min_trust=0", "verify.same_people=false"]


def shares(out: str) -> dict[str, float]:
    measured = out.partition("limits ")[0]
    rows = re.findall(r"^(\D+?)\s+([\d.]+) % of \d+", measured, re.M)
    return {name.strip(): float(share) for name, share in rows}


def test_limits_that_allow_everything_notice_nothing_and_strict_ones_notice_spoils(capsys: Any) -> None:
    assert run.main([*SETTINGS, *WIDE, "source.families={everyday: 1}"]) == 0
    loose = shares(capsys.readouterr().out)
    assert loose == {
        "limb turned": 0,
        "body shifted": 0,
        "sides swapped": 0,
        "all spoils": 0,
        "those that show": 0,
        "unspoiled": 0,
    }
    settings = [*SETTINGS, *WIDE, "verify.min_iou=0.8", "source.families={everyday: 1}"]
    assert run.main(settings) == 0
    strict = shares(capsys.readouterr().out)
    assert strict["body shifted"] == 100


def test_a_critic_is_fitted_written_and_used(tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "critic"
    asked = [*SETTINGS, "num_samples=5", "source.families={everyday: 1}", "models.critic.id=embedded/critic"]
    assert run.main([*asked, "verify.min_trust=0", f"critic={folder}", "accepted=0.7"]) == 0
    out = capsys.readouterr().out
    assert "with a critic fitted to four fifths of the pictures" in out and str(folder) in out
    before, after = (float(share) for share in re.findall(r"all spoils\s+([\d.]+) %", out))
    assert after > before, "the table under the critic is made with its trust"
    assert read_critics(folder)[False].names == CLUES and not (folder / "drawn.json").exists()
    assert run.main([*asked, "num_samples=1", f"models.critic.id={folder}"]) == 0
    assert run.main([*asked, "num_samples=2", "max_requests=2", "verify.min_trust=1"]) == 1
    assert "0 of 2 unspoiled labels accepted" in capsys.readouterr().out
    assert run.main([*asked, "num_samples=1", "verify.min_trust=0", f"critic={tmp_path / 'few'}"]) != 0
    assert "are too few to fit one, expected at least 5; raise num_samples" in capsys.readouterr().err
    assert not (tmp_path / "few").exists()


def test_too_few_accepted_labels_end_with_one_and_say_so(capsys: Any) -> None:
    assert run.main([*SETTINGS[:2], "num_samples=3", "max_requests=2", "verify.min_iou=1"]) == 1
    assert re.match(r"0 of [12] unspoiled labels accepted \(0.0 %\)", capsys.readouterr().out)


def test_models_are_needed_and_numbers_checked() -> None:
    recipe = import_recipe("evaluate_verification")
    with pytest.raises(configs.ConfigError) as caught:
        configs.load(recipe.Config, None, ["num_samples=0"])
    problems = caught.value.problems
    assert any("models.segmenter is needed" in problem for problem in problems)
    assert "num_samples must be at least 1, got 0" in problems


def test_a_spoil_that_changes_nothing_is_a_label_like_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rendered person's own silhouette has hair, clothes and shoes; labels are judged as bare bodies."""
    from synthgen.calibration import Trial, rates
    from synthgen.stages import spoil

    recipe = import_recipe("evaluate_verification")
    monkeypatch.setattr(spoil, "SPOILS", {"nothing": lambda person, body, rng: person})
    trials: list[Trial] = []
    monkeypatch.setattr("synthgen.calibration.rates", lambda *args: trials.extend(args[0]) or rates(*args))
    settings = [*SETTINGS[1:], *WIDE, "source.families={everyday: 1}"]
    assert recipe.main(configs.load(recipe.Config, None, settings)) == 0
    for trial in trials[:2]:
        same = trial.spoiled["nothing"]
        assert same is not None and "nothing" not in trial.shows
        assert {n: v.tolist() for n, v in same.clues.items()} == {
            n: v.tolist() for n, v in trial.right.clues.items()
        }
    assert len(trials) >= 2
