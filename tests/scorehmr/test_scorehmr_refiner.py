"""The refiner fits scenes to joints, keeps their order, and says what does not belong together."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from score_people import CAMERA, SIZE, cases_of, nudged, person, tiny_denoiser

from synthgen import backends
from synthgen.backends.protocols import Keypoints
from synthgen.body import Body
from synthgen.geometry import project, rotvec_to_rotmat
from synthgen.joints import COCO17
from synthgen.observation import Observation, ObservedPerson
from synthgen.sample import Person, Scene
from synthgen.scorehmr.hypotheses import reflected
from synthgen.scorehmr.inputs import Ledger
from synthgen.scorehmr.labelling import MARK, Labeller
from synthgen.scorehmr.refiner import ScoreRefiner
from synthgen.scorehmr.refinery import Refinery

IMAGE = np.full((*SIZE, 3), 120, np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("denoiser")
    tiny_denoiser().save_folder(path)
    return path


@pytest.fixture(scope="module")
def refiner(folder: Path) -> ScoreRefiner:
    made = ScoreRefiner(str(folder), mesh=None, iterations=3, batch_size=2)
    made.setup()
    return made


def pair(body: Body, seed: int = 3) -> tuple[Scene, Keypoints, list[Person]]:
    """Return a wrong scene of one person, the joints of the right one, and that one."""
    rng = np.random.default_rng(seed)
    truth = [person(rng)]
    cases = cases_of(truth, [nudged(truth[0], rng)], body)
    return Scene(CAMERA, cases.people, "open"), Keypoints(cases.keypoints_2d, cases.confidence), truth


def off(scene: Scene, keypoints: Keypoints, body: Body) -> float:
    joints = body.joints(body.pose(list(scene.people)).points, COCO17).astype(np.float64)
    return float(np.linalg.norm(project(joints, CAMERA.cam_int) - keypoints.keypoints_2d, axis=-1).mean())


def test_scenes_are_fitted_and_keep_their_order(refiner: ScoreRefiner, body: Body) -> None:
    first, second = pair(body, 3), pair(body, 4)
    two = Scene(CAMERA, (first[0].people[0], second[0].people[0]), "open")
    names = ("keypoints_2d", "confidence")
    both = Keypoints(*(np.concatenate([getattr(k[1], n) for k in (first, second)]) for n in names))
    fitted = refiner([IMAGE, IMAGE], [two, second[0]], [both, second[1]], attempt=2)
    assert [len(scene.people) for scene in fitted] == [2, 1] and fitted[0].camera is CAMERA
    assert off(fitted[0], both, body) < 0.6 * off(two, both, body)
    assert np.allclose(fitted[0].people[1].body_pose, fitted[1].people[0].body_pose, atol=1e-4)


def test_who_was_labelled_from_the_wrong_side_is_turned_round(refiner: ScoreRefiner, body: Body) -> None:
    scene, keypoints, (truth,) = pair(body)
    turned = reflected(truth, body.rest_pelvis(truth.betas) + truth.transl)
    (fitted,) = refiner([IMAGE], [replace(scene, people=(turned,))], [keypoints], attempt=2)
    assert off(fitted, keypoints, body) < 2 < off(replace(scene, people=(turned,)), keypoints, body)
    front = rotvec_to_rotmat(np.stack([truth.global_orient, fitted.people[0].global_orient]))[:, :, 2]
    assert front[0] @ front[1] > 0.8, "who faced the camera does so again"


def test_further_attempts_answer_otherwise(folder: Path, body: Body) -> None:
    made = ScoreRefiner(str(folder), mesh=None, iterations=2, polish=20)
    made.setup()
    scene, keypoints, _ = pair(body)
    mask = np.zeros((1, *SIZE), bool)
    mask[0, 20:100, 40:90] = True
    fits = [made([IMAGE], [scene], [keypoints], [mask], attempt)[0].people[0] for attempt in range(5)]
    poses = [np.concatenate([one.global_orient[None], one.body_pose]) for one in fits]
    assert not any(np.allclose(*pair, atol=1e-3) for pair in combinations(poses, 2))
    assert np.allclose(fits[0].body_pose, scene.people[0].body_pose), "limbs stay at first"
    assert np.allclose(fits[0].betas, scene.people[0].betas)
    assert not np.allclose(fits[0].transl, scene.people[0].transl, atol=1e-3)


def test_attempts_before_the_guided_ones_only_nudge(folder: Path, body: Body) -> None:
    made = ScoreRefiner(str(folder), mesh=None, polish=40)
    made.setup()
    made._refinery.refine_from = None  # nothing is guided
    scene, keypoints, (truth,) = pair(body)
    (nudged_,) = made([IMAGE], [scene], [keypoints], attempt=1)
    assert off(nudged_, keypoints, body) < 0.6 * off(scene, keypoints, body)
    turned = reflected(truth, body.rest_pelvis(truth.betas) + truth.transl)
    (kept,) = made([IMAGE], [replace(scene, people=(turned,))], [keypoints], attempt=1)
    front = rotvec_to_rotmat(np.stack([turned.global_orient, kept.people[0].global_orient]))[:, :, 2]
    assert front[0] @ front[1] > 0.5, "nobody is turned round"


def test_further_attempts_do_not_compute_anew_what_was_kept(folder: Path, body: Body) -> None:
    scene, keypoints, _ = pair(body)
    other = pair(body, 4)[0]
    made = ScoreRefiner(str(folder), mesh=None, iterations=2, polish=2, batch_size=2)
    made.setup()
    together = [IMAGE, IMAGE], [other, scene], [keypoints, keypoints]
    alone = [IMAGE], [scene], [keypoints]
    made(*together, attempt=2)
    kept = made([IMAGE], [scene], [keypoints], attempt=4)
    counted: list[int] = []
    refine_from = made._refinery.refine_from

    def count(*arguments, **named):  # type: ignore[no-untyped-def]
        counted.append(1)
        return refine_from(*arguments, **named)

    made._refinery.refine_from = count
    again = made(*alone, attempt=4)
    assert not counted, "starts and fits are those of the first guided attempt"
    made(*alone, attempt=3)
    assert len(counted) == 1, "starts are, the fit from the second best one is not"
    made(*alone, attempt=0)
    fresh = made(*alone, attempt=4)
    for fits in (again, fresh):
        assert np.allclose(fits[0].people[0].body_pose, kept[0].people[0].body_pose, atol=1e-4)


def test_who_was_not_seen_stays_as_he_is(refiner: ScoreRefiner, body: Body) -> None:
    scene, keypoints, _ = pair(body)
    (fitted,) = refiner([IMAGE], [scene], [replace(keypoints, confidence=0 * keypoints.confidence)])
    assert np.allclose(fitted.people[0].body_pose, scene.people[0].body_pose, atol=1e-5)
    assert np.allclose(fitted.people[0].transl, scene.people[0].transl, atol=1e-5)


def test_what_does_not_belong_together_is_named(refiner: ScoreRefiner, body: Body) -> None:
    scene, keypoints, _ = pair(body)
    with pytest.raises(ValueError, match="scene 0 is of body smpl, the refiner's is open"):
        refiner([IMAGE], [replace(scene, body="smpl")], [keypoints])
    with pytest.raises(ValueError, match="picture 0 has joints of 0 people, its scene has 1"):
        refiner([IMAGE], [scene], [Keypoints(np.zeros((0, 17, 2)), np.zeros((0, 17)))])
    with pytest.raises(ValueError, match="one of each is needed"):
        refiner([IMAGE], [scene], [])
    with pytest.raises(RuntimeError, match="call setup"):
        ScoreRefiner()([IMAGE], [scene], [keypoints])


def test_wrong_keys_are_named() -> None:
    node = {"backend": "score", "iterations": 0, "start": 4, "step": 9, "mesh": {"backend": "hmr3"}}
    found = backends.model_problems({"refiner": node})
    assert len(found) == 3 and "models.refiner.iterations must be >= 1, got 0" in found
    assert any("mesh.backend: unknown backend 'hmr3'" in line for line in found)


class Estimator:
    """Estimates everybody wrong by the same."""

    body = "open"
    version = "1"

    def __init__(self, people: list[Person]) -> None:
        self.people = people

    def __call__(self, images, boxes, cam_ints):  # type: ignore[no-untyped-def]
        from synthgen.backends.protocols import MeshEstimate

        return [
            MeshEstimate((self.people[number],) * len(own), np.zeros((len(own), 2, 4), np.float32))
            for number, own in enumerate(boxes)
        ]


def observed(keypoints: Keypoints, key: str, confidence: float = 1.0) -> Observation:
    joints = keypoints.keypoints_2d[0]
    box = np.concatenate([joints.min(0), joints.max(0)])
    one = ObservedPerson(box, joints, np.full(17, confidence), None, np.zeros(24), None)
    return Observation(key, IMAGE, CAMERA, (one,), "open", "holiday", sequence="a", frame=0, view=key)


def test_pseudo_labels_are_marked_and_failures_counted(refiner: ScoreRefiner, body: Body) -> None:
    pairs = [pair(body, seed) for seed in (3, 4, 5)]
    refinery: Refinery = refiner._refinery
    labeller = Labeller(Estimator([scene.people[0] for scene, _, _ in pairs]), refinery, batch_size=2)
    given = [observed(keypoints, str(n), float(n != 1)) for n, (_, keypoints, _) in enumerate(pairs)]
    made = list(labeller.label(given))
    assert [one.observation.key for one in made] == ["0", "2"]
    assert all(one.observation.source == "holiday" + MARK for one in made)
    assert all(one.observation.people[0].person is not None for one in made)
    assert (made[0].energies[:, 1] < made[0].energies[:, 0]).all()
    assert labeller.ledger.lines() == ["1 left out: no joint was found (first: 1)"]


def test_views_that_do_not_match_are_an_error(
    refiner: ScoreRefiner, body: Body, caplog: pytest.LogCaptureFixture
) -> None:
    pairs = [pair(body, seed) for seed in (3, 4, 5)]
    estimator = Estimator([scene.people[0] for scene, _, _ in pairs])
    labeller = Labeller(estimator, refiner._refinery, ledger=Ledger())
    given = [observed(keypoints, str(n)) for n, (_, keypoints, _) in enumerate(pairs)]
    assert len(list(labeller.label(given[:2], "views"))) == 2
    assert "moments" not in caplog.text
    assert len(list(labeller.label([*given[:2], replace(given[2], frame=1)], "views"))) == 3
    assert "1 of 2 moments have one view alone and are fitted as single pictures (first: a/1)" in caplog.text
    with pytest.raises(ValueError, match="no two pictures are views of one moment"):
        list(labeller.label([given[0], replace(given[1], frame=1)], "views"))
    with pytest.raises(ValueError, match="the same view of one moment"):
        list(labeller.label([given[0], replace(given[1], view="0")], "views"))


def test_joints_that_no_pose_comes_near_are_counted(refiner: ScoreRefiner, body: Body) -> None:
    """Somebody's joints in another order are no pose of anybody; nobody gets a body from them."""
    pairs = [pair(body, seed) for seed in (3, 4)]
    labeller = Labeller(Estimator([scene.people[0] for scene, _, _ in pairs]), refiner._refinery)
    order = np.random.default_rng(0).permutation(len(COCO17))
    mixed = replace(pairs[1][1], keypoints_2d=pairs[1][1].keypoints_2d[:, order])
    made = list(labeller.label([observed(pairs[0][1], "0"), observed(mixed, "1")]))
    assert [one.observation.key for one in made] == ["0"]
    assert labeller.ledger.lines() == ["1 left out: no pose comes near the joints (first: 1)"]


