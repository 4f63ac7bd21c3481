import pytest
import torch

from synthgen.training.devices import choose_device, has_fast_bf16, takes_bf16


@pytest.mark.parametrize(
    ("device", "has_amx", "expected"), [("cuda", False, True), ("cpu", True, True), ("cpu", False, False)]
)
def test_bfloat16_is_taken_where_it_is_faster(monkeypatch, device, has_amx, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": has_amx})
    assert has_fast_bf16(device) is takes_bf16("auto", device) is expected


def test_cpus_of_other_makes_compute_in_float32(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert not has_fast_bf16("cpu") and takes_bf16("bf16", "cpu") and not takes_bf16("float32", "cuda")


def test_a_device_is_chosen_or_taken_as_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [choose_device(one) for one in ("auto", "cpu", "cuda")] == ["cuda", "cpu", "cuda"]
