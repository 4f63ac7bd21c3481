from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from test_motions import write_motion

from synthgen.body import Body
from synthgen.geometry import project
from synthgen.guide import Bodies
from synthgen.joints import POINT_NAMES
from synthgen.sample import Rejection
from synthgen.shards import read_samples
from synthgen.shards.shard import Shard, write_shard


def _point(body: Body, guide: Bodies, name: str) -> np.ndarray:
    return body.pose(guide.scene.people).points[0, POINT_NAMES.index(name)]


def _same(first: Bodies, second: Bodies) -> bool:
    people = [vars(guide.scene.people[0]) for guide in (first, second)]
    return all(np.array_equal(people[0][name], people[1][name]) for name in people[0])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"fov_deg": 90.0, "pitch_deg": 50.0, "least_cover": 0.95, "most_cover": 0.95},
        {"fov_deg": 8.0, "pitch_deg": -30.0, "least_cover": 0.3, "most_cover": 0.4},
        {"families": {"gymnastics": 1.0, "ski": 2.0}, "image_size": 256},
    ],
)
def test_everybody_is_whole_in_the_picture(ask, body: Body, options: dict) -> None:
    least, most = options.get("least_cover", 0.6), options.get("most_cover", 0.9)
    for guide in ask("pose", range(12), **options):
        side = guide.scene.camera.image_size[0] - 1
        vertices = body.pose(guide.scene.people).vertices[0]
        pixels = project(vertices, guide.scene.camera.cam_int)
        assert vertices[:, 2].min() >= 0.34
        assert pixels.min() >= 0 and pixels.max() <= side
        span = np.ptp(pixels, axis=0).max() / side
        is_near = vertices[:, 2].min() < 0.36  # nothing comes nearer, so the picture of it stays smaller
        assert is_near or least * 0.95 <= span <= most + 0.05


def test_a_guide_is_blank_and_says_what_it_is(ask) -> None:
    guide = ask("pose", [0], families={"ski": 1.0})[0]
    assert guide.is_blank and guide.is_in_front and (guide.image == 127).all()
    assert guide.things.shape == (0, 128, 128)
    assert guide.families == ("ski",) and guide.actions != ("unknown",)
    assert guide.scene.body == "open" and guide.prompt == "prompt 0"
    described = ask("pose", [0], families={"ski": 1.0}, captions="actions")[0]
    assert described.prompt.startswith("prompt 0 ") and _same(guide, described)


def test_the_library_follows_from_the_seed_alone(ask) -> None:
    three = ask("pose", range(3))
    assert _same(three[2], ask("pose", [9], seed=1002)[0])
    assert not _same(three[0], three[1])


def test_amass_stands_upright_and_faces_as_its_heading_says(ask, body: Body, tmp_path: Path) -> None:
    upright = Rotation.from_euler("x", 90, degrees=True)  # z up, facing -y: towards who looks along +y
    headings = [Rotation.from_euler("z", angle, degrees=True) * upright for angle in (0, 90, 180, 270)]
    for heading, faced in zip(headings, ("near", "right", "far", "left"), strict=True):
        poses = np.zeros((1, 156))
        poses[0, :3] = heading.as_rotvec()
        path = write_motion(tmp_path / f"{faced}.npz", poses=poses)
        guide = ask("pose", [0], path=str(path), heading="kept", pitch_deg=0.0, pitch_spread_deg=0.0)[0]
        head, pelvis, nose = (_point(body, guide, name) for name in ("head", "pelvis", "nose"))
        assert head[1] < pelvis[1] - 0.4 and abs(head[0] - pelvis[0]) < 0.1
        x, _, z = nose - head
        assert {"near": z < -0.05, "far": z > 0.05, "right": x > 0.05, "left": x < -0.05}[faced]
        assert guide.families == guide.actions == ("unknown",)


def test_kept_headings_of_the_library_face_the_camera(ask, body: Body) -> None:
    guides = ask("pose", range(20), heading="kept", families={"yoga": 1.0, "everyday": 1.0})
    standing = [guide for guide in guides if guide.actions[0] in ("stand", "reach", "clap", "mountain")]
    for guide in standing:
        assert _point(body, guide, "nose")[2] < _point(body, guide, "head")[2]
    assert standing


