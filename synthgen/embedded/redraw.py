"""The step `redraw`: the draft's U-Net with a fifth channel for body depth, as StableDiffusionDepth2Img."""

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synthgen.embedded import captions, draft, grids, vae
from synthgen.embedded.body_maps import COUNT
from synthgen.embedded.depth_channel import (
    depth_channel,
    nearness_of,
    rebuilt,
    with_depth_channel,
    without_depth_channel,
)
from synthgen.embedded.diffusion import (
    Conditions,
    Latents,
    Noise,
    body_weight,
    choose,
    draw_samples,
    drop_captions,
    open_latents,
)
from synthgen.embedded.draft import fixed_draw
from synthgen.embedded.loop import Draw
from synthgen.embedded.pictures import spread
from synthgen.embedded.workshop import KEEP_DTYPE, MAX_SHARD, Workshop

logger = logging.getLogger(__name__)

FOLDER = "redraw"
_SHARED = ("vae", "text_encoder", "tokenizer", "scheduler")
_SHOWN = 16
_MEASURED = 64  # held-out pictures


class RedrawLesson:
    """Predict the velocity of noisy latents from captions and body depth."""

    def __init__(self, shop: Workshop, latents: Latents) -> None:
        import diffusers
        import transformers

        self.options, self.pictures, self.latents = shop.options.redraw, shop.pictures, latents
        folder = shop.weights / draft.FOLDER
        unets: Any = diffusers.UNet2DConditionModel
        tokenizer = captions.load_tokenizer(folder / "tokenizer")
        encoder: Any = transformers.CLIPTextModel.from_pretrained(
            folder / "text_encoder", dtype=torch.float32
        )
        self._encoder: Any = encoder.eval().requires_grad_(False).to(shop.device)
        unet = unets.from_pretrained(folder / "unet", torch_dtype=torch.float32)
        learned = shop.work / "draft" / draft.SEES_DEPTH  # by the draft's training, which shows it depth too
        self.model: nn.Module = _that_saw_depth(unet, learned) or with_depth_channel(unet)
        self._vae = vae.load(shop)
        self._tokens = captions.tokenize(tokenizer, self.pictures.captions)
        self._empty = captions.tokenize(tokenizer, [""])[0]
        self._noise = Noise(self.options.max_snr)
        self._train, self._held_out = self.pictures.rows(False), self.pictures.rows(True)

    def loss(self, model: nn.Module, draw: Draw) -> Mapping[str, Tensor]:
        """Return the loss of one batch."""
        rows, is_flipped = choose(self._train, self.options.training.batch_size, draw.rng)
        tokens = drop_captions(self._tokens[rows], self._empty, self.options.drop_caption, draw.rng)
        told = self._told(rows, is_flipped, tokens, self.options.bodies)
        told = blinded(told, self._empty, self.options.drop_depth, draw.rng)
        return {"loss": self._error(model, rows, is_flipped, told, draw)}

    def measure(self, model: nn.Module) -> Mapping[str, float]:
        """Return the loss on held-out pictures, with the same noise each time."""
        rows = spread(self._held_out, _MEASURED)
        draw = fixed_draw(model)
        still = np.zeros(len(rows), bool)
        error = self._error(model, rows, still, self._told(rows, still, self._tokens[rows], 0), draw)
        return {"held_out": float(error)}

    def picture(self, model: nn.Module) -> NDArray[np.uint8]:
        """Show held-out pictures, their depth maps, and what depth and caption make from pure noise."""
        device = next(model.parameters()).device
        rows = spread(self._held_out, _SHOWN)
        context = self._encoder(self._tokens[rows].to(device))[0]
        empty = self._encoder(self._empty[None].to(device))[0].expand_as(context)
        near = nearness_of(self.pictures, rows)
        depth = depth_channel(near, self.latents.shape[1:]).to(device)
        latents = draw_samples(model, context, empty, self.latents.shape, depth)
        images = vae.decode(self._vae, latents / self._vae.config.scaling_factor)
        shown = np.repeat((near * 255).astype(np.uint8)[..., None], 3, -1)
        return grids.columns(self.pictures.image[rows], shown, grids.to_uint8(images / 2 + 0.5))

    def _told(self, rows: Any, is_flipped: NDArray[np.bool_], tokens: Tensor, bodies: float) -> Conditions:
        near, size = nearness_of(self.pictures, rows, is_flipped), self.latents.shape[1:]
        return Conditions(tokens, depth_channel(near, size), body_weight(near, size, bodies))

    def _error(
        self, model: Any, rows: Any, is_flipped: NDArray[np.bool_], told: Conditions, draw: Draw
    ) -> Tensor:
        told = told.to(draw.device)
        context = self._encoder(told.tokens)[0]
        latents = self.latents.take(rows, is_flipped).to(draw.device)
        latents[:, -COUNT:] = 0  # as the VAE encodes pictures; depth says where bodies are
        return self._noise.loss(
            lambda noisy, timesteps: model(torch.cat([noisy, told.depth], 1), timesteps, context).sample,
            latents,
            draw,
            told.weight,
        )


def blinded(told: Conditions, empty: Tensor, part: float, rng: np.random.Generator) -> Conditions:
    """Take caption and depth away from a part of the examples; the caption becomes the empty one (T,)."""
    is_blind = torch.from_numpy(rng.random(len(told.tokens)) < part)
    return Conditions(
        torch.where(is_blind[:, None], empty, told.tokens),
        torch.where(is_blind[:, None, None, None], 0, told.depth),
        told.weight,
    )


def _that_saw_depth(unet: Any, folder: Path) -> nn.Module | None:
    """Return the U-Net of a folder, if the draft's is that one without its channel for depth."""
    if not folder.is_dir():
        return None
    found: nn.Module = rebuilt(type(unet).from_pretrained(folder, torch_dtype=torch.float32))
    own, theirs = (
        {name: value.to(KEEP_DTYPE) for name, value in model.state_dict().items()}
        for model in (unet, without_depth_channel(found))
    )
    if own.keys() == theirs.keys() and all(torch.equal(own[name], theirs[name]) for name in own):
        return found
    logger.warning("redraw: %s is left from another draft; depth is learned from nothing", folder)
    return None


def train(shop: Workshop) -> None:
    """Train the U-Net and write the pipeline; its other parts are links to the draft's beside it."""
    options = shop.options.redraw
    lesson = RedrawLesson(shop, open_latents(shop))
    shop.begin(lesson.model, f"{FOLDER}/unet")
    model: Any = shop.train(lesson, options.training)
    folder = shop.weights / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for part in _SHARED:
        (folder / part).symlink_to(Path("..") / draft.FOLDER / part, target_is_directory=True)
    model.to(KEEP_DTYPE).save_pretrained(folder / "unet", max_shard_size=MAX_SHARD)
    (folder / "model_index.json").write_text(_INDEX)
    shop.note(FOLDER, options.training, len(shop.pictures.rows(False)))


# The depth estimator of the published pipeline reads depth from a picture; bodies bring their own depth.
_INDEX = """\
{
  "_class_name": "StableDiffusionDepth2ImgPipeline",
  "depth_estimator": [null, null],
  "feature_extractor": [null, null],
  "scheduler": ["diffusers", "DDIMScheduler"],
  "text_encoder": ["transformers", "CLIPTextModel"],
  "tokenizer": ["transformers", "CLIPTokenizer"],
  "unet": ["diffusers", "UNet2DConditionModel"],
  "vae": ["diffusers", "AutoencoderKL"]
}
"""
