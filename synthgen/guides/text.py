"""The `text` source: nothing but words; the draft is drawn from the prompt."""

from collections.abc import Sequence
from dataclasses import dataclass

from synthgen.body import Body
from synthgen.guide import UNKNOWN, Words
from synthgen.guides.ranges import FOV_DEG, range_problems
from synthgen.render import Renderer
from synthgen.sample import Rejection, Request


@dataclass
class TextGuides:
    """Prompts alone.

    Attributes:
        fov_deg: vertical field of view that people are placed with [degrees], 5 to 120.
        family: what the prompts are about, for labels and report ("ski"); free text.
    """

    fov_deg: float = 40.0
    family: str = UNKNOWN

    def problems(self) -> list[str]:
        """Return everything that is wrong with the options, one line each."""
        return range_problems(self, {"fov_deg": FOV_DEG})

    def setup(self, body: Body, renderer: Renderer) -> None:
        """Do nothing: words need no preparation."""

    def __call__(self, requests: Sequence[Request]) -> list[Words | Rejection]:
        """Return the words of each request."""
        return [Words(request.prompt, self.fov_deg, self.family) for request in requests]
