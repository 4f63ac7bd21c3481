"""DPMesh learns from shards: its losses fall, a teacher holds a student, a stop costs nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from dpmesh_parts import TINY
from people import observe, only_2d
from tiny_diffusion import diffusion

from synthgen.dpmesh import starts
from synthgen.dpmesh.augment import Augmentation
from synthgen.dpmesh.config import UNTRAINED, DPMeshConfig, embedded_config
from synthgen.dpmesh.keypoint_noise import NoiseOptions, corrupt
from synthgen.dpmesh.lesson import MeshLesson
from synthgen.dpmesh.losses import LossOptions, pelvis_relative
from synthgen.dpmesh.objective import LifterObjective, Objective, ObjectiveOptions, share_frozen
from synthgen.dpmesh.starts import fresh_model, open_model
from synthgen.dpmesh.stream import CropStream, Source, StreamOptions
from synthgen.dpmesh.training import TrainingPlan, body_points, is_done, train_model, with_inputs
from synthgen.metrics import mpjpe
from synthgen.sample import Sample
from synthgen.shards.observations import write_observations
from synthgen.training import frozen
from synthgen.training.devices import has_fast_bf16
from synthgen.training.journal import rows_of
from synthgen.training.loop import Desk, train
from synthgen.training.options import TrainingOptions

MakeSample = Callable[..., Sample]
SMALL = replace(TINY, crop_size=64, pose_head="rot6d", control_rank=2, dropout=0.0, decoder_layers=1)
BY_HEART = LossOptions(keypoints_3d=20.0, keypoints_2d=1.0, cascade=0.5, smpl=0.1, betas=0.1)
OPTIONS = TrainingOptions(4, 2, learning_rate=1e-3, ema_decay=0.9, report_every=2, picture_every=1)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory, make_sample: MakeSample) -> str:
    """Return a folder with eight pictures of one person, all labels known."""
    folder = str(tmp_path_factory.mktemp("shards"))
    write_observations(folder, "made", [observe(make_sample(index)) for index in range(8)], shard_size=4)
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> DPMeshConfig:
    """Return sizes of a model beside a frozen one of few layers."""
    return replace(SMALL, folder=str(diffusion(tmp_path_factory.mktemp("diffusion"))))


@pytest.fixture(scope="module")
def plan(shards, small):
    """Return plan(folder, **changes), a short training into a folder."""

    def make(folder, **changes):
        given = {
            "name": "small", "start": "", "model": small, "teacher": "", "sources": (Source(shards),),
            "data": StreamOptions(min_box=4), "objective": ObjectiveOptions(), "training": OPTIONS,
            "work": str(folder / "work"), "output": str(folder / "out"), "seed": 3,
        }  # fmt: skip
        return with_inputs(TrainingPlan(**given | changes))

    return make


def without_seconds(one):
    return [{key: row[key] for key in row if key != "seconds"} for row in rows_of(one.work)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, shards, plan):
    """Return a finished training of a teacher, measured on the pictures it learns from."""
    done = plan(tmp_path_factory.mktemp("trained"), held_out=(Source(shards),), held_batches=1)
    train_model(done, "cpu")
    return done


def test_a_training_ends_as_a_folder_with_rows_and_pictures(trained, small):
    rows = rows_of(trained.work)
    assert [row["step"] for row in rows] == [2, 4]
    losses = {"loss", "keypoints_2d", "keypoints_3d", "smpl", "cascade"}
    assert losses | {"held_mpjpe", "held_pa_mpjpe", "held_2d"} <= set(rows[-1])
    model = open_model(trained.output)
    fresh = fresh_model(small, trained.seed)
    begun, ended = fresh.trainable(), model.trainable()
    moved = {name for name, value in begun.items() if not torch.equal(value, ended[name])}
    # Low-rank updates begin at zero, with gradients of zero for half of them.
    assert len(moved) > 0.8 * len(begun)
    frozen = {name: value for name, value in fresh.named_parameters() if not value.requires_grad}
    assert all(torch.equal(value, model.get_parameter(name)) for name, value in frozen.items())
    assert list(Path(trained.work).glob("sample-*.png")) and is_done(trained)


def test_it_is_done_until_its_inputs_or_its_output_change(trained, tmp_path):
    assert not is_done(with_inputs(replace(trained, seed=4)))
    assert is_done(with_inputs(replace(trained, name="another")))
    assert not is_done(replace(trained, output=str(tmp_path)))


def test_a_stopped_training_goes_on_bit_for_bit(plan, small, tmp_path, monkeypatch):
    often = replace(OPTIONS, checkpoint_minutes=0.0)
    noisy = {"noise": NoiseOptions(), "model": replace(small, dropout=0.2), "training": often}
    whole, broken = plan(tmp_path / "whole", **noisy), plan(tmp_path / "broken", **noisy)
    train_model(whole, "cpu")
    taken, batch = [], MeshLesson.batch

    def failing(self, draw):
        taken.append(1)
        if len(taken) == 4:  # the first one was for the memory estimate
            raise KeyboardInterrupt
        return batch(self, draw)

    with monkeypatch.context() as patch:
        patch.setattr(MeshLesson, "batch", failing)
        with pytest.raises(KeyboardInterrupt):
            train_model(broken, "cpu")
    train_model(broken, "cpu")
    assert without_seconds(whole) == without_seconds(broken)
    ends = [open_model(one.output).state_dict() for one in (whole, broken)]
    assert all(torch.equal(value, ends[1][key]) for key, value in ends[0].items())


def test_a_student_is_held_to_a_frozen_teacher(trained, plan, tmp_path):
    student = plan(
        tmp_path, start=trained.output, teacher=trained.output, noise=NoiseOptions(), dtype="float16"
    )
    train_model(student, "cpu")
    assert {"reasoning_simclr", "reasoning_mse"} <= set(rows_of(student.work)[-1])
    before, after = open_model(trained.output), open_model(student.output)
    pairs = [(value, after.trainable()[name]) for name, value in before.trainable().items()]
    assert any(not torch.equal(one, other) for one, other in pairs)


def test_teacher_and_student_hold_what_is_frozen_once(trained):
    model, teacher = open_model(trained.output), open_model(trained.output)
    share_frozen(model, teacher)
    own = dict(model.named_parameters())
    for name, value in teacher.named_parameters():
        if name in own:  # a frozen weight that two parts share is known by one of its names
            assert (value is own[name]) == (not own[name].requires_grad), name
    objective = Objective(model, body_points("open"), ObjectiveOptions(), teacher)
    assert {name.split(".")[0] for name, _ in objective.named_parameters()} == {"model"}


def test_the_frozen_encoder_looks_once_at_what_teacher_and_student_both_see(trained, small):
    """And nothing changes by that: other memory with the same pictures gives the same losses."""
    teacher, student = open_model(trained.output), fresh_model(small, 8)
    objective = Objective(student, body_points("open"), ObjectiveOptions(), teacher)
    with CropStream(trained.sources, StreamOptions(side=64, min_box=4), 3, 0) as stream:
        clean, labels = next(stream)
    looked = []
    for one in (teacher, student):
        one.backbone.vae.encoder.register_forward_hook(lambda *_: looked.append(1))
    noisy = corrupt(clean, NoiseOptions(), torch.Generator().manual_seed(0))
    found = objective(noisy, labels, clean)
    assert len(looked) == 1 and found["reasoning_mse"] > 0
    apart = objective(noisy, labels, replace(clean, images=clean.images.clone()))
    assert len(looked) == 3
    assert all(torch.equal(value, apart[name]) for name, value in found.items())


def test_pictures_with_2d_joints_alone_teach_what_they_can(plan, tmp_path, make_sample):
    folder = tmp_path / "real"
    folder.mkdir()
    found = [observe(make_sample(index)) for index in range(4)]
    found = [replace(one, camera=None, people=tuple(map(only_2d, one.people))) for one in found]
    write_observations(str(folder), "real", found)
    objective = ObjectiveOptions(LossOptions(unknown_camera=0.01), learned_weights=True)
    one = plan(tmp_path, sources=(Source(str(folder)),), objective=objective)
    train_model(one, "cpu")
    last = rows_of(one.work)[-1]
    assert last["keypoints_3d"] == last["smpl"] == 0 and last["keypoints_2d"] > 0


def test_bfloat16_training_rounds_what_is_frozen_only_while_it_lasts(plan, small, tmp_path, monkeypatch):
    """A model that no folder holds gets its own frozen weights back; measuring is in bfloat16, too."""
    model, held = replace(small, folder=UNTRAINED), {"held_out": plan(tmp_path).sources, "held_batches": 1}
    one = plan(tmp_path, model=model, bf16=True, training=replace(OPTIONS, steps=2), **held)
    seen, learn = [], MeshLesson.batch

    def watching(self, draw):
        seen.append(self.module.model.backbone.vae.encoder.conv_in.weight.dtype)
        return learn(self, draw)

    monkeypatch.setattr(MeshLesson, "batch", watching)
    train_model(one, "cpu")
    assert set(seen) == {torch.bfloat16} and rows_of(one.work)[-1]["held_mpjpe"] > 0
    ended = open_model(one.output)
    still = {n: v for n, v in fresh_model(model, one.seed).named_parameters() if not v.requires_grad}
    assert still and all(torch.equal(value, ended.get_parameter(name)) for name, value in still.items())


@pytest.mark.parametrize(("checkpointing", "accumulate"), [(True, 1), (False, 2)])
def test_what_saves_memory_learns_the_same(plan, tmp_path, checkpointing, accumulate):
    """Two batches of one are one batch of two, and computing twice is no other result."""
    still = StreamOptions(min_box=4, augmentation=Augmentation.none())
    options = replace(OPTIONS, ema_decay=0.0, steps=2)
    saving = replace(options, checkpointing=checkpointing, accumulate=accumulate, batch_size=2 // accumulate)
    plans = [
        plan(tmp_path / name, data=still, training=one)
        for name, one in (("plain", options), ("saving", saving))
    ]
    for one in plans:
        train_model(one, "cpu")
    plain, saved = (rows_of(one.work)[-1]["loss"] for one in plans)
    assert saved == pytest.approx(plain, rel=1e-3)


def test_starts_are_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: no such file or folder"):
        open_model(str(tmp_path / "nowhere"))
    (tmp_path / "model.pth.tar").write_bytes(b"no checkpoint")
    with pytest.raises(ValueError, match="leave diffusion empty"):
        open_model(str(tmp_path / "model.pth.tar"), "somewhere")
    with pytest.raises(ValueError, match="model.pth.tar"):
        open_model(str(tmp_path / "model.pth.tar"))
    with pytest.raises(FileNotFoundError, match="give a folder that train_dpmesh or adapt wrote"):
        open_model("owner/name")
    assert starts.EMBEDDED == "embedded/dpmesh"


@pytest.fixture
def one_thread():
    """Sums do not depend on the machine's cores, and small products are no slower."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Always:
    """A stream of one batch."""

    def __init__(self, batch):
        self._batch = batch

    def __next__(self):
        return self._batch

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        assert state == {}


