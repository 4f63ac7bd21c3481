"""The step `keypoints`: a small ViTPose that finds COCO's 17 joints of the person in a box."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synthgen import crop_moves
from synthgen.backends.hmr2 import HMR2
from synthgen.embedded import crops, grids, vit_weights
from synthgen.embedded.imagenet import MEAN, STD, normalized
from synthgen.embedded.loop import Draw
from synthgen.embedded.options import KeypointsOptions
from synthgen.embedded.pictures import Pictures, spread
from synthgen.embedded.positions import position_table, resized_table
from synthgen.embedded.redrawn import Redrawn, mixed, open_redrawn
from synthgen.embedded.workshop import KEEP_DTYPE, Workshop
from synthgen.geometry import Array
from synthgen.joints import COCO17

logger = logging.getLogger(__name__)

FOLDER = "keypoints"
UPSCALING = 4  # heatmap over patch grid
PADDING = 1.25  # of ViTPose's boxes
NEAR = 0.1  # of the box's longer side: within this a joint counts as found (PCK@0.1)
_JITTER = crops.Jitter()
_MEASURED = 192  # held-out people
_SHOWN = 16
_GAIN = 20.0  # squared errors of heatmaps are tiny
_POSITIONS = "backbone.embeddings.position_embeddings"


class KeypointsLesson:
    """Draw a Gaussian at each visible joint and nothing for the others; in renders and redraws."""

    def __init__(self, options: KeypointsOptions, pictures: Pictures, redrawn: Redrawn | None = None) -> None:
        self.options, self.pictures = options, pictures
        size = options.height, options.height * 3 // 4
        self.frame = crops.Frame(size, PADDING, ((size[1] - 1) / 2, (size[0] - 1) / 2))
        self.grid = size[0] // options.patch_size * UPSCALING, size[1] // options.patch_size * UPSCALING
        self.model: nn.Module = build(options)
        self._train, self._held_out = pictures.people_rows(False), pictures.people_rows(True)
        self._redrawn = redrawn
        nobody = np.zeros(0, np.int64)
        self._train_redrawn = redrawn.people_rows(pictures, False) if redrawn else nobody
        self._held_out_redrawn = redrawn.people_rows(pictures, True) if redrawn else nobody

    def loss(self, model: nn.Module, draw: Draw) -> Mapping[str, Tensor]:
        """Return the loss of one batch."""
        images, joints, is_seen = self._batch(*self._drawn(draw.rng), _JITTER, draw.rng)
        truth = torch.from_numpy(self.heatmaps(joints, is_seen)).to(draw.device)
        found = model(normalized(images.to(draw.device))).heatmaps.float()
        return {"loss": heatmap_error(found, truth, self.options.peaks)}

    def measure(self, model: nn.Module) -> Mapping[str, float]:
        """Return the part of visible held-out joints found within NEAR of the box."""
        rows = spread(self._held_out, _MEASURED)
        found = {"pck": self._found(model, rows, self._renders(rows))}
        rows = self._held_out_redrawn
        if self._redrawn is not None and len(rows):
            found["pck_redrawn"] = self._found(
                model, rows, self._redrawn.take(self.pictures.people.picture[rows])
            )
        return found

    def picture(self, model: nn.Module) -> NDArray[np.uint8]:
        """Show held-out people with their true joints, and with those found."""
        rows = spread(self._held_out, _SHOWN)
        images, joints, is_seen = self._batch(
            rows, self._renders(rows), crops.STILL, np.random.default_rng(0)
        )
        shown = grids.to_uint8(images)
        found = self._peaks(model, images)
        return grids.columns(grids.dotted(shown, joints, is_seen), grids.dotted(shown, found, is_seen))

    def heatmaps(self, joints: Array, is_seen: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the true heatmaps (B, 17, h, w) of joints (B, 17, 2) [px of the crop]."""
        return heatmaps(joints, is_seen, self.grid, self.frame.size, self.options.sigma)

    def _drawn(self, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Draw people to learn from, and the picture (S, S, 3) of each: redrawn ones and renders in turn."""
        options = self.options
        rows, is_redrawn = mixed(
            self._train, self._train_redrawn, options.training.batch_size, options.redrawn_share, rng
        )
        images = self._renders(rows)
        if self._redrawn is not None:
            images[is_redrawn] = self._redrawn.take(self.pictures.people.picture[rows[is_redrawn]])
        return rows, images

    def _renders(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        return self.pictures.image[self.pictures.people.picture[rows]]

    def _found(self, model: nn.Module, rows: NDArray[np.int64], images: NDArray[np.uint8]) -> float:
        crop, joints, is_seen = self._batch(rows, images, crops.STILL, np.random.default_rng(0))
        error = np.linalg.norm(self._peaks(model, crop) - joints, axis=-1)
        side = self.frame.size[0] / PADDING
        return float(((error < NEAR * side) * is_seen).sum() / max(1, is_seen.sum()))

    def _batch(
        self,
        rows: NDArray[np.int64],
        images: NDArray[np.uint8],
        jitter: crops.Jitter,
        rng: np.random.Generator,
    ) -> tuple[Tensor, Array, NDArray[np.float32]]:
        """Return crops (B, 3, H, W) in [0, 1], joints (B, 17, 2) [px of the crop], and which are seen."""
        people = self.pictures.people
        view = crops.place(people.bbox[rows], self.frame, jitter, rng)
        cut = crops.sample(images, view, self.frame.size)
        joints = crop_moves.move_2d(people.keypoints_2d[rows], view, COCO17)
        is_seen = crops.seen(joints, people.visibility[rows], view, self.frame.size)
        return crops.soften(crops.recolor(cut, jitter, rng), jitter, rng), joints, is_seen

    def _peaks(self, model: nn.Module, images: Tensor) -> Array:
        """Return the highest points (B, 17, 2) of the heatmaps [px of the crop]."""
        device = next(model.parameters()).device
        maps = torch.cat(
            [model(normalized(part.to(device))).heatmaps.cpu() for part in torch.split(images, 32)]
        )
        row, column = np.divmod(maps.flatten(2).argmax(-1).numpy(), self.grid[1])
        scale = (np.array(self.frame.size[::-1]) - 1) / (np.array(self.grid[::-1]) - 1)
        return np.stack([column, row], -1) * scale


def heatmaps(
    joints: Array, is_seen: NDArray[np.float32], grid: tuple[int, int], size: tuple[int, int], sigma: float
) -> NDArray[np.float32]:
    """Return peaks of height 1 at joints; the corners of crop and heatmap coincide, as in UDP.

    Args:
        joints: (B, J, 2) [px of the crop].
        is_seen: (B, J) 1 or 0; maps of joints that are not seen are empty.
        grid: (h, w) of a heatmap.
        size: (H, W) of the crop [px].
        sigma: of the peaks [px of the heatmap].

    Returns:
        (B, J, h, w).
    """
    height, width = grid
    scale = (np.array([width, height]) - 1) / (np.array(size[::-1]) - 1)
    x, y = np.moveaxis(joints * scale, -1, 0)
    extent = 2 * sigma**2
    across = np.exp(-((np.arange(width) - x[..., None]) ** 2) / extent)
    down = np.exp(-((np.arange(height) - y[..., None]) ** 2) / extent)
    return (down[..., :, None] * across[..., None, :] * is_seen[..., None, None]).astype(np.float32)


def heatmap_error(found: Tensor, truth: Tensor, peaks: float) -> Tensor:
    """Return the squared error of heatmaps, which weighs up to 1 + `peaks` times as much at peaks."""
    return _GAIN * ((1 + peaks * truth) * (found - truth) ** 2).mean()


def train(shop: Workshop) -> None:
    """Train the keypoint model and write it with its image processor."""
    from transformers import VitPoseImageProcessorPil

    options = shop.options.keypoints
    lesson = KeypointsLesson(options, shop.pictures, open_redrawn(shop))
    if not shop.begin(lesson.model, FOLDER, partial(_at_size_of, lesson.model)):
        _start_with_mesh(lesson.model, shop)
    model: Any = shop.train(lesson, options.training)
    model.to(KEEP_DTYPE).save_pretrained(shop.weights / FOLDER)
    height, width = lesson.frame.size
    processor = VitPoseImageProcessorPil(
        size={"height": height, "width": width}, image_mean=list(MEAN), image_std=list(STD)
    )
    processor.save_pretrained(shop.weights / FOLDER)
    shop.note(FOLDER, options.training, len(shop.pictures.people_rows(False)))


def _start_with_mesh(model: nn.Module, shop: Workshop) -> None:
    """Begin with the backbone of the mesh estimator if it is as deep and wide: it knows people already."""
    estimator = HMR2.from_folder(shop.weights / "mesh")
    wanted, options = estimator.config.backbone, shop.options.keypoints
    if (wanted.patch_size, wanted.width, wanted.depth) == (options.patch_size, options.width, options.depth):
        alike = build(replace(options, height=wanted.image_size[0]))
        vit_weights.put(estimator.backbone, alike)
        model.load_state_dict(_at_size_of(model, alike))
        logger.info("%s: backbone of the mesh estimator taken over", shop.name)


def _at_size_of(model: nn.Module, earlier: nn.Module) -> dict[str, Tensor]:
    """Return the weights of a keypoint model for crops of another one's size."""
    state = dict(earlier.state_dict())
    state[_POSITIONS] = resized_table(state[_POSITIONS].float(), _grid(earlier), _grid(model))
    return state


def _grid(model: Any) -> tuple[int, int]:
    """Return how many patches (rows, columns) a keypoint model sees."""
    backbone = model.config.backbone_config
    rows, columns = (
        side // patch for side, patch in zip(backbone.image_size, backbone.patch_size, strict=True)
    )
    return rows, columns


def build(options: KeypointsOptions) -> nn.Module:
    """Build the keypoint model with fresh weights."""
    import transformers

    configure: Any = transformers.VitPoseBackboneConfig
    backbone = configure(
        image_size=[options.height, options.height * 3 // 4],
        patch_size=[options.patch_size, options.patch_size],
        hidden_size=options.width,
        num_hidden_layers=options.depth,
        num_attention_heads=options.heads,
        mlp_ratio=4,
        out_indices=[options.depth],
    )
    names = dict(enumerate(COCO17.names))
    config = transformers.VitPoseConfig(
        backbone_config=backbone,
        scale_factor=UPSCALING,
        id2label=names,
        label2id={name: index for index, name in names.items()},
    )
    model = transformers.VitPoseForPoseEstimation(config)
    table = position_table(*_grid(model), options.width)
    model.get_parameter(_POSITIONS).data.copy_(table)
    return model
