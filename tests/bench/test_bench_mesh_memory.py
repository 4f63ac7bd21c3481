"""The arithmetic of DPMesh's memory, of which synthgen/dpmesh/README.md tells the figures."""

from pathlib import Path

import pytest
import torch
from torch import nn

import synthgen.dpmesh
from synthgen.bench.mesh_memory import Parts, num_bytes, parts
from synthgen.bench.mesh_model import sizes
from synthgen.dpmesh.backbone import DiffusionBackbone

README = Path(synthgen.dpmesh.__file__).with_name("README.md")


def test_folding_leaves_the_weights_that_the_readme_tells() -> None:
    """Counted without weights, at the size of the released model."""
    found = parts(sizes(320), torch.float32, 0, 1)
    text = " ".join(README.read_text().split())
    assert found.process > 0.2e9, "torch and diffusers are loaded"
    for words in (
        f"{found.trained / 4e6:.1f} million",
        f"{found.weights / 4e6:.1f} million",
        f"{found.weights / 1e9:.2f} GB of weights",
        f"The weights alone are {found.weights / 6.6e9:.2f} of that, with the libraries "
        f"{(found.weights + 0.47e9) / 6.6e9:.2f}:",
    ):
        assert words in text, words
    with torch.device("meta"):
        learnt = 4 * sum(
            weight.numel() for weight in DiffusionBackbone(sizes(320)).parameters() if weight.requires_grad
        )
    both = f"{found.trained / 1e9:.2f} GB of weights and {learnt / 1e9:.2f} GB of gradients alone are"
    assert f"{both} {(found.trained + learnt) / 8.6e9:.2f} of that" in text
    half = parts(sizes(320), torch.bfloat16, 0, 1)
    assert half.trained == found.trained
    # What stays in float32 is three numbers a head of each cross-attention.
    assert 0.5 < half.weights / found.weights < 0.502


def test_what_is_no_weight_and_no_library_is_maps() -> None:
    one = Parts(trained=50, weights=40, process=10, peak=60, plain=100)
    assert one.maps == 10 and one.least == pytest.approx(0.5)
    assert "alone are 0.50 of the plain one's" in one.line()


def test_every_tensor_counts_once() -> None:
    first = nn.Linear(3, 4)
    model = nn.Sequential(first, nn.Sequential(first), nn.BatchNorm1d(2))
    model[2].beside = torch.zeros(5)
    assert num_bytes(model) == 4 * (3 * 4 + 4 + 4 * 2 + 5) + 8
