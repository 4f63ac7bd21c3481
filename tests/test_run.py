import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from synthgen import config as configs
from synthgen import run

ROOT = Path(__file__).parents[1]
RECIPE = '''"""Count to a number.

    python -m synthgen.run pipeline=count upto=3
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """What to count.

    Attributes:
        upto: where to stop [steps].
        fail: what to raise.
    """

    upto: int = 2
    fail: str = ""

    def problems(self) -> list[str]:
        return [] if self.upto > 0 else [f"upto must be > 0, got {self.upto}"]


def main(config: Config) -> int:
    errors = {"os": PermissionError(13, "Permission denied", "out"), "value": ValueError("no body in it"),
              "bug": KeyError("x"), "stop": KeyboardInterrupt()}
    if config.fail:
        raise errors[config.fail]
    print(f"counted to {config.upto}")
    return 0 if config.upto < 10 else 5
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: Any) -> Path:
    """Return a folder with recipes "count" and "broken" and a run file, in the place of those shipped."""
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "configs").mkdir()
    (tmp_path / "pipelines" / "__init__.py").write_text("")
    (tmp_path / "pipelines" / "count.py").write_text(RECIPE)
    (tmp_path / "pipelines" / "broken.py").write_text('"""Never import this."""\n\nimport no_such_module\n')
    (tmp_path / "configs" / "three.yaml").write_text("# Counts to three\npipeline: count\nupto: 3\n")
    monkeypatch.setattr(configs, "shipped_folder", lambda name: tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in sys.modules if name.startswith("synthgen.pipelines")]:
        monkeypatch.delitem(sys.modules, name)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("synthgen.pipelines")]:
        del sys.modules[name]


def test_a_run_file_and_a_change(package: Path, capsys: Any) -> None:
    assert run.main(["config=three.yaml"]) == 0
    assert run.main(["config=three", "upto=4"]) == 0
    assert run.main(["pipeline=count"]) == 0
    assert run.main(["config=three", "upto=12"]) == 5
    assert capsys.readouterr().out.split("\n")[:4] == [f"counted to {number}" for number in (3, 4, 2, 12)]


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        ([], ["say what to run: config=FILE or pipeline=RECIPE, or --help"]),
        (["three.yaml"], ["say what to run", "three.yaml: did you mean config=three.yaml?"]),
        (["count"], ["say what to run", "count: did you mean pipeline=count?"]),
        (["confg=three"], ["say what to run", "unknown key 'confg'; did you mean 'config'?"]),
        (["--config=three.yaml"], ["say what to run", "--config=three.yaml: options are written key=value"]),
        (["config=thre.yaml"], ["config=thre.yaml: no such file"]),
        (["pipeline=cuont"], ["pipeline: unknown recipe 'cuont'; did you mean 'count'? (command line)"]),
        (
            ["config=three", "upto=x", "uptoo=3"],
            ["upto must be int", "unknown key 'uptoo'; did you mean 'upto'"],
        ),
        (["config=three", "upto=-1"], ["upto must be > 0, got -1"]),
        (["config=three", "--upto=1"], ["--upto=1: options are written upto=1, without dashes"]),
    ],
)
def test_errors_of_the_command_come_together_with_exit_code_2(
    package: Path, capsys: Any, arguments: list[str], messages: list[str]
) -> None:
    assert run.main(arguments) == 2
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert len(lines) == len(messages) and not captured.out
    for line, message in zip(lines, messages, strict=True):
        assert line.startswith(f"error: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("upto: 3\n", "bad.yaml: lacks the key 'pipeline:', one of broken, count"),
        ("pipeline: conut\n", "pipeline: unknown recipe 'conut'; did you mean 'count'? (bad.yaml line 1)"),
        ("pipeline: 3\n", "pipeline: unknown recipe '3'; known: broken, count (bad.yaml line 1)"),
        ("pipeline: count\nupto: {\n", "bad.yaml line 3"),
    ],
)
def test_errors_of_the_file(package: Path, capsys: Any, text: str, message: str) -> None:
    (package / "bad.yaml").write_text(text)
    assert run.main(["config=bad.yaml"]) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")


def test_what_a_recipe_expects_to_fail_is_one_line_and_bugs_are_not(
    package: Path, capsys: Any, monkeypatch: Any
) -> None:
    assert run.main(["pipeline=count", "fail=os"]) == 1
    assert run.main(["pipeline=count", "fail=value"]) == 1
    assert run.main(["pipeline=count", "fail=stop"]) == 130
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "error: out: Permission denied"
    assert lines[1] == "error: no body in it" and "SYNTHGEN_TRACEBACK=1" in lines[2]
    assert lines[3] == "error: interrupted"
    with pytest.raises(KeyError):
        run.main(["pipeline=count", "fail=bug"])
    monkeypatch.setenv(run.TRACEBACK_VARIABLE, "1")
    with pytest.raises(ValueError, match="no body"):
        run.main(["pipeline=count", "fail=value"])


def test_help_lists_recipes_and_run_files_without_importing_recipes(package: Path, capsys: Any) -> None:
    assert run.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert "count              Count to a number." in text
    assert "broken             Never import this." in text
    assert "three.yaml         Counts to three" in text


def test_help_shows_the_keys_of_backends(package: Path, capsys: Any) -> None:
    extra = "\n\nNODES = {'source': {'counter': 'synthgen.pipelines.count:Config'}}\n"
    (package / "pipelines" / "count.py").write_text(RECIPE + extra)
    assert run.main(["pipeline=count", "--help"]) == 0
    text = capsys.readouterr().out
    assert "Keys of count with source.backend=counter:\n  source.upto: int = 2\n" in text


def test_help_of_a_run_file_shows_keys_types_defaults_and_units(package: Path, capsys: Any) -> None:
    assert run.main(["config=three.yaml", "--help"]) == 0
    text = capsys.readouterr().out
    assert "Count to a number." in text and "upto: 3" in text
    assert "upto: int = 2\n" in text and "where to stop [steps]." in text


@pytest.mark.parametrize("layout", ["checkout", "installed"])
def test_recipes_and_configs_are_found_in_a_checkout_and_in_an_installed_package(
    tmp_path: Path, layout: str
) -> None:
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "synthgen", tmp_path / "lib" / "synthgen", ignore=ignore)
    beside = tmp_path / "lib" if layout == "checkout" else tmp_path / "lib" / "synthgen"
    for name in ("pipelines", "configs"):
        shutil.copytree(ROOT / name, beside / name, ignore=ignore)
    (tmp_path / "elsewhere").mkdir()
    where = "import sys; from synthgen import run; print(run.import_recipe('verify').__file__)"
    for code in (["-c", where], ["-m", "synthgen.run", "--help"]):
        done = subprocess.run(
            [sys.executable, *code],
            cwd=tmp_path / "elsewhere",
            env={"PYTHONPATH": str(tmp_path / "lib")},
            capture_output=True,
            text=True,
            check=True,
        )
        assert str(beside / "pipelines" / "verify.py") in done.stdout or "Check shards" in done.stdout


def test_the_first_config_error_comes_before_anything_heavy_is_imported() -> None:
    script = (
        "import sys; from synthgen import run\n"
        "code = run.main(['pipeline=verify', 'pth=x', 'max_problems=0'])\n"
        "print(code, [name for name in ('torch', 'ray', 'smplx', 'warp', 'pyrender', 'scipy', 'webdataset',"
        " 's3fs', 'PIL') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "2 []\n"
    assert done.stderr.splitlines() == [
        "error: unknown key 'pth'; did you mean 'path'? (command line)",
        "error: path is required: path=… (str)",
    ]
