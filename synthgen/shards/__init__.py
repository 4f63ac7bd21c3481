"""Shards on disk, schema 1: the only place that knows their keys. Write, read, index, verify.

`shard` writes and reads tars and reports, `records` encodes samples, `observations` reads and writes pictures
with partial labels, `observation_records` encodes them, `rejected` keeps what was turned away, `tarball`
reads tars strictly; `verify`, `label_checks` and `observation_checks` tell what is wrong with somebody's
shards. The format in words: `shards/README.md`.
"""

from synthgen.shards.shard import (
    Shard,
    ShardReport,
    is_done,
    read_pictures,
    read_report,
    read_samples,
    shard_name,
    summarize,
    write_shard,
)

__all__ = [
    "Shard",
    "ShardReport",
    "is_done",
    "read_pictures",
    "read_report",
    "read_samples",
    "shard_name",
    "summarize",
    "write_shard",
]
