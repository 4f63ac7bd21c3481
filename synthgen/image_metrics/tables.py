"""Distances beside published ones, as a Markdown table and as JSON."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthgen import __version__
from synthgen.image_metrics.distances import Distance
from synthgen.image_metrics.features import Looked
from synthgen.image_metrics.figures import DIGITS, FIGURES
from synthgen.image_metrics.inception import FEATURES
from synthgen.image_metrics.origin import NAME
from synthgen.image_metrics.people import WORDS as CUT_WORDS
from synthgen.image_metrics.people import Cut
from synthgen.image_metrics.preparing import WORDS as CONVENTION_WORDS
from synthgen.image_metrics.preparing import Convention

SCHEMA = 1
_ESCAPED = str.maketrans(
    {
        **{mark: f"\\{mark}" for mark in "\\|*_`[]#~"},
        "<": "&lt;", ">": "&gt;", "&": "&amp;", "\n": " ", "\r": " ",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """What a set of generated pictures came to.

    Attributes:
        name: of the set.
        looked: what was seen of it.
        whole: distance of its pictures from the reference's.
        people: of the people in them; None where they are not measured.
        published: {figure: value} that a paper reports for it.
    """

    name: str
    looked: Looked
    whole: Distance
    people: Distance | None
    published: Mapping[str, float]

    def figures(self) -> dict[str, float]:
        """Return the figures by name."""
        found = {"fid": self.whole.fid, "kid": self.whole.kid}
        if self.people is not None:
            found |= {"h_fid": self.people.fid, "h_kid": self.people.kid}
        return found


@dataclass(frozen=True)
class Protocol:
    """How it was measured, for the reader.

    Attributes:
        convention: of the pictures' preparation.
        cut: of people; None where they are not measured.
        masked_by: who says where people are: a model's name and version, or "labels".
        weights: sha256 of the network's file.
        has_published_weights: whether they are those that papers use.
        subsets: of KID.
        seed: of the subsets.
        published_from: where published figures were read.
    """

    convention: Convention
    cut: Cut | None
    masked_by: str
    weights: str
    has_published_weights: bool
    subsets: int
    seed: int
    published_from: str

    def cautions(self, measured: Sequence[Measured]) -> Iterator[str]:
        """Yield what keeps these figures from being compared with published ones."""
        if not self.has_published_weights:
            yield f"the weights are not those of {NAME}: figures are comparable among themselves only"
        distances = [one for each in measured for one in (each.whole, each.people) if one is not None]
        fewest = min(min(one.reference, one.generated) for one in distances)
        if fewest < FEATURES:
            yield (
                f"the smallest set has {fewest:,} pictures, fewer than the {FEATURES:,} features: FID comes "
                "out too large, more so the fewer they are; compare KID, or FID of equally many pictures"
            )


def markdown(title: str, reference: Looked, measured: Sequence[Measured], protocol: Protocol) -> str:
    """Return everything as one Markdown document."""
    lines = [f"# {cell(title)}", "", f"Reference: {_set_words(reference, protocol)}", ""]
    shown = [name for name in FIGURES if any(name in one.figures() for one in measured)]
    titles = [word for name in shown for word in (FIGURES[name], "published")]
    lines += [_row(["generated", *titles, "pictures"]), _row([":--", *["--:"] * (len(titles) + 1)])]
    for one in measured:
        values = [word for name in shown for word in told(one, name)]
        lines.append(_row([cell(one.name), *values, f"{one.whole.generated:,}"]))
    lines += ["", *(f"- {line}" for line in _notes(measured, protocol))]
    return "\n".join(lines) + "\n"


def cell(text: str) -> str:
    """Return text that Markdown shows as it is, inside a table too."""
    return text.translate(_ESCAPED)


def told(one: Measured, figure: str) -> tuple[str, str]:
    """Return our value and the published one as text; "—" where there is none."""
    ours, published = one.figures().get(figure), one.published.get(figure)
    return _shown(ours, figure), _shown(published, figure)


def record(
    reference: Looked, measured: Sequence[Measured], protocol: Protocol, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return everything as plain values for JSON."""
    return {
        "schema": SCHEMA,
        "synthgen_version": __version__,
        "settings": dict(settings),
        "protocol": dict(vars(protocol)),
        "cautions": list(protocol.cautions(measured)),
        "reference": _set_record(reference),
        "generated": [
            {
                "name": one.name,
                **_set_record(one.looked),
                "figures": {name: _rounded(value) for name, value in one.figures().items()},
                "whole": _distance_record(one.whole),
                "people": None if one.people is None else _distance_record(one.people),
                "published": dict(one.published),
            }
            for one in measured
        ],
    }


def _notes(measured: Sequence[Measured], protocol: Protocol) -> Iterator[str]:
    yield "lower is better; KID is not multiplied by 1000"
    if any(one.published for one in measured):
        yield f"published: {cell(protocol.published_from or 'no source was named')}"
    yield f"pictures prepared as {CONVENTION_WORDS[protocol.convention]}"
    if protocol.cut is not None:
        yield f"H: {CUT_WORDS[protocol.cut]}; people found by {cell(protocol.masked_by)}"
    sizes = sorted({one.whole.subset_size for one in measured})
    yield (
        f"KID: mean of {protocol.subsets} subsets of {', '.join(map(str, sizes))} pictures of each set, "
        f"seed {protocol.seed}; deviation among them "
        + ", ".join(f"{one.whole.kid_deviation:.5f} ({cell(one.name)})" for one in measured)
    )
    for one in measured:
        yield f"{cell(one.name)}: {_set_words(one.looked, protocol)}"
    yield f"weights: sha256 {protocol.weights}"
    for caution in protocol.cautions(measured):
        yield f"**caution**: {caution}"


def _set_words(looked: Looked, protocol: Protocol) -> str:
    words = [f"{cell(looked.source)}, {len(looked.whole):,} pictures"]
    if protocol.cut is not None:
        words.append(f"{looked.nobody:,} without people")
    words += [f"{count:,} left out: {cell(reason)}" for reason, count in sorted(looked.left_out.items())]
    return ", ".join(words)


def _set_record(looked: Looked) -> dict[str, Any]:
    return {
        "source": looked.source,
        "pictures": len(looked.whole),
        "people_pictures": len(looked.people),
        "without_people": looked.nobody,
        "left_out": looked.left_out,
    }


def _distance_record(one: Distance) -> dict[str, Any]:
    return {name: _rounded(value) for name, value in vars(one).items()}


def _rounded(value: float) -> float:
    """Return a number without the digits that depend on the machine's order of sums."""
    return (
        value if isinstance(value, int) or not value else round(value, 7 - math.ceil(math.log10(abs(value))))
    )


def _shown(value: float | None, figure: str) -> str:
    return "—" if value is None else f"{round(value, DIGITS[figure]) + 0.0:.{DIGITS[figure]}f}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
