"""Dataclasses filled from plain values (YAML, command line), with every problem found, not only the first.

The dataclass is the schema: field names are the keys, type hints the allowed types, the `Attributes:` section
of its docstring the help text. Ranges are the dataclass's own matter: a method `problems() -> list[str]`, or
`__post_init__` raising ValueError; both name the field first ("image_size must be in [128, 512], got 7").
"""

import dataclasses
import difflib
import inspect
import json
import math
import re
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError, OmegaConfBaseException

T = TypeVar("T")
REQUIRED = "required"  # in place of a default


@dataclass(frozen=True)
class Setting:
    """A value somebody wrote.

    Attributes:
        key: path of the field, ("source", "image_size").
        value: plain scalar, list or dict.
        origin: where it was written ("ski.yaml line 12"), empty where that says nothing.
    """

    key: tuple[str, ...]
    value: Any
    origin: str = ""

    def problem(self, text: str) -> str:
        """Return `text` followed by the origin."""
        return f"{text} ({self.origin})" if self.origin else text


@dataclass(frozen=True)
class Option:
    """A field as the help shows it: key, type, default ("required" where none) and what it means."""

    key: str
    kind: str
    default: str
    doc: str


def fill(cls: type[T], settings: Iterable[Setting], where: str = "") -> tuple[T | None, list[str]]:
    """Make a `cls` from its defaults and the settings, later ones winning.

    A mapping replaces the default of a `dict` field as a whole, and is merged key by key into a field that is
    itself a dataclass; a longer key sets a single entry of either.

    Args:
        cls: a dataclass; it may be frozen.
        settings: in rising precedence.
        where: path of this object in the whole config, put before each key in the messages.

    Returns:
        The object and no problems, or None and all problems, one line each.
    """
    prefix = f"{where}." if where else ""
    node = OmegaConf.structured(cls)
    problems: list[str] = []
    for setting in settings:
        problems += _assign(node, cls, setting, prefix)
    missing = sorted(OmegaConf.missing_keys(node))
    problems += [f"{prefix}{key} is required: {key}=… ({_kind_at(cls, key)})" for key in missing]
    if missing:
        return None, problems
    made, wrong = _make(cls, node, prefix)
    problems += wrong
    return (made if not problems else None), problems


