from dataclasses import replace
from functools import partial

import pytest
import torch
from embedded_options import TINY

from synthgen.embedded import keypoints, mesh, vit_weights
from synthgen.embedded.positions import resized_table
from synthgen.embedded.workshop import Workshop

OPTIONS = replace(TINY.mesh, height=32, patch_size=8)


def tokens_of(model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return what ViTPose's backbone makes of pictures."""
    with torch.no_grad():
        return model.eval().backbone(images).feature_maps[-1]


@pytest.fixture
def pair():
    torch.manual_seed(0)
    same = replace(TINY.keypoints, height=OPTIONS.height, patch_size=8, width=OPTIONS.width, depth=2, heads=2)
    return mesh.build(OPTIONS).backbone.eval(), keypoints.build(same)


@pytest.mark.parametrize("forward", [True, False])
def test_both_models_see_the_same_with_the_same_weights(pair, forward):
    ours, theirs = pair
    images = torch.randn(2, 3, OPTIONS.height, OPTIONS.height * 3 // 4)
    with torch.no_grad():
        assert not torch.allclose(ours(images), tokens_of(theirs, images), atol=1e-3)
        vit_weights.put(ours, theirs) if forward else vit_weights.put(theirs, ours)
        assert torch.allclose(ours(images), tokens_of(theirs, images), atol=1e-4)


def test_the_way_there_and_back_changes_nothing(pair):
    state = pair[0].state_dict()
    back = vit_weights.from_vitpose(vit_weights.to_vitpose(state))
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], value) for name, value in state.items())


def test_other_sizes_are_told(pair):
    ours, theirs = pair
    with pytest.raises(ValueError, match="one of the two must be a ViT"):
        vit_weights.put(theirs, theirs)
    deeper = mesh.build(replace(OPTIONS, depth=3)).backbone
    with pytest.raises(ValueError, match="differ in depth or width"):
        vit_weights.put(deeper, theirs)


@pytest.mark.parametrize("is_from_mesh", [True, False])
def test_keypoints_of_larger_crops_begin_with_what_knows_smaller_ones(pair, is_from_mesh, tmp_path):
    ours, small = pair
    options = replace(TINY.keypoints, height=64, patch_size=8, width=OPTIONS.width, depth=2, heads=2)
    large = keypoints.build(options)
    shop = Workshop(
        name="keypoints", inputs="", options=replace(TINY, keypoints=options), work=tmp_path / "work",
        weights=tmp_path / "weights", device="cpu", bf16=False, seed=0, start_from=tmp_path / "start",
    )  # fmt: skip
    if is_from_mesh:
        estimator = mesh.build(OPTIONS)
        estimator.backbone.load_state_dict(ours.state_dict())
        estimator.save_folder(tmp_path / "weights" / "mesh")
        vit_weights.put(ours, small)
        keypoints._start_with_mesh(large, shop)
    else:
        small.save_pretrained(tmp_path / "start" / "keypoints")
        assert shop.begin(large, "keypoints", partial(keypoints._at_size_of, large))
    place = keypoints._POSITIONS
    known = {name: value for name, value in small.state_dict().items() if name.startswith("backbone.")}
    found = large.state_dict()
    assert all(torch.equal(found[name], value) for name, value in known.items() if name != place)
    assert torch.equal(found[place], resized_table(known[place], (4, 3), (8, 6)))
