import pytest
import torch
from crops_and_labels import rotations
from torch import Tensor

from synthgen.dpmesh.codebook import CodebookConfig, PoseCodebook
from synthgen.dpmesh.codebook_head import CodebookHead

TINY = CodebookConfig(tokens=8, codes=32, code_dim=8, width=32, depth=1)


def head(is_frozen: bool = True) -> CodebookHead:
    torch.manual_seed(0)
    return CodebookHead(PoseCodebook(TINY), 20, is_frozen)


def codes(count: int = 4) -> Tensor:
    return torch.randn(count, 20, generator=torch.Generator().manual_seed(2))


def test_answers_body_rotations() -> None:
    model = head()
    assert model.width == 20
    found = model(codes())
    assert found.shape == (4, 23, 3, 3)
    assert torch.allclose(found @ found.mT, torch.eye(3).expand_as(found), atol=1e-5)
    assert model.logits(codes()).shape == (4, 8, 32)
    assert torch.allclose(model(codes())[:1], model(codes()[:1]), atol=1e-6)


def test_sure_tokens_decode_as_the_codebook_does() -> None:
    model = head()
    tokens = torch.arange(8)
    with torch.no_grad():
        model.classes.weight.zero_()
        model.classes.bias.fill_(-50.0)
        model.classes.bias[5] = 50.0
    want = model.codebook.decode_tokens(torch.full_like(tokens, 5)[None])[:, 1:]
    assert torch.allclose(model(codes(1)), want, atol=1e-5)


def test_only_the_classifier_learns() -> None:
    model = head()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    want = rotations(4, 23, seed=4)
    optimizer = torch.optim.Adam([value for value in model.parameters() if value.requires_grad], lr=1e-2)
    course = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = ((model(codes()) - want) ** 2).mean()
        torch.autograd.backward(loss)
        optimizer.step()
        course.append(loss.item())
    assert course[-1] < 0.7 * course[0]
    for name, value in model.state_dict().items():
        assert torch.equal(before[name], value) == name.startswith("codebook."), name


def test_the_decoder_may_learn_too() -> None:
    model = head(is_frozen=False)
    names = {name for name, value in model.named_parameters() if value.requires_grad}
    assert any(name.startswith("codebook.decoder.") for name in names)
    assert not any(name.startswith("codebook.encoder.") for name in names)


def test_weights_travel_in_the_state_dict() -> None:
    model, other = head(), CodebookHead(PoseCodebook(TINY), 20)
    assert not torch.allclose(model(codes()), other(codes()))
    other.load_state_dict(model.state_dict())
    assert torch.equal(model(codes()), other(codes()))


def test_lower_precisions_work() -> None:
    want = head()(codes())
    with torch.autocast("cpu", torch.bfloat16):
        found = head()(codes())
    assert found.dtype == torch.float32
    assert torch.allclose(found, want, atol=0.05)
    assert head().bfloat16()(codes().bfloat16()).shape == (4, 23, 3, 3)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"code must be \(B, 20\), got \(2, 3\)"):
        head()(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="width of a codebook head must be at least 1, got 0"):
        CodebookHead(PoseCodebook(TINY), 0)
