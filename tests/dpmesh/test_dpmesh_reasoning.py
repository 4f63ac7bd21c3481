from dataclasses import replace

import pytest
import torch
from crops_and_labels import right_answer

from synthgen.dpmesh.losses import LossOptions, total
from synthgen.dpmesh.reasoning import reasoning_loss


def features(count: int = 4, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 3, 2, 2, generator=torch.Generator().manual_seed(seed))


def test_by_hand() -> None:
    student = torch.tensor([[1.0, 0.0], [1.0, 1.0]]).view(2, 2, 1, 1)
    teacher = torch.tensor([[2.0, 0.0], [0.0, 1.0]]).view(2, 2, 1, 1)
    parts = reasoning_loss(student, teacher, temperature=0.5)
    half = 2**-0.5  # cosine of 45 degrees
    first = -torch.log(torch.tensor([1.0, 0.0]).div(0.5).softmax(0)[0])
    second = -torch.log(torch.tensor([half, half]).div(0.5).softmax(0)[1])
    assert parts["reasoning_simclr"].item() == pytest.approx((first + second).item() / 2, rel=1e-5)
    assert parts["reasoning_mse"].item() == pytest.approx((1 + 0 + 1 + 0) / 4)


def test_the_teachers_own_features_are_best() -> None:
    teacher = features()
    same = reasoning_loss(teacher, teacher)
    other = reasoning_loss(teacher.roll(1, 0), teacher)
    assert same["reasoning_mse"].item() == 0
    assert same["reasoning_simclr"] < 0.1 < other["reasoning_simclr"]


def test_only_the_student_learns() -> None:
    student, teacher = features().requires_grad_(), features(seed=1).requires_grad_()
    torch.autograd.backward(total(reasoning_loss(student, teacher), LossOptions()))
    assert student.grad is not None and student.grad.any()
    assert teacher.grad is None


def test_gradients_are_right() -> None:
    student, teacher = features(3).double().requires_grad_(), features(3, 1).double()

    def of(x: torch.Tensor) -> torch.Tensor:
        return torch.stack(list(reasoning_loss(x, teacher, 0.3).values()))

    # The losses are computed in single precision.
    assert torch.autograd.gradcheck(of, student, eps=1e-2, atol=1e-2, rtol=1e-2)


def test_a_batch_of_one_learns_from_the_difference_alone() -> None:
    student, teacher = features(1).requires_grad_(), features(1, 1)
    parts = reasoning_loss(student, teacher)
    assert parts["reasoning_simclr"].item() == 0
    torch.autograd.backward(sum(parts.values()))
    assert torch.allclose(student.grad, 2 * (student.detach() - teacher) / student.numel(), atol=1e-6)


def test_answers_may_be_given_whole() -> None:
    bodies, _, _ = right_answer(3)
    teacher = replace(bodies, features=bodies.features + 1)
    whole = reasoning_loss(bodies, teacher)
    assert whole["reasoning_mse"].item() == pytest.approx(1)
    parts = reasoning_loss(bodies.features, teacher.features)
    assert parts["reasoning_simclr"].item() == whole["reasoning_simclr"].item()


def test_a_student_finds_the_teacher() -> None:
    teacher = features(5, 1)
    student = features(5).requires_grad_()
    optimizer = torch.optim.Adam([student], lr=0.1)
    for _ in range(60):
        optimizer.zero_grad()
        torch.autograd.backward(sum(reasoning_loss(student, teacher).values()))
        optimizer.step()
    assert (student - teacher).abs().mean() < 0.1


def test_features_of_nothing_are_finite() -> None:
    student = torch.zeros(2, 3, 2, 2, requires_grad=True)
    parts = reasoning_loss(student, torch.zeros(2, 3, 2, 2))
    torch.autograd.backward(sum(parts.values()))
    assert all(torch.isfinite(value) for value in parts.values())
    assert torch.isfinite(student.grad).all()


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"one shape, got \(4, 3, 2, 2\) and \(5, 3, 2, 2\)"):
        reasoning_loss(features(4), features(5))
    with pytest.raises(ValueError, match="temperature must be above 0, got 0"):
        reasoning_loss(features(), features(), 0)
