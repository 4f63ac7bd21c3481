"""Attention spelled out gives what torch's own gives, gradients included."""

import torch
from torch.nn.functional import scaled_dot_product_attention

from synthgen.embedded import attention
from synthgen.embedded.attention import SpelledOut


def parts(seed: int = 0) -> list[torch.Tensor]:
    torch.manual_seed(seed)
    shapes = (2, 3, 7, 8), (2, 3, 5, 8), (2, 3, 5, 4)
    return [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


def test_it_is_the_same_function(monkeypatch):
    calls = []
    spelled_out = attention.attend
    monkeypatch.setattr(attention, "attend", lambda *a, **k: calls.append(1) or spelled_out(*a, **k))
    for options in ({}, {"scale": 0.3}, {"dropout_p": 0.0, "is_causal": False}):
        mine, own = parts(), parts()
        with SpelledOut():
            found = scaled_dot_product_attention(*mine, **options)
        expected = scaled_dot_product_attention(*own, **options)
        found.square().sum().backward()
        expected.square().sum().backward()
        torch.testing.assert_close(found, expected)
        for one, other in zip(mine, own, strict=True):
            torch.testing.assert_close(one.grad, other.grad)
    assert len(calls) == 3


def test_masks_are_left_to_torch():
    q, k, v = parts()
    mask = torch.rand(7, 5) < 0.7
    mask[:, 0] = True
    square = torch.randn(2, 3, 5, 8, dtype=torch.float64)
    with SpelledOut():
        masked = scaled_dot_product_attention(q, k, v, attn_mask=mask)
        causal = scaled_dot_product_attention(square, k, v, is_causal=True)
    torch.testing.assert_close(masked, scaled_dot_product_attention(q, k, v, attn_mask=mask))
    torch.testing.assert_close(causal, scaled_dot_product_attention(square, k, v, is_causal=True))
