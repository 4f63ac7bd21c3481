import pytest
import torch

from synthgen.run import import_recipe


@pytest.mark.parametrize(
    ("device", "has_amx", "expected"), [("cuda", False, True), ("cpu", True, True), ("cpu", False, False)]
)
def test_bfloat16_is_taken_where_it_is_faster(monkeypatch, device, has_amx, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": has_amx})
    assert import_recipe("train_embedded").has_fast_bf16(device) is expected


def test_cpus_of_other_makes_compute_in_float32(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert not import_recipe("train_embedded").has_fast_bf16("cpu")
