"""Fixtures: requests, and sources of guides that are set up; none of them draws."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from synthgen.backends import SOURCES, build
from synthgen.body import Body
from synthgen.sample import Request

Ask = Callable[..., list[Any]]


def requests_of(places: Sequence[int], seed: int = 1000) -> list[Request]:
    """Return one request for each guide, all with seeds of their own."""
    return [
        Request(f"run-{n:09d}", n, seed + n, f"prompt {n}", "", "pose", guide_index=place)
        for n, place in enumerate(places)
    ]


@pytest.fixture
def ask(body: Body) -> Ask:
    """Return ask(backend, places, seed=…, **options): what the source of a config gives for some guides."""

    def answer(backend: str, places: Sequence[int], seed: int = 1000, **options: Any) -> list[Any]:
        source = build(SOURCES, {"backend": backend, **options}, "source")
        source.setup(body, None)  # guides are not rendered
        return source(requests_of(places, seed))

    return answer
