import threading
import time
from dataclasses import dataclass, replace

import pytest

from synthgen.models import Method, ModelChoice, Models, load_models
from synthgen.pipelining import Studio, in_order


class Meeting:
    """Batches that only end together, so that a test hangs unless they overlap."""

    def __init__(self, size: int) -> None:
        self.barrier = threading.Barrier(size, timeout=60)

    def __call__(self, batch: list[int]) -> list[int]:
        self.barrier.wait()
        return batch


@dataclass
class Teller:
    """A backend, source or renderer that tells which thread it works in."""

    batch_size: int = 8
    body: str = "open"
    delay_s: float = 0.0
    is_full: bool = False

    def __call__(self, *questions: object) -> str:
        time.sleep(self.delay_s)
        if self.is_full and self.batch_size == 8:
            import torch

            raise torch.cuda.OutOfMemoryError("full")
        return threading.current_thread().name

    def depth(self, *questions: object) -> str:
        return threading.current_thread().name


@pytest.fixture(scope="module")
def bare() -> Models:
    return load_models(
        ModelChoice("open", "warp", "cpu", {"backend": "plain_source:PlainSource"}, Method(), "c")
    )


def studio_of(bare: Models, **roles: Teller) -> Studio:
    teller = Teller()
    return Studio(lambda: replace(bare, source=teller, renderer=teller, roles=roles))


def names() -> set[str]:
    return {thread.name.partition("_")[0] for thread in threading.enumerate()}


def test_items_come_in_order_whichever_batch_is_ready_first():
    def make(batch: list[int]) -> list[int]:
        time.sleep(0.05 if batch[0] % 2 == 0 else 0)
        return batch

    assert list(in_order([[0, 1], [3], [4, 5], [7], [8]], make)) == [0, 1, 3, 4, 5, 7, 8]


def test_two_batches_are_made_while_a_third_is_consumed():
    meeting = Meeting(2)
    items = in_order([[0], [1], [2], [3]], meeting)
    assert next(items) == 0
    assert list(items) == [1, 2, 3]


def test_no_more_batches_are_begun_than_can_be_kept():
    begun = []

    def make(batch: int) -> list[int]:
        begun.append(batch)
        return [batch]

    items = in_order(range(10), make)
    assert next(items) == 0
    deadline = time.monotonic() + 60
    while len(begun) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.2)  # for a fourth, if there is one
    assert begun == [0, 1, 2]
    items.close()
    assert "lane" not in names()


def test_an_error_comes_after_the_items_before_it_and_ends_the_threads():
    def make(batch: int) -> list[int]:
        if batch == 1:
            raise RuntimeError("batch 1 cannot be made")
        return [batch]

    seen = []
    with pytest.raises(RuntimeError, match="batch 1"):
        for item in in_order(range(10), make):
            seen.append(item)
    assert seen == [0]
    assert "lane" not in names()


def test_things_work_in_their_own_threads_and_keep_their_other_sides(bare):
    with studio_of(bare, draft=Teller(), mesh=Teller(body="smpl"), prior=Teller()) as studio:
        models = studio.models
        here = threading.current_thread().name
        graphics = {models.source([]), models.renderer.depth([])}
        networks = {models.ask("draft"), models.mesh([], [], []), models.prior([])}
        assert len(graphics) == len(networks) == 1
        assert len(graphics | networks | {here}) == 3
        assert models.mesh.body == "smpl"
    assert not names() & {"graphics", "networks"}


def test_memory_that_runs_out_halves_the_batch_of_the_backend_itself(bare):
    backend = Teller(is_full=True)
    with studio_of(bare, redraw=backend) as studio:
        assert studio.models.ask("redraw").startswith("networks")
    assert backend.batch_size == 4


def test_models_that_cannot_be_loaded_leave_no_threads():
    def load() -> Models:
        raise ValueError("no such weights")

    with pytest.raises(ValueError, match="no such weights"):
        Studio(load)
    assert not names() & {"graphics", "networks"}


def test_waiting_for_a_turn_counts_for_no_stage(bare):
    with studio_of(bare, draft=Teller(delay_s=0.2)) as studio:

        def draw() -> None:
            with studio.clock.stage("draft"):
                studio.models.ask("draft")

        lanes = [threading.Thread(target=draw) for _ in range(4)]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
        assert 0.8 <= studio.clock.seconds["draft"] < 1.6  # 2 s with the waiting
