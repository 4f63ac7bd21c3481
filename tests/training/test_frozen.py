"""Frozen weights held in bfloat16: what autocast computes does not change by a bit, nor do gradients."""

import copy

import pytest
import torch
from torch import nn

from synthgen.training import frozen


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8)
        self.still, self.learnt = nn.Linear(8, 8), nn.Linear(8, 4)
        self.same = nn.Linear(8, 8)
        self.same.weight = self.still.weight
        for part in (self.conv, self.norm, self.still, self.same):
            part.requires_grad_(False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.learnt(self.same(self.still(self.norm(self.conv(image)).mean((2, 3)))))


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Net()


def outcome(net: Net, image: torch.Tensor) -> list[torch.Tensor]:
    image = image.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        answer = net(image)
    answer.float().square().sum().backward()
    assert image.grad is not None and net.learnt.weight.grad is not None
    return [answer.detach(), image.grad, net.learnt.weight.grad]


def test_answers_and_gradients_stay_the_same_bit_for_bit(net: Net) -> None:
    image, other = torch.randn(2, 3, 9, 9), copy.deepcopy(net)
    frozen.halve(net)
    assert net.conv.weight.dtype == net.still.bias.dtype == torch.bfloat16
    assert net.same.weight is net.still.weight
    assert net.norm.weight.dtype == net.learnt.weight.dtype == torch.float32
    assert all(map(torch.equal, outcome(net, image), outcome(other, image)))


def test_what_was_rounded_comes_back(net: Net) -> None:
    other = copy.deepcopy(net)
    frozen.halve(net)
    with torch.no_grad():
        net.learnt.weight.zero_()
    frozen.restore(net, other)
    assert torch.equal(net.conv.weight, other.conv.weight) and net.same.weight is net.still.weight
    assert torch.equal(net.same.weight, other.same.weight) and not net.learnt.weight.any()
