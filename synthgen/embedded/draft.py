"""The step `draft`: tokenizer, text encoder and U-Net of a small Stable Diffusion, trained together.

Beside the latent, the U-Net draws maps of the bodies (`body_maps`). In half of its examples it also sees
their depth, in a channel that is 0 in the others and left out of the finished model. What it learns from them
helps the others, and `redraw` starts with it.
"""

import copy
import shutil
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synthgen.embedded import captions, grids, vae
from synthgen.embedded.body_maps import COUNT, LEAD, shares
from synthgen.embedded.depth_channel import (
    depth_channel,
    nearness_of,
    told_by_maps,
    with_depth_channel,
    without_depth_channel,
)
from synthgen.embedded.diffusion import (
    Conditions,
    Noise,
    body_weight,
    choose,
    draw_samples,
    drop_captions,
    open_latents,
    scheduler,
    shrunk,
)
from synthgen.embedded.loop import Draw
from synthgen.embedded.options import DraftOptions
from synthgen.embedded.pictures import Pictures, spread
from synthgen.embedded.workshop import KEEP_DTYPE, MAX_SHARD, Workshop

FOLDER = "draft"
PARTS = ("unet", "text_encoder", "tokenizer", "scheduler", "model_index.json")
SEES_DEPTH = "unet_with_depth"  # folder in the step's, for the step redraw
_COARSE = 2  # side of the pictures over that of the smaller ones that training begins with
_SHOWN = 16
_MEASURED = 64  # held-out pictures


class TextToImage(nn.Module):
    """Text encoder and U-Net as one model."""

    def __init__(self, text_encoder: nn.Module, unet: nn.Module) -> None:
        super().__init__()
        self.text_encoder, self.unet = text_encoder, unet

    def forward(self, noisy: Tensor, depth: Tensor, timesteps: Tensor, tokens: Tensor) -> Tensor:
        """Predict velocity (B, C, h, w) of noisy latents under captions (B, T) and depth (B, 1, h, w)."""
        return self.unet(torch.cat([noisy, depth], 1), timesteps, self.text_encoder(tokens)[0]).sample


class DraftLesson:
    """Predict the velocity of noisy latents from captions."""

    def __init__(self, shop: Workshop, tokenizer: Any, model: nn.Module, shrink: int = 1) -> None:
        """Prepare the lesson.

        Args:
            shop: of the step.
            tokenizer: of the captions.
            model: a `TextToImage`.
            shrink: side of the pictures over that of those it is taught with.
        """
        pictures, options = shop.pictures, shop.options.draft
        self.training = options.coarse if shrink > 1 else options.training
        self.options, self.latents, self._shrink = options, open_latents(shop, shrink), shrink
        self.pictures = pictures
        self.model = model
        self._vae = vae.load(shop)
        self._tokens = captions.tokenize(tokenizer, pictures.captions)
        self._empty = captions.tokenize(tokenizer, [""])[0]
        self._noise = Noise(options.max_snr, options.shift)
        # Errors of the maps are as much larger as the maps are; squared and divided, they still come first.
        self._channels = torch.ones(1, self.latents.shape[0], 1, 1)
        self._channels[:, -COUNT:] = 1 / LEAD
        self._train, self._held_out = taught(pictures, options.min_cover), pictures.rows(True)

    def loss(self, model: nn.Module, draw: Draw) -> Mapping[str, Tensor]:
        """Return the loss of one batch."""
        rows, is_flipped = choose(self._train, self.training.batch_size, draw.rng)
        tokens = drop_captions(self._tokens[rows], self._empty, self.options.drop_caption, draw.rng)
        near = nearness_of(self.pictures, rows, is_flipped)
        depth = depth_channel(near, self.latents.shape[1:])
        is_blind = torch.from_numpy(draw.rng.random(len(rows)) < self.options.drop_depth)
        depth = torch.where(is_blind[:, None, None, None], 0, depth)
        weight = body_weight(near, self.latents.shape[1:], self.options.bodies)
        told = Conditions(tokens, depth, weight)
        return {"loss": self._error(model, rows, is_flipped, told, draw)}

    def measure(self, model: nn.Module) -> Mapping[str, float]:
        """Return the loss on held-out pictures, with the same noise each time."""
        rows = spread(self._held_out, _MEASURED)
        draw = fixed_draw(model)
        unseen = torch.zeros(len(rows), 1, *self.latents.shape[1:])
        told = Conditions(self._tokens[rows], unseen, torch.ones_like(unseen))
        error = self._error(model, rows, np.zeros(len(rows), bool), told, draw)
        return {"held_out": float(error)}

    def picture(self, model: nn.Module) -> NDArray[np.uint8]:
        """Show held-out pictures above what their captions alone make: bodies' places, then pictures."""
        device = next(model.parameters()).device
        rows = spread(self._held_out, _SHOWN)
        encoder: Any = model.text_encoder
        context = encoder(self._tokens[rows].to(device))[0]
        empty = encoder(self._empty[None].to(device))[0].expand_as(context)
        latents = draw_samples(
            model.unet,
            context,
            empty,
            self.latents.shape,
            torch.zeros(len(rows), 1, *self.latents.shape[1:]).to(device),
        )
        images = vae.decode(self._vae, latents / self._vae.config.scaling_factor)
        true = shrunk(vae.to_signed(self.pictures.image[rows]), self._shrink)
        places = shares(latents[:, -COUNT:].cpu())[:, None].expand(-1, 3, -1, -1)
        places = nn.functional.interpolate(places, images.shape[-2:])
        return grids.columns(*(grids.to_uint8(shown) for shown in (true / 2 + 0.5, places, images / 2 + 0.5)))

    def _error(
        self, model: nn.Module, rows: Any, is_flipped: NDArray[np.bool_], told: Conditions, draw: Draw
    ) -> Tensor:
        told = told.to(draw.device)
        latents = self.latents.take(rows, is_flipped).to(draw.device)
        return self._noise.loss(
            lambda noisy, timesteps: model(noisy, told.depth, timesteps, told.tokens),
            latents,
            draw,
            told.weight * self._channels.to(draw.device),
        )


