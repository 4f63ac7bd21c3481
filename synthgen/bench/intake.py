"""Ingest: pictures a second where their bytes are copied, and the memory that a huge data set's index takes.

Pictures of noise with COCO's annotations; CPU seconds count, so other work on the machine does not.
"""

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from synthgen.bench.handwork import draw_picture
from synthgen.bench.memory import most_held
from synthgen.datasets import open_dataset
from synthgen.datasets.entry import Choice
from synthgen.datasets.intake import take
from synthgen.joints import COCO17
from synthgen.shards import Shard, write_shard

RUN = "ingest"
LABELS = "labels.json"
PEOPLE = 2  # annotated in each picture
KIB = 1024
SMALL_PX, FEW = 64, 8


def measure(num_pictures: int, image_size: int, num_indexed: int) -> dict[str, float]:
    """Return all figures: of `index` for a data set of `num_indexed` pictures, and of `copy`."""
    with tempfile.TemporaryDirectory() as folder:
        write_labels(Path(folder), num_indexed, SMALL_PX)
        found = {"indexed": num_indexed, **index(folder, num_indexed)}
    with tempfile.TemporaryDirectory() as folder:
        copy(folder, FEW, SMALL_PX)  # imports what is needed
    with tempfile.TemporaryDirectory() as folder:
        return {"px": image_size, **found, **copy(folder, num_pictures, image_size)}


def told(figures: Mapping[str, float]) -> str:
    """Return the figures of `measure` as rows of the benchmark."""
    return (
        f"ingest, {figures['px']} px JPEGs of {figures['bytes'] / 1000:.0f} kB copied unchanged, {PEOPLE} "
        f"people in each, one core: {figures['rate']:.0f} pictures/s\n"
        f"open the annotations of {figures['indexed']} pictures: {figures['seconds']:.1f} s, peak memory "
        f"{figures['peak_bytes'] / (KIB * KIB):.0f} MiB"
    )


def copy(folder: str, num_pictures: int, image_size: int) -> dict[str, float]:
    """Ingest a folder of pictures with annotations into one shard.

    Args:
        folder: where pictures and shard are written to; exists.
        num_pictures: of the data set.
        image_size: side of the pictures [px].

    Returns:
        "rate": pictures a second, "bytes": of one.
    """
    from PIL import Image

    root = Path(folder)
    Image.fromarray(draw_picture(image_size)).save(root / "one.jpg", quality=95)
    data = (root / "one.jpg").read_bytes()
    for number in range(num_pictures):
        (root / _name(number)).write_bytes(data)
    write_labels(root, num_pictures, image_size)
    start = time.process_time()
    reader = open_dataset("folder", Choice(root))
    items = take(reader, 0, num_pictures)
    write_shard(folder, Shard(RUN, 0, 0, num_pictures, RUN), items)
    return {"rate": num_pictures / (time.process_time() - start), "bytes": len(data)}


def index(folder: str, num_pictures: int) -> dict[str, float]:
    """Open annotations of a data set that `write_labels` wrote, and read some of them.

    Returns:
        "seconds": to open it, "peak_bytes": of memory of this process.
    """
    start = time.process_time()
    reader = open_dataset("folder", Choice(Path(folder)))
    seconds = time.process_time() - start
    for number in range(0, num_pictures, max(num_pictures // 100, 1)):
        reader.notes(number, (64, 64))
    peak = most_held()
    return {"seconds": seconds, "peak_bytes": peak}


def write_labels(root: Path, num_pictures: int, image_size: int) -> None:
    """Write annotations in COCO's format, as a stream."""
    with (root / LABELS).open("w") as file:
        file.write('{"images": [')
        file.writelines(_listed(_image(number, image_size) for number in range(num_pictures)))
        file.write('], "annotations": [')
        file.writelines(_listed(_annotations(num_pictures, image_size)))
        file.write("]}")


def _listed(texts: Iterator[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        yield f", {text}" if number else text


def _image(number: int, size: int) -> str:
    return json.dumps({"id": number, "file_name": _name(number), "width": size, "height": size})


def _annotations(num_pictures: int, size: int) -> Iterator[str]:
    joints = [
        number for joint in range(len(COCO17)) for number in (size // 4 + joint, size // 3 + 2 * joint, 2)
    ]
    body = json.dumps(
        {"category_id": 1, "bbox": [size // 5, size // 5, size // 2, size // 2], "keypoints": joints}
    )
    for number in range(num_pictures):
        for person in range(PEOPLE):
            yield f'{{"id": {PEOPLE * number + person}, "image_id": {number}, {body[1:]}'


def _name(number: int) -> str:
    return f"{number:012d}.jpg"
