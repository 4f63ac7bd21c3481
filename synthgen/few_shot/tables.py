"""The experiment as Markdown and as plain values for JSON."""

from collections.abc import Iterator, Mapping
from typing import Any

from synthgen import __version__
from synthgen.evaluation.figures import FIGURES
from synthgen.few_shot.arms import DECIDING, NONE, Outcome, relative, seeds_of
from synthgen.few_shot.verdicts import Verdict, verdicts

SCHEMA = 1


def markdown(name: str, outcome: Outcome, counts: Mapping[str, int]) -> str:
    """Return table and verdicts as a Markdown document.

    Args:
        name: of the experiment.
        outcome: what came of it.
        counts: pictures of each set.
    """
    return "\n".join(_lines(name, outcome, counts)) + "\n"


def _lines(name: str, outcome: Outcome, counts: Mapping[str, int]) -> Iterator[str]:
    seeds = seeds_of(outcome.results)
    yield f"# {name}"
    yield ""
    yield ", ".join(f"{count:,} {words}" for words, count in counts.items()) + "."
    decider = FIGURES[DECIDING].title
    yield f"Mean ± standard deviation over {len(seeds)} seeds; the change is that of {decider}."
    yield ""
    figures = outcome.figures()
    yield "| arm | " + " | ".join(f"{one.title} [{one.unit}]" for one in figures) + " | change | minutes |"
    yield "| :-- | " + " | ".join("--:" for _ in figures) + " | --: | --: |"
    for arm in outcome.arms():
        cells = []
        for figure in figures:
            spread = outcome.spread(arm, figure.name)
            cells.append(spread.shown(figure) if spread else "–")
        minutes = max(one.minutes for one in outcome.of(arm))
        yield f"| {arm.title} | {' | '.join(cells)} | {change(outcome, arm.name)} | {minutes:.1f} |"
    yield ""
    for verdict in verdicts(outcome):
        yield f"- **{verdict.word}**: {verdict.claim}. {verdict.sentence}"


def change(outcome: Outcome, arm: str) -> str:
    """Return by how much an arm changed the deciding figure against no adaptation, in words."""
    after = next((outcome.spread(one, DECIDING) for one in outcome.arms() if one.name == arm), None)
    before = outcome.spread(NONE, DECIDING)
    if arm == NONE.name or after is None or before is None:
        return ""
    return f"{100 * relative(after, before):+.1f} %".replace("-", "−")


def record(
    name: str, outcome: Outcome, counts: Mapping[str, int], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return everything as plain values."""
    return {
        "schema": SCHEMA,
        "synthgen_version": __version__,
        "name": name,
        "settings": dict(settings),
        "pictures": dict(counts),
        "arms": [_arm(outcome, arm.name) for arm in outcome.arms()],
        "verdicts": [_verdict(one) for one in verdicts(outcome)],
    }


def _arm(outcome: Outcome, name: str) -> dict[str, Any]:
    arm = next(one for one in outcome.arms() if one.name == name)
    spreads = {figure.name: outcome.spread(arm, figure.name) for figure in outcome.figures()}
    return {
        "name": arm.name,
        "title": arm.title,
        "real": arm.real,
        "synthetic": arm.synthetic,
        "figures": {
            key: {"mean": round(one.mean, 4), "deviation": round(one.deviation, 4)}
            for key, one in spreads.items()
            if one
        },
        "seeds": [
            {"seed": one.seed, "minutes": round(one.minutes, 2), "figures": dict(one.figures)}
            for one in outcome.of(arm)
        ],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {"claim": verdict.claim, "sentence": verdict.sentence, "holds": verdict.holds}
