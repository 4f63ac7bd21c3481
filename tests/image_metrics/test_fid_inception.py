"""FID's Inception: the published layout, torch-fidelity's numbers, and what is said of any other file."""

import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import fid_inception
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from synthgen.image_metrics.inception import FIDInception
from synthgen.image_metrics.origin import NAME
from synthgen.image_metrics.preparing import prepare
from synthgen.image_metrics.weights import Inception, read_inception

LAYOUT = Path(__file__).parents[1] / "data" / "fid_inception_layout.txt"  # of torch-fidelity's module
NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
# Every 128th feature that torch-fidelity's inception-v3-compat gives for these weights and this picture.
GOLDEN = (
    *(0.0, 0.17536, 0.0, 0.0, 0.44455, 0.29984, 0.04005, 0.0),
    *(0.12305, 0.0, 0.0, 0.09161, 0.15385, 0.00699, 0.0, 0.0),
)


@pytest.fixture(autouse=True, scope="module")
def single_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return fid_inception.weights()


@pytest.fixture(scope="module")
def inception(tmp_path_factory: pytest.TempPathFactory, weights: dict[str, Tensor]) -> Inception:
    path = tmp_path_factory.mktemp("inception") / NAME
    torch.save(weights, path)
    return read_inception(path)


def test_weights_have_the_names_and_shapes_of_the_published_file(weights):
    rows = [line.split() for line in LAYOUT.read_text().splitlines()]
    expected = {name: tuple(map(int, shape)) for name, *shape in rows}
    for name, *shape in rows:
        if name.endswith("conv.weight"):
            norm = {name.replace("conv.weight", f"bn.{part}"): (int(shape[0]),) for part in NORM}
            expected |= norm | {key: () for key in norm if key.endswith(NORM[-1])}
    assert {key: tuple(value.shape) for key, value in weights.items()} == expected
    assert len(expected) == 566


def test_features_are_those_of_torch_fidelity(inception):
    inputs = prepare(fid_inception.picture(), "tensorflow")[None]
    with torch.inference_mode():
        features = inception.network(inputs)
    assert features.shape == (1, 2048) and not inception.network.training
    np.testing.assert_allclose(features[0, ::128].numpy(), GOLDEN, atol=2e-5)


def test_other_weights_than_the_published_ones_are_known_by_their_hash(inception):
    assert re.fullmatch("[0-9a-f]{64}", inception.sha256) and not inception.is_published
    assert Inception(inception.network, "6726825d" + "0" * 56).is_published


class Script(nn.Module):
    def forward(self, pictures: Tensor) -> Tensor:
        return pictures * 2


def as_torchvision(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    head = {"fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}
    return {**weights, **head, "AuxLogits.fc.weight": torch.zeros(1000, 768)}


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_any_other_file_is_named_for_what_it_is_and_the_right_one_told(tmp_path, weights):
    def said(name: str, content: object) -> str:
        path = tmp_path / name
        torch.save(content, path)
        return complaint(path)

    def complaint(path: Path) -> str:
        with pytest.raises((ValueError, FileNotFoundError)) as caught:
            read_inception(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)
        return str(caught.value)

    few = {key: value for key, value in weights.items() if key.startswith(("Mixed_7", "fc."))}
    messages = {
        "no such file": complaint(tmp_path / "none.pth"),
        "torchvision's Inception v3 of ImageNet (1000 classes, expected 1008)": said(
            "google.pth", as_torchvision(few)
        ),
        "it looks like an HMR2 checkpoint": said(
            "hmr2.ckpt",
            {"backbone.blocks.0.attn.qkv.weight": torch.zeros(1), "smpl_head.x": torch.zeros(1)},
        ),
        "holds no weights": said("empty.pth", {}),
    }
    torch.jit.script(Script()).save(tmp_path / "inception-2015-12-05.pt")
    messages["is a TorchScript program"] = complaint(tmp_path / "inception-2015-12-05.pt")
    (tmp_path / "page.pth").write_text("<!DOCTYPE html><html>Sign in</html>")
    messages["a web page"] = complaint(tmp_path / "page.pth")
    for words, message in messages.items():
        assert words in message and NAME in message and "mseitzer/pytorch-fid" in message, message
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(print))
    assert "refused" in complaint(tmp_path / "evil.pth")
    assert "Conv2d_1a_3x3.conv.weight is missing" in said("few.pth", few)


def test_the_network_is_built_without_drawing_random_weights():
    with torch.device("meta"):
        assert sum(value.numel() for value in FIDInception().state_dict().values()) == 23_885_392
