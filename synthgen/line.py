"""A batch on its way through the steps: every request ends as one thing, in order, and the clock runs."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from synthgen.sample import Rejection, Request, Stage
from synthgen.stopwatch import Stopwatch

T = TypeVar("T")


class Line:
    """The state of one batch.

    Attributes:
        requests: of the batch.
        items: what each request has become so far; a `Rejection` stays one.
    """

    def __init__(self, requests: Sequence[Request], clock: Stopwatch) -> None:
        self.requests = list(requests)
        self.items: list[Any] = list(requests)
        self._clock = clock

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
                ends here.
        """
        chosen = self.of(kind)
        if not chosen:
            return
        requests = [self.requests[place] for place, _ in chosen]
        with self._clock.stage(stage):
            answers = work(requests, [item for _, item in chosen])
        for (place, _), request, answer in zip(chosen, requests, answers, strict=True):
            is_reason = isinstance(answer, str)
            self.items[place] = Rejection(request.key, stage, answer) if is_reason else answer
