"""Muon for matrices, AdamW for the rest, one state."""

import copy

import pytest
import torch
from torch import nn

from synthgen.training.muon import Muon
from synthgen.training.optimizers import Optimizer


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Embedding(40, 32), nn.Conv1d(4, 4, 1), nn.Linear(32, 64), nn.Linear(64, 8), nn.Conv2d(4, 4, 1)
    )


def with_gradients(model: nn.Module, seed: int) -> None:
    torch.manual_seed(seed)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)


def test_a_step_of_muon_is_orthogonal_and_of_the_size_asked_for():
    model = network()
    before = copy.deepcopy(model.state_dict())
    optimizer = Optimizer(model, 0.1, 0.0, use_muon=True)
    with_gradients(model, 1)
    optimizer.step(0.01)
    moved = {name: value - before[name] for name, value in model.state_dict().items()}
    values = torch.linalg.svdvals(moved["2.weight"])
    assert values.max() / values.min() < 2  # close to orthogonal; a gradient at random has far more
    assert 0.1 < float(moved["2.weight"].std()) / 0.01 < 0.4  # about 0.2, AdamW's typical
    for name in ("0.weight", "3.weight", "2.bias"):  # embedding, narrow matrix, vector: AdamW's first step
        torch.testing.assert_close(moved[name].abs(), torch.full_like(moved[name], 0.01), rtol=1e-2, atol=0)


def test_matrices_taken_together_move_as_by_torchs_muon():
    """One of them has no gradient at first; a state of torch's is one of ours."""
    torch.manual_seed(0)
    shapes = [(32, 64)] * 3 + [(64, 32), (32, 32)]
    starts = [torch.randn(shape) for shape in shapes]
    ours, torchs = ([nn.Parameter(one.clone()) for one in starts] for _ in range(2))
    mine = Muon(ours, 0.01, 0.1)
    other = torch.optim.Muon(torchs, lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for step in range(4):
        for place, (one, two) in enumerate(zip(ours, torchs, strict=True)):
            if place or step:
                one.grad = torch.randn(shapes[place])
                two.grad = one.grad.clone()
        if step == 2:
            mine.load_state_dict(copy.deepcopy(other.state_dict()))
        mine.step()
        other.step()
    for one, two, start in zip(ours, torchs, starts, strict=True):
        assert float((one - start).detach().abs().mean()) > 1e-3
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-4)  # a matrix moves by 0.2 * 0.01 a step
    with pytest.raises(ValueError, match=r"takes matrices, got a weight of shape \(3,\)"):
        Muon([torch.zeros(3)], 0.1, 0.0)


def test_without_muon_all_is_adamw():
    model = network()
    assert Optimizer(model, 0.1, 0.0, use_muon=False).parts.keys() == {"adamw"}


def test_filters_of_convolutions_count_as_rows():
    model = nn.Sequential(nn.Conv2d(8, 32, 3), nn.Conv2d(32, 32, 3, groups=32))
    optimizer = Optimizer(model, 0.1, 0.0, use_muon=True)
    shapes = [tuple(p.shape) for group in optimizer.parts["muon"].param_groups for p in group["params"]]
    assert shapes == [(32, 72)]


def test_a_state_goes_on_as_if_never_stopped():
    ends = []
    for is_stopped in (False, True):
        model = network()
        optimizer = Optimizer(model, 0.1, 0.1, use_muon=True)
        for step in range(3):
            if is_stopped and step == 2:
                state = copy.deepcopy(optimizer.state_dict())
                model = copy.deepcopy(model)
                optimizer = Optimizer(model, 0.1, 0.1, use_muon=True)
                optimizer.load_state_dict(state)
            with_gradients(model, step)
            optimizer.step(0.01)
        ends.append(model.state_dict())
    assert all(torch.equal(value, ends[1][name]) for name, value in ends[0].items())


def test_how_weights_lie_in_memory_changes_nothing():
    ends = []
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        model = nn.Conv2d(32, 64, 3).to(memory_format=layout)
        optimizer = Optimizer(model, 0.1, 0.0, use_muon=True)
        model.weight.grad = torch.randn(64, 32, 3, 3, generator=torch.Generator().manual_seed(1))
        optimizer.step(0.01)
        ends.append(model.weight.detach())
    assert ends[1].is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(ends[0], ends[1], rtol=0.02, atol=5e-4)  # Muon works in bfloat16
