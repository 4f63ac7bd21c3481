import pytest

from synthgen.backends import SOURCES, BackendError, build, find
from synthgen.fields import options
from synthgen.guide import Words


def test_text_gives_the_prompt(ask) -> None:
    assert ask("text", [0, 1], fov_deg=55.0) == [Words("prompt 0", 55.0), Words("prompt 1", 55.0)]


@pytest.mark.parametrize("backend", ["text", "real", "pose"])
def test_every_key_has_its_help(backend: str) -> None:
    assert all(option.doc for option in options(find(SOURCES, backend, "source")))


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"backend": "text", "fov_deg": 4}, "source.fov_deg must be in [5, 120], got 4"),
        ({"backend": "text", "fov": 40}, "unknown key 'source.fov'; did you mean 'fov_deg'?"),
        (
            {"backend": "real", "image_size": 100},
            "source.image_size must be a multiple of 8 in [64, 2048] px",
        ),
        ({"backend": "real", "fit": "stretch"}, "source.fit must be crop | pad, got 'stretch'"),
        ({"backend": "real", "captions": "x"}, "source.captions must be prompts | files, got 'x'"),
        ({"backend": "pose", "heading": "left"}, "source.heading must be random | kept, got 'left'"),
        ({"backend": "pose", "stride": 0}, "source.stride must be in [1, 1e+06], got 0"),
        ({"backend": "pose", "body_shape": -1}, "source.body_shape must be in [0, 3], got -1"),
        ({"backend": "pose", "families": {"sky": 1.0}}, "source.families.sky is unknown; known: everyday"),
        ({"backend": "pose", "families": {"ski": 0.0}}, "source.families must give at least one of"),
        ({"backend": "pose", "families": {"ski": -1.0}}, "source.families.ski must be a finite weight >= 0"),
        (
            {"backend": "pose", "least_cover": 0.9, "most_cover": 0.5},
            "source.least_cover must be <= most_cover",
        ),
        (
            {"backend": "pose", "path": "x.npz", "captions": "actions"},
            "source.captions=actions needs path=libra",
        ),
    ],
)
def test_wrong_options_name_the_key(node: dict, message: str) -> None:
    with pytest.raises(BackendError) as caught:
        build(SOURCES, node, "source")
    assert caught.value.problems[0].startswith(message)
