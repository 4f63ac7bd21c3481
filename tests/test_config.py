import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from synthgen import config as configs
from synthgen.config import ConfigError


@dataclass(frozen=True)
class Gate:
    min_visible: float = 0.3


@dataclass(frozen=True)
class Config:
    run: str
    num_samples: int = 100
    workers: int | Literal["auto"] = "auto"
    renderer: Literal["auto", "warp", "pyrender"] = "auto"
    size: tuple[int, int] = (256, 256)
    seed: int | None = None
    families: dict[str, float] = field(default_factory=lambda: {"everyday": 1.0})
    source: dict[str, Any] = field(default_factory=lambda: {"backend": "render"})
    models: dict[str, Any] = field(default_factory=dict)
    gate: Gate = field(default_factory=Gate)

    def problems(self) -> list[str]:
        return [] if self.num_samples > 0 else [f"num_samples must be > 0, got {self.num_samples}"]


@pytest.fixture
def ski(tmp_path: Path) -> Path:
    path = tmp_path / "ski.yaml"
    path.write_text(
        "# Skiers\npipeline: generate\nrun: ski\nnum_samples: 64\nfamilies: {ski: 2, yoga: 1}\n"
        "source:\n  backend: render\n  image_size: 128\ngate:\n  min_visible: 0.5\n"
    )
    return path


def problems_of(path: Path | None, *overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        configs.load(Config, path, overrides)
    return caught.value.problems


def test_command_line_beats_file_beats_defaults(ski: Path) -> None:
    config = configs.load(Config, ski, ["num_samples=7", "source.image_size=256", "size=[96, 128]"])
    assert (config.num_samples, config.workers, config.size) == (7, "auto", (96, 128))
    assert config.source == {"backend": "render", "image_size": 256}
    assert config.gate == Gate(0.5)
    assert isinstance(config, Config) and dataclasses.fields(config)


def test_a_mapping_in_the_file_replaces_the_default_mapping(ski: Path) -> None:
    assert configs.load(Config, ski).families == {"ski": 2.0, "yoga": 1.0}
    assert configs.load(Config, ski, ["families.diving=3"]).families == {"ski": 2, "yoga": 1, "diving": 3}
    assert configs.load(Config, ski, ["families={diving: 3}"]).families == {"diving": 3.0}


def test_values_on_the_command_line_are_yaml(ski: Path) -> None:
    config = configs.load(Config, ski, ["seed=null", "workers=3", "run=a=b", "gate.min_visible=1e-1"])
    assert (config.seed, config.workers, config.run, config.gate.min_visible) == (None, 3, "a=b", 0.1)


def test_all_problems_come_at_once_with_their_places(ski: Path) -> None:
    ski.write_text(
        "pipeline: generate\nrun: ski\nnum_sample: 3\nworkers: many\nfamilies: {ski: a, yoga: b}\n"
        "gate: {min_visibel: 1}\n"
    )
    assert problems_of(ski, "renderer=wrap", "num_samples=-1", "size=[1]") == [
        "unknown key 'num_sample'; did you mean 'num_samples'? (ski.yaml line 3)",
        "workers must be int | auto, got 'many' (ski.yaml line 4)",
        "families.ski must be float, got 'a' (ski.yaml line 5)",
        "families.yoga must be float, got 'b' (ski.yaml line 5)",
        "unknown key 'gate.min_visibel'; did you mean 'min_visible'? (ski.yaml line 6)",
        "renderer must be auto | warp | pyrender, got 'wrap' (command line)",
        "size must be [int, int], got [1] (command line)",
        "num_samples must be > 0, got -1",
    ]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("num_samples=2.5", "num_samples must be int, got 2.5"),
        ("num_samples=true", "num_samples must be int, got True"),
        ("num_samples=null", "num_samples must be int, got None"),
        ("num_samples.x=1", "num_samples is int and has no key 'x'"),
        ("source=3", "source must be {name: anything}, got 3"),
        ("gate=3", "gate must hold keys of its own, got 3"),
        ("gate.min_visible=.nan", "gate.min_visible must be finite, got nan"),
        ("gate.min_visible=.inf", "gate.min_visible must be finite, got inf"),
        ("run=[1]", "run must be str, got [1]"),
        ("run=${nope}", "run: Interpolation key 'nope' not found"),
        ("run=${oc.env:SYNTHGEN_NO_SUCH_VARIABLE}", "run: KeyError raised while resolving interpolation"),
        ("num_samples", "'num_samples': expected key=value"),
        ("=3", "'=3': expected key=value"),
        ("a..b=3", "'a..b=3': expected key=value"),
        ("--num_samples=3", "--num_samples=3: options are written num_samples=3, without dashes"),
        ("--resume", "--resume: options are written resume=value, without dashes"),
        ("size=[1, 2", "size: '[1, 2' is not a YAML value"),
        ("models=emedded", "models: no preset 'emedded'; did you mean 'embedded'?"),
    ],
)
def test_wrong_overrides_are_named(ski: Path, override: str, message: str) -> None:
    found = problems_of(ski, override)
    assert len(found) == 1 and found[0].startswith(message), found


