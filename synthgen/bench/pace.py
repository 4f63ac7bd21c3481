"""How long ours takes beside a plain way to do the same, and beside what the machine's arithmetic allows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """Seconds of the same work done both ways.

    Attributes:
        ours: of ours.
        plain: of the plain way.
        work: operations of it, as the plain one does it; a multiplication and an addition are two.
        rate: operations a second in a product of two large matrices of the same precision.
    """

    ours: float
    plain: float
    work: float
    rate: float

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.plain / self.ours

    @property
    def share(self) -> float:
        """Which part of the rate of a matrix product ours reaches."""
        return self.work / self.ours / self.rate
