"""Fixtures: ten rendered pictures, and workshops of tiny models over them."""

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
import yaml
from embedded_options import TINY
from made_once import made_once

from synthgen import run
from synthgen.embedded import diffusion, steps
from synthgen.embedded.pictures import Pictures, open_pictures
from synthgen.embedded.workshop import RUNS, Workshop
from synthgen.generate import make_samples
from synthgen.models import Method, ModelChoice, load_models
from synthgen.prompts import Prompts, RequestStream
from synthgen.shards import Shard, write_shard

SOURCE = {"backend": "render", "image_size": 128}
RENDERED = {"everyday": (6, {"everyday": 1.0}), "sports": (4, {"ski": 1.0, "diving": 1.0})}


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def quick_previews() -> Iterator[None]:
    """Let trainings draw their sample pictures in 2 steps instead of 20: these models draw noise anyway."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diffusion, "SAMPLE_STEPS", 2)
        yield


@pytest.fixture(scope="session")
def rendered(tmp_path_factory) -> Path:
    """Return a work folder with two runs of rendered pictures."""
    return made_once(tmp_path_factory, "rendered", _render)


def _render(work: Path) -> None:
    for seed, (name, (count, families)) in enumerate(RENDERED.items()):
        (work / name).mkdir()
        source = {**SOURCE, "families": families}
        models = load_models(ModelChoice("open", "warp", "cpu", source, Method(), "0" * 64))
        requests = [RequestStream(name, seed, Prompts()).request(index) for index in range(count)]
        write_shard(str(work / name), Shard(name, 0, 0, count, "0" * 64), make_samples(requests, models))


@pytest.fixture(scope="session")
def pictures(rendered, tmp_path_factory) -> Pictures:
    folders = [str(rendered / name) for name in RUNS]
    return open_pictures(folders, tmp_path_factory.mktemp("cache") / "pictures")


@pytest.fixture
def make_shop(rendered, tmp_path) -> Callable[[str], Workshop]:
    """Return make(step): a workshop of tiny models over its own copy of the rendered shards."""
    work = tmp_path / "work"
    shutil.copytree(rendered, work)

    def make(name: str) -> Workshop:
        return Workshop(
            name=name,
            inputs="inputs",
            options=TINY,
            work=work,
            weights=tmp_path / "weights",
            device="cpu",
            bf16=False,
            seed=0,
        )

    return make


@pytest.fixture(scope="session")
def place(rendered, tmp_path_factory) -> Path:
    """Return a folder with tiny.yaml, a run of the recipe at tiny size, and all that its steps left."""
    return made_once(tmp_path_factory, "recipe", partial(_train, rendered))


def _train(rendered: Path, folder: Path) -> None:
    shutil.copytree(rendered, folder / "work")
    options = dataclasses.asdict(TINY)
    options.pop("render")
    head = {"pipeline": "train_embedded", "work": str(folder / "work"), "weights": str(folder / "weights")}
    (folder / "tiny.yaml").write_text(yaml.safe_dump({**head, "device": "cpu", "lanes": 1, **options}))
    assert run.main([f"config={folder / 'tiny.yaml'}", f"steps=[{','.join(steps.STEPS)}]"]) == 0


@pytest.fixture(scope="session")
def trained(place) -> Path:
    """Return the weights folder after all steps but rendering."""
    return place / "weights"
