"""Fixtures of the viewer: a run with a rejected picture, a viewer of it that answers on a free port."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from synthgen.sample import Rejection, Sample
from synthgen.shards import Shard, write_shard
from synthgen.viewer.desk import Desk
from synthgen.viewer.server import Viewer


@pytest.fixture(scope="module")
def shown_run(tmp_path_factory: pytest.TempPathFactory, make_sample: Callable[..., Sample]) -> Path:
    """Return a run of two shards: 30 samples, the first of two people, and a rejection with a picture."""
    folder = tmp_path_factory.mktemp("shown") / "run"
    folder.mkdir()
    samples = [make_sample(index, num_people=2 if index == 0 else 1) for index in range(30)]
    turned_away = Rejection("run-00000030", "verify", "joints out of place", samples[0].image)
    write_shard(str(folder), Shard("run", 0, 0, 20, "x"), samples[:20])
    write_shard(str(folder), Shard("run", 1, 20, 11, "x"), [*samples[20:], turned_away], keep_rejected=1)
    return folder


@pytest.fixture
def viewer(shown_run: Path, tmp_path: Path) -> Iterator[Viewer]:
    started = Viewer(Desk(str(shown_run), str(tmp_path / "bad.txt"), {}), 0)
    started.start()
    assert started.desk.catalog.wait(120)
    yield started
    started.close()
