"""The recipes around refinement end to end: shards, folders with joints, views, videos; and measuring."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from dataset_writers import ski_poseptz
from PIL import Image

from synthgen import config as configs
from synthgen import run
from synthgen.body import Body
from synthgen.run import import_recipe
from synthgen.scorehmr.denoiser import DenoiserConfig
from synthgen.scorehmr.video import read_frames, write_frames
from synthgen.shards import read_samples
from synthgen.shards.observations import read_observations

sys.path.insert(0, str(Path(__file__).parents[1] / "scorehmr"))
from score_goldens import public_weights
from score_people import tiny_denoiser

NUM_FEATURES = 192 + 144 + 10 + 1  # of the bundled estimator
QUICK = ["guidance.iterations=1", "guidance.start=8", "guidance.step=2", "overlays=2"]


@pytest.fixture(scope="module")
def denoiser(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("denoiser")
    tiny_denoiser(NUM_FEATURES).save_folder(folder)
    return f"denoiser={folder}"


@pytest.fixture
def photos(run_dir: Path, tmp_path: Path) -> Path:
    """Return a folder of four pictures with joints in COCO's format beside it: two views, two moments."""
    folder = tmp_path / "photos"
    folder.mkdir()
    images, annotations = [], []
    samples = [sample for sample in read_samples(str(run_dir)) if len(sample.labels) == 1][:2]
    names = [f"jump_cam{view}_{frame:04d}" for frame in range(2) for view in range(2)]
    for number, name in enumerate(names):
        sample = samples[number // 2]
        Image.fromarray(sample.image).save(folder / f"{name}.png")
        height, width = sample.image.shape[:2]
        images.append({"id": number, "file_name": f"{name}.png", "height": height, "width": width})
        joints = np.column_stack([sample.labels[0].keypoints_2d, np.full(17, 2.0)])
        annotations.append({"image_id": number, "keypoints": joints.ravel().tolist()})
    record = {"images": images, "annotations": annotations}
    (tmp_path / "joints.json").write_text(json.dumps(record))
    return folder


def test_shards_are_refined_into_shards(denoiser: str, run_dir: Path, tmp_path: Path, capsys) -> None:
    output = tmp_path / "refined"
    chosen = [f"shards={run_dir}", f"output={output}", "start_from=labels", denoiser, *QUICK]
    assert run.main(["config=refine_pictures.yaml", *chosen]) == 0
    assert "people fitted; energy of what was observed" in capsys.readouterr().out
    made = list(read_observations(str(output)))
    samples = list(read_samples(str(run_dir)))
    assert [one.key for one in made] == [sample.request.key for sample in samples]
    assert all(person.person is not None for one in made for person in one.people)
    assert all(one.source == "synthgen+scorehmr" for one in made)
    assert Image.open(output / "fits.jpg").size[0] > 600


def test_a_folder_with_joints_becomes_one_file(denoiser: str, photos: Path, tmp_path: Path) -> None:
    output = tmp_path / "refined"
    where = [f"pictures={photos}", f"keypoints={tmp_path / 'joints.json'}", f"output={output}", "form=npz"]
    assert run.main(["config=refine_pictures.yaml", *where, denoiser, *QUICK]) == 0
    with np.load(output / "fits.npz") as file:
        assert file["body_pose"].shape == (4, 23, 3) and file["names"][0] == "jump_cam0_0000"
        assert file["energy"].shape == (4, 2) and np.isfinite(file["transl"]).all()


def test_a_published_denoiser_is_told_what_comes_with_the_joints(
    photos: Path, tmp_path: Path, capsys
) -> None:
    """PARE's features are computed elsewhere; they and their statistics reach the denoiser."""
    torch.save(public_weights(DenoiserConfig(pose_features=20, hidden=32)), tmp_path / "model-100.pt")
    np.savez(tmp_path / "stats.npz", mean=np.zeros(20), std=np.full(20, 2.0))
    record = json.loads((tmp_path / "joints.json").read_text())
    arrays = {
        "names": [image["file_name"] for image in record["images"]],
        "keypoints_2d": np.array([one["keypoints"] for one in record["annotations"]]).reshape(4, 17, 3)
        * [1, 1, 0.5],
    }
    given = [f"pictures={photos}", f"keypoints={tmp_path / 'joints.npz'}", "form=npz", "guidance.samples=0"]
    given += [f"denoiser={tmp_path / 'model-100.pt'}", *QUICK, "overlays=0"]
    told = np.random.default_rng(0).standard_normal((4, 20))
    poses = []
    stats = [f"feature_stats={tmp_path / 'stats.npz'}"]
    for features, more in ((told, []), (-told, []), (2 * told, stats)):
        np.savez(tmp_path / "joints.npz", **arrays, features=features)
        assert run.main(["config=refine_pictures.yaml", *given, f"output={tmp_path / 'out'}", *more]) == 0
        with np.load(tmp_path / "out" / "fits.npz") as file:
            poses.append(file["body_pose"])
    assert np.abs(poses[0] - poses[1]).max() > 1e-4 and np.allclose(poses[0], poses[2], atol=1e-5)
    np.savez(tmp_path / "joints.npz", **arrays)
    assert run.main(["config=refine_pictures.yaml", *given, f"output={tmp_path / 'out'}"]) == 1
    assert "features must be (B, 20), got (4, 347)" in capsys.readouterr().err
    np.savez(tmp_path / "joints.npz", **arrays, features=told[:3])
    assert run.main(["config=refine_pictures.yaml", *given, f"output={tmp_path / 'out'}"]) == 1
    assert "features must be (4, [1 people,] C) finite, got (3, 20)" in capsys.readouterr().err


def test_views_of_a_moment_are_fitted_together(denoiser: str, photos: Path, tmp_path: Path, capsys) -> None:
    output = tmp_path / "refined"
    where = [f"pictures={photos}", f"keypoints={tmp_path / 'joints.json'}", f"output={output}"]
    options = ["guidance.multiview=4500", "guidance.iterations=2", "guidance.start=20", "overlays=0"]
    assert run.main(["config=refine_views.yaml", *where, denoiser, *options]) == 0
    made = list(read_observations(str(output)))
    assert [(one.view, one.frame) for one in made] == [("0", 0), ("0", 1), ("1", 0), ("1", 1)]
    assert run.main(["config=refine_views.yaml", *where, denoiser, "pattern=(?P<view>.+)"]) == 0
    assert run.main(["config=refine_views.yaml", *where, denoiser, "pattern=(?P<sequence>.+)"]) == 1
    assert "no two pictures are views of one moment" in capsys.readouterr().err


def test_calibrated_views_of_ski_poseptz_become_one_body(
    denoiser: str, body: Body, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two moments, each seen by three cameras of the data set's own layout, read by `ingest`."""
    act = ski_poseptz.actors.act
    monkeypatch.setattr(
        ski_poseptz.actors,
        "act",
        lambda *given: [one for one in act(body, 5, 2) for _ in range(3)],
    )
    ski_poseptz.write(tmp_path / "ski", body)
    assert run.main(["config=ingest_ski.yaml", f"root={tmp_path / 'ski'}", f"output={tmp_path}"]) == 0
    output = tmp_path / "refined"
    where = [f"shards={tmp_path / 'ski_poseptz'}", f"output={output}", denoiser, "overlays=0"]
    options = ["guidance.iterations=3", "guidance.start=30", "guidance.samples=0"]
    assert run.main(["config=refine_views.yaml", *where, *options]) == 0
    made = list(read_observations(str(output)))
    assert [(one.frame, one.view) for one in made] == [
        (frame, f"cam{view:02d}") for frame in (100, 101) for view in range(3)
    ]
    places = []
    for one in made:
        (found,) = one.people
        assert one.extrinsics is not None and one.camera is not None and found.person is not None
        pelvis = found.person.transl + body.rest_pelvis(found.person.betas)
        places.append((pelvis - one.extrinsics[:, 3]) @ one.extrinsics[:, :3])
    for first, *others in (places[:3], places[3:]):
        assert all(np.abs(other - first).max() < 1e-3 for other in others), "one pelvis in the world"
    assert np.linalg.norm(places[0] - places[3]) > 0.01, "another moment, another place"


def test_a_video_is_a_folder_or_a_file(denoiser: str, photos: Path, tmp_path: Path, capsys) -> None:
    output = tmp_path / "refined"
    where = [f"keypoints={tmp_path / 'joints.json'}", f"output={output}", denoiser, *QUICK]
    assert run.main(["config=refine_video.yaml", f"pictures={photos}", *where]) == 0
    assert Image.open(output / "fits.gif").n_frames == 2
    assert [one.frame for one in read_observations(str(output))] == [0, 1, 2, 3]
    film = tmp_path / "film.mp4"
    film.write_bytes(b"no film")
    assert run.main(["config=refine_video.yaml", f"pictures={film}", *where]) == 1
    assert "film.mp4" in capsys.readouterr().err


def test_a_film_is_read_and_written(denoiser: str, photos: Path, tmp_path: Path, capsys) -> None:
    pytest.importorskip("av", reason="synthgen[video] is not installed")
    stills = [np.asarray(Image.open(file)) for file in sorted(photos.iterdir())]
    film, output = tmp_path / "film.mp4", tmp_path / "refined"
    write_frames(film, stills, 10)
    again = list(read_frames(film))
    assert [one.shape for one in again] == [one.shape for one in stills]
    assert all(np.abs(a - 1.0 * b).mean() < 12 for a, b in zip(again, stills, strict=True))
    record = json.loads((tmp_path / "joints.json").read_text())
    for number, image in enumerate(record["images"]):
        image["file_name"] = f"{number:06d}.png"  # as frames of films are called
    (tmp_path / "joints.json").write_text(json.dumps(record))
    where = [
        f"pictures={film}",
        f"keypoints={tmp_path / 'joints.json'}",
        f"output={output}",
        denoiser,
        *QUICK,
    ]
    assert run.main(["config=refine_video.yaml", *where]) == 0
    assert [one.frame for one in read_observations(str(output))] == [0, 1, 2, 3]
    assert len(list(read_frames(output / "fits.mp4"))) == 2, "as many as overlays says"


def test_nobody_is_a_clear_end(denoiser: str, photos: Path, tmp_path: Path, capsys) -> None:
    record = json.loads((tmp_path / "joints.json").read_text())
    for annotation in record["annotations"]:
        annotation["keypoints"] = [0, 0, 0] * 17
    (tmp_path / "joints.json").write_text(json.dumps(record))
    where = [f"pictures={photos}", f"keypoints={tmp_path / 'joints.json'}", f"output={tmp_path / 'out'}"]
    assert run.main(["config=refine_pictures.yaml", *where, denoiser, *QUICK]) == 1
    said = capsys.readouterr().out
    assert "4 left out: no joint was found" in said and "nobody was fitted" in said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("task=views", "give one of shards and pictures"),
        ("shards=x keypoints=y", "keypoints belong to pictures"),
        ("pictures=x pattern=(", "pattern is no regular expression"),
        ("pictures=x models={}", "models.mesh is needed"),
        ("pictures=x body=/nowhere.pkl", "no such file: '/nowhere.pkl'"),
        ("pictures=x guidance.step=9 guidance.start=4", "start >= step"),
    ],
)
def test_wrong_values_end_with_exit_code_2(change: str, message: str, tmp_path: Path, capsys) -> None:
    where = [f"output={tmp_path / 'out'}", *change.split()]
    assert run.main(["config=refine_pictures.yaml", *where]) == 2
    assert message in capsys.readouterr().err


