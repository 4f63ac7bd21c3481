"""The whole recipe at tiny size: every step, and every model in the class that loads the real one."""

import json
import shutil

import numpy as np
import pytest
import torch
from embedded_options import TINY
from safetensors.torch import load_file

from synthgen import run
from synthgen.backends.hmr2 import HMR2
from synthgen.backends.vposer import VPoser
from synthgen.embedded import steps
from synthgen.embedded.body_maps import COUNT
from synthgen.embedded.diffusion import Noise, open_latents
from synthgen.embedded.pictures import open_pictures
from synthgen.embedded.plan import Plan
from synthgen.embedded.redraw import RedrawLesson
from synthgen.embedded.workshop import RUNS, Workshop
from synthgen.run import import_recipe
from synthgen.scenes.poses import SPORTS


def test_every_step_leaves_figures_samples_and_a_receipt(place, trained):
    work = place / "work"
    assert (work / steps.REDRAWN / "receipt.json").is_file()
    assert np.load(work / steps.REDRAWN / "image.npy").std((1, 2, 3)).min() > 1
    for name in (name for name, step in steps.STEPS.items() if step.outputs):
        rows = (work / name / "metrics.jsonl").read_text().splitlines()
        assert json.loads(rows[-1])["step"] == 2 and np.isfinite(json.loads(rows[-1])["loss"])
        assert len(list((work / name).glob("sample-*.png"))) == 2
        assert (work / name / "receipt.json").is_file()
    assert {path.name for path in trained.iterdir()} == {
        *("draft", "redraw", "segmenter", "keypoints", "mesh", "prior")
    }
    assert not any(str(place) in path.read_text() for path in trained.rglob("*.json"))
    assert all(path.stat().st_size < 16e6 for path in trained.rglob("*.safetensors"))


def test_nothing_is_done_twice_and_changes_reach_what_depends_on_them(place, tmp_path, capsys):
    config = f"config={place / 'tiny.yaml'}"
    chosen = f"steps=[{','.join(steps.STEPS)}]"
    assert run.main([config, chosen]) == 0
    assert capsys.readouterr().out.count(": up to date\n") == len(steps.STEPS)
    copy = tmp_path / "copy"
    shutil.copytree(place, copy)
    moved = [f"work={copy / 'work'}", f"weights={copy / 'weights'}"]
    assert run.main([config, chosen, *moved, "vae.kl=0.001"]) == 0
    said = capsys.readouterr().out
    assert [name for name in steps.STEPS if f"{name}: done" in said] == [
        *("vae", "draft", "redraw", "redrawn", "segmenter", "keypoints")
    ]
    (copy / "weights" / "mesh" / "model.safetensors").write_bytes(b"")
    assert run.main([config, "steps=[mesh,prior]", *moved]) == 0
    assert "mesh: done" in (said := capsys.readouterr().out) and "prior: up to date" in said
    HMR2.from_folder(copy / "weights" / "mesh")


def test_training_goes_on_from_earlier_models(place, trained, tmp_path, capsys):
    config, later, work = f"config={place / 'tiny.yaml'}", tmp_path / "later", tmp_path / "work_later"
    overrides = [f"weights={later}", f"work={work}", f"start_from={trained}", "seed=5"]
    for run_name in RUNS:
        shutil.copytree(place / "work" / run_name, work / run_name)
    draft = ["draft.train_text=false", "draft.begin=redraw"]
    assert run.main([config, f"steps=[{','.join(steps.STEPS)}]", *overrides, *draft]) == 0
    assert capsys.readouterr().out.count(": done") == len(steps.STEPS)
    words = "draft/text_encoder/model.safetensors"
    assert (later / words).read_bytes() == (trained / words).read_bytes(), "the words keep their meaning"
    for folder in ("draft", "draft/vae", "redraw", "segmenter", "keypoints", "mesh", "prior"):
        rounds = json.loads((later / folder / "training.json").read_text())["rounds"]
        steps_taken = 4 if folder == "draft" else 2  # the draft begins with smaller pictures
        assert [(one["seed"], one["steps"]) for one in rounds] == [(0, steps_taken), (5, steps_taken)]
    before, after = (load_file(root / "prior" / "model.safetensors") for root in (trained, later))
    fresh = load_file(untrained_prior(place, tmp_path))
    name = next(name for name, value in before.items() if value.ndim == 2)
    moved, other = ((value[name].float() - before[name].float()).norm() for value in (after, fresh))
    assert 0 < moved < 0.2 * other
    assert run.main([config, "steps=[prior,mesh]", *overrides]) == 0
    assert capsys.readouterr().out.count(": up to date") == 2


