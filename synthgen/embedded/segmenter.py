"""The step `segmenter`: a small UPerNet that tells background, people and things apart.

Things count whether they hide somebody or not, as for models that people download: what is in front of whom
is decided later, where bodies are known (`synthgen.stages.depth`). In pictures that the redraw model drew,
only bodies are known: what else they show may be background or things.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate, log_softmax

from synthgen.embedded import grids
from synthgen.embedded.crops import Jitter, recolor, soften
from synthgen.embedded.imagenet import MEAN, STD, normalized
from synthgen.embedded.loop import Draw
from synthgen.embedded.options import SegmenterOptions
from synthgen.embedded.pictures import Pictures, spread
from synthgen.embedded.redrawn import Redrawn, mixed, open_redrawn
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
    """Classify pixels of renders and redraws: cross entropy plus soft Dice of people and things."""

    def __init__(self, options: SegmenterOptions, pictures: Pictures, redrawn: Redrawn | None = None) -> None:
        self.options, self.pictures = options, pictures
        model: Any = build(options)
        # Channels last in memory: CPUs compute batch norms and convolutions a third faster that way.
        self.model: nn.Module = model.to(memory_format=torch.channels_last)
        self._train, self._held_out = pictures.rows(False), pictures.rows(True)
        self._redrawn = redrawn
        drawn = redrawn.rows if redrawn else np.zeros(0, np.int64)
        self._train_redrawn = drawn[np.isin(drawn, self._train)]
        self._held_out_redrawn = drawn[np.isin(drawn, self._held_out)]

    def loss(self, model: nn.Module, draw: Draw) -> Mapping[str, Tensor]:
        """Return the loss of one batch."""
        rows, pictured, is_redrawn = self._drawn(draw.rng)
        images = _channels_first(pictured)
        classes = torch.from_numpy(self._classes_of(rows))
        flip = torch.from_numpy(draw.rng.random(len(rows)) < 0.5)
        images = torch.where(flip[:, None, None, None], images.flip(3), images)
        classes = torch.where(flip[:, None, None], classes.flip(2), classes).to(draw.device)
        images = soften(recolor(images, _JITTER, draw.rng), _JITTER, draw.rng).to(draw.device)
        logits = scores(model, images, self.options.input_size)
        entropy, dice = errors(logits, classes, torch.from_numpy(~is_redrawn).to(draw.device))
        return {"loss": entropy + 0.5 * dice, "cross_entropy": entropy.detach(), "dice": dice.detach()}

    def measure(self, model: nn.Module) -> Mapping[str, float]:
        """Return intersection over union on held-out pictures, all their pixels together."""
        rows = spread(self._held_out, _MEASURED)
        found, truth = self._found(model, self.pictures.image[rows]), self._classes_of(rows)
        figures = {f"iou_{CLASSES[kind]}": _overlap(found, truth, kind) for kind in (_PERSON, _OBJECT)}
        rows = self._held_out_redrawn
        if self._redrawn is not None and len(rows):
            found, truth = self._found(model, self._redrawn.take(rows)), self._classes_of(rows)
            figures["iou_person_redrawn"] = _overlap(found, truth, _PERSON)
        return figures

    def picture(self, model: nn.Module) -> NDArray[np.uint8]:
        """Show held-out pictures, their true classes, and those found."""
        rows = spread(self._held_out, _SHOWN)
        truth, found = self._classes_of(rows), self._found(model, self.pictures.image[rows])
        return grids.columns(self.pictures.image[rows], _COLORS[truth], _COLORS[found])

    def _drawn(
        self, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.bool_]]:
        """Draw pictures to learn from: rows (B,), what they show (B, S, S, 3), which are redrawn (B,)."""
        options = self.options
        rows, is_redrawn = mixed(
            self._train, self._train_redrawn, options.training.batch_size, options.redrawn_share, rng
        )
        images = self.pictures.image[rows]
        if self._redrawn is not None:
            images[is_redrawn] = self._redrawn.take(rows[is_redrawn])
        return rows, images, is_redrawn

    def _classes_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return classes_of(self.pictures.mask[rows], self.pictures.things[rows])

    def _found(self, model: nn.Module, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        device = next(model.parameters()).device
        shown = torch.split(_channels_first(images), 32)
        parts = [self._classes(model, part.to(device)) for part in shown]
        return torch.cat(parts).numpy()

    def _classes(self, model: nn.Module, images: Tensor) -> Tensor:
        return scores(model, images, self.options.input_size).argmax(1).cpu()


def train(shop: Workshop) -> None:
    """Train the segmenter and write it with its image processor."""
    from transformers import SegformerImageProcessorPil

    options = shop.options.segmenter
    lesson = SegmenterLesson(options, shop.pictures, open_redrawn(shop))
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


def errors(logits: Tensor, classes: Tensor, is_known: Tensor) -> tuple[Tensor, Tensor]:
    """Return cross entropy and soft Dice error of classified pixels.

    Args:
        logits: (B, 3, H, W).
        classes: (B, H, W) true classes.
        is_known: (B,) whether background and things of a picture are told apart; where they are not, only
            people count, against all else.

    Returns:
        Two scalars. Dice is the mean over people in all pictures and things where they are known.
    """
    logs = log_softmax(logits, 1)
    apart = -logs.gather(1, classes[:, None])[:, 0]
    others = torch.logsumexp(logs[:, [0, _OBJECT]], 1)
    people = -torch.where(classes == _PERSON, logs[:, _PERSON], others)
    entropy = torch.where(is_known[:, None, None], apart, people).mean()
    shares = logs.exp()
    of_people = _dice(shares[:, _PERSON], classes == _PERSON)
    if not is_known.any():
        return entropy, of_people
    of_things = _dice(shares[is_known, _OBJECT], classes[is_known] == _OBJECT)
    return entropy, (of_people + of_things) / 2


def _dice(shares: Tensor, truth: Tensor) -> Tensor:
    return 1 - (2 * (shares * truth).sum() + 1) / ((shares + truth.float()).sum() + 1)


def _overlap(found: NDArray[np.int64], truth: NDArray[np.int64], kind: int) -> float:
    """Return intersection over union of a class, all pixels together."""
    either = ((found == kind) | (truth == kind)).sum()
    return float(((found == kind) & (truth == kind)).sum() / max(1, either))


def _channels_first(images: NDArray[np.uint8]) -> Tensor:
    """Return pictures (B, H, W, 3) as (B, 3, H, W) in [0, 1]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
