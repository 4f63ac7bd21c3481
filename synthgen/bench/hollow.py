"""Reports of shards without samples: every request they cover is a rejection, or is not listed at all."""

import dataclasses
import json
from collections.abc import Mapping, Sequence

from synthgen.sample import Rejection
from synthgen.shards import Shard, ShardReport
from synthgen.shards.records import SCHEMA
from synthgen.shards.rejected import to_row


def hollow_report(
    shard: Shard, rejections: Sequence[Rejection], seconds: Mapping[str, float], sha256: str, size: int
) -> ShardReport:
    """Return the report of a tar in which nobody looks.

    Args:
        shard: what the tar covers.
        rejections: requests that are not in it.
        seconds: by stage [s].
        sha256: of the tar.
        size: of the tar [bytes].
    """
    return ShardReport(
        schema=SCHEMA,
        run=shard.run,
        shard=shard.name,
        first_index=shard.first_index,
        num_requests=shard.num_requests,
        accepted=shard.num_requests - len(rejections),
        rejected=len(rejections),
        rejections=tuple(rejections),
        seconds=seconds,
        sha256=sha256,
        size=size,
        config_hash=shard.config_hash,
    )


def to_json(report: ShardReport) -> bytes:
    """Return a report as it is on disk."""
    record = dataclasses.asdict(report) | {"rejections": [to_row(one) for one in report.rejections]}
    return json.dumps(record, indent=1).encode()
