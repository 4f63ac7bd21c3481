"""What holds for every backend of every table, on small models in the real layouts."""

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_models
import torch
from numpy.typing import NDArray

from synthgen import backends
from synthgen.backends.protocols import Guides, Keypoints
from synthgen.clues import CLUES
from synthgen.sample import Camera, Person, Scene

Outcome = list[list[NDArray[Any]]]  # of each picture, all that came out
PROMPTS = ["a person skiing", "somebody on a beam", "a dive, side shot"]
NEGATIVE = ["deformed", "", "bad anatomy"]
SEEDS = [11, 12, 13]
SIZE = tiny_models.SIZE
RANDOM = np.random.default_rng(0)
PICTURES = [RANDOM.integers(0, 256, (*size, 3), dtype=np.uint8) for size in ((60, 80), (90, 60), (60, 80))]
BOXES = [np.array([[5.0, 4, 40, 50], [30, 10, 70, 58]]), np.zeros((0, 4)), np.array([[-9.0, 3, 30, 70]])]
CAMERAS = [np.array([[70.0, 0, 40], [0, 70, 30], [0, 0, 1]])] * 3
GUIDES = Guides(
    RANDOM.integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8),
    RANDOM.random((3, SIZE, SIZE)),
    RANDOM.random((3, SIZE, SIZE)) > 0.5,
)
POSES = RANDOM.normal(0, 0.3, (3, 23, 3))
SCENES = [
    Scene(
        Camera(CAMERAS[number], PICTURES[number].shape[:2]),
        (Person(np.array([3.0, 0, 0]), POSES[number], np.zeros(10), np.array([0, 0, 3.0])),) * people,
        "open",
    )
    for number, people in enumerate((2, 1, 1))
]
JOINTS = [
    Keypoints(RANDOM.uniform(10, 50, (people, 17, 2)), RANDOM.uniform(0.3, 1, (people, 17)))
    for people in (2, 1, 1)
]

CLUES_TO = [{name: RANDOM.normal(0, 1, people) for name in CLUES} for people in (2, 0, 1)]


def some(values: Sequence[Any], members: list[int]) -> list[Any]:
    return [values[i] for i in members]


def draft(model: Any, members: list[int], seeds: Sequence[int] = SEEDS) -> Outcome:
    drafts = model(some(PROMPTS, members), some(NEGATIVE, members), some(seeds, members))
    assert drafts.images.dtype == np.uint8 and drafts.flagged.dtype == bool
    if members:
        assert drafts.images.shape == (len(members), SIZE, SIZE, 3)
    assert not drafts.flagged.any() and drafts.flagged.shape == (len(members),)
    return [[image] for image in drafts.images]


def redraw(model: Any, members: list[int], seeds: Sequence[int] = SEEDS) -> Outcome:
    texts = some(PROMPTS, members), some(NEGATIVE, members)
    images = model(GUIDES.take(members), *texts, some(seeds, members))
    assert images.dtype == np.uint8
    if members:
        assert images.shape == (len(members), SIZE, SIZE, 3)
    return [[image] for image in images]


def segment(model: Any, members: list[int]) -> Outcome:
    found = model(some(PICTURES, members))
    for one, picture in zip(found, some(PICTURES, members), strict=True):
        for masks, scores in ((one.people, one.people_scores), (one.objects, one.object_scores)):
            assert masks.dtype == bool and masks.shape == (len(scores), *picture.shape[:2])
            assert (np.diff(scores) <= 0).all() and (scores >= 0).all() and (scores <= 1).all()
        assert one.person.shape == one.object.shape == picture.shape[:2]
        assert len(one.object_labels) == len(one.objects)
        sure = one.probability_of_people()
        assert sure.shape == picture.shape[:2] and sure.min() >= 0 and sure.max() <= 1
        assert np.concatenate([one.people, one.objects]).sum(0).max(initial=0) <= 1, "masks overlap"
    return [
        [one.people, one.people_scores, one.objects, one.object_scores, one.probability_of_people()]
        for one in found
    ]


def find_joints(model: Any, members: list[int]) -> Outcome:
    found = model(some(PICTURES, members), some(BOXES, members))
    for one, boxes in zip(found, some(BOXES, members), strict=True):
        assert one.keypoints_2d.shape == (len(boxes), 17, 2) and np.isfinite(one.keypoints_2d).all()
        assert one.confidence.shape == (len(boxes), 17)
        assert (one.confidence >= 0).all() and (one.confidence <= 1).all()
    return [[one.keypoints_2d, one.confidence] for one in found]


def estimate(model: Any, members: list[int]) -> Outcome:
    found = model(some(PICTURES, members), some(BOXES, members), some(CAMERAS, members))
    for one, boxes in zip(found, some(BOXES, members), strict=True):
        assert len(one.people) == len(one.tokens) == len(boxes)
        assert one.tokens.dtype == np.float32 and one.tokens.ndim == 3
    return [[one.tokens, *map(flat, one.people)] for one in found]


