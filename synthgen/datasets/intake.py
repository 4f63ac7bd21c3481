"""Pictures of a data set in the order of its index, each as a stored picture or a counted rejection."""

import logging
import os
from collections.abc import Iterator

from synthgen.datasets.entry import Entry, Frame, LayoutError, Origin, Reader, UnusableError, make_key
from synthgen.datasets.pictures import picture_of
from synthgen.datasets.sides import Sides
from synthgen.datasets.video import Videos
from synthgen.observation import Observation
from synthgen.sample import Rejection
from synthgen.shards.observation_records import StoredPicture

ODD_LABELS = "its labels cannot be true"
PROBES = 32  # pictures that are looked for before anything is read

log = logging.getLogger(__name__)


def take(
    reader: Reader, first: int, count: int, decode: bool = False, sides: Sides | None = None
) -> Iterator[StoredPicture | Observation | Rejection]:
    """Yield pictures [first, first + count) of a data set.

    Args:
        reader: of the data set.
        first: number of the first picture.
        count: how many.
        decode: look at every pixel, so that damage within files is found.
        sides: counts where left and right are.
    """
    videos = Videos()
    for index in range(first, first + count):
        key = make_key("", index)
        try:
            key = reader.entry(index).key
            item = picture_of(reader, index, videos, decode)
        except LayoutError:
            raise
        except UnusableError as error:
            yield Rejection(key, "read", str(error))
            continue
        except (ValueError, OverflowError) as error:  # labels no observation may have, a camera that is none
            log.warning("%s: %s", key, error)
            yield Rejection(key, "read", ODD_LABELS)
            continue
        if sides is not None:
            sides.add(item.notes if isinstance(item, StoredPicture) else item.notes())
        yield item


def check_pictures(reader: Reader, origin: Origin) -> None:
    """See that pictures are there at all, not only their labels.

    Raises:
        LayoutError: none of some pictures, spread over the data set, is.
    """
    count = len(reader)
    missing: Entry | None = None
    for number in range(min(PROBES, count)):
        try:
            entry = reader.entry(number * count // min(PROBES, count))
        except LayoutError:
            raise
        except (ValueError, OverflowError):  # counted when its turn comes
            continue
        path = entry.picture.video if isinstance(entry.picture, Frame) else entry.picture
        if os.path.isfile(path):  # Path.is_file raises for names that are too long
            return
        missing = missing or entry
    if missing is not None:
        what = missing.picture.video if isinstance(missing.picture, Frame) else missing.picture
        raise LayoutError(f"{what}: no such file, nor any other picture; expected the pictures. {origin}")
