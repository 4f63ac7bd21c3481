"""Attention of the cascade decoder: torch's layers, open to a training that spells attention out."""

import pytest
import torch
from torch import nn

from synthgen.dpmesh.cascade import attend
from synthgen.training import attention
from synthgen.training.attention import SpelledOut


def test_it_is_the_layers_own_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(24, 4, batch_first=True)
    nn.init.normal_(layer.in_proj_bias)
    query, key, value = torch.randn(3, 2, 7, 24, requires_grad=True).unbind()
    key, value = torch.cat([key, query], 1), torch.cat([value, key], 1)
    want = layer(query, key, value, need_weights=False)[0]
    slopes = torch.autograd.grad(want.square().sum(), list(layer.parameters()), retain_graph=True)
    called = []
    spelled = attention.attend
    monkeypatch.setattr(attention, "attend", lambda *a, **k: called.append(1) or spelled(*a, **k))
    for context, calls in ((torch.enable_grad(), 0), (SpelledOut(), 1)):
        with context:
            found = attend(layer, query, key, value)
        assert len(called) == calls
        torch.testing.assert_close(found, want, atol=1e-6, rtol=1e-5)
        got = torch.autograd.grad(found.square().sum(), list(layer.parameters()), retain_graph=True)
        for one, other in zip(got, slopes, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_dropout_is_the_layers_own() -> None:
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(24, 4, dropout=0.5, batch_first=True)
    tokens = torch.randn(2, 7, 24)
    drawn = [attend(layer, tokens, tokens, tokens) for _ in range(2)]
    assert not torch.equal(*drawn)
    layer.eval()
    torch.testing.assert_close(attend(layer, tokens, tokens, tokens), layer(tokens, tokens, tokens)[0])
