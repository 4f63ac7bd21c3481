"""Models with random weights in the layouts of the published ones, for the presets paper and sdxl.

Small, or at full size from the public configs. Nothing is mocked; where a random model would say nothing,
its last layers are set so that it speaks: the segmenter finds one person about the middle of any picture, the
mesh estimator somebody upright.
"""

import pickle
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.append(str(Path(__file__).parent / "backends"))  # where the small models are, when run without them

import tiny_models  # noqa: E402

from synthgen.backends.coco_things import COCO_THINGS  # noqa: E402
from synthgen.backends.hmr2 import HMR2, HMR2Config  # noqa: E402
from synthgen.backends.mesh_decoder import DecoderConfig, Estimate  # noqa: E402
from synthgen.backends.vit import ViTConfig  # noqa: E402
from synthgen.body import OPEN_FILE  # noqa: E402
from synthgen.body_file import SMPL_VERTICES  # noqa: E402
from synthgen.joints import SMPL24  # noqa: E402

# Names that the label file of Mask2Former's instance models has instead of COCO's own.
OLDER = {"motorcycle": "motorbike", "airplane": "aeroplane", "couch": "sofa", "potted plant": "pottedplant",
         "dining table": "diningtable", "tv": "tvmonitor"}  # fmt: skip
THINGS = ["person", *sorted(COCO_THINGS - {"person"})]
INSTANCE = [OLDER.get(name, name) for name in THINGS]  # 80 classes
PANOPTIC = [*THINGS, *(f"stuff {n}-merged" for n in range(53))]  # 133 classes
STEPS = {"draft": {"num_inference_steps": 2}, "redraw": {"num_inference_steps": 3}}