def nearest(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for a likely misspelling, else "; known: …"."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""


def options(cls: type[Any], made: Any = None) -> list[Option]:
    """List the fields of a dataclass for its help; nested dataclasses come as dotted keys.

    Args:
        cls: the dataclass.
        made: an object of it whose values are the defaults; None for those of the class.
    """
    hints, docs = typing.get_type_hints(cls), attribute_docs(cls)
    listed: list[Option] = []
    for field in dataclasses.fields(cls):
        default = _value(field) if made is None else getattr(made, field.name)
        if dataclasses.is_dataclass(hints[field.name]):
            inner = options(hints[field.name], None if default is dataclasses.MISSING else default)
            listed += [dataclasses.replace(option, key=f"{field.name}.{option.key}") for option in inner]
            continue
        listed.append(Option(field.name, kind(hints[field.name]), _shown(default), docs.get(field.name, "")))
    return listed


def attribute_docs(cls: type[Any]) -> dict[str, str]:
    """Return the text of each entry in the `Attributes:` section of a Google-style docstring."""
    _, _, section = (inspect.getdoc(cls) or "").partition("Attributes:\n")
    docs: dict[str, str] = {}
    current = ""
    for line in section.splitlines():
        entry = re.match(r" {4}(\w+): (.*)", line)
        if entry:
            current = entry[1]
            docs[current] = entry[2]
        elif line.startswith(" " * 5) and current:
            docs[current] += " " + line.strip()
        elif line.strip():
            break
    return docs


def kind(hint: Any) -> str:
    """Return how a type hint reads in messages: "int", "auto | warp", "{name: float}", "[int, int]"."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return " | ".join(str(value) for value in inner)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(kind(part) for part in inner)
    if origin is dict:
        return f"{{name: {kind(inner[1])}}}"
    if origin is list or (origin is tuple and inner[1:] == (...,)):
        return f"[{kind(inner[0])}, …]"
    if origin is tuple:
        return f"[{', '.join(kind(part) for part in inner)}]"
    if hint is type(None):
        return "null"
    return "anything" if hint is Any else getattr(hint, "__name__", str(hint))


def _assign(node: DictConfig, cls: type[Any], setting: Setting, prefix: str) -> list[str]:
    head, rest = setting.key[0], setting.key[1:]
    hints = typing.get_type_hints(cls)
    key = prefix + head
    if head not in {field.name for field in dataclasses.fields(cls)}:
        return [setting.problem(f"unknown key {key!r}{nearest(head, hints)}")]
    hint = hints[head]
    OmegaConf.set_readonly(node, False)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _assign_nested(node[head], hint, dataclasses.replace(setting, key=rest), key)
    if rest:
        return _assign_entry(node, hint, setting, key)
    if typing.get_origin(hint) is dict and isinstance(setting.value, dict):
        node[head] = {}
        entries = [
            dataclasses.replace(setting, key=(head, str(k)), value=v) for k, v in setting.value.items()
        ]
        return [problem for entry in entries for problem in _assign_entry(node, hint, entry, key)]
    return _set(node, head, hint, setting, key)


def _assign_nested(node: DictConfig, cls: type[Any], setting: Setting, key: str) -> list[str]:
    if setting.key:
        return _assign(node, cls, setting, f"{key}.")
    if not isinstance(setting.value, dict):
        return [setting.problem(f"{key} must hold keys of its own, got {setting.value!r}")]
    entries = [Setting((str(k),), v, setting.origin) for k, v in setting.value.items()]
    return [problem for entry in entries for problem in _assign(node, cls, entry, f"{key}.")]


def _assign_entry(node: DictConfig, hint: Any, setting: Setting, key: str) -> list[str]:
    if typing.get_origin(hint) is not dict:
        return [setting.problem(f"{key} is {kind(hint)} and has no key {'.'.join(setting.key[1:])!r}")]
    target: DictConfig = node[setting.key[0]]
    for step in setting.key[1:-1]:
        if not isinstance(target.get(step), DictConfig):
            target[step] = {}
        target = target[step]
    inner = typing.get_args(hint)[1] if len(setting.key) == 2 else Any
    return _set(target, setting.key[-1], inner, setting, f"{key}.{'.'.join(setting.key[1:])}")


def _set(node: DictConfig, name: str, hint: Any, setting: Setting, key: str) -> list[str]:
    before: Any = {} if _is_plain(setting.value) else OmegaConf.to_container(node, resolve=False)
    try:
        OmegaConf.update(node, name, setting.value, merge=False)
        after: Any = node if _is_plain(setting.value) else OmegaConf.to_container(node, resolve=True)
    except InterpolationResolutionError as error:
        node[name] = before.get(name)
        return [setting.problem(f"{key}: {str(error).splitlines()[0]}")]
    except OmegaConfBaseException:
        return [setting.problem(f"{key} must be {kind(hint)}, got {setting.value!r}")]
    numbers = [leaf for leaf in _leaves(after[name]) if isinstance(leaf, float)]
    if not all(map(math.isfinite, numbers)):
        return [setting.problem(f"{key} must be finite, got {setting.value!r}")]
    return []


def _is_plain(value: Any) -> bool:
    """Tell whether a value is a scalar that stands for nothing else: OmegaConf resolves `${…}` and `???`."""
    return not (
        isinstance(value, Mapping | list | tuple)
        or (isinstance(value, str) and ("$" in value or "???" in value))
    )


def _leaves(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return [leaf for inner in value.values() for leaf in _leaves(inner)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [leaf for inner in value for leaf in _leaves(inner)]
    return [value]


def _make(cls: type[T], node: DictConfig, prefix: str) -> tuple[T | None, list[str]]:
    try:
        made: Any = OmegaConf.to_object(node)
    except ValueError as error:
        return None, [prefix + line for line in str(error).splitlines()]
    check = getattr(made, "problems", None)
    return made, [prefix + problem for problem in check()] if check else []


def _value(field: "dataclasses.Field[Any]") -> Any:
    """Return the default of a field, or MISSING."""
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _shown(default: Any) -> str:
    if default is dataclasses.MISSING:
        return REQUIRED
    return default if isinstance(default, str) and default else json.dumps(default)


def _kind_at(cls: type[Any], key: str) -> str:
    head, _, rest = key.partition(".")
    hint = typing.get_type_hints(cls)[head]
    return _kind_at(hint, rest) if rest else kind(hint)
