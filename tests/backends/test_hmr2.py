import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from official import SEED, expected, layout, weights
from safetensors.torch import load_file
from torch import Tensor

from synthgen.backends.hmr2 import HMR2, HMR2Config, HMR2Output
from synthgen.backends.hmr2_layout import configs_of
from synthgen.backends.mesh_decoder import DecoderConfig, Estimate
from synthgen.backends.rotations import rot6d_to_rotmat
from synthgen.backends.vit import ViTConfig
from synthgen.checkpoints import Checkpoint

SMALL = HMR2Config(
    ViTConfig(width=32, depth=2, num_heads=4),
    DecoderConfig(width=48, depth=2, num_heads=4, head_width=8, mlp_width=40),
)
TINY = HMR2Config(
    ViTConfig((96, 72), patch_size=12, width=16, depth=2, num_heads=2, drop_path=0.1),
    DecoderConfig(width=16, depth=1, num_heads=2, head_width=8, mlp_width=16, num_iterations=2),
)
TOLERANCE = 1e-5  # absolute; the official code differs from itself in double precision by 3e-6


def pictures(count: int, size: int = 256) -> Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(SEED))


def official_weights(config: HMR2Config, mode: str = "fanin") -> dict[str, Tensor]:
    with torch.device("meta"):
        keys = HMR2(config).state_dict()
    return weights({key: tuple(value.shape) for key, value in keys.items()}, mode)


def rest_of_a_checkpoint() -> dict[str, Tensor]:
    """Return what is not needed; nobody looks at its values, so one number stands for each tensor."""
    return {key: torch.zeros(1) for key in layout("hmr2") if not key.startswith(("backbone", "smpl_head"))}


def written(path: Path, state: Mapping[str, Tensor], **others: Any) -> Path:
    torch.save({"state_dict": dict(state), "pytorch-lightning_version": "1.8.1", **others}, path)
    return path


def check(output: HMR2Output, want: Mapping[str, Tensor], stride: int) -> None:
    assert torch.allclose(output.tokens[:, ::stride], want["tokens"], rtol=0, atol=TOLERANCE)
    for name in ("global_orient", "body_pose", "betas", "pred_cam"):
        got = getattr(output, name)
        scale = max(1.0, float(want[name].abs().max()))
        assert torch.allclose(got, want[name], rtol=0, atol=TOLERANCE * scale), name


def test_full_size_has_every_key_and_shape_of_the_published_checkpoint() -> None:
    with torch.device("meta"):
        model = HMR2(HMR2Config())
    wanted = {key: s for key, s in layout("hmr2").items() if key.startswith(("backbone.", "smpl_head."))}
    assert {key: tuple(value.shape) for key, value in model.state_dict().items()} == wanted


@pytest.mark.parametrize("mode", ["spec", "fanin"])
@pytest.mark.parametrize(("query", "num_iterations"), [("zero", 1), ("mean_shape", 3)])
def test_agrees_with_the_official_code(tmp_path: Path, mode: str, query: Any, num_iterations: int) -> None:
    config = replace(SMALL, decoder=replace(SMALL.decoder, query=query, num_iterations=num_iterations))
    path = written(tmp_path / "epoch=35.ckpt", official_weights(config, mode) | rest_of_a_checkpoint())
    model = HMR2.from_checkpoint(path, config)
    with torch.inference_mode():
        check(model(pictures(2)), expected("hmr2", f"{mode}.{query}."), 16)
    assert not model.training


@pytest.mark.slow
def test_full_size_agrees_with_the_official_code(tmp_path: Path) -> None:
    state = weights(layout("hmr2"), "fanin")
    assert len(state) == 576
    path = written(tmp_path / "epoch=35-step=1000000.ckpt", state)
    del state
    model = HMR2.from_checkpoint(path)
    path.unlink()  # gigabytes
    with torch.inference_mode():
        check(model(pictures(1)), expected("hmr2_full"), 64)


def meta_checkpoint(path: Path, settings: Mapping[str, Any], **changed: tuple[int, ...]) -> Checkpoint:
    shapes = layout("hmr2") | {key.replace("__", "."): shape for key, shape in changed.items()}
    tensors = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    return Checkpoint(path, tensors, settings, "an HMR2 checkpoint")


def test_sizes_of_the_published_checkpoint_are_the_defaults(tmp_path: Path) -> None:
    assert configs_of(meta_checkpoint(tmp_path / "a.ckpt", {})) == (ViTConfig(), DecoderConfig())


def test_sizes_come_from_the_settings_of_the_trainer(tmp_path: Path) -> None:
    settings = {
        "MODEL": {"SMPL_HEAD": {"IEF_ITERS": 3, "TRANSFORMER_DECODER": {"heads": 16, "dim_head": 32}}}
    }
    want = DecoderConfig(num_heads=16, head_width=32, num_iterations=3)
    assert configs_of(meta_checkpoint(tmp_path / "a.ckpt", {"cfg": settings}))[1] == want
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (tmp_path / "model_config.yaml").write_text(json.dumps(settings))
    assert configs_of(meta_checkpoint(folder / "a.ckpt", {}))[1] == want


