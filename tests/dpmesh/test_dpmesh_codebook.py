import multiprocessing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
from crops_and_labels import body_points, rotations

from synthgen.dpmesh.codebook import CodebookConfig, PoseCodebook, embedded_codebook_config
from synthgen.dpmesh.codebook_lesson import TRAINING, CodebookLesson
from synthgen.dpmesh.codebook_poses import LibraryOptions, PoseSet, draw_poses, poses_of
from synthgen.dpmesh.codebook_training import (
    CodebookLearner,
    CodebookOptions,
    angles_between,
    measure,
    mirrored,
)
from synthgen.geometry import rotvec_to_rotmat
from synthgen.joints import SMPL24
from synthgen.observation import Observation, ObservedPerson
from synthgen.sample import Person
from synthgen.training.journal import rows_of
from synthgen.training.loop import Desk, train
from synthgen.training.options import TrainingOptions

TINY = CodebookConfig(tokens=8, codes=32, code_dim=8, width=32, depth=1)
OPTIONS = CodebookOptions(sizes=TINY, mirror=False)


def codebook(config: CodebookConfig = TINY) -> PoseCodebook:
    torch.manual_seed(0)
    return PoseCodebook(config)


def poses(count: int = 8, seed: int = 3) -> torch.Tensor:
    return rotations(count, 24, seed=seed)


def learner(options: CodebookOptions = OPTIONS) -> CodebookLearner:
    torch.manual_seed(4)
    return CodebookLearner(options, body_points())


def lesson(options: CodebookOptions = OPTIONS, count: int = 50, seed: int = 5) -> CodebookLesson:
    poses = 0.3 * np.random.default_rng(0).standard_normal((count, 24, 3)).astype(np.float32)
    return CodebookLesson(options, poses, body_points(), 16, seed)


def weights(of: CodebookLesson) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in of.module.state_dict().items()}


def test_shapes_and_sizes_of_the_paper() -> None:
    config = CodebookConfig()
    assert (config.tokens, config.codes, config.code_dim) == (48, 2048, 256)
    coded = codebook(replace(config, width=16, depth=1))(poses(2))
    assert coded.features.shape == coded.codes.shape == (2, 48, 256)
    assert coded.tokens.shape == (2, 48)
    assert coded.rotmat.shape == (2, 24, 3, 3)


def test_embedded_codebook_is_small(tmp_path: Path) -> None:
    codebook(embedded_codebook_config()).save_folder(tmp_path, torch.float16)
    assert (tmp_path / "model.safetensors").stat().st_size < 500_000


def test_decodes_rotations_whatever_the_codes() -> None:
    found = codebook().decode(10 * torch.randn(5, 8, 8))
    assert torch.allclose(found @ found.mT, torch.eye(3).expand_as(found), atol=1e-5)
    assert torch.allclose(torch.linalg.det(found), torch.ones(5, 24), atol=1e-5)


def test_tokens_are_the_nearest_codes() -> None:
    model = codebook()
    features = torch.randn(6, 8, 8)
    gap = torch.cdist(features.flatten(0, 1), model.codes)
    assert torch.equal(model.quantize(features).flatten(), gap.argmin(-1))
    coded = model(poses(3))
    assert torch.equal(coded.codes, model.codes[coded.tokens])
    assert torch.allclose(model.decode_tokens(coded.tokens), coded.rotmat, atol=1e-5)


def test_gradients_pass_the_choice_straight_through() -> None:
    model, rotmat = codebook(), poses(2)
    coded = model(rotmat)
    coded.features.retain_grad()
    torch.autograd.backward(coded.rotmat[..., 0].sum())
    codes = coded.codes.detach().requires_grad_()
    torch.autograd.backward(model.decode(codes)[..., 0].sum())
    assert coded.features.grad.any()
    assert torch.allclose(coded.features.grad, codes.grad, atol=1e-5)
    assert not model.codes.requires_grad


def test_same_seed_same_codebook_whatever_was_drawn_before() -> None:
    first = weights(lesson())
    torch.randn(7)
    state = torch.get_rng_state()
    second = weights(lesson())
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(first["codebook.codes"], weights(lesson(seed=6))["codebook.codes"])


def test_learns_a_handful_of_poses() -> None:
    sizes = CodebookConfig(tokens=12, codes=64, code_dim=16, width=48, depth=1)
    model, batch = learner(replace(OPTIONS, sizes=sizes, decay=0.9)), poses(8)
    optimizer, steps = torch.optim.AdamW(model.parameters()), 220
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, steps, pct_start=0.1)
    begin = measure(model, batch)
    for step in range(steps):
        parts = model(batch, step)
        optimizer.zero_grad()
        torch.autograd.backward(parts["loss"])
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    end = measure(model, batch)
    assert begin["degrees"] > 20 and begin["usage"] < 0.5
    assert end["degrees"] < 5
    assert end["mm"] < 15
    assert end["usage"] > 0.8
    assert 30 < end["perplexity"] <= 64
    assert parts["loss"].item() < 0.1
    assert set(parts) == {"loss", "rotations", "joints", "commitment", "degrees", "codes"}


