"""Reading a run for its report: labels of all samples as a stream, pictures of a few spread over it.

Memory holds one sample and the finished cards, however large the run.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from synthgen import storage
from synthgen.body import Body, load_body
from synthgen.render import Renderer, make_renderer, resolve_renderer
from synthgen.report.cards import Card, make_card
from synthgen.report.contact_sheet import label_views, views
from synthgen.report.ledger import TAR_SUFFIX, Ledger, Problem
from synthgen.report.tally import Tally
from synthgen.sample import Sample
from synthgen.shards.records import JSON_MEMBER, decode, decode_json, from_record
from synthgen.shards.shard import read_members
from synthgen.storage import StorageError

RendererChoice = Literal["auto", "pyrender", "warp"]

logger = logging.getLogger(__name__)

NO_PICTURE = np.zeros((1, 1, 3), np.uint8)  # stands in where only the labels of a record are wanted


@dataclass(frozen=True)
class Plan:
    """What is read of a run.

    Attributes:
        shards: names of the shards whose labels are read.
        pictures: which samples are shown, counted over the samples of these shards.
    """

    shards: tuple[str, ...]
    pictures: frozenset[int]


@dataclass
class Survey:
    """What was read.

    Attributes:
        tally: statistics of the labels.
        cards: pictures of some samples, in the order of the run.
        problems: shards that could not be read to their end.
    """

    tally: Tally = field(default_factory=Tally)
    cards: list[Card] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class Artist:
    """Draws the views of samples; without the run's body or a renderer, overlays have skeletons only.

    Args:
        body: see `synthgen.body.load_body`.
        renderer: "auto", "warp" or "pyrender".

    Attributes:
        problem: why meshes are missing or may not fit, or empty.
    """

    def __init__(self, body: str, renderer: RendererChoice) -> None:
        self.problem = ""
        self._body: Body | None = None
        self._renderer: Renderer | None = None
        try:
            self._body = load_body(body)
        except (ValueError, OSError) as error:
            self.problem = f"Overlays show skeletons only, as the body of this run cannot be loaded: {error}"
        else:
            self._renderer = make_renderer(resolve_renderer(renderer))

    def card(self, sample: Sample) -> Card:
        """Return a sample's card."""
        if self._body is None or self._renderer is None or self._body.name != sample.scene.body:
            return make_card(sample, label_views(sample), has_mesh=False)
        made_with = sample.provenance.revisions.get("body", self._body.revision)
        if made_with != self._body.revision:
            self.problem = (
                f"Overlays are drawn with the body of revision {self._body.revision}, the labels were made "
                f"with {made_with}, so that they may not fit."
            )
        return make_card(sample, views(sample, self._body, self._renderer), has_mesh=True)


def make_plan(ledger: Ledger, num_pictures: int, max_samples: int) -> Plan:
    """Choose shards and pictures, spread evenly; the same run gives the same choice."""
    names = sorted(name for name, report in ledger.reports.items() if report.accepted)
    keep = max(int(len(names) * max_samples / max(ledger.accepted, 1)), 1)
    chosen = tuple(names[place] for place in _spread(len(names), keep))
    total = sum(ledger.reports[name].accepted for name in chosen)
    return Plan(chosen, frozenset(_spread(total, num_pictures)))


def survey(folder: str, plan: Plan, artist: Artist) -> Survey:
    """Read what is planned; a shard that turns out damaged is noted, and the rest is read."""
    from tqdm import tqdm

    logger.info("report: reading %d shards of %s", len(plan.shards), folder)
    found = Survey()
    position = iter(range(2**62))
    shards = tqdm(plan.shards, "report", unit=" shards", leave=False, disable=None)  # None: terminals only
    for shard in shards:
        try:
            for members in _members(folder, shard):
                _take(members, next(position) in plan.pictures, found, artist)
        except (ValueError, StorageError) as error:
            found.problems.append(Problem(f"shard {shard} cannot be read to its end: {error}"))
    return found


def _spread(total: int, count: int) -> list[int]:
    """Return at most `count` different positions below `total`, evenly spaced."""
    count = min(count, total)
    return [(2 * place + 1) * total // (2 * count) for place in range(count)]


def _members(folder: str, shard: str) -> Iterator[dict[str, bytes]]:
    for _, members in read_members(storage.join(folder, shard + TAR_SUFFIX)):
        yield members


def _take(members: dict[str, bytes], is_shown: bool, found: Survey, artist: Artist) -> None:
    if JSON_MEMBER not in members:
        raise ValueError(f"a sample lacks its member .{JSON_MEMBER}")
    labelled = from_record(decode_json(members[JSON_MEMBER]), NO_PICTURE)
    found.tally.add(labelled.scene, labelled.labels, labelled.scores, labelled.provenance)
    if is_shown:
        found.cards.append(artist.card(decode(members)))
