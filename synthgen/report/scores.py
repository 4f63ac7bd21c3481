"""What the report says of scores: a histogram of each, with the limits that the run's config sets."""

from collections.abc import Mapping
from typing import Any

from synthgen.report import charts
from synthgen.report.charts import number
from synthgen.report.histogram import Histogram
from synthgen.report.measures import MEASURES, Measure
from synthgen.report.panels import Panel, readable
from synthgen.report.tally import Tally


def score_panels(tally: Tally, settings: Mapping[str, Any]) -> list[Panel]:
    """Return a panel for each known score that the labels carry.

    Args:
        tally: of the run's labels.
        settings: the run's parsed config.
    """
    return [
        _panel(name, measure, tally.spectra[name], settings)
        for name, measure in MEASURES.items()
        if name in tally.spectra
    ]


def score_rows(tally: Tally) -> list[dict[str, Any]]:
    """Return a row of the table for each score, known or not."""
    return [
        {
            "name": readable(name),
            "low": number(spread.low),
            "mean": number(spread.mean),
            "high": number(spread.high),
            "count": spread.count,
        }
        for name, spread in sorted(tally.scores.items())
    ]


def _panel(name: str, measure: Measure, data: Histogram, settings: Mapping[str, Any]) -> Panel:
    low, median, high = (_written(data.quantile(share), measure) for share in (0.05, 0.5, 0.95))
    limits = measure.set_limits(settings)
    words = f"Nine in ten {measure.counted} lie between {low} and {high}{measure.unit}. On record: {name}."
    lines = [(value, f"{key} {number(value)}") for key, value in limits]
    told = f"{measure.title}, {measure.axis}: median {median}{measure.unit}. {words}"
    told += "".join(f" Limit {line}." for _, line in lines)
    chart = charts.histogram(data, measure.axis, median + measure.unit, measure.counted, told, lines)
    return Panel(measure.title, words, chart)


def _written(value: float, measure: Measure) -> str:
    return f"{int(value)}" if measure.is_count else number(value)
