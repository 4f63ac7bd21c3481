"""Fixtures: a plan of a run, a pipeline with hardly any weights, a hub that cannot be reached."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_files import write_config, write_weights

from synthgen.doctor.plan import Plan


@pytest.fixture
def make_plan(tmp_path: Path) -> Callable[..., Plan]:
    """Return make(**changes) for a small run on the CPU."""

    def make(**changes: Any) -> Plan:
        values: dict[str, Any] = {
            "name": "run", "problems": (), "models": {}, "body": "open", "renderer": "warp", "device": "cpu",
            "precision": "float32", "output": str(tmp_path / "shards"), "num_samples": 10, "image_size": 256,
            "image_format": "jpg", "workers": "auto", "cpus_per_worker": 1.0, "gpus_per_worker": 0.0,
            "ray": "local",
        }  # fmt: skip
        return Plan(**(values | changes))

    return make


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return an empty hub cache, the only thing that the hub's client may look at."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def pipeline(tmp_path: Path) -> Callable[..., Path]:
    """Return make(name, channels=4, width=768) for a folder in the layout of Stable Diffusion."""

    def make(name: str, channels: int = 4, width: int = 768) -> Path:
        folder = tmp_path / name
        parts = {
            "unet": {"in_channels": channels, "cross_attention_dim": width, "block_out_channels": [320, 640]},
            "vae": {"latent_channels": 4},
            "text_encoder": {"hidden_size": width},
        }
        for part, config in parts.items():
            write_config(folder / part, **config)
            file = "model" if part == "text_encoder" else "diffusion_pytorch_model"
            write_weights(folder / part / f"{file}.safetensors")
        for part in ("tokenizer", "scheduler"):
            (folder / part).mkdir()
        index: dict[str, Any] = {part: ["diffusers", "Any"] for part in (*parts, "tokenizer", "scheduler")}
        index |= {"_class_name": "StableDiffusionPipeline", "safety_checker": ["some", "Checker"]}
        (folder / "model_index.json").write_text(json.dumps(index))
        return folder

    return make
