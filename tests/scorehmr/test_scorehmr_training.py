"""The denoiser learns, a stopped training goes on as if it had not been, features are kept on disk."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from synthgen.backends.protocols import MeshEstimate
from synthgen.geometry import rot6d_to_rotmat, rotvec_to_rotmat
from synthgen.sample import Person
from synthgen.scorehmr.denoiser import DenoiserConfig, ScoreDenoiser
from synthgen.scorehmr.features import FeatureStats, open_features, pose6d, stats_of, vectors
from synthgen.scorehmr.pose_rows import pictured, with_motions
from synthgen.scorehmr.schedule import cosine_schedule
from synthgen.scorehmr.training import (
    CHECKPOINT,
    Desk,
    ScoreRows,
    ScoreTraining,
    noised,
    rows_of,
    train_score,
)

OPTIONS = ScoreTraining(steps=40, batch_size=16, learning_rate=2e-3, ema_start=4, report_every=20)
BARS = cosine_schedule(100).alphas_cumprod


def model() -> ScoreDenoiser:
    torch.manual_seed(0)
    return ScoreDenoiser(
        DenoiserConfig(pose_features=6, hidden=32, num_blocks=1, time_width=32, num_steps=100)
    )


def rows(count: int = 64) -> ScoreRows:
    rng = np.random.default_rng(1)
    conditions = rng.normal(size=(count, 6)).astype(np.float32)
    poses = np.repeat(conditions, 24, 1)[:, :144].astype(np.float32)
    return ScoreRows(poses, conditions, np.arange(count) % 8 == 0)


class Estimator:
    """Estimates everybody in the same pose; counts what it is asked."""

    body = "open"
    version = "estimator-1"

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, images, boxes, cam_ints):  # type: ignore[no-untyped-def]
        self.asked += len(images)
        person = Person(np.zeros(3), np.full((23, 3), 0.1), np.arange(10.0), np.array([0, 0, 3.0]))
        return [
            MeshEstimate((person,) * len(found), np.ones((len(found), 5, 4), np.float32)) for found in boxes
        ]


def test_a_denoiser_learns_what_features_say(tmp_path: Path) -> None:
    train_score(model(), BARS, rows(), replace(OPTIONS, steps=150, learning_rate=5e-3), Desk(tmp_path))
    losses = [row["loss"] for row in rows_of(tmp_path)]
    assert losses[-1] < 0.7 * losses[0] and rows_of(tmp_path)[-1]["step"] == 150
    assert np.isfinite(rows_of(tmp_path)[-1]["held_out_loss"])


def test_a_stopped_training_goes_on_bit_for_bit(tmp_path: Path) -> None:
    whole = train_score(model(), BARS, rows(), OPTIONS, Desk(tmp_path / "whole"))
    desk = Desk(tmp_path / "parts")
    options = replace(OPTIONS, drop_features=0.3, feature_noise=0.1)
    train_score(model(), BARS, rows(), replace(OPTIONS, steps=17), desk)
    resumed = train_score(model(), BARS, rows(), OPTIONS, desk)
    for ours, theirs in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    other = train_score(model(), BARS, rows(), options, Desk(tmp_path / "parts", inputs="other"))
    assert rows_of(tmp_path / "parts")[0]["step"] == 20, "a checkpoint of other inputs is not used"
    assert not torch.equal(next(other.parameters()), next(resumed.parameters()))


def test_a_loss_that_is_no_number_stops_the_training(tmp_path: Path) -> None:
    bad = rows()
    broken = ScoreRows(bad.poses * np.float32(np.inf), bad.conditions, bad.held_out)
    with pytest.raises(ValueError, match="loss is nan at step 20; lower learning_rate"):
        train_score(model(), BARS, broken, OPTIONS, Desk(tmp_path))
    assert not (tmp_path / CHECKPOINT).exists()


def test_noise_follows_the_schedule() -> None:
    poses, noise = torch.ones(2, 3), torch.full((2, 3), 2.0)
    found = noised(poses, noise, torch.tensor([1.0, 0.0]))
    assert torch.equal(found, torch.stack([poses[0], noise[1]]))


def test_features_are_computed_once_and_belong_to_shards_and_weights(run_dir: Path, tmp_path: Path) -> None:
    estimator = Estimator()
    found = open_features([str(run_dir)], estimator, tmp_path / "cache")
    people = len(found)
    assert found.features.shape == (people, 4 + 144 + 10 + 1) and found.poses.shape == (people, 144)
    assert found.held_out[0] and not found.held_out.all() and set(found.families) == {"ski"}
    asked = estimator.asked
    assert np.array_equal(open_features([str(run_dir)], estimator, tmp_path / "cache").poses, found.poses)
    assert estimator.asked == asked
    estimator.version = "estimator-2"
    assert open_features([str(run_dir)], estimator, tmp_path / "cache").version == "estimator-2"
    assert estimator.asked == 2 * asked
    estimator.body = "smpl"
    estimator.version = "estimator-3"
    with pytest.raises(ValueError, match="its bodies are open, the estimator's are smpl"):
        open_features([str(run_dir)], estimator, tmp_path / "cache")
    with pytest.raises(ValueError, match="no shards here"):
        open_features([str(tmp_path)], estimator, tmp_path / "cache")


def test_statistics_standardise_and_come_back_from_their_file(run_dir: Path, tmp_path: Path) -> None:
    found = open_features([str(run_dir)], Estimator(), tmp_path / "cache")
    stats = stats_of(found)
    assert stats.mean[-1] == 0 and stats.std[-1] == 1, "the flag that something is known stays 1"
    stats.save(tmp_path / "stats.npz")
    again = FeatureStats.load(tmp_path / "stats.npz")
    assert again.version == "estimator-1" and np.array_equal(again.mean, stats.mean)
    assert np.isfinite(stats.standardise(found.features)).all()
    with pytest.raises(ValueError, match="they come from another estimator"):
        stats.standardise(found.features[:, :7])
    with pytest.raises(FileNotFoundError, match=r"steps=\[stats\] makes them"):
        FeatureStats.load(tmp_path / "nothing.npz")
    np.savez(tmp_path / "odd.npz", mean=np.zeros(3))
    with pytest.raises(ValueError, match=r"expected an \.npz with mean and std"):
        FeatureStats.load(tmp_path / "odd.npz")


def test_poses_are_the_columns_of_rotations() -> None:
    person = Person(np.array([0.3, 0, 0]), np.full((23, 3), 0.2), np.zeros(10), np.zeros(3))
    found = rot6d_to_rotmat(pose6d([person])[0].reshape(24, 6).astype(np.float64))
    assert np.allclose(found[0], rotvec_to_rotmat(person.global_orient), atol=1e-6)
    assert np.allclose(found[1:], rotvec_to_rotmat(person.body_pose), atol=1e-6)
    assert vectors(MeshEstimate((), np.zeros((0, 5, 4), np.float32))).shape == (0, 159)


def test_motions_come_without_features(run_dir: Path, tmp_path: Path) -> None:
    known = open_features([str(run_dir)], Estimator(), tmp_path / "cache")
    lesson = pictured(known, stats_of(known))
    motion = tmp_path / "walk.npz"
    np.savez(motion, poses=np.random.default_rng(0).normal(0, 0.2, (5, 72)))
    more = with_motions(lesson, [str(motion)], 3, seed=0)
    assert len(more.poses) == len(lesson.poses) + 3 and not more.held_out[-3:].any()
    assert not more.conditions[-3:].any() and more.conditions[: len(lesson.poses), -1].all()


def test_wrong_options_are_named() -> None:
    options = ScoreTraining(steps=0, learning_rate=0, ema_decay=2, schedule="linear", drop_features=-1)
    assert len(options.problems()) == 5 and ScoreTraining().problems() == []
    with pytest.raises(ValueError, match="no row to train on"):
        ScoreRows(np.zeros((2, 3), np.float32), np.zeros((2, 1), np.float32), np.ones(2, bool))
    json.dumps(vars(ScoreTraining()))