def test_who_is_estimated_behind_the_camera_is_counted(refiner: ScoreRefiner, body: Body) -> None:
    pairs = [pair(body, seed) for seed in (3, 4)]
    people = [scene.people[0] for scene, _, _ in pairs]
    behind = replace(people[1], transl=people[1].transl * np.array([1, 1, -1]))
    labeller = Labeller(Estimator([people[0], behind]), refiner._refinery)
    made = list(labeller.label([observed(keypoints, str(n)) for n, (_, keypoints, _) in enumerate(pairs)]))
    assert [one.observation.key for one in made] == ["0"]
    assert labeller.ledger.lines() == ["1 left out: the estimate is behind the camera (first: 1)"]


def test_a_calibrated_camera_that_looks_away_gets_no_body(refiner: ScoreRefiner, body: Body) -> None:
    """Two cameras stand in one place, the third looks the other way: the shared body is behind it."""
    scene, keypoints, _ = pair(body)
    labeller = Labeller(Estimator(list(scene.people) * 3), refiner._refinery)
    away = np.diag([-1.0, 1.0, -1.0])
    given = [
        replace(observed(keypoints, str(view)), extrinsics=np.column_stack([rotation, np.zeros(3)]))
        for view, rotation in enumerate((np.eye(3), np.eye(3), away))
    ]
    made = list(labeller.label(given, "views"))
    assert "2" not in [one.observation.key for one in made]
    assert any("(first: 2)" in line for line in labeller.ledger.lines())