def learnt_by_heart(model, shards, options, folder, lifting=None) -> tuple[float, float]:
    """Return MPJPE [mm] of one batch before and after it was learnt; its latents are computed once.

    With `lifting` the lifter learns first, alone, as in the recipes.
    """
    side = model.config.crop_size
    still = StreamOptions(side=side, min_box=4, augmentation=Augmentation.none())
    with CropStream([Source(shards)], still, options.batch_size, 0) as stream:
        crops, labels = next(stream)
    latents = model.backbone.latents(crops.images)
    model.backbone.latents = lambda images: latents[: len(images)]
    objective, bf16 = Objective(model, body_points("open"), ObjectiveOptions(BY_HEART)), has_fast_bf16("cpu")
    if bf16:
        frozen.halve(model.backbone)

    def error():
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            found = pelvis_relative(model.eval()(crops), objective.points)
        return float(mpjpe(found.float().numpy(), labels.keypoints_3d.numpy()).mean())

    before = error()
    if lifting is not None:
        first = LifterObjective(model, objective.points, objective.options)
        train(
            MeshLesson(first, Always((crops, labels)), None),
            lifting,
            Desk("lifter", str(folder / "lifter"), "cpu", False, 0, "x"),
        )
        first.release()
    lesson = MeshLesson(objective, Always((crops, labels)), None, bf16=bf16)
    train(lesson, options, Desk("by heart", str(folder), "cpu", bf16, 0, "x"))
    return before, error()


def test_two_samples_are_learnt_by_heart(shards, small, tmp_path, one_thread):
    options = TrainingOptions(80, 2, learning_rate=1e-2, schedule="cosine", warmup=3, report_every=80)
    before, after = learnt_by_heart(fresh_model(small, 0), shards, options, tmp_path)
    assert before > 100 and after < 20


@pytest.mark.slow
def test_the_embedded_model_learns_eight_samples_by_heart(shards, tmp_path, one_thread):
    """To less than 10 mm: first its lifter, then all of it, through the package's frozen backbone."""
    model = fresh_model(embedded_config(), 0)
    model.backbone.to(memory_format=torch.channels_last)
    common = {"schedule": "cosine", "warmup": 5, "report_every": 10, "optimizer": "muon"}
    whole = TrainingOptions(12, 8, learning_rate=1e-3, **common)
    lifting = TrainingOptions(500, 8, learning_rate=5e-3, **common)
    before, after = learnt_by_heart(model, shards, whole, tmp_path, lifting)
    assert before > 150 and after < 10
