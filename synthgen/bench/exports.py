"""How fast shards become other trainers' formats, and how much memory that takes.

The shards hold copies of a few samples under keys of their own: what an exporter does for a sample does not
depend on the others.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Any

from synthgen import exporters, storage
from synthgen.bench.memory import most_held
from synthgen.exporters.export import Task, export
from synthgen.sample import Sample
from synthgen.shards.observation_records import to_members
from synthgen.shards.records import JSON_MEMBER

RUN = "exports"
PER_SHARD = 500
RENDERED = 16  # samples that are copied
MIB = 1 << 20


def copy_samples(folder: str, samples: list[Sample], count: int) -> None:
    """Write shards of `count` copies of samples, each with a key of its own, into an existing folder."""
    from webdataset.writer import TarWriter

    members = [to_members(sample, "jpg")[1] for sample in samples]
    numbered = enumerate(islice(cycle(members), count))
    for number in range(-(-count // PER_SHARD)):
        url = storage.join(folder, f"{RUN}-{number:06d}.tar")
        with storage.atomic_write(url) as file, TarWriter(file, encoder=False, mtime=0) as tar:
            for index, parts in islice(numbered, PER_SHARD):
                tar.write({"__key__": f"{RUN}-{index:09d}", **_renamed(parts, index)})


def measure(folder: str, output: str, name: str) -> dict[str, float]:
    """Export a folder and return samples a second of one core, and this process's peak memory [bytes].

    CPU seconds count, those of the system included, so other work on the machine does not.

    Args:
        folder: of shards.
        output: folder to make.
        name: of the format.
    """
    form, problems = exporters.build(name, {})
    if problems:
        raise ValueError("; ".join(problems))
    passed: list[int] = [0]

    def count() -> None:
        passed[0] += 1

    export(Task(f"{folder}/{RUN}-000000.tar", f"{output}/warm", RUN), form, name, count)
    passed[0] = 0
    start = time.process_time()
    export(Task(folder, f"{output}/{name}", RUN), form, name, count)
    rate = passed[0] / (time.process_time() - start)
    return {"rate": rate, "peak": most_held()}


def rows(num_samples: int, image_size: int, alone: Callable[[Any, tuple[Any, ...]], Any]) -> Iterator[str]:
    """Yield lines on speed and peak memory of every format, with `num_samples` and four times as many.

    Args:
        num_samples: to export.
        image_size: side of the pictures [px].
        alone: calls a function of this module, with arguments, in a process of its own.
    """
    yield f"shards to other trainers' formats, {image_size} px, checks included, one core:"
    for name in distinct():
        few, many = (
            alone(measure_fresh, (name, count, image_size)) for count in (num_samples, 4 * num_samples)
        )
        yield (
            f"  {name:<16} {many['rate']:5.0f} samples/s, peak memory {few['peak'] / MIB:.0f} MiB for "
            f"{num_samples} samples, {many['peak'] / MIB:.0f} MiB for {4 * num_samples}"
        )


def measure_fresh(name: str, num_samples: int, image_size: int) -> dict[str, float]:
    """Render a few samples, copy them into shards of `num_samples`, and measure a format on these."""
    import torch

    from synthgen.generate import make_samples
    from synthgen.models import Method, ModelChoice, load_models
    from synthgen.prompts import Prompts, RequestStream

    torch.set_num_threads(1)
    source = {"backend": "render", "image_size": image_size}
    models = load_models(ModelChoice("open", "warp", "cpu", source, Method(), "bench"))
    requests = next(iter(RequestStream(RUN, 0, Prompts()).batches(0, RENDERED, RENDERED)))
    made = [one for one in make_samples(requests, models) if isinstance(one, Sample)]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as output:
        copy_samples(folder, made, num_samples)
        return measure(folder, output, name)


def distinct() -> list[str]:
    """Return the formats, each class once."""
    return sorted({place: name for name, place in exporters.FORMATS.items()}.values())


def _renamed(members: dict[str, bytes], index: int) -> dict[str, bytes]:
    record = json.loads(members[JSON_MEMBER])
    record["key"] = f"{RUN}-{index:09d}"
    return {**members, JSON_MEMBER: json.dumps(record).encode()}
