"""Role `critic`: one number from all clues to a label, as `synthgen.critic` weighs them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from synthgen.backends.model_files import fetch_files, find_model, version_of
from synthgen.backends.protocols import Precision
from synthgen.backends.ranges import id_problems, raise_problems, ready
from synthgen.clues import Clues
from synthgen.critic import Critic
from synthgen.sample import Float

FILE = "critic.json"
SOURCE = "fit one to your models: pipeline=evaluate_verification models=… critic=FOLDER"
_LARGEST = 1 << 16  # bytes


@dataclass
class LogisticCritic:
    """Logistic regression on clues, fitted by evaluate_verification.

    Attributes:
        id: folder with a critic.json, hub id (owner/name), or embedded/critic, fitted to the models that come
            with the package; other models need one of their own.
        revision: branch, tag or commit of a hub id; empty for the newest.
    """

    id: str = "embedded/critic"
    revision: str = ""

    def __post_init__(self) -> None:
        raise_problems(self.problems())
        self.version = ""
        self._critic: Critic | None = None

    def problems(self) -> list[str]:
        """Return everything that is wrong with the keys, one line each."""
        return id_problems(self)

    def setup(self, device: str = "cpu", dtype: Precision = "float32") -> None:
        """Read the weights, a handful of numbers for the CPU; see `synthgen.backends.protocols`."""
        folder = find_model(self.id, self.revision, fetch_files, SOURCE)
        self._critic = read_critic(folder / FILE if folder.is_dir() else folder)
        self.version = version_of(folder)

    def __call__(self, clues: Sequence[Clues]) -> list[Float]:
        """Weigh clues; see `Critic` of `synthgen.backends.protocols`."""
        critic: Critic = ready(self._critic, self)
        return [critic.trust(one) for one in clues]


def read_critic(path: Path) -> Critic:
    """Read a critic's weights.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds something else.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: a critic is a folder with {FILE}; {SOURCE}")
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"{path.stat().st_size} bytes are too many")
        return Critic.from_values(json.loads(path.read_text()))
    except ValueError as error:  # of json and unicode, too
        raise ValueError(f"{path} holds no critic: {error}; {SOURCE}") from error
