from dataclasses import replace

import numpy as np
import pytest
import torch
from embedded_options import TINY

from synthgen.embedded import (
    captions,
    depth_channel,
    draft,
    keypoints,
    mesh,
    redraw,
    segmenter,
    steps,
    vae,
)
from synthgen.embedded.body_maps import COUNT
from synthgen.embedded.options import Curriculum
from synthgen.embedded.plan import Plan
from synthgen.embedded.workshop import KEEP_DTYPE
from synthgen.training import receipts

LARGEST_FILE, LARGEST_SUM = 16e6, 60e6  # bytes, of the weights that come with the package


def plan(folder, options=TINY):
    return Plan(
        options=options, work=folder / "work", weights=folder / "weights", device="cpu", bf16=False, seed=0
    )


def test_receipts_tell_changes_of_inputs_and_of_outputs(tmp_path):
    made = tmp_path / "model"
    made.mkdir()
    (made / "a").write_text("one")
    assert not receipts.is_current(tmp_path, "x", [made])
    receipts.write(tmp_path, "x", [made])
    assert receipts.is_current(tmp_path, "x", [made])
    assert not receipts.is_current(tmp_path, "y", [made])
    (made / "a").write_text("two")
    assert not receipts.is_current(tmp_path, "x", [made])
    (made / "a").write_text("one")
    assert receipts.is_current(tmp_path, "x", [made])
    (made / "b").touch()
    assert not receipts.is_current(tmp_path, "x", [made])
    with pytest.raises(FileNotFoundError, match="nothing: no such file"):
        receipts.files_digest([tmp_path / "nothing"])


def test_steps_that_were_never_run_are_asked_for(tmp_path):
    assert steps.missing(["draft"], plan(tmp_path)) == ["draft needs what vae makes; run steps=[vae,draft]"]
    assert steps.missing(["vae", "draft", "mesh", "prior"], plan(tmp_path)) == []
    assert steps.missing(["segmenter"], plan(tmp_path)) == [
        "segmenter needs what redraw makes; run steps=[redraw,segmenter]"
    ]
    with pytest.raises(ValueError, match="everyday: no shards here; run the step render first"):
        steps.run("vae", plan(tmp_path))


def test_only_what_matters_makes_a_step_due(tmp_path):
    inputs = steps._inputs("prior", plan(tmp_path))
    slower = replace(TINY.prior.training, minutes=7)
    assert steps._inputs(
        "prior", plan(tmp_path, replace(TINY, prior=replace(TINY.prior, training=slower)))
    ) == (inputs)
    longer = replace(TINY.prior.training, steps=3)
    for changed in (replace(TINY.prior, training=longer), replace(TINY.prior, kl=0.5)):
        assert steps._inputs("prior", plan(tmp_path, replace(TINY, prior=changed))) != inputs
    assert steps._inputs("prior", replace(plan(tmp_path), seed=1)) != inputs


@pytest.mark.parametrize("name", ["segmenter", "keypoints"])
def test_other_drawings_make_those_due_that_learn_from_them(name, tmp_path, monkeypatch):
    monkeypatch.setattr("synthgen.embedded.pictures.shards_digest", lambda folders: "pictures")
    for output in ("redraw", "mesh"):
        (tmp_path / "weights" / output).mkdir(parents=True)

    def inputs(**changes):
        drawn = replace(TINY.redrawn, **changes)
        return steps._inputs(name, plan(tmp_path, replace(TINY, redrawn=drawn)))

    assert inputs(minutes=99.0) == inputs()
    assert len({inputs(), inputs(count=5), inputs(guidance_scale=1.0), inputs(num_inference_steps=9)}) == 4


def test_weights_of_the_default_sizes_are_small_enough():
    options = Curriculum()
    words = [chr(97 + n % 26) * (2 + n // 26) for n in range(options.draft.vocabulary)]
    tokenizer = captions.learn_tokenizer([" ".join(words)], options.draft)
    latent = (options.vae.latent_channels + COUNT, 32, 32)
    with torch.device("meta"):
        autoencoder = vae.build(options.vae, options.render.image_size)
        encoder = captions.build_text_encoder(options.draft, tokenizer)
        unets = [draft.build_unet(options.draft, latent, extra) for extra in (0, 1)]
    others = [
        segmenter.build(options.segmenter), keypoints.build(options.keypoints), mesh.build(options.mesh),
    ]  # fmt: skip
    files = [autoencoder, autoencoder, encoder, encoder, *unets, *others]
    sizes = [sum(p.numel() for p in model.parameters()) * KEEP_DTYPE.itemsize for model in files]
    assert max(sizes) < LARGEST_FILE and sum(sizes) < LARGEST_SUM - 2e6, sizes  # the rest: prior and JSON


def test_the_depth_channel_changes_nothing_at_first():
    unet = draft.build_unet(TINY.draft, (4, 16, 16)).eval()
    wider = depth_channel.with_depth_channel(unet).eval()
    noisy, depth = torch.randn(2, 4, 16, 16), torch.randn(2, 1, 16, 16)
    context = torch.randn(2, 5, TINY.draft.text_width)
    with torch.no_grad():
        before = unet(noisy, 10, context).sample
        after = wider(torch.cat([noisy, depth], 1), 10, context).sample
    assert torch.allclose(before, after, atol=1e-5)


def test_without_the_depth_channel_a_unet_sees_what_it_sees_in_an_empty_one():
    wider = draft.build_unet(TINY.draft, (4, 16, 16), extra=1).eval()
    narrow = depth_channel.without_depth_channel(wider).eval()
    noisy, context = torch.randn(2, 4, 16, 16), torch.randn(2, 5, TINY.draft.text_width)
    with torch.no_grad():
        blind = wider(torch.cat([noisy, torch.zeros(2, 1, 16, 16)], 1), 10, context).sample
        assert torch.allclose(narrow(noisy, 10, context).sample, blind, atol=1e-5)
    again = depth_channel.with_depth_channel(narrow, wider.state_dict())
    found = again.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in wider.state_dict().items())


def test_redraw_goes_on_from_the_u_net_that_became_the_drafts_and_from_no_other(tmp_path):
    learned, other = (draft.build_unet(TINY.draft, (4, 16, 16), extra=1) for _ in range(2))
    learned.save_pretrained(tmp_path / "unet")
    own, foreign = (depth_channel.without_depth_channel(unet).to(KEEP_DTYPE) for unet in (learned, other))
    found = redraw._that_saw_depth(own, tmp_path / "unet")
    kept = found.state_dict()
    assert all(torch.equal(value, kept[name]) for name, value in learned.state_dict().items())
    assert redraw._that_saw_depth(foreign, tmp_path / "unet") is None
    assert redraw._that_saw_depth(own, tmp_path / "nothing") is None


def test_the_draft_is_not_taught_with_people_too_small_for_its_pictures(pictures):
    rows = pictures.rows(False)
    cover = pictures.cover(rows)
    masks = pictures.mask[rows]
    assert np.allclose(cover, ((masks > 0) & (masks < 255)).mean((1, 2)))
    limit = float(np.median(cover))
    assert draft.taught(pictures, 0).tolist() == rows.tolist()
    assert draft.taught(pictures, limit).tolist() == rows[cover >= limit].tolist()
    assert 0 < len(draft.taught(pictures, limit)) < len(rows)
    with pytest.raises(ValueError, match="min_cover"):
        draft.taught(pictures, 0.999)
