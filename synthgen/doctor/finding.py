"""What a check found, and how it is told: one aligned line, and what to do below it."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "FAIL"]
WIDTH = 110  # of the lines of advice


@dataclass(frozen=True)
class Finding:
    """The answer of one check.

    Attributes:
        level: ok; warn: the run can work, but look at it; FAIL: it cannot.
        subject: what was looked at, "models.draft".
        text: what was found, one line.
        fix: what to do about it; empty where nothing has to be done.
    """

    level: Level
    subject: str
    text: str
    fix: str = ""


def lines_of(findings: Sequence[Finding]) -> list[str]:
    """Return the findings as lines of text, subjects in one column, advice indented below."""
    column = max((len(finding.subject) for finding in findings), default=0)
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{finding.level:<4}  {finding.subject:<{column}}  {finding.text}")
        indent = " " * 6
        lines += textwrap.wrap(
            finding.fix, WIDTH, initial_indent=f"{indent}-> ", subsequent_indent=f"{indent}   ",
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    return lines


def has_failed(findings: Sequence[Finding]) -> bool:
    """Tell whether a run would not work."""
    return any(finding.level == "FAIL" for finding in findings)
