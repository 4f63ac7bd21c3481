"""A critic's file is read strictly, and says what it looks like instead."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from synthgen.backends.logistic_critic import LogisticCritic, read_critic
from synthgen.clues import CLUES


def test_the_shipped_critic_prefers_overlap_and_support() -> None:
    model = LogisticCritic()
    model.setup()
    middle = {name: np.array([at]) for name, at in zip(CLUES, read_center(), strict=True)}
    (plain,) = model([middle])
    for name in ("overlap", "support"):
        (better,) = model([{**middle, name: middle[name] + 0.3}])
        assert better > plain, name


def read_center() -> tuple[float, ...]:
    from synthgen.backends.model_files import BUNDLED_FOLDER

    return read_critic(BUNDLED_FOLDER / "critic" / "critic.json").center


def test_a_folder_or_its_file_can_be_named(saved: Callable[[str], Path]) -> None:
    folder = saved("critic")
    clues = {name: np.array([0.5]) for name in CLUES}
    found = []
    for path in (folder, folder / "critic.json"):
        model = LogisticCritic(str(path))
        model.setup()
        found.append(float(model([clues])[0][0]))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "holds no critic: .*; fit one to your models: pipeline=evaluate_verification"),
        (b"\xff\xfe", "holds no critic"),
        (b'{"names": []}', "a critic has the keys"),
        (b" " * 70000, "70000 bytes are too many"),
    ],
)
def test_odd_files_are_named(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "critic.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        LogisticCritic(str(tmp_path)).setup()


def test_a_folder_without_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text(json.dumps({}))
    with pytest.raises(FileNotFoundError, match=r"critic\.json does not exist: a critic is a folder with"):
        LogisticCritic(str(tmp_path)).setup()
