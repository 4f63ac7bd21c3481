"""A batch on its way through the steps: every request ends as one thing, in order, and the clock runs."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from synthgen.sample import Rejection, Request, Stage
from synthgen.stopwatch import Stopwatch

T = TypeVar("T")


def _nothing(item: Any) -> None:
    """Show nothing of an item."""


class Line:
    """The state of one batch.

    Args:
        requests: of the batch.
        clock: counts the seconds of each step.
        picture_of: what there is to see of an item that a step turns away, or None.

    Attributes:
        requests: of the batch.
        items: what each request has become so far; a `Rejection` stays one.
    """

    def __init__(
        self,
        requests: Sequence[Request],
        clock: Stopwatch,
        picture_of: Callable[[Any], NDArray[np.uint8] | None] = _nothing,
    ) -> None:
        self.requests = list(requests)
        self.items: list[Any] = list(requests)
        self._clock = clock
        self._picture_of = picture_of

    def of(self, kind: type[T]) -> list[tuple[int, T]]:
        """Return what is of a type now, with its place in the batch."""
        return [(place, item) for place, item in enumerate(self.items) if isinstance(item, kind)]

    def step(
        self, stage: Stage, kind: type[T], work: Callable[[list[Request], list[T]], Sequence[Any]]
    ) -> None:
        """Take all items of a type one step further.

        Args:
            stage: its name, for clock and rejections.
            kind: what the step works on; other items wait, or are past it.
            work: from requests and items to as many answers: what each becomes, or a reason (text) why it
                ends here, which makes a `Rejection` with the picture of the item.
        """
        chosen = self.of(kind)
        if not chosen:
            return
        requests = [self.requests[place] for place, _ in chosen]
        with self._clock.stage(stage):
            answers = work(requests, [item for _, item in chosen])
        for (place, item), request, answer in zip(chosen, requests, answers, strict=True):
            if isinstance(answer, str):
                answer = Rejection(request.key, stage, answer, self._picture_of(item))
            self.items[place] = answer