def test_required_keys_are_asked_for() -> None:
    assert problems_of(None) == ["run is required: run=… (str)"]


def test_models_presets_are_read_from_the_shipped_configs(
    ski: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    shipped = tmp_path / "shipped"
    (shipped / "models").mkdir(parents=True)
    (shipped / "models" / "paper.yaml").write_text("draft: {id: sd2, steps: 50}\n")
    monkeypatch.setattr(configs, "shipped_folder", lambda name: shipped)
    config = configs.load(Config, ski, ["models=paper", "models.draft.id=other"])
    assert config.models == {"draft": {"id": "other", "steps": 50}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("run: [1, 2\nb: 3\n", "ski.yaml line 2"),
        ("run: a\nrun: b\n", "ski.yaml line 2, column 1: found duplicate key run"),
        ("a:\n\tb: 1\n", "ski.yaml line 2"),
        ("- a\n- b\n", "ski.yaml: must hold `key: value` lines, got a list"),
        ("just text\n", "ski.yaml: must hold `key: value` lines"),
        ("a: &a [x]\n" + "".join(f"a{n}: [*a, *a]\n" for n in range(9)), "ski.yaml: has 18 aliases"),
        ("a: !!python/object/apply:os.system ['true']\n", "ski.yaml line 1"),
    ],
)
def test_bad_yaml_is_reported_with_its_line(ski: Path, text: str, message: str) -> None:
    ski.write_text(text)
    found = problems_of(ski)
    assert len(found) == 1 and found[0].startswith(message), found


def test_yaml_nested_too_deeply_is_one_problem(ski: Path) -> None:
    ski.write_text("a: " + "[" * 5000 + "]" * 5000)
    (found,) = problems_of(ski)
    # From 6.0.4 on PyYAML counts, and tells the line; before, Python's stack runs out.
    assert re.fullmatch(
        r"ski\.yaml( line 1, column \d+: exceeded maximum nesting depth|: nested too deeply)", found
    )


def test_a_binary_file_is_no_config(ski: Path) -> None:
    ski.write_bytes(b"\xff\xfe\x00\x01")
    assert "cannot be read" in problems_of(ski)[0]


def test_find_looks_at_the_path_then_configs_then_the_package(tmp_path: Path, monkeypatch: Any) -> None:
    shipped = tmp_path / "package"
    places = [tmp_path / "here", tmp_path / "here" / "configs", shipped]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(configs, "shipped_folder", lambda name: shipped)
    (shipped / "ski.yaml").write_text("")
    assert configs.find("ski.yaml") == shipped / "ski.yaml"
    (places[1] / "ski.yaml").write_text("")
    assert configs.find("ski") == Path("configs/ski.yaml")
    (places[0] / "ski.yaml").write_text("")
    assert configs.find("ski.yaml") == Path("ski.yaml")
    assert configs.find(str(shipped / "ski.yaml")) == shipped / "ski.yaml"
    with pytest.raises(ConfigError, match=r"config=sky\.yaml: no such file.*did you mean 'ski'"):
        configs.find("sky.yaml")


def test_the_resolved_config_reads_back_as_itself(ski: Path, tmp_path: Path) -> None:
    config = configs.load(Config, ski, ["seed=3", "run='Größe: 5'"])
    saved = tmp_path / "config.yaml"
    saved.write_text(configs.to_yaml(config, "generate"), "utf-8")
    assert saved.read_text("utf-8").startswith("pipeline: generate\nrun: ")
    assert configs.load(Config, saved) == config


def test_the_hash_depends_on_content_only(ski: Path) -> None:
    config = configs.load(Config, ski)
    texts = ["gate.min_visible=0.5", "families={yoga: 1, ski: 2}", "run=ski", "num_samples=64"]
    same = configs.load(Config, None, [*texts, "source={image_size: 128, backend: render}"])
    more = dataclasses.replace(config, workers=3)
    assert configs.config_hash(config) == configs.config_hash(same)
    assert configs.config_hash(config) != configs.config_hash(more)
    assert configs.config_hash(config, ["workers"]) == configs.config_hash(more, ["workers"])


def test_differences_are_listed_by_key(ski: Path) -> None:
    config = configs.load(Config, ski)
    other = configs.load(Config, ski, ["source.image_size=256", "families={ski: 2}", "workers=3"])
    old, new = configs.resolved(config), configs.resolved(other)
    assert configs.differences(old, new, ["workers"]) == [
        "families.yoga: 1.0 before, absent now",
        "source.image_size: 128 before, 256 now",
    ]
    assert configs.differences(old, {"pipeline": "generate", **old}) == []
