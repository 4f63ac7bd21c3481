"""Run configs: dataclass defaults <- YAML <- `key=value`, all problems reported at once, and their hash.

A run file is found as a path, then in `./configs`, then among those shipped with the package. Its first key
is `pipeline:`, the recipe whose `Config` dataclass is the schema (see `synthgen.fields`).
"""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from synthgen.fields import Setting, fill, nearest

T = TypeVar("T")
PIPELINE = "pipeline"  # the one key of a run file that is not the recipe's
MAX_ALIASES = 16  # each may double what a YAML file unfolds to
MODELS = "models"  # its value may be the name of a preset, configs/models/<name>.yaml


class ConfigError(Exception):
    """What the user has to change before the command can run, one line for each problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class RunFile:
    """A YAML file as written.

    Attributes:
        name: as messages call it.
        values: its content, plain.
        lines: line of each key, by path.
    """

    name: str
    values: Mapping[str, Any]
    lines: Mapping[tuple[str, ...], int]


def shipped_folder(name: str) -> Path:
    """Return `pipelines` or `configs`: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def shipped(subfolder: str = "") -> dict[str, Path]:
    """Return the run files that come with the package (or presets of a subfolder), by name."""
    return {path.stem: path for path in sorted((shipped_folder("configs") / subfolder).glob("*.yaml"))}


def find(name: str) -> Path:
    """Return the run file that `config=name` means; `.yaml` may be left out.

    Raises:
        ConfigError: there is none; the message says where it was looked for.
    """
    places = [Path(), Path("configs"), shipped_folder("configs")]
    for place in places:
        for candidate in (place / name, place / f"{name}.yaml"):
            if candidate.is_file():
                return candidate
    known = nearest(name.removesuffix(".yaml"), shipped())
    looked = ", ".join(str(place.resolve()) for place in places)
    raise ConfigError([f"config={name}: no such file, looked in {looked}{known}"])


def read(path: Path | str) -> RunFile:
    """Read a YAML file.

    Raises:
        ConfigError: it cannot be read, is no YAML, has a key twice, or is not a mapping.
    """
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from error
    return parse(text, Path(path).name)


def parse(text: str, name: str) -> RunFile:
    """Parse the text of a run file, which may be anybody's; see `read`."""
    try:
        aliases = sum(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, yaml.SafeLoader))
        if aliases > MAX_ALIASES:
            raise ConfigError([f"{name}: has {aliases} aliases (*name), expected at most {MAX_ALIASES}"])
        content = OmegaConf.create(text) if text.strip() else OmegaConf.create({})
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        values = OmegaConf.to_container(content, resolve=False)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError([f"{name}{line}: {error.problem or error.context}"]) from error
    except RecursionError as error:
        raise ConfigError([f"{name}: nested too deeply"]) from error
    except (yaml.YAMLError, OmegaConfBaseException, ValueError) as error:
        raise ConfigError([f"{name}: not valid YAML: {str(error).splitlines()[0]}"]) from error
    if not isinstance(values, dict) or (tree is not None and not isinstance(tree, yaml.MappingNode)):
        raise ConfigError([f"{name}: must hold `key: value` lines, got a {type(values).__name__}"])
    return RunFile(name, {str(key): value for key, value in values.items()}, _lines(tree))


def load(cls: type[T], path: Path | str | None, overrides: Sequence[str] = ()) -> T:
    """Build a recipe's config.

    Args:
        cls: the recipe's `Config` dataclass.
        path: run file, already found, or None for defaults only.
        overrides: `key=value` from the command line, dotted keys, values in YAML.

    Raises:
        ConfigError: with every problem of the file and of the overrides.
    """
    settings: list[Setting] = []
    problems: list[str] = []
    if path is not None:
        run_file = read(path)
        settings += _from_file(run_file)
    for text in overrides:
        try:
            settings.append(_from_command_line(text))
        except ConfigError as error:
            problems += error.problems
    settings, more = _with_presets([s for s in settings if s.key != (PIPELINE,)])
    made, wrong = fill(cls, settings)
    problems += more + wrong
    if problems or made is None:
        raise ConfigError(problems)
    return made


def resolved(config: Any) -> dict[str, Any]:
    """Return a config as plain values, every default written out."""
    return _plain(dataclasses.asdict(config))


def to_yaml(config: Any, pipeline: str) -> str:
    """Return the resolved config as a run file that repeats this run."""
    values = {PIPELINE: pipeline, **resolved(config)}
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)


def config_hash(config: Any, exclude: Collection[str] = ()) -> str:
    """Return the sha256 (hex) of the resolved config.

    Args:
        config: a recipe's config.
        exclude: top-level keys that do not change what is made (workers, output).
    """
    values = {key: value for key, value in resolved(config).items() if key not in exclude}
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def differences(old: Mapping[str, Any], new: Mapping[str, Any], exclude: Collection[str] = ()) -> list[str]:
    """List where two resolved configs differ: "source.image_size: 128 before, 256 now"."""
    before, after = _flat(old), _flat(new)
    lines: list[str] = []
    for key in sorted(before.keys() | after.keys()):
        if key.split(".")[0] not in {*exclude, PIPELINE} and before.get(key) != after.get(key):
            was = json.dumps(before[key]) if key in before else "absent"
            now = json.dumps(after[key]) if key in after else "absent"
            lines.append(f"{key}: {was} before, {now} now")
    return lines


def _lines(tree: yaml.Node | None, above: tuple[str, ...] = ()) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {}
    if isinstance(tree, yaml.MappingNode):
        for key, value in tree.value:
            path = (*above, str(key.value))
            found[path] = key.start_mark.line + 1
            found |= _lines(value, path)
    return found


def _from_file(run_file: RunFile) -> list[Setting]:
    return [
        Setting((key,), value, f"{run_file.name} line {run_file.lines.get((key,), 1)}")
        for key, value in run_file.values.items()
    ]


def _from_command_line(text: str) -> Setting:
    key, equals, value = text.partition("=")
    if text.startswith("-"):
        right = text.lstrip("-").partition("=")
        raise ConfigError([f"{text}: options are written {right[0]}={right[2] or 'value'}, without dashes"])
    path = tuple(key.split("."))
    if not equals or not all(path) or key != key.strip():
        raise ConfigError([f"{text!r}: expected key=value, dots between the parts of the key"])
    try:
        parsed = OmegaConf.to_container(OmegaConf.from_dotlist([f"value={value}"]), resolve=False)
    except (yaml.YAMLError, OmegaConfBaseException) as error:
        raise ConfigError([f"{key}: {value!r} is not a YAML value ({str(error).splitlines()[0]})"]) from error
    return Setting(path, parsed["value"] if isinstance(parsed, dict) else None, "command line")


def _with_presets(settings: Sequence[Setting]) -> tuple[list[Setting], list[str]]:
    expanded: list[Setting] = []
    problems: list[str] = []
    for setting in settings:
        if setting.key == (MODELS,) and isinstance(setting.value, str):
            known = shipped(MODELS)
            if setting.value not in known:
                problems.append(
                    setting.problem(f"models: no preset {setting.value!r}{nearest(setting.value, known)}")
                )
                continue
            setting = dataclasses.replace(setting, value=dict(read(known[setting.value]).values))
        expanded.append(setting)
    return expanded, problems


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value


def _flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{above}{key}.")
        else:
            flat[f"{above}{key}"] = _plain(value)
    return flat
