"""The step `redrawn`: training pictures drawn anew, the same bodies as the pipeline's pictures show them.

Who learns from renders alone finds the outlines of drawn people, but not what tells left from right and front
from back in them.
"""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from synthgen import storage
from synthgen.backends.depth_to_image import DepthToImage
from synthgen.backends.protocols import Guides
from synthgen.embedded.depth_channel import nearness_of
from synthgen.embedded.loop import progress_bar
from synthgen.embedded.pictures import Pictures, spread
from synthgen.embedded.redrawn_options import RedrawnOptions
from synthgen.embedded.workshop import Workshop
from synthgen.prompts import sample_seed
from synthgen.training import receipts

logger = logging.getLogger(__name__)

_HELD_OUT = 96  # held-out pictures that are drawn too, at most
_AT_ONCE = 8
_LOG_EVERY = 400  # pictures
_STREAM = 0x7265  # keeps the draws of this step apart from all others of a seed
_FOLDER, _IMAGES, _PROGRESS = "redrawn", "image.npy", "progress.json"


@dataclass(frozen=True)
class Redrawn:
    """Some training pictures drawn anew; labels are those of the picture in whose place they stand.

    Attributes:
        rows: (K,) int64 which pictures, in rising order.
        image: (K, S, S, 3) uint8 RGB.
    """

    rows: NDArray[np.int64]
    image: NDArray[np.uint8]

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the images (B, S, S, 3) of some pictures, all of which are among `rows`."""
        return self.image[np.searchsorted(self.rows, rows)]

    def people_rows(self, pictures: Pictures, held_out: bool) -> NDArray[np.int64]:
        """Return the rows of people in pictures that were drawn anew."""
        rows = pictures.people_rows(held_out)
        return rows[np.isin(pictures.people.picture[rows], self.rows)]


def train(shop: Workshop) -> None:
    """Run the step: draw the pictures, unless none are wanted."""
    open_redrawn(shop)


def open_redrawn(shop: Workshop) -> Redrawn | None:
    """Return the pictures drawn anew; they are drawn once, kept in the work folder; a stopped run goes on.

    Returns:
        None if none are wanted.
    """
    options = shop.options.redrawn
    if not options.count:
        return None
    folder, pictures = shop.work / _FOLDER, shop.pictures
    rows = chosen(pictures, options.count, shop.seed)
    model = receipts.files_digest([shop.weights / "redraw"])
    drawing = options.num_inference_steps, options.guidance_scale
    inputs = receipts.combined(model, pictures.digest, shop.bf16, shop.seed, rows.tolist(), drawing)
    folder.mkdir(parents=True, exist_ok=True)
    done = _done(folder, inputs)
    if not done:  # what it says is about pictures that are overwritten now
        (folder / _PROGRESS).unlink(missing_ok=True)
    shape = (len(rows), *pictures.image.shape[1:])
    image = open_memmap(folder / _IMAGES, "r+" if done else "w+", np.uint8, None if done else shape)
    if done < len(rows):
        _draw(shop, options, rows, image, done, inputs)
    return Redrawn(rows, np.load(folder / _IMAGES, mmap_mode="r"))


def chosen(pictures: Pictures, count: int, seed: int) -> NDArray[np.int64]:
    """Draw pictures to train on, all families alike as far as they reach; add held-out ones to measure on."""
    rng = np.random.default_rng([seed, _STREAM])
    train, families = pictures.rows(False), np.array(pictures.families)
    known = np.unique(families[train])
    share = -(-count // len(known))
    drawn = [rng.permutation(train[families[train] == family])[:share] for family in known]
    return np.sort(np.concatenate([*drawn, spread(pictures.rows(True), _HELD_OUT)]))


def mixed(
    rendered: NDArray[np.int64],
    redrawn: NDArray[np.int64],
    count: int,
    share: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Draw a batch of two kinds, in any order.

    Args:
        rendered: (N,) rows to draw from.
        redrawn: (K,) rows of which there are redraws; where there are none, the batch has none.
        count: B.
        share: part of the batch that is redrawn, in [0, 1].
        rng: source of chance.

    Returns:
        Rows (B,) and which are to be shown redrawn (B,).
    """
    drawn = round(share * count) if len(redrawn) else 0
    rows = np.concatenate([rng.choice(redrawn, drawn), rng.choice(rendered, count - drawn)])
    # Pictures are softened by halves of a batch; neither kind is to be all of one half.
    order = rng.permutation(count)
    return rows[order], order < drawn


def _done(folder: Path, inputs: str) -> int:
    """Return how many pictures of these inputs are drawn."""
    path = folder / _PROGRESS
    progress = json.loads(path.read_text()) if path.is_file() and (folder / _IMAGES).is_file() else {}
    return int(progress["done"]) if progress.get("inputs") == inputs else 0


def _draw(
    shop: Workshop,
    options: RedrawnOptions,
    rows: NDArray[np.int64],
    image: np.memmap[Any, np.dtype[np.uint8]],
    done: int,
    inputs: str,
) -> None:
    redraw = DepthToImage(
        id=str(shop.weights / "redraw"),
        strength=1.0,
        num_inference_steps=options.num_inference_steps,
        guidance_scale=options.guidance_scale,
        guide_by_depth=True,
        batch_size=_AT_ONCE,
    )
    redraw.setup(shop.device)
    pictures = shop.pictures
    bar = progress_bar(_FOLDER, len(rows), "picture") if shop.bars else None
    for start in range(done, len(rows), _AT_ONCE):
        if bar is None and (start - done) % _LOG_EVERY == 0:
            logger.info("redrawn: %d of %d pictures drawn", start, len(rows))
        some = rows[start : start + _AT_ONCE]
        near = nearness_of(pictures, some)
        words = [pictures.captions[row] for row in some]
        seeds = [sample_seed(shop.seed + _STREAM, int(row)) for row in some]
        with torch.autocast(shop.device, torch.bfloat16, enabled=shop.bf16):
            drawn = redraw(Guides(pictures.image[some], near, near > 0), words, [""] * len(some), seeds)
        image[start : start + len(some)] = drawn
        image.flush()
        progress = {"inputs": inputs, "done": start + len(some)}
        storage.write_bytes(str(shop.work / _FOLDER / _PROGRESS), json.dumps(progress).encode())
        if bar is not None:
            bar.update(start + len(some) - bar.n)
    if bar is not None:
        bar.close()