def test_a_camera_from_above_sees_the_head_nearer(ask, body: Body, tmp_path: Path) -> None:
    path = str(write_motion(tmp_path / "a.npz", 1, poses=np.array([[np.pi / 2, *[0.0] * 155]])))
    for pitch, sign in ((40.0, -1), (-40.0, 1)):
        guide = ask("pose", [0], path=path, pitch_deg=pitch, pitch_spread_deg=0.0)[0]
        between = _point(body, guide, "head") - _point(body, guide, "pelvis")
        assert np.sign(between[2]) == sign and between[1] < 0


def test_motions_go_round_with_the_guides(ask, tmp_path: Path) -> None:
    path = str(write_motion(tmp_path / "a.npz", 3, betas=np.arange(16) / 10))
    guides = ask("pose", [0, 1, 2, 3], path=path, heading="kept")
    poses = [guide.scene.people[0].body_pose for guide in guides]
    assert np.array_equal(poses[0], poses[3]) and not np.array_equal(poses[0], poses[1])
    np.testing.assert_allclose(guides[0].scene.people[0].betas, np.arange(10) / 10, atol=1e-6)
    damaged = str(write_motion(tmp_path / "b.npz", 3, betas=np.full(10, np.nan)))
    assert ask("pose", [0], path=damaged)[0] == Rejection("run-000000000", "compose", "pose cannot be read")


def test_shapes_are_drawn_where_none_is_given(ask, tmp_path: Path) -> None:
    path = str(write_motion(tmp_path / "a.npz", 3))
    assert ask("pose", [0], path=path, body_shape=0.0)[0].scene.people[0].betas.any() == np.False_
    assert ask("pose", [0], path=path)[0].scene.people[0].betas.all()


def test_shards_keep_scene_and_prompt(ask, run_dir: Path) -> None:
    samples = list(read_samples(str(run_dir)))
    guides = ask("pose", range(6), path=str(run_dir), image_size=64)
    for guide, sample in zip(guides, [*samples, samples[0]], strict=True):
        assert guide.prompt == sample.request.prompt and len(guide.scene.people) == len(sample.labels)
        assert _same(guide, replace_scene(guide, sample))
        assert guide.families == tuple(label.family for label in sample.labels)
        joints = sample.labels[0].keypoints_3d
        before = project(joints, sample.scene.camera.cam_int)
        after = project(joints, guide.scene.camera.cam_int)
        np.testing.assert_allclose(after, (before + [0.5, 0.5 + 16]) / 2 - 0.5, atol=1e-6)  # 128x96 px


def replace_scene(guide: Bodies, sample) -> Bodies:
    """Return a guide with the people of a sample."""
    return replace(guide, scene=replace(guide.scene, people=sample.scene.people))


def test_shards_of_another_body_or_without_trust(ask, tmp_path: Path, make_sample) -> None:
    sample = make_sample(0)
    label = sample.labels[0]
    doubtful = replace(sample, labels=(replace(label, valid=replace(label.valid, smpl=False)),))
    other = replace(make_sample(1), scene=replace(sample.scene, body="smpl"))
    for name, items in {"doubt": [doubtful, other], "other": [other]}.items():
        (tmp_path / name).mkdir()
        write_shard(str(tmp_path / name), Shard(name, 0, 0, len(items), "c0ffee"), items)
    reasons = [guide.reason for guide in ask("pose", [0, 1], path=str(tmp_path / "doubt"))]
    assert reasons == ["pose not trusted", "pose of another body model"]
    with pytest.raises(ValueError, match="made with the body model 'smpl', this run has 'open'"):
        ask("pose", [0], path=str(tmp_path / "other" / "other-000000.tar"))


def test_wrong_paths(ask, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no .*x.npz; expected library, a motion file"):
        ask("pose", [0], path=str(tmp_path / "x.npz"))
    with pytest.raises(ValueError, match="holds no motion"):
        ask("pose", [0], path=str(tmp_path))
