"""Imports point one way, heavy libraries wait until they are needed, and importing has no effect."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "synthgen"

# A room is a module or a folder right below synthgen/. It imports from floors below its own, never sideways.
FLOORS = [
    {"__init__", "assets", "cluster", "fields", "geometry", "interrupts", "joints", "progress", "safe_pickle",
     "stopwatch", "storage", "torch_file"},
    {"checkpoints", "config", "open_body", "body_file", "metrics", "nearness", "sample", "quality",
     "training", "trust"},
    {"rivals"},
    {"clues"},
    {"agreement", "body", "cluster_training", "critic", "guide", "observation", "prompts", "surface"},
    {"body_points", "crop_moves", "render", "shards"},
    {"datasets", "exporters", "report", "run_folder", "scenes"},
    {"calibration", "dataset_report", "guides", "viewer"},
    {"backends"},
    {"dpmesh", "image_metrics", "line", "scorehmr", "stages"},
    {"evaluation", "models"},
    {"few_shot", "judgement", "paper_tables"},
    {"embedded", "generate", "pipelining", "run"},
    {"worker"},
    {"actors", "doctor"},
    {"bench"},
]  # fmt: skip
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
NEVER = {  # what a room may not import although it lies lower
    "backends": {"config", "shards", "storage", "cluster", "render"},
    "scenes": {"config", "shards", "storage", "cluster"},
    "embedded": {"config", "cluster", "run_folder", "report"},
    "guides": {"config", "cluster", "run_folder", "report"},
    "dpmesh": {"config", "cluster", "run_folder", "report"},
    "scorehmr": {"config", "cluster", "run_folder", "report"},
    "evaluation": {"config", "cluster", "run_folder", "stages"},
    "few_shot": {"cluster", "config", "run_folder"},
    "image_metrics": {"cluster", "config", "report", "run_folder", "scenes"},
    "paper_tables": {"cluster", "config", "run_folder", "stages"},
    "report": {"cluster", "prompts"},
    "dataset_report": {"cluster", "prompts", "run_folder", "scenes"},
    "viewer": {"cluster", "config", "prompts", "run_folder", "scenes"},
    "stages": {"shards", "storage", "run_folder", "config", "report"},
    "judgement": {"cluster", "shards", "storage", "run_folder", "config", "report"},
    "models": {"cluster", "shards", "storage", "run_folder", "config", "report"},
    "generate": {"cluster", "shards", "storage", "run_folder", "config"},
    "run": {"body", "render", "scenes", "shards", "report", "cluster", "storage"},
}
RAY_ROOMS = {"cluster", "cluster_training"}  # `actors` reaches Ray through `cluster`
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = (
    *("torch", "ray", "smplx", "warp", "pyrender", "webdataset", "datasets", "PIL", "s3fs", "jinja2"),
    *("diffusers", "transformers", "tokenizers", "safetensors"),
)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Return the full names of all modules that a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = node.names if node.module == "synthgen" else []
            found |= {f"synthgen.{alias.name}" for alias in names} or {node.module}
    return found - {"synthgen.__version__"}


def test_every_room_has_a_floor():
    assert {room_of(path) for path in MODULES} == set(FLOOR)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path):
    room = room_of(path)
    rooms = {name.split(".")[1] for name in imported(path) if name.startswith("synthgen.")} - {room}
    upwards = {other for other in rooms if FLOOR[other] >= FLOOR[room]}
    assert not upwards, f"{path.name} imports {upwards}, which lie on its floor or above"
    assert not rooms & NEVER.get(room, set())


def test_only_the_cluster_room_imports_ray():
    users = {room_of(path) for path in MODULES if any(n.split(".")[0] == "ray" for n in imported(path))}
    assert users == RAY_ROOMS


def test_nothing_imports_a_pipeline_but_run_by_name():
    for path in MODULES:
        assert not any(name.startswith(("pipelines", "synthgen.pipelines")) for name in imported(path)), path


def test_files_stay_readable():
    sizes = {
        path: len(path.read_text("utf-8").splitlines()) for path in [*MODULES, *ROOT.glob("pipelines/*.py")]
    }
    assert {path.name: size for path, size in sizes.items() if size > 350} == {}


def test_importing_has_no_effect_and_waits_with_what_is_heavy(tmp_path):
    """What a config check needs comes without any heavy library; importing prints nothing."""
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in MODULES]
    names = [name.removesuffix(".__init__") for name in names if not name.startswith("synthgen.render.")]
    light = [
        "synthgen.run",
        "synthgen.config",
        "synthgen.sample",
        "synthgen.quality",
        "synthgen.scenes.compose",
    ]
    program = (
        "import importlib, os, sys, threading\n"
        f"for name in {light!r}: importlib.import_module(name)\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "assert not heavy, heavy\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "assert threading.active_count() == 1\n"
        "assert 'ray' not in sys.modules\n"
    )
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
