"""Options of the training steps: sizes, losses and how long each trains. Plain values, nothing heavy."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from synthgen.embedded.redrawn_options import RedrawnOptions
from synthgen.joints import COCO17

OptimizerName = Literal["adamw", "muon"]


@dataclass(frozen=True)
class Training:
    """How one model is trained.

    Attributes:
        steps: optimiser steps.
        minutes: what these take on one core, measured; `hours` scales steps by them.
        batch_size: examples in a step.
        learning_rate: highest of the cosine schedule.
        weight_decay: of the optimiser.
        warmup: steps until the highest learning rate, at most a tenth of all.
        ema_decay: of the averaged weights, which are the ones kept.
        max_gradient: norm at which gradients are clipped.
        optimizer: "muon" for the matrices of a model, beside AdamW for the rest; or "adamw" for all.
    """

    steps: int
    minutes: float
    batch_size: int = 32
    learning_rate: float = 3e-4
    weight_decay: float = 0.01
    warmup: int = 300
    ema_decay: float = 0.9995
    max_gradient: float = 1.0
    optimizer: OptimizerName = "adamw"

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [
            f"{name} must be at least 1, got {getattr(self, name)}"
            for name in ("steps", "batch_size")
            if getattr(self, name) < 1
        ]
        found += [
            f"{name} must be above 0, got {getattr(self, name)}"
            for name in ("minutes", "learning_rate", "max_gradient")
            if getattr(self, name) <= 0
        ]
        if not 0 <= self.ema_decay < 1:
            found.append(f"ema_decay must be in [0, 1), got {self.ema_decay}")
        if self.optimizer not in get_args(OptimizerName):
            found.append(f"optimizer must be one of {get_args(OptimizerName)}, got {self.optimizer!r}")
        if self.weight_decay < 0 or self.warmup < 0:
            found.append(f"weight_decay and warmup must be >= 0, got {self.weight_decay}, {self.warmup}")
        return found


@dataclass(frozen=True)
class RenderOptions:
    """The training pictures: two runs of the `render` source, so that one model can do without sports.

    Attributes:
        everyday: pictures to ask for of everyday people; the mesh estimator sees these alone.
        sports: pictures to ask for of all sports families together.
        image_size: side [px]; every picture model works at this size.
        minutes: what rendering, decoding and encoding take on two cores.
        samples_per_shard: pictures per tar.
        source: further options of the render source.
        ray: cluster to render on, as in the generate recipe.
    """

    everyday: int = 12000
    sports: int = 14000
    image_size: int = 128
    minutes: float = 20.0
    samples_per_shard: int = 500
    source: dict[str, Any] = field(default_factory=lambda: {"second_person": 0.12})
    ray: str = "local"


@dataclass(frozen=True)
class VaeOptions:
    """Auto-encoder of the diffusion models.

    Attributes:
        training: how long.
        widths: channels by level; each level after the first halves the picture.
        latent_channels: channels of a latent.
        norm_groups: groups of the group norms; must divide all widths. A norm over one channel alone would
            take its mean away, and with it the colours of a picture.
        crop: side of the squares it trains on [px].
        kl: weight of the Kullback-Leibler term, per pixel; enough of it leaves little in the channels that
            matter little, which the diffusion models then need not learn.
        edges: weight of the L1 loss on differences of neighbouring pixels.
        colors: weight of the L1 loss on brightness and opponent colours of 4x4 pixels.
    """

    training: Training = field(
        default_factory=lambda: Training(steps=40000, minutes=72, batch_size=4, learning_rate=1e-3)
    )
    widths: list[int] = field(default_factory=lambda: [16, 48, 96])
    latent_channels: int = 8
    norm_groups: int = 8
    crop: int = 64
    kl: float = 2e-3
    edges: float = 0.5
    colors: float = 2.0


@dataclass(frozen=True)
class DraftOptions:
    """Text-to-image model: tokenizer, text encoder and U-Net, trained together.

    Attributes:
        training: how long.
        coarse: before that, on pictures of half the side, of which it sees several times as many in the same
            time and learns what is where.
        widths: channels of the U-Net by level; multiples of 64.
        attention: which levels look at the text.
        norm_groups: groups of the group norms.
        head_width: channels of an attention head.
        text_width: channels of the text encoder.
        text_layers: its depth.
        text_heads: its attention heads.
        max_tokens: longest caption.
        vocabulary: tokens at most.
        drop_caption: part of the captions that training replaces by an empty one.
        drop_depth: part of the examples without the depth of their bodies.
        max_snr: signal-to-noise ratio from which on errors of the clean latents weigh no more.
        shift: how far training leans to the noisy end, where it is settled what is where; 1 for not at all.
        bodies: how much more errors weigh on bodies, which are a tenth of a picture and what it is for.
        min_cover: pictures of which people take less than this part are left out, [0, 1): a small picture has
            too few pixels for a small person, and the model learns to draw specks.
        begin: which earlier U-Net training goes on from: the draft's, or the redraw model's, which can draw
            bodies where it is told to; the map of bodies then takes the place of depth.
        train_text: train the text encoder, too. The redraw model shares it and has to be trained after it.
    """

    training: Training = field(
        default_factory=lambda: Training(steps=17000, minutes=120, batch_size=16, learning_rate=6e-4)
    )
    coarse: Training = field(
        default_factory=lambda: Training(steps=50000, minutes=120, batch_size=16, learning_rate=6e-4)
    )
    widths: list[int] = field(default_factory=lambda: [64, 64, 128, 128])
    attention: list[bool] = field(default_factory=lambda: [False, False, True, True])
    norm_groups: int = 32
    head_width: int = 32
    text_width: int = 192
    text_layers: int = 2
    text_heads: int = 3
    max_tokens: int = 48
    vocabulary: int = 1400
    drop_caption: float = 0.1
    drop_depth: float = 0.5
    max_snr: float = 5.0
    shift: float = 2.5
    bodies: float = 3.0
    min_cover: float = 0.035
    begin: Literal["draft", "redraw"] = "draft"
    train_text: bool = True

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        return [] if 0 <= self.min_cover < 1 else [f"min_cover must be in [0, 1), got {self.min_cover}"]


@dataclass(frozen=True)
class RedrawOptions:
    """Depth-conditioned model; goes on from the draft's training, with its VAE and text encoder.

    Attributes:
        training: how long.
        drop_caption: part of the captions that training replaces by an empty one.
        drop_depth: part of the examples that have neither caption nor depth, which is 0 everywhere then; what
            it draws for them is what guidance leads away from.
        max_snr: signal-to-noise ratio from which on errors of the clean latents weigh no more.
        bodies: how much more errors weigh on bodies, which are a tenth of a picture and what it is for.
    """

    training: Training = field(
        default_factory=lambda: Training(steps=16000, minutes=112, batch_size=16, learning_rate=4e-4)
    )
    drop_caption: float = 0.1
    drop_depth: float = 0.1
    max_snr: float = 5.0
    bodies: float = 3.0


@dataclass(frozen=True)
class SegmenterOptions:
    """UPerNet on a ResNet with three classes: background, person, object.

    Attributes:
        training: how long.
        input_size: side that pictures are scaled to before the model sees them [px]; it works at a quarter.
        widths: channels by stage; each stage after the first halves the picture.
        depths: blocks by stage.
        decoder_width: channels of the decoder.
        pool_scales: grids over which the decoder averages the last stage.
        redrawn_share: part of a batch that shows pictures of the redraw model in place of renders, in [0, 1].
    """

    training: Training = field(
        default_factory=lambda: Training(
            steps=20000, minutes=110, batch_size=8, learning_rate=2e-3, optimizer="muon"
        )
    )
    input_size: int = 320
    widths: list[int] = field(default_factory=lambda: [32, 64, 96, 160])
    depths: list[int] = field(default_factory=lambda: [1, 2, 2, 2])
    decoder_width: int = 32
    pool_scales: list[int] = field(default_factory=lambda: [1, 2, 4])
    redrawn_share: float = 0.5


@dataclass(frozen=True)
class KeypointsOptions:
    """ViTPose with a simple decoder, COCO-17.

    Attributes:
        training: how long.
        height: of the crop [px]; its width is three quarters of that.
        patch_size: side of a patch [px].
        width: channels of a token.
        depth: number of blocks.
        heads: attention heads.
        sigma: of the heatmaps' peaks [px of the heatmap].
        peaks: how much more errors at a peak weigh; without it, empty heatmaps are learned first and stay.
        redrawn_share: part of a batch that shows pictures of the redraw model in place of renders, in [0, 1].
    """

    training: Training = field(
        default_factory=lambda: Training(
            steps=12000, minutes=115, batch_size=16, learning_rate=1e-3, optimizer="muon"
        )
    )
    height: int = 128
    patch_size: int = 8
    width: int = 192
    depth: int = 6
    heads: int = 6
    sigma: float = 1.5
    peaks: float = 20.0
    redrawn_share: float = 0.5


@dataclass(frozen=True)
class MeshOptions:
    """HMR2 at small size.

    Attributes:
        training: how long.
        height: side of the square crop [px]; the backbone sees its middle three quarters.
        patch_size: side of a patch [px].
        width: channels of the backbone.
        depth: blocks of the backbone.
        heads: its attention heads.
        decoder_width: channels of the query token.
        decoder_depth: layers of the decoder.
        decoder_heads: attention heads of the decoder; each of the first 17 is taught to look at one joint.
        heatmaps: weight of the error of heatmaps, which a second head draws while the model is trained.
        looks: weight of the cross entropy of where the decoder's first layer looks.
        rotations: weight of the squared error of rotation matrices.
        betas: weight of the squared error of shapes.
        keypoints_3d: weight of the L1 error of joints around the pelvis [m].
        keypoints_2d: weight of the L1 error of projected joints [sides of the crop].
    """

    training: Training = field(
        default_factory=lambda: Training(
            steps=30000, minutes=180, batch_size=16, learning_rate=1e-3, optimizer="muon"
        )
    )
    height: int = 96
    patch_size: int = 8
    width: int = 192
    depth: int = 6
    heads: int = 6
    decoder_width: int = 192
    decoder_depth: int = 3
    decoder_heads: int = 20
    heatmaps: float = 1.0
    looks: float = 0.3
    rotations: float = 0.5
    betas: float = 0.03
    keypoints_3d: float = 1.5
    keypoints_2d: float = 1.5

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        least = len(COCO17)
        if self.decoder_heads >= least:
            return []
        return [f"decoder_heads must be at least {least}, one for each joint, got {self.decoder_heads}"]


@dataclass(frozen=True)
class PriorOptions:
    """VPoser v2 on poses of the library.

    Attributes:
        training: how long.
        poses: number of poses to draw.
        everyday: part of them that is everyday; the sports share the rest, so their codes lie further out.
        neurons: hidden channels.
        latent_dim: channels of the code.
        jitter: deviation of the noise on each component of the axis-angles that it learns to remove [rad].
            Without it, joints that the library never turns about some axis would let any estimate look wild.
        kl: weight of the Kullback-Leibler term.
    """

    training: Training = field(
        default_factory=lambda: Training(steps=20000, minutes=6, batch_size=256, learning_rate=1e-3)
    )
    poses: int = 40000
    everyday: float = 0.8
    neurons: int = 384
    latent_dim: int = 32
    jitter: float = 0.03
    kl: float = 3e-4


@dataclass(frozen=True)
class Curriculum:
    """Options of all steps, in the order they run."""

    render: RenderOptions = field(default_factory=RenderOptions)
    vae: VaeOptions = field(default_factory=VaeOptions)
    draft: DraftOptions = field(default_factory=DraftOptions)
    redraw: RedrawOptions = field(default_factory=RedrawOptions)
    redrawn: RedrawnOptions = field(default_factory=RedrawnOptions)
    segmenter: SegmenterOptions = field(default_factory=SegmenterOptions)
    keypoints: KeypointsOptions = field(default_factory=KeypointsOptions)
    mesh: MeshOptions = field(default_factory=MeshOptions)
    prior: PriorOptions = field(default_factory=PriorOptions)
