"""The step `segmenter`: a small UPerNet that tells background, people and things apart.

Things count whether they hide somebody or not, as for models that people download: what is in front of whom
is decided later, where bodies are known (`synthgen.stages.depth`).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate, one_hot

from synthgen.embedded import grids
from synthgen.embedded.crops import Jitter, recolor, soften
from synthgen.embedded.imagenet import MEAN, STD, normalized
from synthgen.embedded.loop import Draw
from synthgen.embedded.options import SegmenterOptions
from synthgen.embedded.pictures import Pictures, spread
from synthgen.embedded.workshop import KEEP_DTYPE, Workshop
from synthgen.sample import BACKGROUND

FOLDER = "segmenter"
CLASSES = ("background", "person", "object")
_PERSON, _OBJECT = CLASSES.index("person"), CLASSES.index("object")
_COLORS = np.array([(25, 25, 35), (70, 200, 90), (230, 150, 40)], np.uint8)
_JITTER = Jitter()
_MEASURED = 96  # held-out pictures
_SHOWN = 16


class SegmenterLesson:
    """Classify pixels: cross entropy plus soft Dice of people and things."""

    def __init__(self, options: SegmenterOptions, pictures: Pictures) -> None:
        self.options, self.pictures = options, pictures
        model: Any = build(options)
        # Channels last in memory: CPUs compute batch norms and convolutions a third faster that way.
        self.model: nn.Module = model.to(memory_format=torch.channels_last)
        self._train, self._held_out = pictures.rows(False), pictures.rows(True)

    def loss(self, model: nn.Module, draw: Draw) -> Mapping[str, Tensor]:
        """Return the loss of one batch."""
        rows = draw.rng.choice(self._train, self.options.training.batch_size)
        images = torch.from_numpy(self.pictures.image[rows]).permute(0, 3, 1, 2).float() / 255
        classes = torch.from_numpy(self._classes_of(rows))
        flip = torch.from_numpy(draw.rng.random(len(rows)) < 0.5)
        images = torch.where(flip[:, None, None, None], images.flip(3), images)
        classes = torch.where(flip[:, None, None], classes.flip(2), classes).to(draw.device)
        images = soften(recolor(images, _JITTER, draw.rng), _JITTER, draw.rng).to(draw.device)
        logits = scores(model, images, self.options.input_size)
        entropy = cross_entropy(logits, classes)
        dice = _dice(logits.softmax(1), classes)
        return {"loss": entropy + 0.5 * dice, "cross_entropy": entropy.detach(), "dice": dice.detach()}

    def measure(self, model: nn.Module) -> Mapping[str, float]:
        """Return intersection over union on held-out pictures, all their pixels together."""
        rows = spread(self._held_out, _MEASURED)
        found, truth = self._found(model, rows), self._classes_of(rows)
        return {
            f"iou_{CLASSES[kind]}": float(
                ((found == kind) & (truth == kind)).sum() / max(1, ((found == kind) | (truth == kind)).sum())
            )
            for kind in (_PERSON, _OBJECT)
        }

    def picture(self, model: nn.Module) -> NDArray[np.uint8]:
        """Show held-out pictures, their true classes, and those found."""
        rows = spread(self._held_out, _SHOWN)
        truth, found = self._classes_of(rows), self._found(model, rows)
        return grids.columns(self.pictures.image[rows], _COLORS[truth], _COLORS[found])

    def _classes_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return classes_of(self.pictures.mask[rows], self.pictures.things[rows])

    def _found(self, model: nn.Module, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        device = next(model.parameters()).device
        images = torch.from_numpy(self.pictures.image[rows]).permute(0, 3, 1, 2).float() / 255
        parts = [self._classes(model, part.to(device)) for part in torch.split(images, 32)]
        return torch.cat(parts).numpy()

    def _classes(self, model: nn.Module, images: Tensor) -> Tensor:
        return scores(model, images, self.options.input_size).argmax(1).cpu()


def train(shop: Workshop) -> None:
    """Train the segmenter and write it with its image processor."""
    from transformers import SegformerImageProcessorPil

    options = shop.options.segmenter
    lesson = SegmenterLesson(options, shop.pictures)
    shop.begin(lesson.model, FOLDER)
    model: Any = shop.train(lesson, options.training)
    model.to(KEEP_DTYPE, memory_format=torch.contiguous_format).save_pretrained(shop.weights / FOLDER)
    side = options.input_size
    processor = SegformerImageProcessorPil(
        size={"height": side, "width": side}, image_mean=list(MEAN), image_std=list(STD)
    )
    processor.save_pretrained(shop.weights / FOLDER)
    shop.note(FOLDER, options.training, len(shop.pictures.rows(False)))


def build(options: SegmenterOptions) -> nn.Module:
    """Build the segmenter with fresh weights."""
    import transformers

    configure: Any = transformers.UperNetConfig
    configure_backbone: Any = transformers.ResNetConfig
    backbone = configure_backbone(
        embedding_size=options.widths[0],
        hidden_sizes=options.widths,
        depths=options.depths,
        layer_type="basic",
        out_features=[f"stage{number + 1}" for number in range(len(options.widths))],
    )
    config = configure(
        backbone_config=backbone,
        hidden_size=options.decoder_width,
        pool_scales=options.pool_scales,
        use_auxiliary_head=False,
        num_labels=len(CLASSES),
        id2label=dict(enumerate(CLASSES)),
        label2id={name: kind for kind, name in enumerate(CLASSES)},
    )
    return transformers.UperNetForSemanticSegmentation(config)


def classes_of(mask: NDArray[np.uint8], things: NDArray[np.generic]) -> NDArray[np.int64]:
    """Return the class of each pixel of masks as samples hold them, and of where things show."""
    return np.where(things != 0, _OBJECT, np.where(mask == BACKGROUND, 0, _PERSON))


def scores(model: nn.Module, images: Tensor, input_size: int) -> Tensor:
    """Return logits (B, 3, H, W) of pictures (B, 3, H, W) in [0, 1], which the model sees at `input_size`."""
    seen = interpolate(normalized(images), size=input_size, mode="bilinear", align_corners=False)
    logits = model(seen).logits.float()
    return interpolate(logits, size=images.shape[-2:], mode="bilinear", align_corners=False)


def _dice(shares: Tensor, classes: Tensor) -> Tensor:
    truth = one_hot(classes, len(CLASSES)).permute(0, 3, 1, 2).float()
    overlap = (shares * truth).sum((0, 2, 3))[1:]
    return 1 - ((2 * overlap + 1) / ((shares + truth).sum((0, 2, 3))[1:] + 1)).mean()
