"""Cross-attention folded into the prompt: the same answers and maps, without its layers."""

from dataclasses import replace

import pytest
import torch
from diffusers.models.attention_processor import Attention
from dpmesh_parts import TINY, crops
from torch import nn

from synthgen.dpmesh.model import DPMesh
from synthgen.dpmesh.prompt_attention import PromptAttention, coordinates
from synthgen.dpmesh.unet import KeptAttention


@pytest.mark.parametrize("bias", [False, True])
def test_a_folded_attention_says_and_keeps_the_same(bias: bool) -> None:
    torch.manual_seed(0)
    processor = KeptAttention()
    plain = Attention(64, 48, heads=4, dim_head=16, bias=bias, processor=processor).eval()
    prompt = nn.Linear(2, 48)
    pictures, points = torch.randn(2, 9, 64), torch.rand(2, 30, 2)
    with torch.inference_mode():
        want = plain(pictures, encoder_hidden_states=prompt(points))
        maps, processor.kept = processor.kept, None
        folded = PromptAttention(plain, prompt, processor.keep)
        found = folded(pictures, encoder_hidden_states=coordinates(points), attention_mask=None)
    torch.testing.assert_close(found, want, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(processor.kept, maps, atol=1e-6, rtol=1e-5)
    assert sum(one.numel() for one in (folded.ask, folded.answer)) == 2 * 4 * 3 * 64


def test_bfloat16_beside_it_costs_no_accuracy() -> None:
    torch.manual_seed(0)
    plain, prompt = Attention(64, 48, heads=4, dim_head=16).eval(), nn.Linear(2, 48)
    pictures, points = torch.randn(2, 9, 64).bfloat16(), torch.rand(2, 30, 2)
    folded = PromptAttention(plain, prompt, None).to(torch.bfloat16)
    with torch.inference_mode():
        want = plain(pictures.float(), encoder_hidden_states=prompt(points)).bfloat16()
        with torch.autocast("cpu", torch.bfloat16):
            found = folded(pictures, encoder_hidden_states=coordinates(points))
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found, want, atol=1e-5, rtol=0.01)


@pytest.mark.parametrize("unobserved", [False, True])
def test_a_compact_backbone_has_no_cross_attention_and_sees_every_joint(unobserved: bool) -> None:
    torch.manual_seed(0)
    model, seen = DPMesh(replace(TINY, prompt_unobserved=unobserved)).eval(), crops(128)
    with torch.inference_mode():
        want = model.backbone.tapped(seen.images, seen.keypoints_2d, seen.confidence)
        model.compact().compact()  # a second time changes nothing
        found = model.backbone.tapped(seen.images, seen.keypoints_2d, seen.confidence)
    for one, other in zip(found, want, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4 * float(other.abs().max()), rtol=0)
    names = [name for name, _ in model.backbone.named_parameters()]
    assert not any("attn2" in name or "kp_lifting" in name for name in names)


def test_learnt_tokens_keep_their_attention() -> None:
    torch.manual_seed(0)
    model, seen = DPMesh(replace(TINY, prompt=False)).eval(), crops(128)
    with torch.inference_mode():
        want = model(seen)
        found = model.compact()(seen)
    torch.testing.assert_close(found.features, want.features, atol=1e-4, rtol=1e-4)
