"""Low-rank updates added to small weights: peft's answers and gradients."""

import copy

import pytest
import torch
from peft.tuners.lora.layer import Conv2d, Linear
from torch import nn

from synthgen.dpmesh import merged_lora
from synthgen.dpmesh.lora import add_lora, fold_lora, lora_layers


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(12, 16, 3, 2, 1)
        self.to_q = nn.Linear(16, 24, bias=False)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return self.to_q(self.conv1(picture).flatten(2).mT)


def net(rank: int) -> Net:
    torch.manual_seed(0)
    made = Net()
    add_lora(made, rank, r".*(to_q|conv1)|to_q|conv1")
    for layer in lora_layers(made):
        nn.init.normal_(layer.lora_B["default"].weight)
    return made


def plain(model: Net) -> Net:
    """Return a copy that computes as peft does."""
    found = copy.deepcopy(model)
    for layer in lora_layers(found):
        layer.__class__ = {merged_lora.MergedLinear: Linear, merged_lora.MergedConv2d: Conv2d}[type(layer)]
    return found


@pytest.mark.parametrize(("rank", "counts"), [(8, 2), (1, 0)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_answers_and_gradients_are_pefts(
    monkeypatch: pytest.MonkeyPatch, rank: int, counts: int, layout: torch.memory_format
) -> None:
    model = net(rank).to(memory_format=layout)
    other = plain(model)
    called = []
    merged = merged_lora._merged
    monkeypatch.setattr(merged_lora, "_merged", lambda layer: called.append(1) or merged(layer))
    picture = torch.randn(2, 12, 8, 8)
    found, want = model(picture), other(picture)
    assert len(called) == counts, "large layers beside small updates keep peft's way"
    torch.testing.assert_close(found, want, atol=1e-4, rtol=1e-5)
    for one in (found, want):
        one.square().sum().backward()
    for (name, one), two in zip(model.named_parameters(), other.parameters(), strict=True):
        assert (one.grad is None) == (two.grad is None) == (not one.requires_grad), name
        if one.grad is not None:
            torch.testing.assert_close(one.grad, two.grad, atol=1e-2, rtol=1e-4)
    fold_lora(model)
    torch.testing.assert_close(model(picture), want, atol=1e-4, rtol=1e-5)


def test_bfloat16_is_left_to_peft(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merged_lora, "_merged", lambda _: pytest.fail("the sum would be rounded"))
    model = net(8)
    with torch.autocast("cpu", torch.bfloat16):
        assert model(torch.randn(1, 12, 8, 8)).dtype == torch.bfloat16
