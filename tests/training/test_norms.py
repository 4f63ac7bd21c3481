"""Group norms by another way give what torch's own give, gradients included."""

import pytest
import torch
from torch import nn
from torch.nn.functional import group_norm

from synthgen.training import norms
from synthgen.training.norms import PlanarNorms, is_interleaved


def layer_and_picture(shape=(2, 6, 5, 4), dtype=torch.float64):
    torch.manual_seed(0)
    layer = nn.GroupNorm(3, shape[1]).double()
    for weight in layer.parameters():
        nn.init.normal_(weight)
    values = torch.randn(shape, dtype=dtype).contiguous(memory_format=torch.channels_last)
    return layer.to(dtype), values.requires_grad_()


def test_it_is_the_same_function(monkeypatch):
    calls, planar = [], norms.planar_norm
    monkeypatch.setattr(norms, "planar_norm", lambda *a, **k: calls.append(1) or planar(*a, **k))
    (mine, values), (own, others) = layer_and_picture(), layer_and_picture()
    with PlanarNorms():
        found = mine(values)
    expected = own(others)
    found.square().sum().backward()
    expected.square().sum().backward()
    assert len(calls) == 1 and is_interleaved(found)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(values.grad, others.grad)
    for mine_weight, own_weight in zip(mine.parameters(), own.parameters(), strict=True):
        torch.testing.assert_close(mine_weight.grad, own_weight.grad)


@pytest.mark.parametrize("shape", [(2, 6), (2, 6, 7), (2, 6, 5, 4), (2, 6, 1, 1)])
def test_other_layouts_are_left_to_torch(shape, monkeypatch):
    monkeypatch.setattr(norms, "planar_norm", None)
    values = torch.randn(shape)
    with PlanarNorms():
        found = group_norm(values, 2)
    torch.testing.assert_close(found, group_norm(values, 2))


def test_without_a_backward_pass_there_is_nothing_to_gain(monkeypatch):
    monkeypatch.setattr(norms, "planar_norm", None)
    layer, values = layer_and_picture()
    with torch.no_grad(), PlanarNorms():
        found = layer(values)
    torch.testing.assert_close(found, layer(values))