def flat(person: Person) -> NDArray[Any]:
    return np.concatenate([np.ravel(value) for value in vars(person).values()])


def judge(model: Any, members: list[int]) -> Outcome:
    report = model(POSES[members])
    assert report.codes.ndim == 2 and np.allclose(report.squared_norm, (report.codes**2).sum(-1))
    assert report.reconstruction.shape == (len(members), 23, 3) and report.errors.shape == (len(members),)
    poses = model.sample(some(SEEDS, members))
    assert poses.shape == (len(members), 23, 3) and np.isfinite(poses).all()
    return [
        list(rows) for rows in zip(report.codes, report.reconstruction, report.errors, poses, strict=True)
    ]


def weigh(model: Any, members: list[int]) -> Outcome:
    trust = model(some(CLUES_TO, members))
    for one, clues in zip(trust, some(CLUES_TO, members), strict=True):
        assert one.shape == clues["overlap"].shape and (one >= 0).all() and (one <= 1).all()
    return [[one] for one in trust]


def refine(model: Any, members: list[int]) -> Outcome:
    scenes = some(SCENES, members)
    fitted = model(some(PICTURES, members), scenes, some(JOINTS, members))
    for one, scene in zip(fitted, scenes, strict=True):
        assert one.camera is scene.camera and one.body == scene.body
        assert len(one.people) == len(scene.people)
    return [list(map(flat, one.people)) for one in fitted]


RUN: dict[str, Callable[..., Outcome]] = {
    "draft": draft, "redraw": redraw, "segmenter": segment, "keypoints": find_joints, "mesh": estimate,
    "prior": judge, "critic": weigh, "refiner": refine,
}  # fmt: skip
STEPS = {"num_inference_steps": 3}
# Role, name in its table, keys, and which model each key that names one points at.
CASES: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
    ("draft", "text_to_image", STEPS, {"id": "stable_diffusion"}),
    ("draft", "text_to_image", {**STEPS, "scheduler": "euler_a"}, {"id": "sdxl"}),
    ("redraw", "depth_to_image", {**STEPS, "renew_region": True}, {"id": "sd2_depth"}),
    ("redraw", "depth_to_image", {**STEPS, "scheduler": "dpmpp_sde"}, {"id": "sd2_depth"}),
    ("redraw", "controlnet", STEPS, {"id": "stable_diffusion", "controlnet": "controlnet"}),
    (
        "redraw",
        "controlnet",
        {**STEPS, "mode": "inpaint", "renew_region": True},
        {"id": "sdxl", "controlnet": "controlnet_xl"},
    ),
    ("segmenter", "segmentation", {"threshold": 0.3}, {"id": "segformer"}),
    ("segmenter", "segmentation", {}, {"id": "mask2former"}),
    ("segmenter", "segmentation", {}, {"id": "maskformer"}),
    ("segmenter", "segmentation", {}, {"id": "detr"}),
    ("keypoints", "vitpose", {}, {"id": "vitpose"}),
    ("keypoints", "vitpose", {}, {"id": "vitpose_plus"}),
    ("mesh", "hmr2", {}, {"id": "hmr2"}),
    ("mesh", "dpmesh", {}, {"id": "dpmesh"}),
    ("prior", "vposer", {}, {"id": "vposer"}),
    ("prior", "vposer", {}, {"id": "vposer_v02_05"}),
    ("critic", "logistic", {}, {"id": "critic"}),
    ("refiner", "score", {"mesh": None, "iterations": 1, "start": 6}, {"id": "score"}),
]
by_case = pytest.mark.parametrize(
    ("role", "name", "keys", "models"),
    CASES,
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)


def build(role: str, name: str, keys: dict[str, Any]) -> Any:
    pairs = {} if role in ("prior", "critic") else {"batch_size": 2}
    return backends.build(backends.MODELS[role], {"backend": name, **pairs, **keys}, f"models.{role}")


def same(first: Outcome, second: Outcome) -> bool:
    return len(first) == len(second) and all(
        len(ours) == len(theirs) and all(map(np.array_equal, ours, theirs))
        for ours, theirs in zip(first, second, strict=True)
    )


def test_every_backend_has_a_case() -> None:
    assert {case[:2] for case in CASES} == {
        (role, name) for role, table in backends.MODELS.items() for name in table
    }


