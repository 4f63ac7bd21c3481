from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from synthgen.fields import Setting, fill, kind, nearest, options


@dataclass(frozen=True)
class Light:
    """A light.

    Attributes:
        power: how bright [W].
    """

    power: float = 2.0


@dataclass(frozen=True)
class Source:
    """A source.

    Attributes:
        image_size: side of the picture [px],
            128 to 512.
        mode: how.
        light: never shown, its own fields are.

    More text.
    """

    image_size: int = 256
    mode: Literal["a", "b"] = "a"
    weights: dict[str, float] = field(default_factory=lambda: {"x": 1.0})
    light: Light = field(default_factory=Light)
    is_wet: bool = False

    def __post_init__(self) -> None:
        if not 128 <= self.image_size <= 512:
            raise ValueError(f"image_size must be in [128, 512], got {self.image_size}")


def test_fill_names_the_whole_path_of_every_problem() -> None:
    settings = [Setting(("image_sice",), 3), Setting(("mode",), "c"), Setting(("light", "power"), "x")]
    made, problems = fill(Source, [*settings, Setting(("image_size",), 7)], "source")
    assert made is None
    assert problems == [
        "unknown key 'source.image_sice'; did you mean 'image_size'?",
        "source.mode must be a | b, got 'c'",
        "source.light.power must be float, got 'x'",
        "source.image_size must be in [128, 512], got 7",
    ]


def test_fill_takes_later_settings_and_leaves_defaults_alone() -> None:
    made, problems = fill(Source, [Setting(("image_size",), 128), Setting(("image_size",), 300)])
    assert problems == [] and made == Source(image_size=300)
    again, _ = fill(Source, [Setting(("weights", "y"), 2)])
    assert again is not None and again.weights == {"x": 1.0, "y": 2.0}
    assert Source().weights == {"x": 1.0}


def test_options_show_type_default_unit_and_nested_keys() -> None:
    rows = {row.key: row for row in options(Source)}
    assert list(rows) == ["image_size", "mode", "weights", "light.power", "is_wet"]
    assert rows["image_size"].doc == "side of the picture [px], 128 to 512."
    assert (rows["mode"].kind, rows["mode"].default) == ("a | b", "a")
    assert (rows["weights"].kind, rows["weights"].default) == ("{name: float}", '{"x": 1.0}')
    assert (rows["light.power"].default, rows["light.power"].doc) == ("2.0", "how bright [W].")
    assert rows["is_wet"].default == "false"


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (int, "int"),
        (int | None, "int | null"),
        (tuple[int, int], "[int, int]"),
        (tuple[str, ...], "[str, …]"),
        (list[float], "[float, …]"),
        (dict[str, Any], "{name: anything}"),
    ],
)
def test_kinds_read_like_yaml(hint: Any, text: str) -> None:
    assert kind(hint) == text


def test_nearest_lists_what_is_known_where_nothing_is_near() -> None:
    assert nearest("workres", ["workers", "output"]) == "; did you mean 'workers'?"
    assert nearest("zzz", ["workers", "output"]) == "; known: output, workers"
    assert nearest("zzz", []) == ""


def test_help_shows_the_defaults_of_the_object_a_field_is_made_of():
    @dataclass(frozen=True)
    class Lamps:
        bright: Light = field(default_factory=lambda: Light(power=60.0))
        dim: Light = field(default_factory=Light)

    assert [(option.key, option.default) for option in options(Lamps)] == [
        ("bright.power", "60.0"),
        ("dim.power", "2.0"),
    ]
