"""`adapt` from a trained folder, generated shards and real ones with 2D keypoints alone, to a folder."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_diffusion import diffusion

from synthgen import run
from synthgen.dpmesh.codebook import CodebookConfig
from synthgen.dpmesh.config import DPMeshConfig
from synthgen.dpmesh.starts import fresh_model, open_model, with_lifter
from synthgen.observation import Observation, ObservedPerson
from synthgen.shards.observations import read_observations, write_observations
from synthgen.shards.shard import Shard, write_shard
from synthgen.training.journal import rows_of

SMALL = DPMeshConfig(
    crop_size=64, lora_rank=2, control_rank=2, feature_channels=32, width=16,
    num_heads=2, encoder_layers=1, decoder_layers=1, lifting_width=16, mlp_width=16, pose_head="rot6d",
    codebook=CodebookConfig(tokens=4, codes=8, code_dim=8, width=8, depth=1),
)  # fmt: skip


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("start")
    frozen = diffusion(tmp_path_factory.mktemp("diffusion"))
    fresh_model(replace(SMALL, folder=str(frozen)), 0).save_folder(folder)
    return str(folder)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory, make_sample) -> str:
    folder = tmp_path_factory.mktemp("ski")
    items = [make_sample(index) for index in range(6)]
    write_shard(str(folder), Shard("ski", 0, 0, len(items), "0" * 64), items, {})
    return str(folder)


def observed(sample, **changes) -> Observation:
    """Return a picture whose people have 2D keypoints, and what `changes` say."""
    people = tuple(
        ObservedPerson(
            bbox=label.bbox, keypoints_2d=label.keypoints_2d, confidence_2d=np.ones(17, np.float32),
            keypoints_3d=None, confidence_3d=np.zeros(24, np.float32), person=None,
        )
        for label in sample.labels
    )  # fmt: skip
    return replace(
        Observation(sample.request.key, sample.image, None, people, "open", "real/train"), **changes
    )


@pytest.fixture(scope="module")
def real(tmp_path_factory, make_sample) -> str:
    folder = str(tmp_path_factory.mktemp("real"))
    write_observations(
        folder, "real", [observed(make_sample(index)) for index in range(10, 15)], shard_size=3
    )
    return folder


def settings(start, folder, *more):
    places = [f"start={start}", f"work={folder / 'work'}", f"output={folder / 'out'}"]
    small = ["data.min_box=4", "training.batch_size=2", "threads=1", "device=cpu"]
    return ["config=ski_adapt.yaml", *places, *small, *more]


def test_real_pictures_get_bodies_first_where_that_is_wanted(start, real, tmp_path, capsys):
    quick = "shards: x\nguidance: {iterations: 1, start: 4, step: 2, samples: 0}\noverlays: 0\n"
    (tmp_path / "fit.yaml").write_text(f"pipeline: refine\nmodels: embedded\n{quick}")
    command = settings(start, tmp_path, "synthetic=[]", f"real=[{real}]", "steps=1")
    command += [f"pseudo_labels={tmp_path / 'fit.yaml'}"]
    assert run.main(command) == 0
    assert rows_of(str(tmp_path / "work"))[-1]["smpl"] > 0, "pictures with joints alone have no such loss"
    made = list(read_observations(str(tmp_path / "work" / "pseudo_labels" / "0")))
    assert made and all(person.person is not None for one in made for person in one.people)
    assert "people fitted" in capsys.readouterr().out
    assert run.main(command) == 0 and "people fitted" not in capsys.readouterr().out


def test_both_kinds_of_pictures_make_a_folder_that_loads(start, synthetic, real, tmp_path, capsys):
    command = settings(
        start, tmp_path, f"synthetic=[{synthetic}]", f"real=[{real}]", "num_real=2", "epochs=1"
    )
    assert run.main(command) == 0
    assert f"model: {tmp_path / 'out'}" in capsys.readouterr().out
    row = rows_of(str(tmp_path / "work"))[-1]
    assert row["step"] == 4 and row["smpl"] > 0  # six and two pictures in batches of two
    before, after = open_model(start), open_model(str(tmp_path / "out"))
    assert any(not torch.equal(value, after.trainable()[name]) for name, value in before.trainable().items())
    assert run.main(command) == 0
    assert "adapt: up to date" in capsys.readouterr().out


def test_the_lifter_learns_first_unless_it_is_to_stay(start, synthetic, tmp_path, capsys):
    lifting = tmp_path / "lifting"
    with_lifter(open_model(start), 8).save_folder(lifting)
    command = settings(
        str(lifting), tmp_path, f"synthetic=[{synthetic}]", "steps=1", "lifter.steps=2", "lifter.warmup=0"
    )
    assert run.main(command) == 0
    assert "adapt lifter: metrics" in capsys.readouterr().out
    before, after = (open_model(str(one)).lifter.state_dict() for one in (lifting, tmp_path / "out"))
    assert not torch.allclose(before["enter.weight"], after["enter.weight"], atol=1e-3)
    assert run.main(command) == 0
    assert capsys.readouterr().out.count("up to date") == 2
    assert run.main([*command, "lift=false"]) == 0 and "adapt lifter" not in capsys.readouterr().out
    still = open_model(str(tmp_path / "out")).lifter.state_dict()
    assert torch.allclose(before["enter.weight"], still["enter.weight"], atol=1e-3)  # half precision


def test_real_pictures_alone_teach_2d(start, real, tmp_path):
    entry = f"real=[{{path: {real}, weight: 2, num_samples: 3}}]"
    assert run.main(settings(start, tmp_path, "synthetic=[]", entry, "steps=1")) == 0
    row = rows_of(str(tmp_path / "work"))[-1]
    assert row["smpl"] == row["keypoints_3d"] == 0 and row["keypoints_2d"] > 0


def test_weights_and_numbers_are_shared_by_size(synthetic, real):
    recipe = run.import_recipe("adapt")
    found = recipe.chosen([synthetic, real], 2.0, 7, 5)
    assert [(one.num_samples, one.seed) for one in found] == [(4, 5), (3, 5)]
    assert sum(one.weight for one in found) == pytest.approx(2.0)
    assert [one.num_samples for one in recipe.chosen([synthetic, real], 1.0, None, 5)] == [None, None]
    with pytest.raises(ValueError, match="12 pictures are asked for, there are 11"):
        recipe.chosen([synthetic, real], 1.0, 12, 5)


def broken(folder, change) -> str:
    """Rewrite a shard with its records changed."""
    import io
    import tarfile

    path = next(iter(sorted(folder.glob("*.tar"))))
    with tarfile.open(path) as tar:
        files = [(member, tar.extractfile(member).read()) for member in tar.getmembers()]
    with tarfile.open(path, "w") as tar:
        for member, data in files:
            if member.name.endswith(".json"):
                record = json.loads(data)
                change(record)
                data = json.dumps(record).encode()
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return str(path)


def test_shards_that_cannot_teach_are_refused_in_a_sentence(start, real, make_sample, tmp_path, capsys):
    def refused(key, path, words):
        assert run.main(settings(start, tmp_path, "synthetic=[]", f"{key}=[{path}]")) == 1
        said = capsys.readouterr().err
        assert words in said and "Traceback" not in said, said

    def made(name, *observations):
        folder = tmp_path / name
        folder.mkdir()
        write_observations(str(folder), name, list(observations))
        return folder

    sample = make_sample(20)
    refused("synthetic", real, "nobody has SMPL parameters (5 people)")
    empty = tmp_path / "empty"
    empty.mkdir()
    refused("real", empty, "no such folder, or no shard")
    full = replace(observed(sample).people[0], person=sample.scene.people[0])
    smpl = made("smpl", observed(sample, people=(full,), body="smpl"))
    refused("real", smpl, "are of the body 'smpl', the model learns 'open'")

    def nan(record):
        record["people"][0]["keypoints_2d"][0][0] = float("nan")

    refused("real", broken(made("nan", observed(sample)), nan), "key")
    other = broken(made("schema", observed(sample)), lambda record: record.update(schema=99))
    refused("real", other, "schema")
    nobody = broken(made("nobody", observed(sample)), lambda record: record.update(people=[]))
    refused("real", nobody, "nobody in its 1 pictures")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["synthetic=[]", "real=[]"], "synthetic or real must name at least one folder"),
        (["epochs=0", "steps=0"], "epochs or steps must be above 0"),
        (["num_real=0"], "num_real and num_synthetic must be at least 1"),
        (["weights.real=0"], "weights.synthetic and real must be above 0"),
        (["real=[{folder: a}]"], "real: expected a path or {path, weight, num_samples"),
        (["real=[{path: a, weight: much}]"], "real: weight cannot be 'much'"),
        (['start=""'], "start must name a trained model"),
    ],
)
def test_wrong_keys_are_named(tmp_path, capsys, change, words):
    assert run.main(settings("somewhere", tmp_path, *change)) == 2
    assert words in capsys.readouterr().err


def test_a_start_that_is_no_model_is_named(synthetic, tmp_path, capsys):
    command = settings(tmp_path / "nowhere", tmp_path, f"synthetic=[{synthetic}]")
    assert run.main(command) == 1
    assert "nowhere: no such file or folder" in capsys.readouterr().err
