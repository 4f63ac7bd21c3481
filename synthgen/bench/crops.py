"""The training data path of DPMesh on one core, beside the least that any loader has to do.

Shards of pictures as large as Stable Diffusion draws, hard to encode, one person in each; nothing remembered
between two visits of a picture.
"""

import io
import time
from collections.abc import Iterator
from itertools import islice

import numpy as np

from synthgen.bench.handwork import draw_picture
from synthgen.body import load_body
from synthgen.dpmesh.stream import CropStream, Source, StreamOptions
from synthgen.geometry import bbox_of_points, intrinsics, project
from synthgen.joints import COCO17, SMPL24
from synthgen.observation import Observation, ObservedPerson
from synthgen.sample import Camera, Person
from synthgen.shards.observations import read_stored, write_observations
from synthgen.shards.shard import tars

SIDE = 256  # of the crops [px]
BATCH = 32
RUN = "crops"


def compare(folder: str, num_pictures: int, image_size: int) -> dict[str, float]:
    """Return crops a second by who made them.

    "augmented": the stream, with all changes, conditions and labels; "plain": Pillow decodes the same files,
    crops and resizes, and nothing else. CPU seconds count, so other work on the machine does not.

    Args:
        folder: where shards are written to; exists.
        num_pictures: of the shards.
        image_size: side of the pictures [px].
    """
    write_observations(folder, RUN, _observations(num_pictures, image_size))
    options = StreamOptions(side=SIDE, cache_mb=0)
    stream = CropStream([Source(folder)], options, BATCH, seed=0)
    next(stream)  # reads the shard and loads what is needed
    batches = max(2, num_pictures // BATCH)
    start = time.process_time()
    made = sum(len(crops) for crops, _ in islice(stream, batches))
    augmented = made / (time.process_time() - start)
    return {"augmented": augmented, "plain": _plain(folder)}


def _plain(folder: str) -> float:
    from PIL import Image

    stored = [one for tar in tars(folder) for one in read_stored(tar) if not isinstance(one, str)]
    start = time.process_time()
    for one in stored:
        with Image.open(io.BytesIO(one.data)) as picture:
            x0, y0, x1, y1 = one.notes.people[0].bbox.tolist()
            crop = picture.crop((int(x0), int(y0), int(x1), int(y1)))
            np.asarray(crop.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    return len(stored) / (time.process_time() - start)


def _observations(count: int, image_size: int) -> Iterator[Observation]:
    """Yield pictures of noise, each with the labels of one body, bent at random."""
    body, picture = load_body("open"), draw_picture(image_size)
    size = (image_size, image_size)
    camera = Camera(intrinsics(1.2 * image_size, size), size)
    for number in range(count):
        rng = np.random.default_rng(number)
        person = Person(
            np.array([np.pi, 0, 0], np.float32),
            rng.normal(0, 0.2, (23, 3)).astype(np.float32),
            np.zeros(10, np.float32),
            np.array([0, 0, rng.uniform(3, 7)], np.float32),
        )
        points = body.pose([person]).points[0]
        pixels = project(body.joints(points, COCO17), camera.cam_int).astype(np.float32)
        observed = ObservedPerson(
            bbox=bbox_of_points(pixels, size),
            keypoints_2d=pixels,
            confidence_2d=np.ones(len(COCO17), np.float32),
            keypoints_3d=body.joints(points, SMPL24),
            confidence_3d=np.ones(len(SMPL24), np.float32),
            person=person,
        )
        image = np.roll(picture, number, (0, 1))
        yield Observation(f"{RUN}-{number:06d}", image, camera, (observed,), body.name, "bench")
