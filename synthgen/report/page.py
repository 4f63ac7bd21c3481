"""The run's report: one HTML file beside the shards, to be opened anywhere, without network.

All text that comes from data is escaped by the template engine, and the page's own policy allows no scripts,
styles or requests but the script and the style sheet it carries.
"""

import base64
import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import Any

from markupsafe import Markup

from synthgen import __version__, storage
from synthgen.report.charts import number
from synthgen.report.ledger import Ledger, Problem, read_ledger
from synthgen.report.making import making, rates
from synthgen.report.panels import label_panels, readable
from synthgen.report.rejections import Gallery, read_gallery
from synthgen.report.scores import score_panels, score_rows
from synthgen.report.survey import Artist, RendererChoice, Survey, make_plan, survey
from synthgen.shards.shard import HTML_NAME

MAX_PROBLEMS = 20
SWITCH = ("picture", "overlay", "depth", "mask")  # what the page can show of each picture
SWITCH_OF_DRAFTS = ("steps", "draft", "mask", "depth", "picture", "overlay")


@dataclass(frozen=True)
class Options:
    """How much the report shows.

    Attributes:
        num_pictures: pictures on the contact sheet, spread evenly over the run.
        max_samples: labels that the statistics read; of a larger run, shards spread evenly over it.
        body: "open", the path of an SMPL file, or "" for the body of the run's config.
        renderer: draws the overlays: "auto", "warp" or "pyrender".
    """

    num_pictures: int = 48
    max_samples: int = 50_000
    body: str = ""
    renderer: RendererChoice = "auto"


def write_report(folder: str, options: Options | None = None) -> str:
    """Write `report.html` into a run folder, whole or not at all.

    Args:
        folder: local path or fsspec URL of a run that is complete, goes on, or broke off.
        options: how much to show.

    Returns:
        Where the report is.

    Raises:
        ValueError: the folder holds nothing of a run.
        StorageError: the folder cannot be read or written.
    """
    options = options or Options()
    ledger = read_ledger(folder)
    artist = Artist(options.body or str(ledger.settings.get("body", "open")), options.renderer)
    plan = make_plan(ledger, options.num_pictures, options.max_samples)
    found = survey(folder, plan, artist)
    page = render_page(ledger, found, read_gallery(folder, ledger), artist.problem)
    url = storage.join(folder, HTML_NAME)
    storage.write_bytes(url, page.encode("utf-8"))
    return url


def render_page(ledger: Ledger, found: Survey, gallery: Gallery, overlay_problem: str) -> str:
    """Return the report as HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    engine = Environment(
        loader=PackageLoader("synthgen.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=False
    )
    engine.filters["number"] = number
    style, script = (asset(name) for name in ("report.css", "report.js"))
    return engine.get_template("report.html").render(
        policy=content_policy(style, script),
        style=Markup(style),
        script=Markup(script),
        version=__version__,
        run=ledger.run,
        config=ledger.config or "No config.yaml in this folder.",
        **_top(ledger, found, gallery),
        **_pictures(ledger, found, overlay_problem),
        **_labels(ledger, found),
        **_scores(ledger, found),
        **making(ledger, found, gallery),
    )


def asset(name: str) -> str:
    """Return a text file that comes with the report, as "report.css"."""
    return resources.files("synthgen.report.templates").joinpath(name).read_text("utf-8")


def content_policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy: data URIs for pictures, these two texts, nothing else."""
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in (style, script)
    ]
    return (
        f"default-src 'none'; img-src data:; style-src {hashes[0]}; script-src {hashes[1]}; "
        "base-uri 'none'; form-action 'none'"
    )


def _top(ledger: Ledger, found: Survey, gallery: Gallery) -> dict[str, Any]:
    missing = ledger.planned - ledger.accepted - ledger.rejected
    counts = (
        ("accepted", ledger.accepted, "made"),
        ("rejected", ledger.rejected, "rejected for a reason"),
        ("missing", missing, "not worked on yet"),
    )
    parts, start = [], 0.0
    for kind, count, words in counts:
        width = 1000 * count / max(ledger.planned, 1)
        parts.append({"kind": kind, "count": count, "words": words, "start": start, "width": width})
        start += width
    problems = [*ledger.problems, *found.problems, *gallery.problems]
    if len(problems) > MAX_PROBLEMS:
        problems = [*problems[:MAX_PROBLEMS], Problem(f"and {len(problems) - MAX_PROBLEMS} more.")]
    return {
        "lead": _lead(ledger, found),
        "ledger": [part for part in parts if part["count"]],
        "ledger_summary": "; ".join(f"{count:,} {words}" for _, count, words in counts),
        "problems": problems,
        "numbers": _numbers(ledger, found),
    }


def _lead(ledger: Ledger, found: Survey) -> str:
    people = found.tally.people / max(found.tally.pictures, 1)
    shards = f"{len(ledger.reports):,} shard" + ("" if len(ledger.reports) == 1 else "s")
    families = [readable(name) for name, _ in found.tally.families.most_common(6)]
    poses = f" Poses: {', '.join(families)}." if families else ""
    return (
        f"{ledger.accepted:,} labelled pictures in {shards}, from {ledger.planned:,} requests, "
        f"with {people:.2f} people each.{poses}"
    )


def _numbers(ledger: Ledger, found: Survey) -> list[dict[str, str]]:
    done = ledger.accepted + ledger.rejected
    rows = [
        ("Accepted", f"{100 * ledger.accepted / max(done, 1):.1f}", "% of requests"),
        *(("Rate", rate["value"], rate["unit"]) for rate in rates(ledger) if rate["name"] == "Accepted"),
        ("People", f"{found.tally.people:,}", ""),
        (
            "Shards",
            f"{len(ledger.reports):,}",
            f"of {max(len(ledger.planned_shards), len(ledger.reports)):,}",
        ),
        ("Size", f"{ledger.size / 1e6:,.1f}", "MB"),
        ("Per picture", f"{ledger.size / 1e3 / max(ledger.accepted, 1):.1f}", "kB with labels"),
    ]
    return [{"name": name, "value": value, "unit": unit} for name, value, unit in rows]


def _pictures(ledger: Ledger, found: Survey, overlay_problem: str) -> dict[str, Any]:
    families = sorted({family for card in found.cards for family in card.families})
    numbering = {family: f"f{place}" for place, family in enumerate(families)}
    intro = (
        f"{len(found.cards)} of {ledger.accepted:,} pictures, spread evenly over the run. "
        "The overlay is drawn from the labels on record. Choose one to see it large with all its labels."
    )
    if not found.cards:
        intro = "There is no picture to show yet."
    has_drafts = any(card.has_draft for card in found.cards)
    return {
        "switch": SWITCH_OF_DRAFTS if has_drafts else SWITCH,
        "pictures_intro": f"{intro} {overlay_problem}".strip(),
        "families": [readable(family) for family in families],
        "cards": [
            {"card": card, "family_ids": " ".join(numbering[family] for family in card.families)}
            for card in found.cards
        ],
    }


def _labels(ledger: Ledger, found: Survey) -> dict[str, Any]:
    read = found.tally.pictures
    intro = f"Counted over the labels of all {read:,} pictures."
    if read < ledger.accepted:
        intro = (
            f"Counted over the labels of {read:,} of {ledger.accepted:,} pictures, from evenly spread shards."
        )
    return {"labels_intro": intro, "panels": label_panels(found.tally)}


def _scores(ledger: Ledger, found: Survey) -> dict[str, Any]:
    return {
        "score_panels": score_panels(found.tally, ledger.settings),
        "scores": score_rows(found.tally),
    }