def test_what_earlier_models_lack_is_trained_from_nothing(place, trained, tmp_path, capsys):
    (tmp_path / "start" / "draft").mkdir(parents=True)
    shutil.copytree(trained / "draft" / "vae", tmp_path / "start" / "draft" / "vae")
    for name in RUNS:
        shutil.copytree(place / "work" / name, tmp_path / "work" / name)
    where = [f"weights={tmp_path / 'weights'}", f"work={tmp_path / 'work'}"]
    overrides = [*where, f"start_from={tmp_path / 'start'}", "steps=[vae,draft,redraw,mesh]", "seed=5"]
    assert run.main([f"config={place / 'tiny.yaml'}", *overrides]) == 0
    logs = [
        tmp_path / "weights" / name / "training.json" for name in ("draft/vae", "draft", "redraw", "mesh")
    ]
    assert [len(json.loads(log.read_text())["rounds"]) for log in logs] == [2, 1, 1, 1]


def test_mesh_goes_on_with_the_heatmap_head_that_lies_beside_it(place, trained, tmp_path, capsys):
    start, where = tmp_path / "start", [f"weights={tmp_path / 'weights'}", f"work={tmp_path / 'work'}"]
    shutil.copytree(trained, start)
    for name in RUNS:
        shutil.copytree(place / "work" / name, tmp_path / "work" / name)
    kept = place / "work" / "mesh" / "head.safetensors"
    shutil.copy(kept, start / "mesh")
    chosen = [f"config={place / 'tiny.yaml'}", *where, f"start_from={start}", "steps=[mesh]", "seed=5"]
    still = ["mesh.training.learning_rate=1e-9"]
    assert run.main([*chosen, *still]) == 0
    before, after = load_file(kept), load_file(tmp_path / "work" / "mesh" / "head.safetensors")
    assert all(torch.allclose(before[name], after[name], atol=1e-4) for name in before)
    (start / "mesh" / "head.safetensors").unlink()
    assert run.main([*chosen, *still]) == 0, "without it, a fresh one is taught"
    fresh = load_file(tmp_path / "work" / "mesh" / "head.safetensors")
    assert not all(torch.allclose(before[name], fresh[name], atol=1e-4) for name in before)
    (start / "mesh" / "head.safetensors").write_bytes(b"no weights")
    capsys.readouterr()
    assert run.main(chosen) == 1
    assert "head.safetensors: not the weights of this part" in capsys.readouterr().err


def untrained_prior(place, folder):
    """Return the weights of a prior that starts from nothing, with another seed."""
    weights = folder / "nothing"
    overrides = ["steps=[prior]", f"weights={weights}", f"work={folder / 'nothing_work'}", "seed=6"]
    assert run.main([f"config={place / 'tiny.yaml'}", *overrides]) == 0
    return weights / "prior" / "model.safetensors"


def test_earlier_models_of_other_sizes_are_told(place, trained, tmp_path, capsys):
    config, where = f"config={place / 'tiny.yaml'}", [f"weights={tmp_path}", f"work={tmp_path / 'work'}"]
    assert run.main([config, "steps=[prior]", f"start_from={trained}", "prior.neurons=16", *where]) == 1
    assert "do not fit the sizes in the configuration" in capsys.readouterr().err
    assert run.main([config, "steps=[prior]", f"start_from={tmp_path / 'no'}", *where]) == 2
    assert "is no folder; give a weights folder" in capsys.readouterr().err
    assert run.main([config, "steps=[prior]", f"start_from={trained}", f"weights={trained}"]) == 2
    assert "start_from must not be the folder `weights`" in capsys.readouterr().err


def test_latents_carry_maps_of_bodies_which_redraw_is_not_shown(place, trained, monkeypatch):
    plan = Plan(options=TINY, work=place / "work", weights=trained, device="cpu", bf16=True, seed=0)
    shop = Workshop(name="redraw", inputs="", **vars(plan))
    latents, shown = open_latents(shop), []
    maps = latents.values[:, :, -COUNT:].astype(float)
    assert maps[0].std((0, 2, 3)).min() > 0.05
    np.testing.assert_array_equal(maps[1], maps[0][..., ::-1])
    lesson = RedrawLesson(shop, latents)

    def seen(self, predict, clean, draw, weight):
        shown.append(clean)
        return clean.sum()

    monkeypatch.setattr(Noise, "loss", seen)
    lesson.measure(lesson.model)
    assert shown[0][:, -COUNT:].eq(0).all() and shown[0][:, :-COUNT].std() > 0


