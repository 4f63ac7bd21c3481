"""One thread for small tensors: more gain nothing and wait for each other on a busy machine."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import pytest
import tiny_models
import torch


@pytest.fixture(autouse=True)
def single_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the folder with a small model of `tiny_models`, saved when first asked for."""
    makers: dict[str, Callable[[Path], Path]] = {
        "controlnet_xl": partial(tiny_models.controlnet, is_xl=True),
        "vitpose_plus": partial(tiny_models.vitpose, num_experts=2),
    }

    @cache
    def make(name: str) -> Path:
        folder = tmp_path_factory.mktemp("models") / name
        return (makers.get(name) or getattr(tiny_models, name))(folder)

    return make


@pytest.fixture
def run_python() -> Callable[[str], None]:
    """Run a program in a fresh interpreter; it must neither fail nor print."""

    def run(program: str) -> None:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    return run
