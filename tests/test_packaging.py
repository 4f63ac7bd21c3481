"""The wheel holds every package, recipe and data file and asks for every library it needs; pyproject.toml."""

import ast
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
TOOL = PYPROJECT["tool"]["setuptools"]


def folder_of(package: str) -> Path:
    for name, folder in TOOL["package-dir"].items():
        if package == name or package.startswith(f"{name}."):
            return ROOT / folder / package.removeprefix(name).lstrip(".").replace(".", "/")
    return ROOT / package.replace(".", "/")


def test_every_folder_of_code_is_a_package_of_the_wheel():
    folders = {path.parent for path in (ROOT / "synthgen").rglob("*.py")} | {ROOT / "pipelines"}
    folders |= {path.parent for path in (ROOT / "configs").rglob("*.yaml")}
    assert {folder_of(package) for package in TOOL["packages"]} == folders


def test_every_file_that_is_not_code_is_data_of_its_package():
    for package in TOOL["packages"]:
        folder = folder_of(package)
        patterns = TOOL["package-data"].get(package, [])
        covered = {path for pattern in patterns for path in folder.glob(pattern)}
        files = {path for path in folder.iterdir() if path.is_file() and path.suffix != ".py"}
        assert files <= covered, f"{package}: {sorted(path.name for path in files - covered)}"


def test_what_users_run_asks_for_all_that_it_imports():
    """Tests run with the extra `dev`, so that a library which only that one brings is not missed by them."""
    known = brought(map(Requirement, PYPROJECT["project"]["dependencies"]))
    for extra, wanted in PYPROJECT["project"]["optional-dependencies"].items():
        # Who imports one of these says which extra brings it; what it brings along is for nobody to lean on.
        known |= {canonicalize_name(Requirement(one).name) for one in wanted if extra != "dev"}
    makers = packages_distributions()
    unasked: dict[str, set[str]] = {}
    for path in [*(ROOT / "synthgen").rglob("*.py"), *(ROOT / "pipelines").rglob("*.py")]:
        for module in imported(ast.parse(path.read_text("utf-8"))):
            found = {canonicalize_name(name) for name in makers.get(module, [module])}
            if module not in {*sys.stdlib_module_names, "synthgen", "pipelines"} and not found & known:
                unasked.setdefault(module, set()).add(path.relative_to(ROOT).as_posix())
    assert unasked == {}


def brought(asked: Iterable[Requirement]) -> set[str]:
    """Return the names of what is asked for, and of all that this asks for in turn."""
    known: set[str] = set()
    left = [(canonicalize_name(one.name), extra) for one in asked for extra in ("", *one.extras)]
    seen = set(left)
    while left:
        name, extra = left.pop()
        known.add(name)
        try:
            lines = requires(name) or []
        except PackageNotFoundError:  # of an extra that is not installed here
            continue
        for one in map(Requirement, lines):
            if one.marker is None or one.marker.evaluate({"extra": extra}):
                new = {(canonicalize_name(one.name), more) for more in ("", *one.extras)} - seen
                seen |= new
                left += new
    return known


def imported(tree: ast.Module) -> set[str]:
    """Return the first names of all modules that a file imports, anywhere in it."""
    whole = [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    parts = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module and not n.level]
    return {name.split(".")[0] for name in [*whole, *parts]}
