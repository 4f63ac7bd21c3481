"""Fixtures: the open body, samples whose labels are exactly right, a run folder of two shards."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from synthgen.body import Body, load_body
from synthgen.cluster import Cluster, join
from synthgen.geometry import intrinsics, project
from synthgen.joints import COCO17, SMPL24
from synthgen.sample import Camera, Label, Person, Provenance, Rejection, Request, Sample, Scene, Validity
from synthgen.shards.shard import CONFIG_NAME, Shard, write_shard

MakeSample = Callable[..., Sample]
CONFIG_HASH = "c0ffee" * 10 + "c0ff"
# Ray's workers matter as much as the test that waits for them; at their usual niceness, 15, they get next to
# nothing of a busy machine.
os.environ.setdefault("RAY_worker_niceness", "0")
# Nor are workers started before somebody asks for one: most of these clusters never use as many.
os.environ.setdefault("RAY_prestart_worker_first_driver", "0")
# Two processes take the next file each time they end one: these take longest, so they come first. Those of
# Ray wait for processes to start, which is time for others; the exam takes what the recipe has trained.
LONGEST_FILES = (
    "pipelines/test_generate_recipe.py",
    "pipelines/test_real_layouts.py",
    "pipelines/test_ray_job.py",
    "backends/test_contract.py",
    "test_actors.py",
    "pipelines/test_few_shot.py",
    "dpmesh/test_dpmesh_training.py",
    "pipelines/test_train_dpmesh.py",
    "embedded/test_recipe.py",
    "embedded/test_shipped_models.py",
    "dpmesh/test_dpmesh_model.py",
    "test_cluster_training.py",
    "dpmesh/test_dpmesh_model_official.py",
    "embedded/test_lanes.py",
    "embedded/test_exam_recipe.py",
    "pipelines/test_refine_recipe.py",
    "backends/test_denoising.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {Path(__file__).parent / name: rank for rank, name in enumerate(LONGEST_FILES)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


@pytest.fixture(scope="session")
def body() -> Body:
    return load_body("open")


@pytest.fixture(scope="session")
def make_sample(body: Body) -> MakeSample:
    """Return make(index, num_people=1, size=(96, 128)): people of the open body, drawn as dots."""

    def make(index: int = 0, num_people: int = 1, size: tuple[int, int] = (96, 128)) -> Sample:
        rng = np.random.default_rng([7, index])
        camera = Camera(intrinsics(110.0, size), size)
        people = tuple(_person(rng, place) for place in range(num_people))
        posed = body.pose(people)
        mask, depth = _splat(posed.vertices, camera)
        image = rng.integers(40, 200, 3) * np.linspace(0.5, 1, size[1])[:, None] * np.ones((*size, 1))
        image[mask > 0] = 230
        coco, smpl = body.joints(posed.points, COCO17), body.joints(posed.points, SMPL24)
        labels = tuple(_label(mask == n + 1, coco[n], smpl[n], camera, rng) for n in range(num_people))
        return Sample(
            request=Request(f"run-{index:08d}", index, 1000 + index, "a photo of a skier", "blur", "render"),
            image=image.astype(np.uint8),
            depth=depth,
            mask=mask,
            scene=Scene(camera, people, body.name),
            labels=labels,
            scores={"occluded": 0.25},
            provenance=Provenance(
                {"renderer": "dots", "body": body.name}, {"body": body.revision}, CONFIG_HASH, "0.1.0"
            ),
        )

    return make


@pytest.fixture(scope="session")
def sample(make_sample: MakeSample) -> Sample:
    """Return a valid sample of two people."""
    return make_sample(0, num_people=2)


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[Cluster]:
    """Return a private Ray cluster of three slots whose workers can import the tests' own modules."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        cluster = join("local", 3)
    yield cluster
    cluster.close()


@pytest.fixture
def run_dir(tmp_path: Path, make_sample: MakeSample) -> Path:
    """Return the folder of a finished run "run": two shards of three requests, one of them rejected."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / CONFIG_NAME).write_text("pipeline: generate\nnum_samples: 6\n")
    for index, first in enumerate((0, 3)):
        items: list[Sample | Rejection] = [make_sample(first + n, num_people=1 + n // 2) for n in range(3)]
        if index == 1:
            items[1] = Rejection("run-00000004", "verify", "too few joints visible")
        write_shard(str(folder), Shard("run", index, first, 3, CONFIG_HASH), items, {"compose": 1.5})
    return folder


def _person(rng: np.random.Generator, place: int) -> Person:
    return Person(
        global_orient=np.array([np.pi - 0.05, 0, 0], np.float32),  # from y up to the camera's y down
        body_pose=rng.normal(0, 0.2, (23, 3)).astype(np.float32),
        betas=rng.normal(0, 0.7, 10).astype(np.float32),
        transl=np.array([0.9 * place - 0.2, 0.0, 3.2 + 0.4 * place], np.float32),
    )


def _splat(vertices: np.ndarray, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Draw every vertex (P, V, 3) as one pixel, nearest in front; return mask and depth."""
    height, width = camera.image_size
    mask, depth = np.zeros((height, width), np.uint8), np.zeros((height, width), np.float32)
    for number, body_vertices in enumerate(vertices, 1):
        pixels = np.rint(project(body_vertices, camera.cam_int)).astype(int)
        inside = ((pixels >= 0) & (pixels < (width, height))).all(1)
        for (x, y), z in zip(pixels[inside], body_vertices[inside, 2], strict=True):
            if depth[y, x] == 0 or z < depth[y, x]:
                mask[y, x], depth[y, x] = number, z
    return mask, depth


def _label(
    shown: np.ndarray, coco: np.ndarray, smpl: np.ndarray, camera: Camera, rng: np.random.Generator
) -> Label:
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    return Label(
        bbox=np.array([columns[0], rows[0], columns[-1], rows[-1]], np.float32),
        keypoints_2d=project(coco, camera.cam_int).astype(np.float32),
        visibility=rng.random(len(COCO17)).astype(np.float32),
        keypoints_3d=smpl,
        valid=Validity(smpl=True, keypoints_2d=True, keypoints_3d=True),
        family="ski",
        action="tuck",
        scores={"visible": 0.5},
    )
