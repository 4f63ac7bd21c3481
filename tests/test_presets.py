"""Presets of models and run files that come with the package: each loads, and says nothing that is not so."""

import ast
import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest

from synthgen import backends, run
from synthgen import config as configs
from synthgen.prompts import Prompts
from synthgen.scenes import captions, keyframes, palette, tailors, venues

PRESETS = configs.shipped(configs.MODELS)
ROLES = {"draft", "redraw", "segmenter", "keypoints", "mesh", "prior", "refiner"}
RUNS = {name: configs.read(path).values for name, path in configs.shipped().items()}
GENERATE = sorted(name for name, values in RUNS.items() if values["pipeline"] == "generate")
WRITTEN = sorted(name for name in GENERATE if "prompts" in RUNS[name])
NUM_DRAWS = 2000  # of a domain's prompts, enough to see each of its words


def preset(name: str) -> dict[str, Any]:
    return dict(configs.read(PRESETS[name]).values)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_node_of_a_preset_builds(name: str) -> None:
    nodes = preset(name)
    assert set(nodes) - {"critic"} == ROLES and backends.model_problems(nodes) == []


@pytest.mark.parametrize("name", sorted(PRESETS))
@pytest.mark.parametrize("run_file", GENERATE)
def test_every_run_file_loads_with_every_preset(run_file: str, name: str) -> None:
    recipe = run.import_recipe("generate")
    config = configs.load(recipe.Config, configs.shipped()[run_file], [f"models={name}"])
    assert config.models == preset(name)


def test_the_paper_has_its_numbers() -> None:
    nodes = preset("paper")
    draft = backends.build(backends.MODELS["draft"], nodes["draft"])
    redraw = backends.build(backends.MODELS["redraw"], nodes["redraw"])
    assert (draft.num_inference_steps, draft.guidance_scale) == (50, 7.5)
    assert (redraw.strength, redraw.num_inference_steps, redraw.guidance_scale) == (0.7, 50, 7.5)
    assert redraw.renew_region and not redraw.id.startswith("stabilityai/")
    assert nodes["segmenter"]["threshold"] == 0.5
    assert nodes["mesh"]["body"] == "smpl" and nodes["prior"]["id"].endswith("V02_05")


def test_sdxl_keeps_what_looks_at_pictures() -> None:
    paper, sdxl = preset("paper"), preset("sdxl")
    for role in ("segmenter", "keypoints", "mesh", "prior", "refiner"):
        assert sdxl[role] == paper[role]
    assert sdxl["redraw"]["backend"] == "controlnet"


@pytest.mark.parametrize("name", ["paper", "sdxl"])
def test_files_of_ones_own_are_never_taken_for_ids_of_the_hub(name: str) -> None:
    from synthgen.backends.model_files import looks_like_hub_id

    nodes = preset(name)
    assert not looks_like_hub_id(nodes["mesh"]["id"]) and not looks_like_hub_id(nodes["prior"]["id"])
    on_hub = [node["id"] for role, node in nodes.items() if role not in ("mesh", "prior", "refiner")]
    assert all(looks_like_hub_id(one) for one in on_hub)


@pytest.mark.parametrize("name", ["paper", "sdxl"])
def test_the_comments_of_a_preset_name_every_file_and_licence(name: str) -> None:
    text = PRESETS[name].read_text("utf-8")
    comment = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    nodes = preset(name)
    ids = [node["id"] for role, node in nodes.items() if role not in ("mesh", "prior", "refiner")]
    ids += [nodes["redraw"]["controlnet"]] if "controlnet" in nodes["redraw"] else []
    for one in ids:
        assert f"{one}" in comment, one
    for word in ("OpenRAIL", "GPU", "pipeline=doctor", "Run:", f"models={name}"):
        assert word in comment


@pytest.mark.parametrize("path", [*PRESETS.values(), *configs.shipped().values()], ids=lambda path: path.stem)
def test_commands_in_comments_parse(path: Path) -> None:
    """Every command in the first lines names recipes, run files, presets and keys that exist."""
    text = re.sub(r"\\\n# +", "", path.read_text("utf-8"))
    for command in re.findall(r"^# .*python -m synthgen\.run ([^\n]*?)(?:   .*)?$", text, re.MULTILINE):
        words = re.findall(r'(\w[\w.]*)=("[^"]*"|\S*)', command)
        values = {key: value.strip('"') for key, value in words}
        if "config" in values and values["config"].removesuffix(".yaml") not in RUNS:
            pytest.fail(f"{path.name}: {command}: no such run file")
        assert values.get("models", "paper") in PRESETS
        assert values.get("pipeline", "generate") in run.recipes()


def words_of(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


@pytest.fixture(scope="module")
def vocabulary() -> set[str]:
    """Return the words that captions of rendered pictures, the lessons of the models, are made of."""
    known: set[str] = set()
    for module in (captions, palette, tailors, venues):
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                known |= words_of(node.value)
    for found in iter_modules(keyframes.__path__):
        module = import_module(f"{keyframes.__name__}.{found.name}")
        for action in getattr(module, "ACTIONS", ()):
            known |= words_of(action.verb)
    return known


@pytest.mark.parametrize("name", WRITTEN)
def test_domains_ask_for_many_things_in_words_that_the_models_know(name: str, vocabulary: set[str]) -> None:
    prompts = Prompts(**RUNS[name]["prompts"])
    assert prompts.problems() == []
    drawn = [prompts.draw(seed) for seed in range(NUM_DRAWS)]
    if name != "demo":
        assert len(prompts.templates) >= 6 and len(set(prompts.words["action"])) >= 12
        assert len(set(drawn)) > NUM_DRAWS // 2
    assert set().union(*map(words_of, drawn)) - vocabulary == set()
    assert not any(re.search(r"\ba [aeio]|\ban [b-df-hj-np-tv-z]|  ", text) for text in drawn)


def test_the_domains_of_the_paper_have_run_files() -> None:
    wanted = {"ski", "gymnastics", "diving", "pole_vault", "high_jump", "yoga", "street_dance"}
    assert wanted <= set(GENERATE)
