"""What an export took and what it left out, by reason."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Ledger:
    """Counts of an export.

    Attributes:
        pictures: written.
        people: written.
        reasons: pictures and people left out, by reason.
        examples: key of the first of each.
        bodies: people with SMPL parameters that were written, by body model.
        models: pictures by (role, model, revision) that made them, as their provenance says.
        sources: pictures by data set.
        names_bodies: the format has a field for whose the parameters are, so it holds them as they are.
    """

    pictures: int = 0
    people: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    bodies: Counter[str] = field(default_factory=Counter)
    models: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    names_bodies: bool = False

    def leave_out(self, key: str, reason: str) -> None:
        """Count a picture, or a person of one, that is not written."""
        self.reasons[reason] += 1
        self.examples.setdefault(reason, key)

    def lines(self) -> list[str]:
        """Return a line for each reason, the most frequent first."""
        return [
            f"{count} left out: {reason} (first: {self.examples[reason]})"
            for reason, count in self.reasons.most_common()
        ]
