"""What the report says of a run's making: rates, time by stage, rejections with pictures, shards, origin."""

from collections.abc import Mapping
from typing import Any, get_args

from markupsafe import Markup

from synthgen.report import charts
from synthgen.report.charts import number
from synthgen.report.ledger import Ledger
from synthgen.report.panels import readable
from synthgen.report.rejections import Gallery
from synthgen.report.survey import Survey
from synthgen.sample import Stage

MAX_REASONS = 100  # rows in the table of rejections
ORDER = (*(stage for stage in get_args(Stage) if stage != "write"), "label", "write")
HOUR_S = 3600


def making(ledger: Ledger, found: Survey, gallery: Gallery) -> dict[str, Any]:
    """Return what the template needs for this section."""
    rejections = _rejections(ledger, gallery)
    return {
        "making_intro": _words(ledger),
        "rates": rates(ledger),
        "stages": _stages(ledger),
        "rejections": rejections,
        "has_pictures": any(row["pictures"] for row in rejections),
        "shards": _shards(ledger),
        "origin": _origin(found),
    }


def rates(ledger: Ledger) -> list[dict[str, str]]:
    """Return how fast a worker is and, where it has a part of a GPU, what a GPU makes in an hour."""
    seconds = ledger.worker_seconds()
    if not seconds:
        return []
    done, gpus = ledger.accepted + ledger.rejected, _gpus(ledger.settings)
    rows = [
        ("Accepted", number(ledger.accepted / seconds), "pictures/s per worker"),
        ("Worked on", number(done / seconds), "requests/s per worker"),
    ]
    if gpus:
        share = "" if gpus == 1 else f", {gpus:g} GPU per worker"
        hours = seconds * gpus / HOUR_S
        rows += [
            ("Accepted", number(ledger.accepted / hours), f"pictures per GPU hour{share}"),
            ("Worked on", number(done / hours), "requests per GPU hour"),
        ]
    return [{"name": name, "value": value, "unit": unit} for name, value, unit in rows]


def _gpus(settings: Mapping[str, Any]) -> float:
    gpus = settings.get("gpus_per_worker", 0)
    is_number = isinstance(gpus, float | int) and not isinstance(gpus, bool)
    return float(gpus) if is_number and settings.get("device") == "cuda" and 0 < gpus < HOUR_S else 0.0


def _words(ledger: Ledger) -> str:
    seconds = ledger.worker_seconds()
    if not seconds:
        return "The shard reports hold no times."
    each = f"{number(seconds / max(ledger.accepted, 1))} s for each accepted picture"
    return (
        f"Workers spent {number(seconds)} s on these shards in all, {each}: of one worker, with what was "
        "rejected in between, without the loading of models."
    )


def _stages(ledger: Ledger) -> Markup:
    """Draw what each stage takes, in the order of the pipeline; stages of one's own come last."""
    spent = ledger.seconds()
    names = [stage for stage in ORDER if stage in spent] + sorted(spent.keys() - set(ORDER))
    rows = [(readable(stage), 1000 * spent[stage] / max(ledger.accepted, 1)) for stage in names]
    told = "Time by stage: " + ", ".join(f"{name} {number(value)} ms" for name, value in rows)
    return charts.bars(rows, sum(value for _, value in rows), "ms", told)


def _rejections(ledger: Ledger, gallery: Gallery) -> list[dict[str, Any]]:
    done = max(ledger.accepted + ledger.rejected, 1)
    ordered = sorted(ledger.reasons.items(), key=lambda item: (-item[1], item[0]))
    return [
        {
            "stage": stage,
            "reason": reason,
            "count": count,
            "share": f"{100 * count / done:.2f} %",
            "bar": 100 * count / max(ledger.reasons.values()),
            "examples": ledger.examples[stage, reason],
            "pictures": gallery.thumbnails.get((stage, reason), []),
        }
        for (stage, reason), count in ordered[:MAX_REASONS]
    ]


def _shards(ledger: Ledger) -> list[dict[str, Any]]:
    return [
        {
            "name": report.shard,
            "accepted": report.accepted,
            "rejected": report.rejected,
            "megabytes": f"{report.size / 1e6:,.2f}",
            "seconds": f"{sum(report.seconds.values()):,.1f}",
            "sha256": report.sha256[:12],
        }
        for _, report in sorted(ledger.reports.items())
    ]


def _origin(found: Survey) -> list[dict[str, Any]]:
    tally = found.tally
    rows = [
        {"role": readable(role), "model": model, "revision": revision, "count": count}
        for (role, model, revision), count in sorted(tally.models.items())
    ]
    rows += [
        {"role": "synthgen", "model": "version", "revision": version, "count": count}
        for version, count in sorted(tally.versions.items())
    ]
    return rows + [
        {"role": "config", "model": "sha256", "revision": config_hash, "count": count}
        for config_hash, count in sorted(tally.config_hashes.items())
    ]
