"""Pictures of what a run rejected, some for each reason, read from a few shards spread over the run."""

from collections import Counter
from dataclasses import dataclass, field

from synthgen import storage
from synthgen.report.cards import data_uri
from synthgen.report.ledger import Ledger, Problem
from synthgen.shards.rejected import REJECTED_SUFFIX, read_rejected
from synthgen.storage import StorageError

MAX_FILES = 60  # read of a run, however many shards it has
MAX_SHOWN = 6  # of each reason

Cause = tuple[str, str]  # stage, reason


@dataclass(frozen=True)
class Thumbnail:
    """A picture of a rejection as the page shows it."""

    key: str
    width: int
    height: int
    source: str


@dataclass
class Gallery:
    """What was found.

    Attributes:
        thumbnails: at most MAX_SHOWN for each (stage, reason) of the ledger.
        problems: files that could not be read.
    """

    thumbnails: dict[Cause, list[Thumbnail]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_gallery(folder: str, ledger: Ledger) -> Gallery:
    """Read pictures of the ledger's rejections until there are enough of each reason.

    Raises:
        StorageError: the folder cannot be listed.
    """
    gallery = Gallery()
    names = storage.list_names(folder)
    shards = [shard for shard in sorted(ledger.reports) if shard + REJECTED_SUFFIX in names]
    for shard in _spread_first(shards)[:MAX_FILES]:
        if all(len(gallery.thumbnails.get(cause, ())) == MAX_SHOWN for cause in ledger.reasons):
            break
        try:
            _take(folder, shard, ledger, gallery, most=-(-MAX_SHOWN // len(shards)))
        except (ValueError, StorageError) as error:
            gallery.problems.append(Problem(f"pictures of rejections cannot be read: {error}"))
    return gallery


def _spread_first(names: list[str]) -> list[str]:
    """Return the same names in an order whose first MAX_SHOWN are spread over all of them."""
    stride = -(-len(names) // MAX_SHOWN) or 1
    return [name for start in range(stride) for name in names[start::stride]]


def _take(folder: str, shard: str, ledger: Ledger, gallery: Gallery, most: int) -> None:
    """Take in at most `most` pictures of each reason from a shard."""
    taken: Counter[Cause] = Counter()
    for rejection in read_rejected(folder, shard):
        cause = (rejection.stage, rejection.reason)
        shown = gallery.thumbnails.setdefault(cause, []) if cause in ledger.reasons else []
        is_full = taken[cause] >= most or len(shown) >= MAX_SHOWN
        if cause not in ledger.reasons or is_full or rejection.picture is None:
            continue
        taken[cause] += 1
        height, width = rejection.picture.shape[:2]
        shown.append(Thumbnail(rejection.key, width, height, data_uri(rejection.picture)))
