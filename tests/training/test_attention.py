"""Attention spelled out gives what torch's own gives, gradients included."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from synthgen.training import attention
from synthgen.training.attention import SpelledOut

MASK = torch.rand(7, 5, generator=torch.Generator().manual_seed(1)) < 0.7
MASK[:, 0] = True


def parts() -> list[torch.Tensor]:
    torch.manual_seed(0)
    shapes = (2, 3, 7, 8), (2, 3, 5, 8), (2, 3, 5, 4)
    return [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scale": 0.3, "dropout_p": 0.0, "is_causal": False},
        {"is_causal": True},
        {"attn_mask": MASK},
        {"attn_mask": torch.where(MASK, 0.5, -2.0).double()},
    ],
)
def test_it_is_the_same_function(options, monkeypatch):
    calls = []
    spelled_out = attention.attend
    monkeypatch.setattr(attention, "attend", lambda *a, **k: calls.append(1) or spelled_out(*a, **k))
    mine, own = parts(), parts()
    with SpelledOut():
        found = scaled_dot_product_attention(*mine, **options)
    expected = scaled_dot_product_attention(*own, **options)
    found.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(found, expected)
    for one, other in zip(mine, own, strict=True):
        torch.testing.assert_close(one.grad, other.grad)
    assert calls


def test_dropout_is_left_to_torch(monkeypatch):
    monkeypatch.setattr(attention, "attend", lambda *a, **k: pytest.fail("not asked for"))
    torch.manual_seed(0)
    with SpelledOut():
        scaled_dot_product_attention(*parts(), dropout_p=0.5)


@pytest.mark.parametrize(
    ("pairs", "dtype", "calls"),
    [
        ((2048, 2048), torch.float32, 0),
        ((2048, 2048), torch.bfloat16, 1),
        ((2047, 2048), torch.float32, 1),
        ((32768, 128), torch.float32, 1),
    ],
)
def test_many_pairs_are_left_to_torch_in_float32(pairs, dtype, calls, monkeypatch):
    found = []
    monkeypatch.setattr(attention, "attend", lambda query, key, value: found.append(1) or query)
    query, key = (torch.zeros(1, count, 2, dtype=dtype) for count in pairs)
    with SpelledOut():
        scaled_dot_product_attention(query, key, key)
    assert len(found) == calls
