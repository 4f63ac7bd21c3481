import os
from pathlib import Path
from typing import Any

import pytest
import roma
import torch
from official import SEED, expected, layout, weights
from torch import Tensor

from synthgen.backends.vposer import VPoser, VPoserConfig

LAYOUTS = {"v1": "vposer_v1", "v2": "vposer"}


def state(version: str, mode: str = "fanin") -> dict[str, Tensor]:
    named_as_v2 = weights(layout("vposer"), mode)
    return named_as_v2 if version == "v2" else weights(layout("vposer_v1"), mode)


def inputs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(SEED)
    return torch.randn(8, 63, generator=generator) * 0.5, torch.randn(8, 32, generator=generator)


@pytest.mark.parametrize("mode", ["spec", "fanin"])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_agrees_with_the_official_code(tmp_path: Path, version: str, mode: str) -> None:
    torch.save(state(version, mode), tmp_path / "a.pt")
    model = VPoser.from_checkpoint(tmp_path / "a.pt")
    assert model.config == VPoserConfig(version)
    pose, code = inputs()
    want = expected("vposer", f"{mode}.{version}.")
    with torch.inference_mode():
        encoded, decoded = model.encode(pose.view(8, 21, 3)), model.decode(code)
    assert torch.allclose(encoded.mean, want["mean"], rtol=0, atol=1e-5)
    assert torch.allclose(encoded.stddev, want["std"], rtol=0, atol=1e-5)
    assert torch.allclose(decoded, want["body_pose"], rtol=0, atol=1e-5)


def test_published_keys_and_shapes_are_the_class_s_own() -> None:
    with torch.device("meta"):
        model = VPoser(VPoserConfig())
    assert {key: tuple(value.shape) for key, value in model.state_dict().items()} == layout("vposer")


def test_reads_the_published_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    snapshots = tmp_path / "V02_05" / "snapshots"
    snapshots.mkdir(parents=True)
    (tmp_path / "V02_05" / "V02_05.yaml").write_text("model_params: {num_neurons: 512, latentD: 32}\n")
    trainer = {
        "bm_train.init_v_template": torch.zeros(1, 10, 3),
        "bm_train.f": torch.zeros(4, 3, dtype=torch.long),
    }
    for name, mode, age in (("V02_05_epoch=03.ckpt", "spec", 100), ("V02_05_epoch=13.ckpt", "fanin", 0)):
        prefixed = {f"vp_model.{key}": value for key, value in state("v2", mode).items()}
        torch.save({"epoch": 13, "state_dict": prefixed | trainer}, snapshots / name)
        os.utime(snapshots / name, (1e9 - age, 1e9 - age))
    code = inputs()[1]
    with caplog.at_level("INFO"):
        models = [VPoser.from_checkpoint(path) for path in (tmp_path / "V02_05", snapshots)]
    for model in models:
        assert torch.allclose(model.decode(code), expected("vposer", "fanin.v2.")["body_pose"], atol=1e-5)
    assert "2 keys bm_train.* ignored on purpose: part of the trainer" in caplog.text


def test_reads_old_torch_files(tmp_path: Path) -> None:
    (tmp_path / "snapshots").mkdir()
    torch.save(state("v1"), tmp_path / "snapshots" / "TR00_E096.pt", _use_new_zipfile_serialization=False)
    model = VPoser.from_checkpoint(str(tmp_path))
    assert torch.allclose(model.decode(inputs()[1]), expected("vposer", "fanin.v1.")["body_pose"], atol=1e-5)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_misfits_are_named(tmp_path: Path, version: str) -> None:
    path = tmp_path / "a.pt"
    good = state(version)
    last = list(good)[-1]
    for content, message in (
        ({key: value for key, value in good.items() if key != last}, "decoder_net.5.bias is missing"),
        ({**good, last: torch.zeros(7)}, r"decoder_net.5.bias has shape \(7,\), expected \(126,\)"),
        ({**good, "speed.weight": torch.zeros(7)}, "speed.weight is unknown"),
    ):
        torch.save(content, path)
        with pytest.raises(ValueError, match=message):
            VPoser.from_checkpoint(path)


def test_other_files_and_empty_folders_are_named(tmp_path: Path) -> None:
    torch.save(
        {"state_dict": {"backbone.blocks.0.attn.qkv.weight": torch.zeros(1), "smpl_head.a": torch.zeros(1)}},
        tmp_path / "hmr2.ckpt",
    )
    with pytest.raises(
        ValueError, match="is not a VPoser checkpoint; it looks like an HMR2 checkpoint.*V02_05"
    ):
        VPoser.from_checkpoint(tmp_path / "hmr2.ckpt")
    (tmp_path / "V02_05").mkdir()
    with pytest.raises(FileNotFoundError, match="snapshots"):
        VPoser.from_checkpoint(tmp_path / "V02_05")
    with pytest.raises(FileNotFoundError, match="none"):
        VPoser.from_checkpoint(tmp_path / "none")


def test_folders_keep_config_and_weights(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = VPoser(VPoserConfig("v1", num_neurons=24, latent_dim=6)).eval()
    model.save_folder(tmp_path)
    again = VPoser.from_folder(tmp_path)
    assert again.config == model.config
    code = torch.randn(5, 6)
    assert torch.equal(again.decode(code), model.decode(code))


def test_learns_to_reconstruct_poses() -> None:
    torch.manual_seed(0)
    model = VPoser(VPoserConfig(num_neurons=32, latent_dim=8, dropout=0.0))
    pose = torch.randn(16, 1, 3) * 0.6 * torch.linspace(0, 1, 21)[:, None]  # three numbers drive all joints
    target = roma.rotvec_to_rotmat(pose)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)

    def error() -> float:
        with torch.inference_mode():
            return float(roma.rotmat_geodesic_distance(model.eval()(pose).body_pose, target).mean())

    before = error()
    for _ in range(60):
        output = model.train()(pose)
        spread = torch.distributions.kl_divergence(output.code, torch.distributions.Normal(0.0, 1.0)).mean()
        loss = (output.body_pose - target).abs().mean() + 1e-4 * spread
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert error() < 0.4 * before


@pytest.mark.parametrize(
    ("values", "message"),
    [({"version": "v3"}, "version"), ({"latent_dim": 0}, ">= 1"), ({"dropout": 1.0}, "dropout")],
)
def test_wrong_configs_and_poses_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VPoserConfig(**values)
    with pytest.raises(ValueError, match=r"body_pose must be \(B, 21, 3\), got \(2, 23, 3\)"):
        VPoser(VPoserConfig(num_neurons=4)).encode(torch.zeros(2, 23, 3))