def test_refinement_is_measured(denoiser: str, tmp_path: Path, capsys) -> None:
    sizes = [
        "pictures=2",
        "moments=1",
        "views=2",
        "clips=1",
        "frames=3",
        "threads=1",
        "iterations=1",
        "fitting_steps=5",
        "samples=1",
    ]
    where = [f"output={tmp_path}", denoiser]
    assert run.main(["config=refine_evaluate.yaml", *sizes, *where, "seeds=[4]"]) == 0
    rows = json.loads((tmp_path / "refinement.json").read_text())
    assert {row["method"] for row in rows} == {"estimate", "plain", "score", "score, calibrated"}
    assert all(np.isfinite(row["pa_mpjpe"]) for row in rows)
    assert sum("acceleration" in row for row in rows) == 6
    assert "PA-MPJPE mm" in capsys.readouterr().out
    assert (tmp_path / "clips_sports.jpg").is_file()
    chosen = ["trials=[views]", "seeds=[4,5]"]
    assert run.main(["config=refine_evaluate.yaml", *sizes, *where, *chosen]) == 0
    both = json.loads((tmp_path / "refinement.json").read_text())
    assert {(row["trial"], row["seed"]) for row in both} == {("views sports", 4), ("views sports", 5)}
    assert [row for row in both if row["seed"] == 4] == [r for r in rows if r["trial"] == "views sports"]
    said = capsys.readouterr().out.splitlines()
    first, second = (row["pa_mpjpe"] for row in both if row["method"] == "estimate")
    mean, spread = (first + second) / 2, abs(first - second) / 2**0.5
    assert any(line.split()[2:6] == ["estimate", f"{mean:.1f}", "±", f"{spread:.1f}"] for line in said)
    assert first != second, "each seed draws people of its own"


def test_wrong_keys_of_the_measurement_are_named() -> None:
    with pytest.raises(configs.ConfigError) as caught:
        configs.load(import_recipe("evaluate_refinement").Config, None, ["trials=[photos]", "seeds=[]"])
    assert caught.value.problems == [
        "unknown trial 'photos'; known: ['pictures', 'views', 'clips']",
        "seeds must hold at least one entry",
    ]
