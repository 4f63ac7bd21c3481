"""A critic's file is read strictly, and says what it looks like instead."""

import json
from pathlib import Path

import numpy as np
import pytest
import tiny_models

from synthgen.backends.logistic_critic import LogisticCritic, read_critics
from synthgen.backends.model_files import BUNDLED_FOLDER
from synthgen.clues import CLUES


def test_the_shipped_critics_prefer_support_and_no_surprise() -> None:
    model = LogisticCritic()
    model.setup()
    for is_drawn, critic in read_critics(BUNDLED_FOLDER / "critic").items():
        middle = {name: np.array([at]) for name, at in zip(critic.names, critic.center, strict=True)}
        (plain,) = model([middle], is_drawn)
        for name, way in {"support": 1, "surprise": -1, "protrusion": -1, "rival": -1}.items():
            (better,) = model([{**middle, name: middle[name] + 0.3 * way}], is_drawn)
            assert better > plain, name


def test_drawn_and_rendered_pictures_have_critics_of_their_own_or_share_one(tmp_path: Path) -> None:
    folder = tiny_models.critic(tmp_path / "critic")
    clues = [{name: np.array([0.5]) for name in CLUES}]

    def trusts() -> list[float]:
        model = LogisticCritic(str(folder))
        model.setup()
        return [float(model(clues, is_drawn)[0][0]) for is_drawn in (True, False)]

    first, other = trusts()
    assert first == other
    values = json.loads((folder / "drawn.json").read_text())
    (folder / "rendered.json").write_text(json.dumps({**values, "bias": values["bias"] + 1}))
    assert trusts()[0] == first and trusts()[1] > first
    (folder / "drawn.json").unlink()
    assert trusts()[0] == trusts()[1] > first


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
    path = tmp_path / "rendered.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        LogisticCritic(str(tmp_path)).setup()


def test_a_folder_without_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text(json.dumps({}))
    with pytest.raises(FileNotFoundError, match="holds no critic: a critic is a folder with drawn.json"):
        LogisticCritic(str(tmp_path)).setup()
