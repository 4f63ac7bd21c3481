"""The wheel holds every package, recipe and data file; pyproject.toml names them one by one."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOOL = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]


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