@dataclass
class Layouts:
    """A folder in which models are made when first asked for; `full`: at the published size."""

    folder: Path
    full: bool = False

    def path(self, name: str) -> Path:
        """Return where a model is; names are those of the functions below."""
        path = self.folder / name
        if not path.exists():
            made = globals()[name](path, self.full)
            assert made is None
        return path

    def nodes(self, preset: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Return the nodes of a preset with nothing but ids, sizes and steps changed."""
        is_xl = "xl" in preset["draft"]["id"]
        ids = {
            "draft": {"id": self.path("sdxl" if is_xl else "sd1")},
            "redraw": {"id": self.path("sdxl"), "controlnet": self.path("controlnet_sdxl")}
            if is_xl
            else {"id": self.path("sd2_depth")},
            "segmenter": {"id": self.path("mask2former_instance")},
            "keypoints": {"id": self.path("vitpose")},
            "mesh": {"id": next(self.path("hmr2").rglob("*.ckpt"))},
            "prior": {"id": self.path("V02_05")},
            "refiner": {},
        }
        nodes = {
            role: node | {key: str(path) for key, path in ids[role].items()} for role, node in preset.items()
        }
        for role, steps in STEPS.items():
            nodes[role] |= steps
        if not self.full:
            nodes["draft"] |= {"height": 64, "width": 64}
        return nodes


def sd1(folder: Path, full: bool) -> None:
    if not full:
        tiny_models.stable_diffusion(folder)
        return
    from diffusers import StableDiffusionPipeline

    none: dict[str, Any] = {"safety_checker": None, "feature_extractor": None, "image_encoder": None}
    StableDiffusionPipeline(
        vae=_vae(), unet=_unet(4, 768, 8), text_encoder=_clip(768, 12, 12), tokenizer=tiny_models.tokenizer(),
        scheduler=tiny_models.scheduler(), requires_safety_checker=False, **none,
    ).to(torch.bfloat16).save_pretrained(folder)  # fmt: skip


def sd2_depth(folder: Path, full: bool) -> None:
    if not full:
        tiny_models.sd2_depth(folder)
        return
    from diffusers import StableDiffusionDepth2ImgPipeline
    from transformers import DPTConfig, DPTForDepthEstimation, DPTImageProcessorPil

    sizes: Any = {
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 16,
    }
    small = DPTConfig(**sizes, backbone_out_indices=[0, 1, 1, 1], neck_hidden_sizes=[8] * 4)  # never loaded
    processor: Any = DPTImageProcessorPil()
    StableDiffusionDepth2ImgPipeline(
        vae=_vae(), unet=_unet(5, 1024, [5, 10, 20, 20], use_linear_projection=True),
        text_encoder=_clip(1024, 23, 16), tokenizer=tiny_models.tokenizer(),
        scheduler=tiny_models.scheduler(), feature_extractor=processor,
        depth_estimator=DPTForDepthEstimation(small),
    ).to(torch.bfloat16).save_pretrained(folder)  # fmt: skip


def sdxl(folder: Path, full: bool) -> None:
    """Save as the hub has it: half precision, in files *.fp16.safetensors."""
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    if not full:
        tiny_models.sdxl(_plain(folder))
        pipe = StableDiffusionXLPipeline.from_pretrained(_plain(folder))
    else:
        euler: Any = EulerDiscreteScheduler.from_config(tiny_models.scheduler().config)
        pipe = StableDiffusionXLPipeline(
            vae=_vae(scaling_factor=0.13025, force_upcast=True), unet=_unet_xl(), scheduler=euler,
            text_encoder=_clip(768, 12, 12), text_encoder_2=_clip(1280, 32, 20, projected=True),
            tokenizer=tiny_models.tokenizer(), tokenizer_2=tiny_models.tokenizer(),
        )  # fmt: skip
    pipe.to(torch.float16).save_pretrained(folder, variant="fp16")


def _plain(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}_float32")


def controlnet_sdxl(folder: Path, full: bool) -> None:
    from diffusers import ControlNetModel

    if not full:
        tiny_models.controlnet(_plain(folder), is_xl=True)
        model: Any = ControlNetModel.from_pretrained(_plain(folder))
    else:
        model = ControlNetModel.from_unet(_unet_xl())
    model.to(torch.float16).save_pretrained(folder, variant="fp16")


def _vae(**more: Any) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4, sample_size=512,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, **more,
    )  # fmt: skip


def _unet(in_channels: int, context: int, heads: Any, **more: Any) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=64, in_channels=in_channels, out_channels=4, layers_per_block=2,
        cross_attention_dim=context, attention_head_dim=heads,
        block_out_channels=(320, 640, 1280, 1280), **more,
    )  # fmt: skip


def _unet_xl() -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=128, in_channels=4, out_channels=4, layers_per_block=2, cross_attention_dim=2048,
        block_out_channels=(320, 640, 1280), attention_head_dim=[5, 10, 20],
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=[1, 2, 10], use_linear_projection=True, addition_embed_type="text_time",
        addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816,
    )  # fmt: skip


def _clip(width: int, depth: int, heads: int, projected: bool = False) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    tokens = len(tiny_models.tokenizer())
    config = CLIPTextConfig(
        hidden_size=width, intermediate_size=4 * width, num_hidden_layers=depth, num_attention_heads=heads,
        projection_dim=width, bos_token_id=tokens - 2, eos_token_id=tokens - 1, pad_token_id=tokens - 1,
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config)


def mask2former_instance(folder: Path, full: bool) -> None:
    _mask2former(folder, INSTANCE, full)


def mask2former_panoptic(folder: Path, full: bool) -> None:
    _mask2former(folder, PANOPTIC, full)


def _mask2former(folder: Path, names: list[str], full: bool) -> None:
    from transformers import (
        Mask2FormerConfig,
        Mask2FormerForUniversalSegmentation,
        Mask2FormerImageProcessorPil,
        SwinConfig,
    )

    torch.manual_seed(1)
    stages = ["stage1", "stage2", "stage3", "stage4"]
    sizes: dict[str, Any] = {
        "backbone_config": tiny_models._swin(), "feature_size": 32, "mask_feature_size": 32, "hidden_dim": 32,
        "encoder_feedforward_dim": 16, "encoder_layers": 1, "decoder_layers": 2, "dim_feedforward": 16,
        "num_attention_heads": 2, "num_queries": 8,
    }  # fmt: skip
    if full:
        swin = SwinConfig(
            image_size=384, embed_dim=192, depths=[2, 2, 18, 2], num_heads=[6, 12, 24, 48], window_size=12,
            out_features=stages,
        )  # fmt: skip
        sizes = {"backbone_config": swin, "num_queries": 200}
    labels = dict(enumerate(names))
    config = Mask2FormerConfig(**sizes, id2label=labels, label2id={name: n for n, name in labels.items()})
    model = Mask2FormerForUniversalSegmentation(config).eval()
    make_it_speak(model, 384 if full else 64)
    model.save_pretrained(folder)
    size: Any = (
        {"shortest_edge": 800, "longest_edge": 1333} if full else {"shortest_edge": 64, "longest_edge": 128}
    )
    Mask2FormerImageProcessorPil(size=size).save_pretrained(folder)


@torch.no_grad()
def make_it_speak(model: Any, size: int) -> None:
    """Set the last layers of a Mask2Former: query 0 is a person in the middle of the picture."""
    for embedding in (
        model.model.transformer_module.queries_features,
        model.model.transformer_module.queries_embedder,
    ):
        embedding.weight.normal_(std=3.0)
    pictures = torch.nn.functional.interpolate(torch.randn(6, 3, 5, 5), size=(size, size), mode="bilinear")
    pixels = model.model(pictures).pixel_decoder_last_hidden_state  # (N, C, h, w), what masks are made of
    height, width = pixels.shape[-2:]
    inside = -torch.ones(height, width)
    inside[height // 8 : height * 7 // 8, width * 5 // 16 : width * 11 // 16] = 1
    features = pixels.movedim(1, -1).flatten(0, 2)
    wanted = 4 * inside.expand(len(pixels), -1, -1).reshape(-1, 1)
    last = model.model.transformer_module.decoder.mask_predictor.mask_embedder.layers[-1].layers[0]
    last.weight.zero_()
    last.bias.copy_(torch.linalg.lstsq(features, wanted, driver="gelsd").solution[:, 0])

    seen = model.model(pictures, output_hidden_states=True)
    states = seen.transformer_decoder_intermediate_states[-1].transpose(0, 1)  # (N, Q, D)
    inputs = torch.cat([states, torch.ones_like(states[..., :1])], -1).flatten(0, 1)
    is_first = -torch.ones(states.shape[:2])
    is_first[:, 0] = 1
    fitted = torch.linalg.lstsq(inputs, 6 * is_first.reshape(-1, 1), driver="gelsd").solution[:, 0]
    predictor = model.class_predictor
    predictor.weight.zero_()
    predictor.bias.zero_()
    for row, sign in ((0, 1), (-1, -1)):
        predictor.weight[row], predictor.bias[row] = sign * fitted[:-1], sign * fitted[-1] + 6


def vitpose(folder: Path, full: bool) -> None:
    if not full:
        tiny_models.vitpose(folder)
        return
    from transformers import (
        VitPoseBackboneConfig,
        VitPoseConfig,
        VitPoseForPoseEstimation,
        VitPoseImageProcessorPil,
    )

    backbone = VitPoseBackboneConfig(out_indices=[12])  # the defaults are ViTPose-B
    VitPoseForPoseEstimation(VitPoseConfig(backbone_config=backbone, num_labels=17)).save_pretrained(folder)
    VitPoseImageProcessorPil().save_pretrained(folder)


def hmr2(folder: Path, full: bool) -> None:
    """Save as 4D-Humans unpacks it. Its width is part of what the file is known by; small means shallow."""
    torch.manual_seed(0)
    config = HMR2Config()
    settings = {"heads": 8, "dim_head": 64}
    if not full:
        config = HMR2Config(
            ViTConfig((64, 48), depth=1, mlp_ratio=1 / 80),
            DecoderConfig(width=32, depth=1, num_heads=2, head_width=8, mlp_width=16),
        )
        settings = {"heads": 2, "dim_head": 8}
    model = HMR2(config)
    upright = torch.tensor([1.0, 0, 0, 0, -1.0, 0])  # half a turn about x, as columns of its matrix
    pose = torch.tensor([1.0, 0, 0, 0, 1.0, 0]).repeat(len(SMPL24))
    pose[:6] = upright
    model.smpl_head.set_mean(Estimate(pose[None], torch.zeros(1, 10), torch.tensor([[0.9, 0.0, 0.2]])))
    others = {"smpl.betas": torch.zeros(1, 10), "discriminator.betas_fc1.bias": torch.zeros(10)}
    state = {**model.state_dict(), **others, "initialized": torch.tensor(True)}
    run = folder / "logs/train/multiruns/hmr2/0"
    (run / "checkpoints").mkdir(parents=True)
    (run / "model_config.yaml").write_text(f"MODEL: {{SMPL_HEAD: {{TRANSFORMER_DECODER: {settings}}}}}\n")
    file = run / "checkpoints" / "epoch=35-step=1000000.ckpt"
    torch.save({"state_dict": state, "pytorch-lightning_version": "1.8.1"}, file)


def V02_05(folder: Path, full: bool) -> None:  # noqa: N802 - the folder's name
    from synthgen.backends.vposer import VPoser, VPoserConfig

    if not full:
        tiny_models.vposer_v02_05(folder)
        return
    (folder / "snapshots").mkdir(parents=True)
    state = {f"vp_model.{key}": value for key, value in VPoser(VPoserConfig()).state_dict().items()}
    torch.save({"state_dict": state}, folder / "snapshots" / "V02_05_epoch=13_val_loss=0.03.ckpt")


def smpl_file(path: Path) -> Path:
    """Write the open body as official files (.pkl, .npz) hold theirs: 6,890 vertices, landmarks in place."""
    from scipy.spatial import cKDTree

    with np.load(OPEN_FILE) as file:
        whole = {
            name: file[name]
            for name in ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "f")
        }
    vertices = whole["v_template"]
    _, nearest = cKDTree(vertices[:SMPL_VERTICES]).query(vertices)
    faces = nearest[whole["f"]]
    is_face = (faces != np.roll(faces, 1, axis=1)).all(1)
    regressor = np.zeros((len(SMPL24), SMPL_VERTICES))
    np.add.at(regressor.T, nearest, whole["J_regressor"].T)
    fields = {
        name: whole[name][:SMPL_VERTICES] for name in ("v_template", "shapedirs", "posedirs", "weights")
    }
    parents = np.array(SMPL24.parents, np.int64)
    parents[0] = 2**32 - 1
    tree = np.stack([parents, np.arange(len(SMPL24))]).astype(np.uint32)
    fields |= {"J_regressor": regressor, "f": faces[is_face].astype(np.uint32), "kintree_table": tree}
    if path.suffix == ".npz":
        np.savez(path, **fields)
    else:
        path.write_bytes(pickle.dumps({**fields, "bs_style": "lbs", "bs_type": "lrotmin"}, 2))
    return path
