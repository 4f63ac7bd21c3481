"""What is loaded for a choice, and how models are asked."""

import logging
from dataclasses import replace
from typing import Any

import pytest
from fake_models import nodes

from synthgen.agreement import Verification
from synthgen.generate import make_samples
from synthgen.models import Method, ModelChoice, load_models, role_problems, roles_needed
from synthgen.quality import Gate
from synthgen.sample import Request, Sample
from synthgen.stages.prior import Judging
from synthgen.stages.redraw import Redrawing

OPEN = Verification(0, 0, 0, 9, 9e3, min_limb=0, min_support=0, same_people=False, on_mismatch="reject")
METHOD = Method(verify=OPEN, quality=Gate(min_visible_joints=1))
WORDS = {"backend": "fake_models:Source"}
EVERYTHING = set(nodes())


def choice(source: Any = None, method: Method = METHOD, **keys: Any) -> ModelChoice:
    return ModelChoice("open", "warp", "cpu", source or WORDS, method, "cafe", nodes(**keys))


def requests(count: int) -> list[Request]:
    return [Request(f"r-{n}", n, n, "a person", "bad", "text", n) for n in range(count)]


@pytest.mark.parametrize("role", ["draft", "redraw", "segmenter", "keypoints", "mesh"])
def test_out_of_memory_halves_the_batch_of_that_model_and_says_so(role: str, caplog: Any) -> None:
    models = load_models(choice(**{role: {"capacity": 2}}))
    with caplog.at_level(logging.WARNING):
        items = list(make_samples(requests(2), models))
    assert all(isinstance(item, Sample) for item in items)
    assert f"{role}: out of GPU memory; from now on 2 at once" in caplog.text
    sizes = {name: backend.batch_size for name, backend in models.roles.items()}
    assert sizes == {name: 2 if name == role else 4 for name in sizes}
    caplog.clear()
    list(make_samples(requests(2), models))
    assert "out of GPU memory" not in caplog.text, "it stays halved"


def test_a_batch_is_halved_once_in_the_life_of_a_model() -> None:
    import torch

    models = load_models(choice(draft={"capacity": 1}))
    with pytest.raises(torch.cuda.OutOfMemoryError, match="Tried to allocate"):
        list(make_samples(requests(1), models))
    assert models.roles["draft"].batch_size == 2 and len(models.roles["draft"].calls) == 2
    with pytest.raises(torch.cuda.OutOfMemoryError):
        list(make_samples(requests(1), models))
    assert models.roles["draft"].batch_size == 2 and len(models.roles["draft"].calls) == 3


def test_a_batch_of_one_cannot_be_halved_and_other_errors_are_none_of_it(monkeypatch: Any) -> None:
    import torch

    models = load_models(choice(draft={"capacity": -1, "batch_size": 1}))
    with pytest.raises(torch.cuda.OutOfMemoryError):
        list(make_samples(requests(1), models))
    assert len(models.roles["draft"].calls) == 1

    def broken(*asked: Any) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    models = load_models(choice())
    monkeypatch.setattr(type(models.roles["draft"]), "note", broken)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        list(make_samples(requests(1), models))
    assert models.roles["draft"].batch_size == 4


def test_each_source_needs_its_roles() -> None:
    rectify = replace(METHOD, verify=replace(OPEN, on_mismatch="rectify"))
    witnesses = ("segmenter", "keypoints", "mesh")
    assert roles_needed("render", METHOD) == ()
    assert roles_needed("render", replace(METHOD, verify=replace(OPEN, renders=True))) == witnesses
    assert roles_needed("render", replace(METHOD, redraw=Redrawing(renders=True))) == ("redraw", *witnesses)
    assert roles_needed("text", METHOD) == ("draft", "redraw", *witnesses)
    assert roles_needed("real", METHOD) == roles_needed("pose", METHOD) == ("redraw", *witnesses)
    assert roles_needed("pose", rectify) == ("redraw", *witnesses, "refiner")
    assert roles_needed("render", rectify) == ()
    (problem,) = role_problems("text", METHOD, {role: {} for role in EVERYTHING - {"mesh"}})
    assert problem.startswith("models.mesh is needed with source.backend=text: set models=embedded")


def test_nothing_is_loaded_that_is_not_needed() -> None:
    render = {"backend": "render", "image_size": 128}
    assert not load_models(choice(render)).roles
    models = load_models(choice(render, replace(METHOD, redraw=Redrawing(renders=True))))
    assert set(models.roles) == EVERYTHING - {"draft", "refiner"}, "a prior is taken where there is any"
    assert set(load_models(choice({"backend": "text"})).roles) == EVERYTHING - {"refiner"}
    rectify = replace(METHOD, verify=replace(OPEN, on_mismatch="rectify"))
    assert set(load_models(choice({"backend": "text"}, rectify)).roles) == EVERYTHING
    assert set(load_models(choice(WORDS)).roles) == EVERYTHING, "a source of one's own may hand out anything"


def test_provenance_names_every_role_and_its_revision() -> None:
    provenance = load_models(choice({"backend": "text"})).provenance
    assert provenance.models.keys() == provenance.revisions.keys()
    assert provenance.models.keys() == {"source", "body", "renderer", *(EVERYTHING - {"refiner"})}
    assert provenance.revisions["prior"] == "Prior-1" and provenance.models["body"] == "open"


def test_estimator_and_labels_must_share_a_body() -> None:
    with pytest.raises(
        ValueError, match=r"models.mesh.body is smpl, but body=open is open: estimator and labels"
    ):
        load_models(choice(mesh={"body": "smpl"}))


def test_missing_roles_are_all_named() -> None:
    bare = replace(choice({"backend": "text"}), nodes={"draft": {"backend": "fake_models:Draft"}})
    with pytest.raises(
        ValueError, match=r"models.redraw is needed .*; models.segmenter is needed .*models.mesh"
    ):
        load_models(bare)


def test_variants_and_verdicts_on_easy_poses_need_a_prior() -> None:
    assert "prior" not in roles_needed("text", Method())
    assert "prior" in roles_needed("text", Method(prior=Judging(variants=3)))
    assert "prior" in roles_needed("pose", Method(prior=Judging(easy="drop")))
    assert "prior" not in roles_needed("render", Method(prior=Judging(variants=3))), "nothing is varied there"
    without = {role: node for role, node in nodes().items() if role != "prior"}
    (problem,) = role_problems("text", Method(prior=Judging(variants=3)), without)
    assert problem.startswith("models.prior is needed with source.backend=text")