def test_draft_and_redraw_draw(trained):
    from synthgen.backends.depth_to_image import DepthToImage
    from synthgen.backends.protocols import Guides
    from synthgen.backends.text_to_image import TextToImage

    draft = TextToImage(id=str(trained / "draft"), num_inference_steps=2)
    draft.setup()
    drafts = draft(["a skier in a tuck"], [""], [3])
    assert drafts.images.shape == (1, 128, 128, 3) and drafts.images.std() > 1
    redraw = DepthToImage(id=str(trained / "redraw"), num_inference_steps=2)
    redraw.setup()
    near = np.zeros((1, 128, 128))
    near[:, 40:90, 50:80] = 1
    again = redraw(Guides(drafts.images, near, near > 0), ["a skier"], [""], [4])
    assert again.shape == drafts.images.shape and not np.array_equal(again, drafts.images)


def test_segmenter_and_keypoints_find(trained, pictures):
    from synthgen.backends.segmenter import Segmentation
    from synthgen.backends.vitpose import ViTPose

    segmenter = Segmentation(id=str(trained / "segmenter"))
    segmenter.setup()
    (segments,) = segmenter([pictures.image[0]])
    assert segments.person.shape == (128, 128)
    keypoints = ViTPose(id=str(trained / "keypoints"))
    keypoints.setup()
    (found,) = keypoints([pictures.image[0]], [pictures.people.bbox[:1]])
    assert found.keypoints_2d.shape == (1, 17, 2)


def test_mesh_and_prior_load(trained):
    assert HMR2.from_folder(trained / "mesh").config.backbone.image_size == (64, 48)
    assert VPoser.from_folder(trained / "prior").config.latent_dim == TINY.prior.latent_dim


def test_sports_are_rendered_apart_from_everyday_people(tmp_path, monkeypatch):
    recipe, generate = import_recipe("train_embedded"), import_recipe("generate")
    asked = []

    def note(config):
        asked.append(config)
        return 0

    monkeypatch.setattr(generate, "main", note)
    assert run.main(["pipeline=train_embedded", "steps=[render]", f"work={tmp_path}", "seed=3"]) == 0
    assert tuple(config.run for config in asked) == RUNS
    everyday, sports = (config.source["families"] for config in asked)
    assert list(everyday) == ["everyday"] and sorted(sports) == sorted(SPORTS)
    assert asked[0].seed != asked[1].seed
    assert asked[0].num_samples + asked[1].num_samples >= 20000
    assert all(config.problems() == [] and config.output == str(tmp_path) for config in asked)
    assert recipe.Config().problems() == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("steps=[vea]", "steps: no step 'vea'; known: render, vae"),
        ("hours=0.2", "hours must be more than render.minutes"),
        ("vae.training.batch_size=0", "vae.training.batch_size must be at least 1, got 0"),
        ("mesh.training.ema_decay=1", "mesh.training.ema_decay must be in [0, 1), got 1.0"),
        ("render.sports=0", "render.everyday, render.sports and render.samples_per_shard must be at least 1"),
        ("seed=-1", "threads, seed and lanes must be at least 0, got 0, -1, 0"),
    ],
)
def test_wrong_options_are_told_before_anything_is_done(change, message, tmp_path, capsys):
    assert run.main(["config=embedded.yaml", f"work={tmp_path / 'work'}", change]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "work").exists()


def test_a_step_alone_needs_what_it_reads(tmp_path, capsys):
    overrides = [f"work={tmp_path / 'work'}", f"weights={tmp_path / 'weights'}", "steps=[redraw]"]
    assert run.main(["pipeline=train_embedded", *overrides]) == 1
    said = capsys.readouterr().err
    assert "redraw needs what vae makes" in said and "redraw needs what draft makes" in said


@pytest.mark.slow
def test_the_first_step_renders_shards_that_the_others_read(ray_cluster, tmp_path, capsys):
    tiny = ["render.everyday=3", "render.sports=3", "render.samples_per_shard=2", f"work={tmp_path}"]
    assert run.main(["pipeline=train_embedded", "steps=[render]", *tiny]) == 0
    pictures = open_pictures([str(tmp_path / name) for name in RUNS], tmp_path / "pictures")
    assert 4 <= len(pictures) <= 6 and pictures.size == 128
    assert set(pictures.families) <= {"everyday", *SPORTS} and "everyday" in pictures.families
    assert run.main(["pipeline=train_embedded", "steps=[render]", *tiny]) == 0
    assert capsys.readouterr().out.count("2 of 2 shards done, 0 to make") == 2


def test_too_few_heads_to_look_at_every_joint_are_told_before_anything_runs(capsys):
    assert run.main(["config=embedded.yaml", "mesh.decoder_heads=4"]) == 2
    assert "mesh.decoder_heads must be at least 17, one for each joint, got 4" in capsys.readouterr().err
    assert run.main(["config=embedded.yaml", "draft.min_cover=1"]) == 2
    assert "draft.min_cover must be in [0, 1), got 1.0" in capsys.readouterr().err
