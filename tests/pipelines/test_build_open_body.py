"""The recipe of the bundled body: its keys are checked, and it makes the file that is bundled."""

import numpy as np
import pytest

from synthgen import config as configs
from synthgen.body import LANDMARK_VERTICES, OPEN_FILE
from synthgen.joints import LANDMARK_NAMES, SMPL24
from synthgen.run import import_recipe, main

recipe = import_recipe("build_open_body")


def test_run_file_holds_what_the_bundled_body_was_made_with():
    assert "build_open_body" in configs.shipped()
    text = configs.shipped()["build_open_body"].read_text()
    defaults = recipe.Config()
    for key in ("samples", "vertices", "poses", "seed"):
        assert f"\n{key}: {getattr(defaults, key)}\n" in text


def test_all_problems_are_named_at_once(tmp_path, capsys):
    keys = [f"output={tmp_path}/no/b.npz", "samples=5", "vertices=100", "poses=0"]
    assert main(["config=build_open_body.yaml", *keys]) == 2
    complaints = capsys.readouterr().err
    for expected in (
        f"output={tmp_path}/no/b.npz: no such folder",
        "samples must be at least 100, got 5",
        "vertices must be above 6787, got 100",
        "poses must be at least 1, got 0",
    ):
        assert expected in complaints


def test_tables_cover_every_joint_and_landmark():
    assert set(recipe.BONES) == set(SMPL24.names)
    assert set(LANDMARK_VERTICES) == set(LANDMARK_NAMES)
    numbers = [*LANDMARK_VERTICES.values(), *recipe.FINGERTIP_VERTICES.values()]
    assert len(set(numbers)) == len(numbers)
    assert all(sum(blend.values()) == pytest.approx(1) for blend in recipe.BLENDS.values())


def test_joints_are_placed_symmetrically_where_bones_start():
    rng = np.random.default_rng(0)
    left = {bone: rng.uniform(0.1, 1, 3) for bone in recipe.BONES.values() if bone.startswith("Left")}
    middle = {bone: rng.uniform(0, 1, 3) * [0, 1, 1] for bone in recipe.BONES.values() if "Left" not in bone}
    bones = middle | {"HeadEnd": np.array([0, 2.0, 0])} | left
    bones |= {bone.replace("Left", "Right"): place * [-1, 1, 1] for bone, place in left.items()}
    joints = recipe.place_joints(bones)
    np.testing.assert_allclose(joints[list(SMPL24.flip_permutation())] * [-1, 1, 1], joints, atol=1e-12)
    np.testing.assert_allclose(joints[SMPL24.index("left_knee")], bones["LeftLeg"])
    np.testing.assert_allclose(joints[SMPL24.index("right_elbow")], bones["RightForeArm"])
    head = 0.76 * bones["Head"] + 0.24 * bones["HeadEnd"]
    np.testing.assert_allclose(joints[SMPL24.index("head")], head)


@pytest.mark.slow  # a minute, and two more when Anny has no cache yet
def test_recipe_makes_the_bundled_file(tmp_path, capsys):
    pytest.importorskip("anny", reason="needs the `body` extra")
    assert main(["config=build_open_body.yaml", f"output={tmp_path}/open_body.npz"]) == 0
    assert "7599 vertices, 15086 faces" in capsys.readouterr().out
    with np.load(OPEN_FILE) as bundled, np.load(tmp_path / "open_body.npz") as built:
        assert bundled.files == built.files
        for name in bundled.files:
            np.testing.assert_allclose(built[name], bundled[name], atol=1e-3, err_msg=name)
