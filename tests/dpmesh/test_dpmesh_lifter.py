"""The lifter sees keypoints alone, learns alone, and regressors correct what it says."""

from dataclasses import replace

import pytest
import torch
from dpmesh_parts import TINY, crops
from people import observe

from synthgen.dpmesh.augment import Augmentation
from synthgen.dpmesh.batch import Bodies, Crops
from synthgen.dpmesh.model import DPMesh
from synthgen.dpmesh.objective import LifterObjective, ObjectiveOptions
from synthgen.dpmesh.starts import has_lifter, with_lifter
from synthgen.dpmesh.stream import CropStream, Source, StreamOptions
from synthgen.dpmesh.training import body_points
from synthgen.shards.observations import write_observations

LIFTED = replace(TINY, lifter_width=24, pose_head="rot6d")
REGRESSORS = ("cascade", "recurrent")


def fresh(config) -> DPMesh:
    torch.manual_seed(0)
    return DPMesh(config).eval()


def same(first: Bodies, second: Bodies) -> bool:
    names = ("rotmat", "betas", "transl")
    return all(torch.allclose(getattr(first, name), getattr(second, name), atol=1e-5) for name in names)


def test_joints_that_were_not_observed_do_not_count_and_no_number_is_no_place():
    model, given = fresh(LIFTED), crops(128)
    given.confidence[:, 3] = 0
    moved = given.keypoints_2d.clone()
    moved[:, 3] = torch.nan
    assert same(model.lifted_bodies(given), model.lifted_bodies(replace(given, keypoints_2d=moved)))
    moved = given.keypoints_2d.clone()
    moved[:, given.confidence.all(0).nonzero()[0]] += 30
    assert not same(model.lifted_bodies(given), model.lifted_bodies(replace(given, keypoints_2d=moved)))
    seen = model.lifted_bodies(replace(given, confidence=torch.ones_like(given.confidence)))
    assert not same(model.lifted_bodies(given), seen), "a joint at zero is not one that was not seen"


@pytest.mark.parametrize("regressor", REGRESSORS)
def test_a_model_that_gets_a_lifter_answers_as_it_does_and_then_corrects_it(regressor):
    old = fresh(replace(LIFTED, lifter_width=0, regressor=regressor))
    model, given = with_lifter(old, 24), crops(128)
    assert model.config.lifter_width == 24
    before, after = old.state_dict(), model.state_dict()
    kept = [name for name in before if "backbone" in name]
    assert kept and all(torch.equal(before[name], after[name]) for name in kept)
    with torch.no_grad():
        assert same(model(given), model.lifted_bodies(given)) and not same(model(given), old(given))
        for value in model.trainable().values():
            value += 0.02 * torch.randn_like(value)
        assert not same(model(given), model.lifted_bodies(given))


@pytest.mark.parametrize("regressor", REGRESSORS)
def test_what_the_lifter_says_reaches_the_answer(regressor):
    model, given = fresh(replace(LIFTED, regressor=regressor)), crops(128)
    with torch.no_grad():
        before = model(given)
        model.lifter.out.bias += 0.3
        assert not same(before, model(given))


def test_folders_keep_it(tmp_path):
    model, given = fresh(LIFTED), crops(128)
    model.save_folder(tmp_path / "with")
    fresh(replace(LIFTED, lifter_width=0)).save_folder(tmp_path / "without")
    assert has_lifter(str(tmp_path / "with")) and not has_lifter(str(tmp_path / "without"))
    with torch.no_grad():
        assert same(DPMesh.from_folder(tmp_path / "with")(given), model(given))


def test_it_learns_alone_and_from_keypoints(tmp_path, make_sample):
    write_observations(
        str(tmp_path), "made", [observe(make_sample(index)) for index in range(8)], shard_size=8
    )
    model = fresh(LIFTED)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    objective = LifterObjective(model, body_points("open"), ObjectiveOptions())
    options = StreamOptions(128, min_box=4, images=False, augmentation=Augmentation.none())
    with CropStream([Source(str(tmp_path))], options, 8, 0) as stream:
        given, labels = next(stream)
    optimizer = torch.optim.Adam([one for one in objective.parameters() if one.requires_grad], 3e-3)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        found = objective(given, labels, given)
        found["loss"].backward()
        optimizer.step()
        losses.append(float(found["keypoints_3d"]))
    assert losses[-1] < 0.5 * losses[0]
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert moved and all(name.startswith("lifter.") for name in moved)
    assert not same(model(given), model.lifted_bodies(given))
    learnt = set(fresh(LIFTED).trainable())
    assert set(model.trainable()) != learnt
    objective.release()
    assert set(model.trainable()) == learnt
    assert same(model(given), model.lifted_bodies(given)), "old corrections would be those of another lifter"


def test_crops_without_images_are_the_same_but_black(tmp_path, make_sample):
    write_observations(
        str(tmp_path), "made", [observe(make_sample(index)) for index in range(4)], shard_size=4
    )
    found: list[Crops] = []
    for images in (True, False):
        options = StreamOptions(64, min_box=4, images=images)
        with CropStream([Source(str(tmp_path))], options, 4, 3) as stream:
            found.append(next(stream)[0])
    assert found[0].images.any() and not found[1].images.any()
    assert found[0].images.shape == found[1].images.shape
    assert all(torch.equal(getattr(found[0], n), getattr(found[1], n)) for n in ("keypoints_2d", "cam_int"))


def test_a_model_without_one_says_so():
    model = fresh(TINY)
    with pytest.raises(ValueError, match="no lifter"):
        model.lifted_bodies(crops(128))
    with pytest.raises(ValueError, match="none can learn"):
        LifterObjective(model, body_points("open"), ObjectiveOptions())
