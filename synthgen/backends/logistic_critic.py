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

DRAWN, RENDERED = "drawn.json", "rendered.json"  # for pictures of a redraw model, and of the renderer
SOURCE = "fit one to your models: pipeline=evaluate_verification models=… critic=FOLDER"
_LARGEST = 1 << 16  # bytes


@dataclass
class LogisticCritic:
    """Logistic regression on clues, fitted by evaluate_verification.

    Drawn outlines are off by more than rendered ones: who is fitted to renders distrusts most redraws.

    Attributes:
        id: folder with a drawn.json, a rendered.json, or both (one serves all pictures); hub id (owner/name);
            or embedded/critic, fitted to the models that come with the package. Others need one of their own.
        revision: branch, tag or commit of a hub id; empty for the newest.
    """

    id: str = "embedded/critic"
    revision: str = ""

    def __post_init__(self) -> None:
        raise_problems(self.problems())
        self.version = ""
        self._critics: dict[bool, Critic] | None = None  # by whether pictures are drawn

    def problems(self) -> list[str]:
        """Return everything that is wrong with the keys, one line each."""
        return id_problems(self)

    def setup(self, device: str = "cpu", dtype: Precision = "float32") -> None:
        """Read the weights, a handful of numbers for the CPU; see `synthgen.backends.protocols`."""
        folder = find_model(self.id, self.revision, fetch_files, SOURCE)
        self._critics = read_critics(folder)
        self.version = version_of(folder)

    def __call__(self, clues: Sequence[Clues], is_drawn: bool = True) -> list[Float]:
        """Weigh clues; see `Critic` of `synthgen.backends.protocols`."""
        critic = ready(self._critics, self)[is_drawn]
        return [critic.trust(one) for one in clues]


def read_critics(folder: Path) -> dict[bool, Critic]:
    """Read a folder's critics, of drawn (True) and of rendered pictures (False); one alone serves both.

    Raises:
        FileNotFoundError: there is none.
        ValueError: a file holds something else.
    """
    found = {
        is_drawn: read_critic(folder / name)
        for is_drawn, name in ((True, DRAWN), (False, RENDERED))
        if (folder / name).is_file()
    }
    if not found:
        raise FileNotFoundError(
            f"{folder} holds no critic: a critic is a folder with {DRAWN}, {RENDERED}, or both; {SOURCE}"
        )
    only = next(iter(found.values()))
    return {is_drawn: found.get(is_drawn, only) for is_drawn in (True, False)}


def read_critic(path: Path) -> Critic:
    """Read one critic's weights.

    Raises:
        ValueError: the file holds something else.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"{path.stat().st_size} bytes are too many")
        return Critic.from_values(json.loads(path.read_text()))
    except ValueError as error:  # of json and unicode, too
        raise ValueError(f"{path} holds no critic: {error}; {SOURCE}") from error
