"""Lists of samples that somebody marked as bad: keys in a file, which export and training leave out.

A list has one key a line; "#" begins a remark. Where a key would not survive that (shards of unknown
makers), it is a JSON list, still one key a line. Both are read everywhere.
"""

import json
import re
from collections.abc import Collection

from synthgen import storage

BAD_NAME = "bad.txt"  # beside the shards, where the viewer writes it
MAX_LIST_BYTES = 256 << 20
HEADER = "# Samples marked as bad, one key a line. pipeline=export bad=…, or exclude: of a training source."
PLAIN = re.compile(r"[^\s#\[{\x00-\x1f\x7f-\x9f\ud800-\udfff][^\s#\x00-\x1f\x7f-\x9f\ud800-\udfff]*")


def read_bad_list(path: str) -> frozenset[str]:
    """Read keys to leave out: a JSON list of keys, or a text file with one a line ("#" begins a remark).

    Raises:
        ValueError: it is neither.
        StorageError: it cannot be read.
    """
    try:
        text = storage.read_bytes(path, MAX_LIST_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: a list of bad samples must be UTF-8 text: {error}") from error
    if text.lstrip().startswith(("[", "{")):
        return _from_json(path, text)
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return frozenset(line for line in lines if line)


def write_bad_list(path: str, keys: Collection[str]) -> None:
    """Write a list, sorted, whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    ordered = sorted(keys)
    if all(PLAIN.fullmatch(key) for key in ordered):
        text = "\n".join([HEADER, *ordered])
    else:
        text = "[\n" + ",\n".join(map(json.dumps, ordered)) + "\n]"
    storage.write_bytes(path, text.encode() + b"\n")


def _from_json(path: str, text: str) -> frozenset[str]:
    try:
        found = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path}: a list of bad samples that begins with [ must be JSON: {error}") from error
    if isinstance(found, dict):
        found = found.get("bad", found.get("keys"))
    if not isinstance(found, list) or not all(isinstance(key, str) for key in found):
        raise ValueError(f"{path}: expected a JSON list of keys, got {text[:60]!r}")
    return frozenset(found)