@pytest.mark.parametrize(
    ("settings", "changed", "message"),
    [
        ({}, {"backbone__patch_embed__proj__weight": (64, 3, 16, 16)}, "width 64 .* HMR2Config"),
        ({}, {"backbone__pos_embed": (1, 200, 1280)}, "199 patches"),
        ({}, {"backbone__pos_embed": (193, 1280)}, r"pos_embed has shape \(193, 1280\), expected 3 axes"),
        ({"MODEL": {"SMPL_HEAD": {"TRANSFORMER_DECODER": {"heads": 5}}}}, {}, "not 5 heads of 64"),
        ({"MODEL": {"SMPL_HEAD": {"IEF_ITERS": "3"}}}, {}, "whole numbers, got 8, 64, '3'"),
    ],
)
def test_sizes_that_cannot_be_known(
    tmp_path: Path, settings: dict[str, Any], changed: dict[str, tuple[int, ...]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        configs_of(meta_checkpoint(tmp_path / "a.ckpt", settings, **changed))


def test_ignored_keys_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = written(tmp_path / "a.ckpt", official_weights(SMALL) | rest_of_a_checkpoint())
    with caplog.at_level(logging.INFO):
        HMR2.from_checkpoint(path, SMALL)
    assert "10 keys smpl.* ignored" in caplog.text
    assert "62 keys discriminator.* ignored" in caplog.text
    assert "1 keys initialized* ignored" in caplog.text


def test_misfits_name_key_got_and_expected(tmp_path: Path) -> None:
    key = "smpl_head.deccam.weight"
    good = official_weights(SMALL)
    for state, message in (
        ({**good, key: torch.zeros(3, 9)}, rf"{key} has shape \(3, 9\), expected \(3, 48\)"),
        ({k: v for k, v in good.items() if k != key}, f"{key} is missing"),
        ({**good, "smpl_head.extra": torch.zeros(1)}, "smpl_head.extra is unknown"),
        ({**good, key: good[key] * float("nan")}, f"NaN or infinite weights in {key}"),
        ({**good, key: good[key].long()}, f"{key} has type torch.int64"),
    ):
        with pytest.raises(ValueError, match=message):
            HMR2.from_checkpoint(written(tmp_path / "a.ckpt", state), SMALL)


@pytest.mark.parametrize(
    ("keys", "looks_like"),
    [
        (["module.backbone.sd_model.betas", "module.exponent"], "a DPMesh checkpoint"),
        (["backbone.blocks.0.attn.qkv.weight", "keypoint_head.final_layer.weight"], "a ViTPose checkpoint"),
        (["blocks.0.attn.qkv.weight", "patch_embed.proj.weight"], "a bare ViT"),
        (list(layout("vposer_v1")), "a VPoser v1 checkpoint"),
        ([f"vp_model.{key}" for key in layout("vposer")], "a VPoser v2 checkpoint"),
        (["layer1.0.conv1.weight", "decpose.weight"], "an HMR or SPIN checkpoint"),
        (["fc.weight"], "an unknown model with keys fc.weight"),
    ],
)
def test_other_checkpoints_are_named(tmp_path: Path, keys: list[str], looks_like: str) -> None:
    path = written(tmp_path / "a.ckpt", {key: torch.zeros(1) for key in keys})
    with pytest.raises(ValueError, match=f"a.ckpt is not an HMR2 checkpoint; it looks like {looks_like}"):
        HMR2.from_checkpoint(path)


def test_folders_keep_config_and_weights(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = HMR2(TINY)
    model.smpl_head.set_mean(Estimate(torch.randn(1, 144), torch.randn(1, 10), torch.rand(1, 3)))
    model.save_folder(tmp_path / "full")
    model.save_folder(tmp_path / "half", torch.float16)
    again = HMR2.from_folder(tmp_path / "full")
    assert again.config == TINY
    kept = again.state_dict()
    assert all(torch.equal(kept[key], value) for key, value in model.state_dict().items())
    assert all(v.dtype == torch.float16 for v in load_file(tmp_path / "half" / "model.safetensors").values())
    image = pictures(3, 96)
    with torch.inference_mode():
        exact, rounded = model.eval()(image), HMR2.from_folder(tmp_path / "half")(image)
    assert torch.allclose(exact.body_pose, rounded.body_pose, atol=0.01)
    assert exact.tokens.shape == (3, 8 * 6, 16) and exact.global_orient.shape == (3, 3, 3)


def test_new_models_start_at_the_mean_and_learn() -> None:
    torch.manual_seed(0)
    model, image = HMR2(TINY), pictures(2, 96)
    with torch.inference_mode():
        fresh = model.eval()(image)
    assert torch.allclose(fresh.body_pose, torch.eye(3).expand(2, 23, 3, 3), atol=0.1)
    assert torch.allclose(fresh.pred_cam, torch.tensor([0.9, 0, 0]).expand(2, 3), atol=0.1)
    pose, betas, cam = torch.randn(2, 24, 6), torch.randn(2, 10), torch.rand(2, 3)
    target = rot6d_to_rotmat(pose)
    optimizer, losses = torch.optim.Adam(model.train().parameters(), 1e-2), []
    for _ in range(30):
        output = model(image)
        loss = (output.betas - betas).abs().mean() + (output.pred_cam - cam).abs().mean()
        loss = loss + (output.body_pose - target[:, 1:]).abs().mean()
        loss = loss + (output.global_orient - target[:, 0]).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(value.grad is not None for value in model.parameters())
    assert losses[-1] < 0.5 * losses[0]


def test_wrong_pictures_and_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"image must be \(B, 3, 96, 96\), got \(2, 3, 96, 72\)"):
        HMR2(TINY)(torch.zeros(2, 3, 96, 72))
    for make, message in (
        (lambda: ViTConfig(width=30, num_heads=4), "num_heads must divide width 30"),
        (lambda: ViTConfig(image_size=(96, 70)), "multiples of patch_size"),
        (lambda: ViTConfig(image_size=(96, 72), patch_size=4, patch_padding=2), "patch_padding"),
        (lambda: ViTConfig(drop_path=1.0), "drop_path"),
        (lambda: DecoderConfig(query="mean"), "query must be one of"),
        (lambda: DecoderConfig(depth=0), ">= 1"),
        (lambda: HMR2Config(ViTConfig(image_size=(192, 256))), "upright"),
    ):
        with pytest.raises(ValueError, match=message):
            make()
