"""Fixtures: the open body measured for clothes, a renderer, drawn scenes."""

from collections.abc import Callable

import pytest

from synthgen.body import Body
from synthgen.render import Renderer, make_renderer
from synthgen.scenes.body_map import BodyMap, map_body
from synthgen.scenes.compose import RenderSource
from synthgen.scenes.people import Casting


@pytest.fixture(scope="session")
def body_map(body: Body) -> BodyMap:
    return map_body(body)


@pytest.fixture(scope="session")
def casting(body: Body, body_map: BodyMap) -> Casting:
    return Casting(body, body_map, 0.8)


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    return make_renderer("warp")


@pytest.fixture(scope="session")
def source(body: Body, renderer: Renderer) -> Callable[..., RenderSource]:
    """Return source(**options): a picture source that is set up."""

    def build(**options: object) -> RenderSource:
        made = RenderSource(**options)
        made.setup(body, renderer)
        return made

    return build