def test_stopped_training_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    options = replace(OPTIONS, mirror=True, least_use=0.5)
    training = TrainingOptions(6, learning_rate=1e-2, report_every=2, checkpoint_minutes=0.0)

    def trained(name: str, stop_at: int) -> CodebookLesson:
        course = lesson(options)
        batch, calls = course.batch, iter(range(100))

        def some(draw: object) -> tuple[torch.Tensor, int]:
            if next(calls) == stop_at:
                raise KeyboardInterrupt
            return batch(draw)

        course.batch = some
        train(course, training, Desk("codebook", str(tmp_path / name), "cpu", False, 0, "a"))
        return course

    want = weights(trained("whole", 50))
    with pytest.raises(KeyboardInterrupt):
        trained("broken", 4)
    found = weights(trained("broken", 50))
    assert all(torch.equal(want[name], found[name]) for name in want)
    rows = [
        [{name: row[name] for name in row if name != "seconds"} for row in rows_of(str(tmp_path / name))]
        for name in ("whole", "broken")
    ]
    assert rows[0] == rows[1]
    assert {"loss", "degrees", "held_mm", "held_perplexity"} <= set(rows[0][0])
    assert not torch.equal(want["codebook.codes"], weights(lesson(options))["codebook.codes"])


def share(rank: int, folder: str) -> None:
    store, patience = f"file://{folder}/store", timedelta(seconds=600)
    torch.distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=2, timeout=patience)
    model = learner(replace(OPTIONS, least_use=0.5)).train()
    for step in range(2):
        model(poses(4, seed=10 * rank + step), 100 * rank + step)
    torch.save(model.state_dict(), f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


def test_workers_share_their_codes(tmp_path: Path) -> None:
    other = multiprocessing.get_context("spawn").Process(target=share, args=(1, str(tmp_path)))
    other.start()
    share(0, str(tmp_path))
    other.join()
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    alone = learner(replace(OPTIONS, least_use=0.5)).train()
    for step in range(2):
        alone(poses(4, seed=step), step)
    assert not torch.equal(alone.sums, first["sums"])


def test_pictures_show_poses_and_what_came_back() -> None:
    picture = lesson().picture()
    assert picture.shape == (8 * 3, 2 * 216 + 8, 3)
    assert picture.dtype == np.uint8
    assert TRAINING.problems() == []


def test_codes_are_running_means_of_what_they_stand_for() -> None:
    model = CodebookLearner(replace(OPTIONS, decay=0.0, least_use=0.0, keep_root=True), body_points())
    rotmat = poses(16)
    model.train()
    model(rotmat, 0)  # puts the codes at features, then at the means of those nearest
    with torch.no_grad():
        coded = model.codebook(rotmat)
        model(rotmat, 1)
    features, tokens = coded.features.flatten(0, 1), coded.tokens.flatten()
    used = tokens.unique()
    assert len(used) > 8
    for token in used:
        mean = features[tokens == token].mean(0)
        assert torch.allclose(model.codebook.codes[token], mean, atol=1e-3)


def test_dead_codes_start_anew_at_features() -> None:
    model = CodebookLearner(replace(OPTIONS, decay=0.9), body_points())
    rotmat = poses(16)
    model.train()
    model(rotmat, 0)
    model.codebook.codes[3] = 1e3
    model.sums[3], model.uses[3] = 1e-3, 1e-6
    model(rotmat, 1)
    with torch.no_grad():
        features = model.codebook(model.prepared(rotmat, torch.Generator())).features.flatten(0, 1)
    assert (features - model.codebook.codes[3]).norm(dim=-1).min() < 1e-2
    assert model.uses[3].item() == pytest.approx(16 * 8 / 32)


def test_measuring_and_evaluating_change_nothing() -> None:
    model = CodebookLearner(OPTIONS, body_points())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.train()
    measure(model, poses(3))
    assert model.training
    model.eval()
    model(poses(3), 0)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_measures_by_hand() -> None:
    turned = torch.from_numpy(rotvec_to_rotmat(np.array([[0.0, 0, 0.5], [3.0, 0, 0], [0, 0, 0]])))
    angles = angles_between(turned, torch.eye(3).expand(3, 3, 3))
    assert angles.tolist() == pytest.approx([0.5, 3.0, 0.0], abs=1e-3)
    model = CodebookLearner(OPTIONS, body_points())
    model.codebook.codes.zero_()  # one pose for all, always the first code
    found = measure(model, poses(4))
    assert found["usage"] == 1 / 32
    assert found["perplexity"] == pytest.approx(1)


def test_the_root_costs_nothing_unless_it_is_kept() -> None:
    rotmat = poses(4)
    other = torch.cat([rotations(4, 1, seed=9, scale=2.0), rotmat[:, 1:]], 1)
    for keep_root, agrees in ((False, True), (True, False)):
        model = CodebookLearner(replace(OPTIONS, keep_root=keep_root), body_points()).eval()
        assert (model(rotmat, 0)["loss"] == model(other, 0)["loss"]).item() == agrees


def test_mirrored_poses_are_mirror_images() -> None:
    rotmat = poses(3)
    points = body_points()
    betas = torch.zeros(3, 10)
    names = list(SMPL24.flip_permutation())
    joints = points(rotmat, betas)[:, :24]
    image = points(mirrored(rotmat), betas)[:, :24]
    # The open body is the same on both sides to a millimetre.
    assert torch.allclose(image, joints[:, names] * torch.tensor([-1.0, 1, 1]), atol=5e-3)
    assert torch.allclose(mirrored(mirrored(rotmat)), rotmat)


def test_folder_round_trip(tmp_path: Path) -> None:
    model = codebook()
    model.save_folder(tmp_path)
    loaded = PoseCodebook.from_folder(tmp_path)
    assert loaded.config == TINY
    assert not loaded.training
    rotmat = poses(2)
    assert torch.equal(loaded(rotmat).rotmat, model(rotmat).rotmat)
    (tmp_path / "config.json").write_text('{"architecture": "VPoser"}')
    with pytest.raises(ValueError, match="architecture must be 'PoseCodebook'"):
        PoseCodebook.from_folder(tmp_path)


def test_library_poses_are_drawn_once(tmp_path: Path) -> None:
    options = LibraryOptions(poses=3, everyday=0.5)
    file = tmp_path / "deep" / "poses.npz"
    first = draw_poses(options, 1, file)
    assert first.shape == (3, 24, 3)
    assert np.array_equal(first, draw_poses(options, 1))
    written = file.stat().st_mtime_ns
    assert np.array_equal(draw_poses(options, 1, file), first)
    assert file.stat().st_mtime_ns == written
    other = draw_poses(options, 2, file)
    assert not np.array_equal(other, first)
    assert np.array_equal(draw_poses(options, 2, file), other)


def test_poses_of_pictures_are_their_known_ones() -> None:
    person = Person(
        np.full(3, 0.1, np.float32),
        np.full((23, 3), 0.2, np.float32),
        np.zeros(10, np.float32),
        np.zeros(3, np.float32),
    )
    box, none = np.array([0, 0, 5, 5], np.float32), np.zeros(17, np.float32)
    people = tuple(
        ObservedPerson(box, np.zeros((17, 2), np.float32), none, None, np.zeros(24, np.float32), known)
        for known in (person, None)
    )
    picture = Observation("a", np.zeros((8, 8, 3), np.uint8), None, people, "open", "test")
    found = poses_of([picture, picture])
    assert found.shape == (2, 24, 3)
    assert np.allclose(found[0, 0], 0.1) and np.allclose(found[0, 1:], 0.2)
    with pytest.raises(ValueError, match="no person with SMPL parameters"):
        poses_of([replace(picture, people=people[1:])])


def test_pose_sets_hold_poses_back() -> None:
    poses = np.random.default_rng(0).standard_normal((40, 24, 3)).astype(np.float32)
    found = PoseSet(poses)
    assert (len(found.train), len(found.held_out)) == (38, 2)
    draws = [found.draw(6, np.random.default_rng(seed)) for seed in (4, 4, 5)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert len(PoseSet(poses[:1]).train) == 1
    for wrong, word in ((poses[:, :21], "must be"), (poses[:0], "N >= 1"), (poses * np.nan, "in 40 of 40")):
        with pytest.raises(ValueError, match=word):
            PoseSet(wrong)


def test_bad_options_and_inputs_are_named() -> None:
    assert CodebookOptions().problems() == LibraryOptions().problems() == []
    wrong = CodebookOptions(commitment=-1.0, decay=1.0, least_use=float("nan"))
    assert [problem.split()[0] for problem in wrong.problems()] == ["commitment", "decay", "least_use"]
    assert len(LibraryOptions(poses=0, everyday=2.0).problems()) == 2
    with pytest.raises(ValueError, match="tokens must be at least 1, got 0"):
        CodebookConfig(tokens=0)
    with pytest.raises(ValueError, match=r"rotmat must be \(B, 24, 3, 3\), got \(2, 23, 3, 3\)"):
        codebook().encode(torch.zeros(2, 23, 3, 3))
