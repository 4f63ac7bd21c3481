"""The DPMesh of the package lies on people, and its README says what it is."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from synthgen import config as configs
from synthgen.backends.model_files import BUNDLED_FOLDER
from synthgen.body import load_body
from synthgen.dpmesh.estimator import DPMeshEstimator
from synthgen.dpmesh.model import DPMesh
from synthgen.geometry import project
from synthgen.joints import COCO17
from synthgen.run import import_recipe
from synthgen.shards import read_samples

ROOT = Path(__file__).parents[2]
README = (ROOT / "synthgen/dpmesh/README.md").read_text("utf-8")
COMMANDS = re.findall(r"^    python -m synthgen.run ((?:[^\\\n]|\\\n)*)", README, re.M)


def test_bodies_lie_on_the_people_of_the_example():
    estimator = DPMeshEstimator()
    estimator.setup()
    body = load_body("open")
    hits = []
    for sample in read_samples(str(ROOT / "shards/example")):
        boxes = np.stack([label.bbox for label in sample.labels])
        cam_int = sample.scene.camera.cam_int
        (estimate,) = estimator([sample.image], [boxes], [cam_int])
        found = project(body.joints(body.pose(estimate.people).points, COCO17), cam_int)
        for joints, label in zip(found, sample.labels, strict=True):
            side = (label.bbox[2:] - label.bbox[:2]).max()
            hits.append(np.linalg.norm(joints - label.keypoints_2d, axis=-1) < 0.2 * side)
    # A body in the middle of its box, standing whatever the picture shows, hits a third of these.
    assert np.mean(hits) > 0.5


def test_readme_counts_weights_and_bytes_as_they_are():
    model = DPMesh.from_folder(BUNDLED_FOLDER / "dpmesh")
    millions, megabytes = map(float, re.search(r"\((\d\.\d+) million weights, (\d\.\d) MB", README).groups())
    weights = model.state_dict()
    own = sum(weights[key].numel() for key in model.own_keys())
    assert own / 1e6 == pytest.approx(millions, abs=0.01)
    assert (BUNDLED_FOLDER / "dpmesh/model.safetensors").stat().st_size / 1e6 == pytest.approx(
        megabytes, abs=0.05
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_readme_commands_are_understood(command):
    words = dict(word.partition("=")[::2] for word in shlex.split(command.replace("\\\n", " ")))
    path = configs.find(words.pop("config")) if "config" in words else None
    name = configs.read(path).values["pipeline"] if path else words.pop("pipeline")
    configs.load(import_recipe(str(name)).Config, path, [f"{key}={value}" for key, value in words.items()])
    assert len(COMMANDS) == 8
