import pytest
import torch

from synthgen.training.devices import choose_device, has_fast_bf16, takes_bf16


@pytest.mark.parametrize(
    ("device", "capability", "expected"),
    [("cuda", "", True), ("cpu", "amx_bf16", True), ("cpu", "avx512_bf16", True), ("cpu", "avx512_f", False)],
)
def test_bfloat16_is_taken_where_it_is_faster(monkeypatch, device, capability, expected):
    known = ("amx_bf16", "avx512_bf16", "avx512_f")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {one: one == capability for one in known})
    assert has_fast_bf16(device) is takes_bf16("auto", device) is expected


def test_cpus_of_other_makes_compute_in_float32(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert not has_fast_bf16("cpu") and takes_bf16("bf16", "cpu") and not takes_bf16("float32", "cuda")


def test_a_device_is_chosen_or_taken_as_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [choose_device(one) for one in ("auto", "cpu", "cuda")] == ["cuda", "cpu", "cuda"]
