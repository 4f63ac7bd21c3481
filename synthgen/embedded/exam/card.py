"""The model card: everything that is known of the embedded models, from figures on record and files."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from synthgen import __version__, storage
from synthgen.embedded.exam import inventory
from synthgen.embedded.exam.ledger import Entry
from synthgen.embedded.exam.models import FOLDERS, VAE, Models
from synthgen.embedded.exam.parts import PARTS
from synthgen.embedded.exam.scores import lowest
from synthgen.embedded.exam.speed import STAGES
from synthgen.embedded.exam.targets import BY_FAMILY, Row, table
from synthgen.scenes.poses import FAMILIES, SPORTS

PLATES = "models"  # folder of the pictures, beside the card
_SHOWN = ("num_inference_steps", "guidance_scale", "guide_by_depth", "strength", "renew_region", "scheduler")


def known(entries: Mapping[str, Entry], weights: Path) -> dict[str, Entry]:
    """Return the entries with what follows from others and from the files themselves."""
    sizes = inventory.files(weights)
    found = dict(entries)
    found["files"] = Entry(
        "", 0, "", "", {"largest": max(sizes.values(), default=0), "total": sum(sizes.values())}
    )
    if "redraw" in found:
        figures = found["redraw"].figures
        found["redraw"] = replace(found["redraw"], figures={**figures, "pck_lowest": lowest(figures, "pck")})
    if "mesh" in found:
        figures = found["mesh"].figures
        sports = [figures[f"pa_mpjpe/{family}"] for family in SPORTS if f"pa_mpjpe/{family}" in figures]
        mean = {"pa_mpjpe_sports": sum(sports) / len(sports)} if sports else {}
        found["mesh"] = replace(found["mesh"], figures={**figures, **mean})
    return found


def render(entries: Mapping[str, Entry], models: Models, plates: list[str]) -> str:
    """Return the card as Markdown.

    Args:
        entries: of `known`.
        models: that were examined.
        plates: names of the pictures to show.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    engine = Environment(
        loader=PackageLoader("synthgen.embedded.exam"),
        autoescape=False,  # Markdown; all text is the package's own or escaped by `plain`
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    engine.filters["plain"] = plain
    kept = inventory.kept(models.weights)
    return engine.get_template("MODELS.md").render(
        version=__version__,
        table=table(entries),
        families=FAMILIES,
        by_family=_by_family(entries),
        models=kept,
        lacking=[folder for folder in FOLDERS if folder not in {one.folder for one in kept}],
        vae=VAE,
        files=inventory.files(models.weights),
        entries=entries,
        parts=[name for name in PARTS if name in entries],
        unmeasured=[name for name in PARTS if name not in entries],
        plates=plates,
        folder=PLATES,
        options={role: _options(models, role) for role in ("draft", "redraw")},
        stages=STAGES,
    )


def write(path: Path, entries: Mapping[str, Entry], models: Models) -> None:
    """Write the card; it shows the pictures of the entries that lie beside it."""
    shown = [name for entry in entries.values() for name in entry.plates]
    there = [name for name in shown if plate_path(path, name).is_file()]
    text = render(known(entries, models.weights), models, there)
    storage.write_bytes(str(path), text.encode())


def plate_path(card: Path, name: str) -> Path:
    """Return where a picture of the card lies."""
    return card.parent / PLATES / f"{name}.jpg"


def plain(text: Any) -> str:
    """Return text that Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", str(text))


def _options(models: Models, role: str) -> dict[str, Any]:
    return {key: value for key, value in models.options(role).items() if key in _SHOWN}


def _by_family(entries: Mapping[str, Entry]) -> list[tuple[str, list[str]]]:
    lines = []
    for row in BY_FAMILY:
        cells = [_cell(row, family, entries) for family in FAMILIES]
        if any(cell != "–" for cell in cells):
            lines.append((f"{row.words}{f' [{row.unit}]' if row.unit else ''}", cells))
    return lines


def _cell(row: Row, family: str, entries: Mapping[str, Entry]) -> str:
    value = replace(row, key=f"{row.key}/{family}").measured(entries)
    return "–" if value is None else replace(row, unit="").text(value)
