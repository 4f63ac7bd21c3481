"""Observations in shards: read them, from generated samples too, and write them in shards of fixed size."""

from collections.abc import Iterable, Iterator
from itertools import islice

from synthgen.observation import Observation
from synthgen.shards.observation_records import NobodyError, StoredPicture, from_members, store
from synthgen.shards.records import ImageFormat
from synthgen.shards.shard import Shard, ShardReport, read_members, tars, write_shard

SHARD_SIZE = 500
UNCONFIGURED = "0" * 64  # config_hash of shards that no config made


def read_observations(source: str) -> Iterator[Observation]:
    """Yield the observations of a tar, or of all tars of a folder, in order.

    Generated samples come as observations with all that their `valid` flags vouch for.

    Args:
        source: local path or fsspec URL of a tar or of a folder.

    Raises:
        ValueError: an observation is damaged; the message names tar and key.
        StorageError: a file cannot be read.
    """
    for tar in tars(source):
        for key, members in read_members(tar):
            try:
                yield from_members(members).open()
            except ValueError as error:
                raise ValueError(f"{tar}: key {key}: {error}") from error


def read_stored(tar: str) -> Iterator[StoredPicture | str]:
    """Yield what a tar holds without decoding pictures, or, for pictures without people, their keys.

    Raises:
        ValueError: a record is damaged; the message names tar and key.
        StorageError: the tar cannot be read.
    """
    for key, members in read_members(tar):
        try:
            yield from_members(members)
        except NobodyError:
            yield key
        except ValueError as error:
            raise ValueError(f"{tar}: key {key}: {error}") from error


def write_observations(
    folder: str,
    run: str,
    items: Iterable[Observation | StoredPicture],
    shard_size: int = SHARD_SIZE,
    image_format: ImageFormat = "jpg",
    config_hash: str = UNCONFIGURED,
) -> list[ShardReport]:
    """Write observations into shards `<run>-000000.tar` …; the encoded pictures of one are held in memory.

    Who knows the number of observations beforehand, or has rejections to report, calls `write_shard`.

    Args:
        folder: existing; local path or fsspec URL.
        run: name of the data set.
        items: consumed as a stream; a StoredPicture's bytes are written unchanged.
        shard_size: observations in each shard but the last.
        image_format: of pictures that have to be encoded.
        config_hash: of the config that chose them.

    Returns:
        The reports, in order.
    """
    stored = (one if isinstance(one, StoredPicture) else store(one, image_format) for one in items)
    reports: list[ShardReport] = []
    while held := list(islice(stored, shard_size)):
        first = len(reports) * shard_size
        shard = Shard(run, len(reports), first, len(held), config_hash, image_format)
        reports.append(write_shard(folder, shard, held))
    return reports
