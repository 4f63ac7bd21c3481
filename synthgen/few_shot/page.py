"""The experiment's report: one HTML file to be opened anywhere, without network; see `synthgen.report`."""

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from markupsafe import Markup

from synthgen import __version__
from synthgen.evaluation import charts
from synthgen.evaluation.figures import FIGURES
from synthgen.few_shot.arms import DECIDING, Outcome, seeds_of
from synthgen.few_shot.tables import change
from synthgen.few_shot.verdicts import verdicts
from synthgen.observation import Observation
from synthgen.report.cards import data_uri
from synthgen.report.page import asset, content_policy


def render_page(
    name: str,
    outcome: Outcome,
    counts: Mapping[str, int],
    pictures: Mapping[str, Sequence[Observation]],
    settings: str,
) -> str:
    """Return the report as HTML.

    Args:
        name: of the experiment.
        outcome: what came of it.
        counts: pictures of each set, by what they are called.
        pictures: some of each set.
        settings: the resolved config as text.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    engine = Environment(
        loader=PackageLoader("synthgen.few_shot"), autoescape=True, undefined=StrictUndefined
    )
    shared = resources.files("synthgen.evaluation.templates").joinpath("evaluation.css").read_text("utf-8")
    own = resources.files("synthgen.few_shot.templates").joinpath("few_shot.css").read_text("utf-8")
    style = asset("report.css") + shared + own
    return engine.get_template("few_shot.html").render(
        policy=content_policy(style, ""),
        style=Markup(style),
        version=__version__,
        name=name,
        lead=_lead(outcome, counts),
        verdicts=verdicts(outcome),
        figures=[(figure.title, figure.unit) for figure in outcome.figures()],
        rows=_rows(outcome),
        chart=_chart(outcome),
        seeds=[f"seed {seed}" for seed in seeds_of(outcome.results)],
        sets=[_set(words, some, counts.get(words, len(some))) for words, some in pictures.items()],
        settings=settings,
    )


def _lead(outcome: Outcome, counts: Mapping[str, int]) -> str:
    seeds = len(seeds_of(outcome.results))
    arms = ", ".join(arm.title for arm in outcome.arms())
    sets = ", ".join(f"{count:,} {words}" for words, count in counts.items())
    return f"{arms}: {seeds} seed{'s' if seeds != 1 else ''} each. {sets}."


def _rows(outcome: Outcome) -> list[dict[str, Any]]:
    rows = []
    for arm in outcome.arms():
        spreads = [(figure, outcome.spread(arm, figure.name)) for figure in outcome.figures()]
        rows.append(
            {
                "title": arm.title,
                "cells": [spread.shown(figure) if spread else "–" for figure, spread in spreads],
                "change": change(outcome, arm.name),
                "minutes": f"{max(one.minutes for one in outcome.of(arm)):.1f}",
            }
        )
    return rows


def _chart(outcome: Outcome) -> Markup:
    figure, seeds = FIGURES[DECIDING], seeds_of(outcome.results)
    rows = []
    for arm in outcome.arms():
        known = {one.seed: one.figures.get(DECIDING, float("nan")) for one in outcome.of(arm)}
        rows.append((arm.title, [known.get(seed, float("nan")) for seed in seeds]))
    summary = f"{figure.title} of each arm, a dot a seed. Less is better."
    return charts.dots(rows, [f"seed {seed}" for seed in seeds], f"{figure.title} [{figure.unit}]", summary)


def _set(words: str, some: Sequence[Observation], count: int) -> dict[str, Any]:
    return {
        "title": words[0].upper() + words[1:],
        "words": f"{len(some)} of {count:,}.",
        "pictures": [
            {
                "source": data_uri(one.image),
                "width": one.image.shape[1],
                "height": one.image.shape[0],
                "words": f"{words}: {one.key}",
            }
            for one in some
        ],
    }
