"""What holds and what does not, as sentences computed from the results."""

from dataclasses import dataclass

from synthgen.evaluation.figures import FIGURES
from synthgen.few_shot.arms import (
    BOTH,
    DECIDING,
    MINUTES_PER_ARM,
    NONE,
    REAL,
    SYNTHETIC,
    TARGET,
    UNVERIFIED,
    Arm,
    Outcome,
    relative,
)


@dataclass(frozen=True)
class Verdict:
    """A claim and whether the results bear it out.

    Attributes:
        claim: in a few words.
        sentence: what was found.
        holds: None where an arm that it needs was not run.
    """

    claim: str
    sentence: str
    holds: bool | None

    @property
    def word(self) -> str:
        """Say it in one or two words."""
        return {True: "holds", False: "does not hold", None: "not measured"}[self.holds]


def verdicts(outcome: Outcome) -> list[Verdict]:
    """Return a verdict on each claim of the experiment."""
    return [
        _against_none(outcome),
        _beats(outcome, BOTH, REAL),
        _beats(outcome, BOTH, UNVERIFIED),
        _beats(outcome, SYNTHETIC, NONE),
        _in_time(outcome),
    ]


def _against_none(outcome: Outcome) -> Verdict:
    title = FIGURES[DECIDING].title
    claim = f"{_capital(BOTH.title)} lowers {title} by at least {TARGET:.0%} against {NONE.title}"
    after, before = outcome.spread(BOTH, DECIDING), outcome.spread(NONE, DECIDING)
    if after is None or before is None:
        return _unknown(claim, BOTH, NONE)
    change = relative(after, before)
    sentence = (
        f"{title} went from {before.shown(FIGURES[DECIDING])} to {after.shown(FIGURES[DECIDING])} mm: "
        f"{abs(change):.1%} {'lower' if change < 0 else 'higher'}."
    )
    return Verdict(claim, sentence, change <= -TARGET)


def _beats(outcome: Outcome, arm: Arm, other: Arm) -> Verdict:
    figure = FIGURES[DECIDING]
    claim = f"{_capital(arm.title)} beats {other.title}"
    mine, theirs = outcome.spread(arm, DECIDING), outcome.spread(other, DECIDING)
    if mine is None or theirs is None:
        return _unknown(claim, arm, other)
    change, (wins, seeds) = relative(mine, theirs), outcome.wins(arm, other)
    gap, noise = abs(mine.mean - theirs.mean), max(mine.deviation, theirs.deviation)
    sentence = (
        f"{figure.title} {mine.shown(figure)} mm against {theirs.shown(figure)} mm: {abs(change):.1%} "
        f"{'lower' if change < 0 else 'higher'}, lower with {wins} of {seeds} seeds."
    )
    if seeds > 1 and gap < noise:
        sentence += f" The gap of {gap:.1f} mm is smaller than the spread between seeds of {noise:.1f} mm."
    return Verdict(claim, sentence, change < 0)


def _in_time(outcome: Outcome) -> Verdict:
    claim = f"One arm with one seed takes less than {MINUTES_PER_ARM:.0f} minutes"
    longest = outcome.minutes()
    return Verdict(claim, f"The longest took {longest:.1f} minutes.", longest < MINUTES_PER_ARM)


def _unknown(claim: str, *arms: Arm) -> Verdict:
    return Verdict(claim, f"This needs the arms {' and '.join(arm.name for arm in arms)}.", None)


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
