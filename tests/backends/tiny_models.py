"""Random-weight models of the real architectures, small, saved in the layouts of the published ones."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from synthgen.clues import CLUES
from synthgen.critic import Critic

SIZE = 32  # [px] of the pictures that the diffusion models draw
WORDS = 77


def tokenizer() -> Any:
    """A CLIP tokenizer that spells words letter by letter."""
    from transformers import CLIPTokenizer

    letters = [chr(code) for code in range(33, 127)]
    symbols = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocab = {symbol: number for number, symbol in enumerate(symbols)}
    return CLIPTokenizer(vocab=vocab, merges=[], model_max_length=WORDS)


def text_encoder(width: int = 32, projected: bool = False) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    tokens = len(tokenizer())
    config = CLIPTextConfig(
        vocab_size=tokens, hidden_size=width, intermediate_size=37, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=WORDS, projection_dim=width, bos_token_id=tokens - 2,
        eos_token_id=tokens - 1, pad_token_id=tokens - 1,
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config)


def vae() -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(32, 32), in_channels=3, out_channels=3, latent_channels=4, sample_size=SIZE,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )  # fmt: skip


def _sizes(is_xl: bool) -> dict[str, Any]:
    sizes: dict[str, Any] = {"block_out_channels": (32, 64), "layers_per_block": 1, "cross_attention_dim": 32}
    if is_xl:
        sizes |= {
            "cross_attention_dim": 64, "addition_embed_type": "text_time", "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 6 * 8 + 32, "use_linear_projection": True,
        }  # fmt: skip
    return sizes


def unet(in_channels: int = 4, is_xl: bool = False) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=SIZE // 2, in_channels=in_channels, out_channels=4, attention_head_dim=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), **_sizes(is_xl),
    )  # fmt: skip


def scheduler() -> Any:
    from diffusers import PNDMScheduler

    return PNDMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True, steps_offset=1
    )


def stable_diffusion(folder: Path) -> Path:
    """Save in the layout of SD 1.x."""
    from diffusers import StableDiffusionPipeline

    torch.manual_seed(0)
    parts: dict[str, Any] = {"safety_checker": None, "feature_extractor": None, "image_encoder": None}
    StableDiffusionPipeline(
        vae=vae(), text_encoder=text_encoder(), tokenizer=tokenizer(), unet=unet(), scheduler=scheduler(),
        requires_safety_checker=False, **parts,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def sdxl(folder: Path) -> Path:
    """Save in the layout of SDXL."""
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    torch.manual_seed(0)
    euler: Any = EulerDiscreteScheduler.from_config(scheduler().config, timestep_spacing="leading")
    StableDiffusionXLPipeline(
        vae=vae(), text_encoder=text_encoder(), text_encoder_2=text_encoder(projected=True),
        tokenizer=tokenizer(), tokenizer_2=tokenizer(), unet=unet(is_xl=True), scheduler=euler,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def sd2_depth(folder: Path) -> Path:
    """Save in the layout of SD2-depth, its depth estimator included."""
    from diffusers import StableDiffusionDepth2ImgPipeline
    from transformers import DPTConfig, DPTForDepthEstimation, DPTImageProcessorPil

    torch.manual_seed(0)
    config = DPTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, image_size=32,
        patch_size=16, backbone_out_indices=[0, 1, 1, 1], neck_hidden_sizes=[8] * 4, fusion_hidden_size=8,
    )  # fmt: skip
    processor: Any = DPTImageProcessorPil(size={"height": 32, "width": 32})
    StableDiffusionDepth2ImgPipeline(
        vae=vae(), text_encoder=text_encoder(), tokenizer=tokenizer(), unet=unet(5), scheduler=scheduler(),
        depth_estimator=DPTForDepthEstimation(config), feature_extractor=processor,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def controlnet(folder: Path, is_xl: bool = False) -> Path:
    """Save a ControlNet whose output layers are not zero, as if it had been trained."""
    from diffusers import ControlNetModel

    torch.manual_seed(1)
    model = ControlNetModel(
        in_channels=4, conditioning_channels=3, attention_head_dim=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        conditioning_embedding_out_channels=(16, 32), **_sizes(is_xl),
    )  # fmt: skip
    for layer in [*model.controlnet_down_blocks, model.controlnet_mid_block]:
        assert isinstance(layer, nn.Conv2d)
        nn.init.normal_(layer.weight, std=0.3)
    nn.init.normal_(model.controlnet_cond_embedding.conv_out.weight, std=0.3)
    model.save_pretrained(folder)
    return folder


LABELS = {0: "background", 1: "person", 2: "object"}  # of the semantic model
QUERY_LABELS = {0: "person", 1: "skis", 2: "snow"}


def segformer(folder: Path) -> Path:
    from transformers import SegformerConfig, SegformerForSemanticSegmentation, SegformerImageProcessorPil

    torch.manual_seed(0)
    config = SegformerConfig(
        depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 16, 16], decoder_hidden_size=16,
        num_attention_heads=[1, 2, 2, 2], **_named(LABELS),
    )  # fmt: skip
    SegformerForSemanticSegmentation(config).save_pretrained(folder)
    processor: Any = SegformerImageProcessorPil(size={"height": 64, "width": 64})
    processor.save_pretrained(folder)
    return folder


def _swin() -> Any:
    from transformers import SwinConfig

    return SwinConfig(
        image_size=64, patch_size=4, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip


def mask2former(folder: Path) -> Path:
    from transformers import (
        Mask2FormerConfig,
        Mask2FormerForUniversalSegmentation,
        Mask2FormerImageProcessorPil,
    )

    torch.manual_seed(1)
    config = Mask2FormerConfig(
        backbone_config=_swin(), feature_size=32, mask_feature_size=32, hidden_dim=32,
        encoder_feedforward_dim=16, encoder_layers=1, decoder_layers=2, dim_feedforward=16,
        num_attention_heads=2, num_queries=8, **_named(QUERY_LABELS),
    )  # fmt: skip
    return _save_queries(Mask2FormerForUniversalSegmentation(config), Mask2FormerImageProcessorPil, folder)


def maskformer(folder: Path) -> Path:
    from transformers import (
        DetrConfig,
        MaskFormerConfig,
        MaskFormerForInstanceSegmentation,
        MaskFormerImageProcessorPil,
    )

    torch.manual_seed(1)
    decoder = DetrConfig(**_detr_sizes(32, 2))
    config = MaskFormerConfig(
        fpn_feature_size=32, mask_feature_size=32, backbone_config=_swin(), decoder_config=decoder,
        **_named(QUERY_LABELS),
    )  # fmt: skip
    return _save_queries(MaskFormerForInstanceSegmentation(config), MaskFormerImageProcessorPil, folder)


def detr(folder: Path) -> Path:
    from transformers import DetrConfig, DetrForSegmentation, DetrImageProcessorPil

    torch.manual_seed(1)
    config = DetrConfig(**_detr_sizes(64, 8), **_named(QUERY_LABELS))
    return _save_queries(DetrForSegmentation(config), DetrImageProcessorPil, folder)


def _detr_sizes(width: int, heads: int) -> dict[str, Any]:
    from transformers import ResNetConfig

    backbone = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 16, 16], depths=[1, 1, 1, 1],
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    return {
        "d_model": width, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 16,
        "decoder_ffn_dim": 16, "encoder_attention_heads": heads, "decoder_attention_heads": heads,
        "num_queries": 8, "use_timm_backbone": False, "use_pretrained_backbone": False, "backbone": None,
        "backbone_config": backbone,
    }  # fmt: skip


def _save_queries(model: Any, processor_class: Any, folder: Path) -> Path:
    """Save after making the random queries differ and sure of themselves: some find people, some things."""
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1 and "backbone" not in name and "encoder.layers" not in name:
            nn.init.normal_(parameter, std=1.5 * parameter[0].numel() ** -0.5)
        if "quer" in name and "embed" in name:
            nn.init.normal_(parameter, std=3.0)
        if name.endswith(("class_predictor.weight", "class_labels_classifier.weight")):
            nn.init.normal_(parameter, std=1.0)
    model.save_pretrained(folder)
    processor_class(size={"shortest_edge": 64, "longest_edge": 128}).save_pretrained(folder)
    return folder


def _named(labels: dict[int, str]) -> dict[str, Any]:
    return {"id2label": labels, "label2id": {name: index for index, name in labels.items()}}


def vitpose(folder: Path, num_joints: int = 17, num_experts: int = 1) -> Path:
    from transformers import (
        VitPoseBackboneConfig,
        VitPoseConfig,
        VitPoseForPoseEstimation,
        VitPoseImageProcessorPil,
    )

    torch.manual_seed(0)
    backbone = VitPoseBackboneConfig(
        image_size=[64, 48], hidden_size=16, num_hidden_layers=2, num_attention_heads=2, out_indices=[2],
        num_experts=num_experts, part_features=4,
    )  # fmt: skip
    model = VitPoseForPoseEstimation(VitPoseConfig(backbone_config=backbone, num_labels=num_joints))
    nn.init.normal_(model.head.conv.weight, std=0.3)
    model.save_pretrained(folder)
    processor: Any = VitPoseImageProcessorPil(size={"height": 64, "width": 48})
    processor.save_pretrained(folder)
    return folder


def hmr2(folder: Path) -> Path:
    from synthgen.backends.hmr2 import HMR2, HMR2Config
    from synthgen.backends.mesh_decoder import DecoderConfig
    from synthgen.backends.vit import ViTConfig

    torch.manual_seed(0)
    model = HMR2(
        HMR2Config(
            ViTConfig((64, 48), patch_size=16, width=16, depth=2, num_heads=2),
            DecoderConfig(width=16, depth=1, num_heads=2, head_width=8, mlp_width=16),
        )
    )
    for name, value in model.smpl_head.named_buffers():
        value.copy_(torch.tensor([[0.9, 0.0, 0.0]]) if name.endswith("cam") else torch.randn_like(value))
    model.save_folder(folder)
    return folder


def dpmesh(folder: Path) -> Path:
    from synthgen.dpmesh.config import embedded_config
    from synthgen.dpmesh.model import DPMesh

    torch.manual_seed(0)
    DPMesh(embedded_config()).save_folder(folder)
    return folder


def score(folder: Path) -> Path:
    from synthgen.scorehmr.denoiser import DenoiserConfig, ScoreDenoiser

    torch.manual_seed(0)
    sizes = DenoiserConfig(pose_features=8, hidden=16, num_blocks=1, time_width=16)
    ScoreDenoiser(sizes).save_folder(folder)
    return folder


def critic(folder: Path) -> Path:
    count = len(CLUES)
    made = Critic(CLUES, (0.0,) * count, (1.0,) * count, tuple(0.3 * n - 1 for n in range(count)), 0.2)
    folder.mkdir()
    (folder / "drawn.json").write_text(json.dumps(made.values()))
    return folder


def vposer(folder: Path) -> Path:
    from synthgen.backends.vposer import VPoser, VPoserConfig

    torch.manual_seed(0)
    VPoser(VPoserConfig(num_neurons=32, latent_dim=8)).save_folder(folder)
    return folder


def vposer_v02_05(folder: Path) -> Path:
    """Save as published: a folder with a Lightning checkpoint among its snapshots."""
    from synthgen.backends.vposer import VPoser, VPoserConfig

    torch.manual_seed(0)
    weights = VPoser(VPoserConfig(num_neurons=32, latent_dim=8)).state_dict()
    (folder / "snapshots").mkdir(parents=True)
    state = {f"vp_model.{key}": value for key, value in weights.items()}
    torch.save({"state_dict": state}, folder / "snapshots" / "V02_05_epoch=08.ckpt")
    return folder
