"""DPMesh at tiny sizes: every switch works and trains what it says; folders keep what is ours."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from dpmesh_parts import TINY, crops
from safetensors.torch import load_file

from synthgen.dpmesh.batch import Bodies
from synthgen.dpmesh.conditions import heatmaps, scaled_joints, skeleton
from synthgen.dpmesh.config import DPMeshConfig, embedded_config
from synthgen.dpmesh.model import DPMesh
from synthgen.dpmesh.unet import checkpoint_blocks
from synthgen.joints import DPMESH30

BUDGET = 5_300_000  # bytes of the bundled model at half precision


def loss_of(bodies: Bodies) -> torch.Tensor:
    rng = torch.Generator().manual_seed(1)
    parts = (bodies.rotmat, bodies.betas, bodies.transl, bodies.cascade, bodies.features)
    return sum((value * torch.randn(value.shape, generator=rng)).sum() for value in parts)  # type: ignore[return-value]


def wake(model: DPMesh) -> None:
    """Move what begins at zero, so that gradients reach what lies behind it."""
    torch.manual_seed(2)
    with torch.no_grad():
        for value in model.trainable().values():
            value += 0.02 * torch.randn_like(value)


SWITCHES: list[dict[str, Any]] = [
    {},
    {"control": "none", "prompt": False},
    {"control": "heatmap", "prompt": False},
    {"control": "heatmap_added"},
    {"control": "skeleton"},
    {"control_rank": 2},
    {"lora_rank": 0},
    {"train_resnets": True},
    {"regressor": "recurrent"},
    {"lifter_width": 8},
    {"lifter_width": 8, "regressor": "recurrent"},
    {"pose_head": "rot6d"},
    {"pose_head": "codebook"},
]


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_switches_train_what_they_say(switches: dict[str, Any]) -> None:
    config = replace(TINY, **switches)
    torch.manual_seed(0)
    model = DPMesh(config).train()
    wake(model)
    bodies = model(crops(128))
    layers = 0 if config.regressor == "recurrent" else config.decoder_layers
    assert bodies.rotmat.shape == (2, 24, 3, 3) and bodies.cascade.shape == (2, layers, 15, 3)
    assert torch.allclose(bodies.rotmat.mT @ bodies.rotmat, torch.eye(3).expand(2, 24, 3, 3), atol=1e-5)
    assert bodies.features.shape == (2, 32, 4, 4) and bool((bodies.transl[:, 2] > 0).all())
    loss_of(bodies).backward()
    untouched = [n for n, v in model.trainable().items() if v.grad is None or not bool(v.grad.any())]
    assert untouched == []
    assert [n for n, v in model.named_parameters() if not v.requires_grad and v.grad is not None] == []
    learnt = " ".join(model.trainable())
    assert ("backbone.control" in learnt) == (config.control != "none")
    assert ("lora_A" in learnt) == (config.lora_rank > 0 or config.control_rank > 0)
    assert ("backbone.unet.up_blocks.0.resnets" in learnt) == config.train_resnets
    assert "backbone.vae" not in learnt and ".vposer." not in learnt and "lifter" not in learnt


@pytest.mark.parametrize("control", ["none", "heatmap", "heatmap_added", "skeleton"])
@pytest.mark.parametrize("backbone", ["resnet50", "vit_l"])
def test_other_backbones(tmp_path: Path, backbone: Any, control: Any) -> None:
    import transformers

    torch.manual_seed(0)
    if backbone == "resnet50":
        sizes = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 8, 8, 16], depths=[1, 1, 1, 1])
        transformers.ResNetModel(sizes).save_pretrained(tmp_path / "net")
    else:
        vit = transformers.ViTConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=64
        )
        transformers.ViTModel(vit).save_pretrained(tmp_path / "net")
    config = replace(TINY, backbone=backbone, control=control, folder=str(tmp_path / "net"))
    model = DPMesh(config).train()
    wake(model)
    bodies = model(crops(128))
    assert bodies.features.shape == (2, 32, 4, 4)
    loss_of(bodies).backward()
    assert [n for n, v in model.trainable().items() if v.grad is None] == []
    model.save_folder(tmp_path / "saved")
    again = DPMesh.from_folder(tmp_path / "saved")
    with torch.inference_mode():
        assert torch.equal(model.eval()(crops(128)).rotmat, again(crops(128)).rotmat)


def test_published_sizes_of_other_backbones_can_be_built() -> None:
    with torch.device("meta"):
        for backbone, width in (("resnet50", 2048), ("vit_l", 1024)):
            model = DPMesh(replace(DPMeshConfig(), backbone=backbone, regressor="recurrent"))
            assert model.backbone.out.in_channels == width and model.backbone.side == 8


def test_the_embedded_model_is_small_and_comes_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = DPMesh(embedded_config())
    wake(model)
    model.save_folder(tmp_path / "half", torch.float16)
    assert (tmp_path / "half" / "model.safetensors").stat().st_size <= BUDGET
    again = DPMesh.from_folder(tmp_path / "half")
    assert replace(again.config, frozen_sample=()) == model.config and not again.training
    kept = set(load_file(tmp_path / "half" / "model.safetensors"))
    lifted = {name for name, _ in model.named_parameters() if name.startswith("lifter.")}
    assert lifted and kept == set(model.trainable()) | lifted | {"pelvis", "pelvis_dirs"}
    seen = crops(128)
    with torch.inference_mode():
        exact, rounded = model.eval()(seen), again(seen)
    assert torch.allclose(exact.rotmat, rounded.rotmat, atol=0.02)
    assert torch.allclose(exact.transl, rounded.transl, atol=0.02)
    assert set(again.trainable()) == set(model.trainable())


def test_an_embedded_start_is_the_packaged_model_upright() -> None:
    model = DPMesh(embedded_config()).eval()
    with torch.inference_mode():
        bodies = model(crops(128))
    assert bodies.features.shape == (2, 192, 8, 8)
    axes = bodies.rotmat[:, 0].diagonal(dim1=-2, dim2=-1) * torch.tensor([1.0, -1, -1])
    assert (axes > 0).all(), "upright rather than not, whatever the backbone's features and fresh weights"
    assert model.backbone.maps.levels() == (2, 3)


@pytest.mark.parametrize("changes", [{"pose_head": "codebook"}, {"control_rank": 2}], ids=str)
def test_models_with_all_weights_come_back(tmp_path: Path, changes: dict[str, Any]) -> None:
    model = DPMesh(replace(TINY, **changes)).eval()
    wake(model)
    model.save_folder(tmp_path)
    again = DPMesh.from_folder(tmp_path)
    weights, found = model.state_dict(), again.state_dict()
    assert all(torch.equal(weights[key], found[key]) for key in weights) and list(weights) == list(found)
    assert sum(v.numel() for v in model.parameters()) == sum(v.numel() for v in again.parameters())


def test_half_precision_is_close() -> None:
    torch.manual_seed(0)
    model, seen = DPMesh(TINY).eval(), crops(128)
    with torch.inference_mode():
        want = model(seen)
        with torch.autocast("cpu", torch.bfloat16):
            mixed = model(seen)
        model.compact(torch.bfloat16)
        half = model(seen)
    assert {value.dtype for value in model.backbone.parameters()} == {torch.bfloat16}
    for got in (mixed, half):
        assert torch.allclose(got.rotmat, want.rotmat, atol=0.1) and got.transl.dtype == torch.float32


def test_a_compact_model_of_ours_says_the_same() -> None:
    torch.manual_seed(0)
    model, seen = DPMesh(replace(TINY, control_rank=2)).eval(), crops(128)
    wake(model)
    with torch.inference_mode():
        want = model(seen)
        got = model.compact()(seen)
    assert torch.allclose(got.rotmat, want.rotmat, atol=1e-4)
    assert torch.allclose(got.features, want.features, atol=1e-4)
    assert model.trainable() == {}


def test_folders_that_do_not_fit_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no config.json"):
        DPMesh.from_folder(tmp_path)
    with pytest.raises(FileNotFoundError, match="no vae/config.json"):
        DPMesh(replace(TINY, folder=str(tmp_path)))
    with pytest.raises(ValueError, match="latents of 12 px, expected a multiple of 8"):
        DPMesh(replace(TINY, crop_size=96))
    (tmp_path / "config.json").write_text('{"architecture": "HMR2"}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match="architecture must be 'DPMesh', got 'HMR2'"):
        DPMesh.from_folder(tmp_path)


def test_what_was_not_observed_does_not_reach_the_model() -> None:
    model, seen = DPMesh(TINY).eval(), crops(128)
    wake(model)
    moved = torch.where((seen.confidence > 0)[..., None], seen.keypoints_2d, 40.0)
    with torch.inference_mode():
        assert torch.equal(model(seen).rotmat, model(replace(seen, keypoints_2d=moved)).rotmat)
        assert not torch.equal(
            model(seen).rotmat, model(replace(seen, keypoints_2d=seen.keypoints_2d + 4)).rotmat
        )


def test_recomputing_blocks_changes_no_gradient() -> None:
    torch.manual_seed(0)
    model, seen = DPMesh(replace(TINY, dropout=0.0)).train(), crops(128)
    wake(model)
    gradients = []
    for enabled in (False, True):
        checkpoint_blocks(model, enabled)
        model.zero_grad()
        loss_of(model(seen)).backward()
        gradients.append(
            {name: value.grad.clone() for name, value in model.trainable().items() if value.grad is not None}
        )
    assert gradients[0].keys() == gradients[1].keys()
    for name, value in gradients[0].items():
        assert torch.allclose(value, gradients[1][name], atol=1e-4 * float(value.abs().max() + 1)), name


def test_heatmaps_peak_at_observed_joints() -> None:
    points = torch.tensor([[[3.0, 5.0], [2.0, 2.0], [40.0, 2.0]]]) * 8
    scaled, seen = scaled_joints(points, torch.tensor([[1.0, 0, 1]]), 256, 32)
    assert seen.tolist() == [[1, 0, 0]]
    drawn = heatmaps(scaled, seen, 32, 2.5)[0]
    assert drawn[0].max() == drawn[0, 5, 3] == 1 and not bool(drawn[1:].any())
    assert drawn[0, 5, 5] == pytest.approx(torch.exp(torch.tensor(-0.5 * (2 / 2.5) ** 2)).item())


def test_stick_figures_need_both_ends_of_a_limb() -> None:
    points = torch.zeros(1, 30, 2)
    points[0, DPMESH30.index("left_hip")] = torch.tensor([4.0, 4.0])
    points[0, DPMESH30.index("left_knee")] = torch.tensor([4.0, 20.0])
    seen = torch.zeros(1, 30)
    seen[0, DPMESH30.index("left_hip")] = 1
    assert not bool(skeleton(points, seen, 32).any())
    seen[0, DPMESH30.index("left_knee")] = 1
    drawn = skeleton(points, seen, 32)[0].amax(0)
    assert bool((drawn[4:21, 4] > 0.5).all()) and float(drawn[12, 20]) < 0.01


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backbone": "swin"}, "backbone must be one of diffusion, resnet50, vit_l, got 'swin'"),
        ({"control": "depth"}, "control must be one of"),
        ({"lora_rank": -1}, "lora_rank must be at least 0, got -1"),
        ({"crop_size": 100}, "crop_size must be a multiple of 32, got 100"),
        ({"width": 20, "num_heads": 4}, r"width must be a multiple of 2 \* num_heads = 8, got 20"),
        ({"sigma": 0.0}, r"sigma must be in \(0, 100\)"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\)"),
        ({"folder": ""}, "folder must be a folder"),
    ],
)
def test_bad_options_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(TINY, **changes)


def test_wrong_crops_are_refused() -> None:
    model = DPMesh(TINY)
    with pytest.raises(ValueError, match=r"images must be \(B, 3, 128, 128\), got \(2, 3, 64, 64\)"):
        model(crops(64))
    with pytest.raises(ValueError, match=r"keypoints_2d must be \(B, 30, 2\), got \(2, 17, 2\)"):
        model(replace(crops(128), keypoints_2d=torch.zeros(2, 17, 2)))
