"""Lists of bad samples: what is written is read back, in words that a person can edit."""

from pathlib import Path

import pytest

from synthgen.shards.bad_list import read_bad_list, write_bad_list


@pytest.mark.parametrize(
    "keys",
    [[], ["ski-00000001"], ["b", "a", "雪"], ["a#b", "two words"], ["[x", "line\nbreak", "\u2028", ""]],
)
def test_what_is_written_is_read_back(tmp_path: Path, keys: list[str]) -> None:
    path = str(tmp_path / "bad.txt")
    write_bad_list(path, keys)
    assert read_bad_list(path) == set(keys)


def test_plain_keys_stand_on_lines_of_their_own_in_order(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    write_bad_list(str(path), {"run-2", "run-1"})
    remark, *lines = path.read_text().splitlines()
    assert remark.startswith("#") and lines == ["run-1", "run-2"]


def test_remarks_and_blank_lines_are_no_keys(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text("# mine\n\nrun-1  # blurred\n  run-2\n")
    assert read_bad_list(str(path)) == {"run-1", "run-2"}


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="UTF-8"):
        read_bad_list(str(path))
    path.write_text('{"a": 1}')
    with pytest.raises(ValueError, match="list of keys"):
        read_bad_list(str(path))
