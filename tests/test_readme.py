"""README.md holds what it says: commands are understood, snippets run, files exist, the map is complete."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from synthgen import config as configs
from synthgen.run import import_recipe, main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.M | re.S)
SNIPPETS = [text for language, text in BLOCKS if language == "python"]
COMMANDS = [
    line.partition("#")[0].strip()
    for language, text in BLOCKS
    if language == "sh"
    for line in text.splitlines()
    if line.partition("#")[0].strip()
]
RUNS = [command for command in COMMANDS if "synthgen.run" in command]


def arguments(command: str) -> list[str]:
    words = shlex.split(command)
    return words[words.index("synthgen.run") + 1 :]


def test_it_opens_with_what_it_is_a_picture_and_two_commands():
    head = README.partition("## ")[0]
    picture = re.search(r"!\[[^]]+\]\(([^)]+)\)", head)
    assert picture and (ROOT / picture[1]).is_file()
    assert head.index(picture[0]) < head.index("make demo") < head.index("make test")


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make ")])
def test_make_targets_exist(command):
    target = command.split()[1]
    dry = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
    assert dry.returncode == 0, dry.stderr


@pytest.mark.parametrize("command", [command for command in RUNS if "--help" not in command])
def test_keys_and_values_of_runs_are_accepted(command):
    values = dict(argument.partition("=")[::2] for argument in arguments(command))
    path = configs.find(values.pop("config")) if "config" in values else None
    name = configs.read(path).values["pipeline"] if path else values.pop("pipeline")
    configs.load(import_recipe(str(name)).Config, path, [f"{key}={value}" for key, value in values.items()])


@pytest.mark.parametrize("command", [command for command in RUNS if "--help" in command])
def test_help_is_given(command, capsys):
    assert main(arguments(command)) == 0
    assert "num_samples" in (out := capsys.readouterr().out) or "Recipes:" in out


def test_verify_command_says_that_the_example_is_well(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    (command,) = [c for c in RUNS if "pipeline=verify" in c]
    assert main(arguments(command)) == 0
    assert "all is well" in capsys.readouterr().out


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippets_run(snippet):
    done = subprocess.run([sys.executable, "-c", snippet], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_links_lead_somewhere():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert [link for link in links if not (ROOT / link.partition("#")[0]).exists()] == []


def test_file_map_names_every_room_and_every_recipe():
    listed = set(re.findall(r"^\s+([\w./]+)  ", README.partition("## File map")[2], re.M))
    rooms = {path.name + "/" * path.is_dir() for path in (ROOT / "synthgen").iterdir()}
    rooms = {name for name in rooms if not name.startswith(("_", ".")) and name != "py.typed"}
    recipes = {path.name for path in (ROOT / "pipelines").glob("*.py") if not path.name.startswith("_")}
    assert rooms | recipes <= listed, sorted((rooms | recipes) - listed)
    assert {name for name in listed if name.endswith(".py")} <= rooms | recipes