@by_case
def test_runs_repeatably_and_alone(
    role: str, name: str, keys: dict[str, Any], models: dict[str, str], saved: Callable[[str], Path]
) -> None:
    model = build(role, name, keys | {key: str(saved(value)) for key, value in models.items()})
    assert model.problems() == []
    run = RUN[role]
    with pytest.raises(RuntimeError, match=r"call setup"):
        run(model, [0])
    model.setup("cpu", "float32")
    assert model.version
    everything = run(model, [0, 1, 2])
    assert any(value.size for outcome in everything for value in outcome), "nothing came out"
    assert same(everything, run(model, [0, 1, 2])), "not repeatable"
    assert same(run(model, [2, 0]), some(everything, [2, 0])), "depends on its neighbours"
    assert same(run(model, [1]), some(everything, [1])), "depends on its neighbours"
    assert run(model, []) == []
    if role in ("draft", "redraw"):
        others = run(model, [0, 1, 2], [11, 99, 13])
        assert [same([a], [b]) for a, b in zip(everything, others, strict=True)] == [True, False, True]
    again = build(role, name, keys | {key: str(saved(value)) for key, value in models.items()})
    again.setup()
    assert again.version == model.version and same(run(again, [0]), everything[:1])


@by_case
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_runs_in_half_precision(
    role: str,
    name: str,
    keys: dict[str, Any],
    models: dict[str, str],
    saved: Callable[[str], Path],
    dtype: Any,
) -> None:
    model = build(role, name, keys | {key: str(saved(value)) for key, value in models.items()})
    model.setup("cpu", dtype)
    found = RUN[role](model, [0])
    assert all(np.isfinite(value).all() for outcome in found for value in outcome)


def test_pictures_and_boxes_are_checked(saved: Callable[[str], Path]) -> None:
    pose, mesh, segmenter = (
        build(role, name, {"id": str(saved(folder))})
        for role, name, folder in (
            ("keypoints", "vitpose", "vitpose"),
            ("mesh", "hmr2", "hmr2"),
            ("segmenter", "segmentation", "segformer"),
        )
    )
    grey, odd = np.zeros((9, 9), np.uint8), np.array([[1.0, 2, np.nan, 4]])
    calls: list[Callable[[Any, Any], Any]] = [
        lambda image, boxes: pose([image], [boxes]),
        lambda image, boxes: mesh([image], [boxes], CAMERAS[:1]),
        lambda image, boxes: segmenter([image]),
    ]
    for model, call in zip((pose, mesh, segmenter), calls, strict=True):
        model.setup()
        for image in (grey, grey[..., None].repeat(3, -1) / 1.0, np.zeros((0, 9, 3), np.uint8)):
            with pytest.raises(ValueError, match=r"picture 0 must be \(H, W, 3\) uint8, got"):
                call(image, BOXES[0])
        call(np.zeros((1, 3, 3), np.uint8), BOXES[0])
    for call in calls[:2]:
        for boxes in (odd, BOXES[0][0]):
            with pytest.raises(ValueError, match=r"boxes of picture 0 must be \(N, 4\) finite xyxy"):
                call(PICTURES[0], boxes)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device")
def test_a_missing_device_is_named(saved: Callable[[str], Path]) -> None:
    with pytest.raises(ValueError, match=r"device is cuda:0, but PyTorch finds no CUDA device here"):
        build("mesh", "hmr2", {"id": str(saved("hmr2"))}).setup("cuda:0")


@by_case
def test_wrong_places_are_named(
    role: str,
    name: str,
    keys: dict[str, Any],
    models: dict[str, str],
    saved: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    """A folder that is missing, empty, or another model's gives one error that names it."""
    others = {key: str(saved(value)) for key, value in models.items()}
    (tmp_path / "empty").mkdir()
    stranger = saved("vitpose" if role != "keypoints" else "segformer")
    for key in models:
        for place in ("./nowhere", str(tmp_path / "empty"), "embedded/nothing", str(stranger)):
            model = build(role, name, keys | others | {key: place})
            with pytest.raises((FileNotFoundError, ValueError)) as caught:
                model.setup()
            assert place.removeprefix("./") in str(caught.value)
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("role", "name"), [(r, n) for r, table in backends.MODELS.items() for n in table])
def test_ranges_are_checked_before_anything_is_loaded(role: str, name: str) -> None:
    problems = backends.model_problems({role: {"backend": name, "id": " "}})
    assert problems == [f"models.{role}.id must be a folder, a hub id or embedded/<name>, got an empty text"]
    if role not in ("prior", "critic"):
        problems = backends.model_problems({role: {"backend": name, "batch_size": 0}})
        assert problems == [f"models.{role}.batch_size must be >= 1, got 0"]
    made = backends.build(backends.MODELS[role], {"backend": name})
    assert pickle.loads(pickle.dumps(made)) == made


def test_configs_are_checked_without_any_heavy_library(run_python: Callable[[str], None]) -> None:
    run_python(
        "import sys\n"
        "from synthgen import backends\n"
        "for role, table in backends.MODELS.items():\n"
        "    for name in table: backends.complete(table, {'backend': name}, role)\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'huggingface_hub', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
