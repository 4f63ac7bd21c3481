"""Command line: `python -m synthgen.run config=ski.yaml [key=value …]`.

Finds the recipe that the run file names, builds its config, calls `main(config)`. A recipe is a module of
`pipelines/` with a `Config` dataclass and `main(config) -> int`, the exit code. Exit code 2 means that the
command or its config has to be changed, 1 that the run met an error. Where a key of the config holds a
backend, the recipe's `NODES` says so for the help: {key: table of `synthgen.backends`}.
"""

import ast
import importlib.util
import logging
import os
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from synthgen import backends
from synthgen import config as configs
from synthgen.config import PIPELINE, ConfigError
from synthgen.fields import REQUIRED, nearest, options

TRACEBACK_VARIABLE = "SYNTHGEN_TRACEBACK"  # set: expected errors, too, show where they were raised
NODES = "NODES"
USAGE = """\
python -m synthgen.run config=FILE [key=value …]      run what FILE says, with changes
python -m synthgen.run pipeline=RECIPE [key=value …]  run a recipe with its defaults and changes
python -m synthgen.run config=FILE --help             keys, defaults and units (also after pipeline=RECIPE)"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: of the command line; None takes those of the process.

    Returns:
        The exit code.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("synthgen").setLevel(logging.INFO)  # ours; other packages only warn
    try:
        return _run(arguments)
    except ConfigError as error:
        _complain(error.problems)
        return 2
    except BrokenPipeError:  # the reader of our output, head or less, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (OSError, ValueError) as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        hint = [] if isinstance(error, OSError) else [f"({TRACEBACK_VARIABLE}=1 shows where)"]
        _complain([_sentence(error), *hint])
        return 1
    except KeyboardInterrupt:
        _complain(["interrupted"])
        return 130


def recipes() -> dict[str, Path]:
    """Return the recipe files that come with the package, by name."""
    folder = configs.shipped_folder("pipelines")
    return {path.stem: path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")}


def import_recipe(name: str) -> ModuleType:
    """Import the recipe `name`, which must be one of `recipes()`.

    In a checkout that is not installed, `synthgen.pipelines` lies beside the package; it is introduced under
    that name, so that a recipe is the same module everywhere.
    """
    package = "synthgen.pipelines"
    if package not in sys.modules:
        folder = configs.shipped_folder("pipelines")
        spec = importlib.util.spec_from_file_location(
            package, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise FileNotFoundError(f"{folder}: the recipes are missing from this copy of synthgen")
        module = importlib.util.module_from_spec(spec)
        sys.modules[package] = module
        spec.loader.exec_module(module)
    return importlib.import_module(f"{package}.{name}")


def _run(arguments: Sequence[str]) -> int:
    wants_help = any(argument in ("--help", "-h", "help") for argument in arguments)
    rest = [argument for argument in arguments if argument not in ("--help", "-h", "help")]
    values = {"config": "", PIPELINE: ""}
    overrides: list[str] = []
    for argument in rest:
        key, equals, value = argument.partition("=")
        if key in values and equals:
            values[key] = value
        else:
            overrides.append(argument)
    if not any(values.values()):
        if wants_help and not rest:
            print(_general_help())
            return 0
        _refuse_start(overrides)
    path = configs.find(values["config"]) if values["config"] else None
    name = _recipe_name(path, values[PIPELINE])
    recipe = import_recipe(name)
    if wants_help:
        print(_recipe_help(name, recipe, path))
        return 0
    return int(recipe.main(configs.load(recipe.Config, path, overrides)))


def _refuse_start(overrides: Sequence[str]) -> NoReturn:
    problems = ["say what to run: config=FILE or pipeline=RECIPE, or --help"]
    for argument in overrides:
        if argument.startswith("-"):
            problems.append(f"{argument}: options are written key=value, without dashes")
        elif "=" not in argument and argument.endswith((".yaml", ".yml")):
            problems.append(f"{argument}: did you mean config={argument}?")
        elif argument in recipes():
            problems.append(f"{argument}: did you mean pipeline={argument}?")
        elif "=" not in argument:
            problems.append(f"{argument}: expected key=value")
        elif nearest(argument.partition("=")[0], ("config", PIPELINE)).startswith("; did"):
            key, _, value = argument.partition("=")
            problems.append(f"unknown key {key!r}{nearest(key, ('config', PIPELINE))}")
    raise ConfigError(problems)


def _recipe_name(path: Path | None, override: str) -> str:
    name, origin = override, "command line"
    if path is not None and not override:
        run_file = configs.read(path)
        if PIPELINE not in run_file.values:
            known = ", ".join(recipes())
            raise ConfigError([f"{path.name}: lacks the key 'pipeline:', one of {known}"])
        name = str(run_file.values[PIPELINE])
        origin = f"{path.name} line {run_file.lines[(PIPELINE,)]}"
    if name not in recipes():
        raise ConfigError([f"pipeline: unknown recipe {name!r}{nearest(name, recipes())} ({origin})"])
    return name


def _general_help() -> str:
    lines = [USAGE, "", "Recipes:"]
    lines += [f"  {name:<18} {_first_line(path)}" for name, path in recipes().items()]
    lines += ["", "Run files that come with the package (a path, or one in ./configs, works as well):"]
    lines += [f"  {path.name:<18} {_first_comment(path)}" for path in configs.shipped().values()]
    tables = configs.shipped("eval")
    lines += [f"  {f'eval/{path.name}':<28} {_first_comment(path)}" for path in tables.values()]
    presets = ", ".join(configs.shipped(configs.MODELS))
    return "\n".join([*lines, "", f"Presets for models=NAME: {presets}" if presets else ""]).rstrip()


def _recipe_help(name: str, recipe: ModuleType, path: Path | None) -> str:
    lines = [(recipe.__doc__ or "").strip(), ""]
    if path is not None:
        lines += [f"{path}:", *(f"  {line}" for line in path.read_text("utf-8").splitlines()), ""]
    lines += [f"Keys of {name} (name: type = default, [unit]):", *_key_lines(recipe.Config)]
    for node, table in getattr(recipe, NODES, {}).items():
        for backend in table:
            cls = backends.find(table, backend, node)
            lines += ["", f"Keys of {name} with {node}.{backends.NAME}={backend}:"]
            lines += _key_lines(cls, f"{node}.")
    return "\n".join(lines)


def _key_lines(cls: type[Any], prefix: str = "") -> list[str]:
    lines = []
    for row in options(cls):
        default = "(required)" if row.default == REQUIRED else f"= {row.default}"
        lines.append(f"  {prefix}{row.key}: {row.kind} {default}")
        lines += textwrap.wrap(row.doc, 100, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return lines


def _first_line(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return docstring.partition("\n")[0]


def _first_comment(path: Path) -> str:
    first = path.read_text("utf-8").partition("\n")[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""


def _sentence(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _complain(problems: Sequence[str]) -> None:
    for problem in problems:
        print(problem if problem.startswith("(") else f"error: {problem}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