def taught(pictures: Pictures, min_cover: float) -> NDArray[np.int64]:
    """Return the rows of the training pictures of which people take at least a part.

    Raises:
        ValueError: people take less of all of them.
    """
    rows = pictures.rows(False)
    found = rows[pictures.cover(rows) >= min_cover]
    if not len(found):
        raise ValueError(
            f"draft: people take less than min_cover = {min_cover:g} of each of the {len(rows)} training "
            "pictures; lower draft.min_cover, or render people nearer to the camera"
        )
    return found


def train(shop: Workshop) -> None:
    """Train tokenizer, text encoder and U-Net and write the pipeline beside its VAE."""
    import diffusers

    assemble: Any = diffusers.StableDiffusionPipeline
    options = shop.options.draft
    pictures = shop.pictures
    rows = pictures.rows(False)
    if shop.start_from and shop.has_earlier(f"{FOLDER}/tokenizer"):  # the words keep their numbers
        tokenizer = captions.load_tokenizer(shop.start_from / FOLDER / "tokenizer")
    else:
        tokenizer = captions.learn_tokenizer([pictures.captions[row] for row in rows], options)
    torch.manual_seed(shop.seed)
    text_encoder = captions.build_text_encoder(options, tokenizer)
    unet = build_unet(options, open_latents(shop).shape, extra=1)
    model: Any = TextToImage(text_encoder, unet)
    if shop.has_earlier(f"{FOLDER}/unet"):
        _go_on(model, shop)
    for shrink, part, training in ((_COARSE, "coarse", options.coarse), (1, "", options.training)):
        model.requires_grad_(True)
        model.text_encoder.requires_grad_(options.train_text)
        model = shop.train(DraftLesson(shop, tokenizer, model, shrink), training, part)
    keep = shop.work / shop.name / SEES_DEPTH
    model.unet.save_pretrained(keep)
    pipeline = assemble(
        vae=vae.load(shop).to("cpu"),
        text_encoder=model.text_encoder,
        tokenizer=tokenizer,
        unet=without_depth_channel(model.unet),
        scheduler=scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.to(dtype=KEEP_DTYPE)
    whole = shop.work / shop.name / "pipeline"
    pipeline.save_pretrained(whole, max_shard_size=MAX_SHARD)
    for part in PARTS:  # the VAE is there already, and stays as its own step wrote it
        shop.replace(whole / part, f"{FOLDER}/{part}")
    shutil.rmtree(whole)
    shop.note(FOLDER, options.training, len(rows), ["", "coarse"])


def _go_on(model: Any, shop: Workshop) -> None:
    """Load earlier weights; the channel for depth is that of the earlier redraw model, if there is one."""
    narrow = without_depth_channel(model.unet)
    shop.begin(narrow, f"{FOLDER}/unet")
    like = copy.deepcopy(model.unet)
    has_depth = shop.begin(like, "redraw/unet")
    if has_depth and shop.options.draft.begin == "redraw":
        narrow = without_depth_channel(told_by_maps(like))
    model.unet = with_depth_channel(narrow, like.state_dict() if has_depth else None)
    shop.begin(model.text_encoder, f"{FOLDER}/text_encoder")


def build_unet(options: DraftOptions, latent: tuple[int, int, int], extra: int = 0) -> Any:
    """Build a U-Net with fresh weights that takes `extra` channels beside the latents."""
    import diffusers

    unet: Any = diffusers.UNet2DConditionModel
    looks = options.attention
    return unet(
        sample_size=latent[1],
        in_channels=latent[0] + extra,
        out_channels=latent[0],
        down_block_types=tuple("CrossAttnDownBlock2D" if look else "DownBlock2D" for look in looks),
        up_block_types=tuple("CrossAttnUpBlock2D" if look else "UpBlock2D" for look in reversed(looks)),
        block_out_channels=tuple(options.widths),
        layers_per_block=1,
        cross_attention_dim=options.text_width,
        # diffusers' name for the number of heads of each level
        attention_head_dim=tuple(width // options.head_width for width in options.widths),
        norm_num_groups=options.norm_groups,
    )


def fixed_draw(model: nn.Module) -> Draw:
    """Return the same chance each time, for measuring."""
    device = next(model.parameters()).device
    return Draw(np.random.default_rng(0), torch.Generator().manual_seed(0), device)
