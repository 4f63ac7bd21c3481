"""The whole method with exact models: what becomes of a request under each option."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_models import RED, is_like, nodes, painted

from synthgen.agreement import Verification
from synthgen.generate import make_samples
from synthgen.models import Method, ModelChoice, Models, load_models
from synthgen.quality import Gate
from synthgen.sample import Rejection, Request, Sample
from synthgen.stages.masks import Masking
from synthgen.stages.prior import Judging
from synthgen.stages.redraw import Redrawing
from synthgen.trust import Trust

OPEN = Verification(
    min_iou=0.5,
    min_pck=0,
    min_oks=0,
    max_worst_joint=9,
    max_mpvpe_mm=9e3,
    min_limb=0,
    on_mismatch="reject",
    rectified=Trust(0, 0),
)
GATE = Gate(min_visible_joints=1)
Load = Callable[..., Models]


def load(
    gives: str = "words", source: dict[str, Any] | None = None, method: Any = None, **keys: Any
) -> Models:
    node = {"backend": "fake_models:Source", "gives": gives, **(source or {})}
    method = {"verify": OPEN, "quality": GATE, **(method or {})}
    choice = ModelChoice(
        "open", "warp", "cpu", node, Method(**method), "cafe", nodes(**keys), keep_drafts=True
    )
    return load_models(choice)


def requests(*prompts: str, variants: int = 1) -> list[Request]:
    return [
        Request(f"r-{n}", n, 40 + n // variants, prompt, "bad", "text", n // variants, n % variants)
        for n, prompt in enumerate(prompts)
    ]


def made(models: Models, *prompts: str, variants: int = 1) -> list[Any]:
    return list(make_samples(requests(*prompts, variants=variants), models))


def reasons(items: list[Any]) -> list[str | None]:
    return [f"{item.stage}: {item.reason}" if isinstance(item, Rejection) else None for item in items]


def test_every_request_ends_once_with_its_reason() -> None:
    models = load(method={"masks": Masking(max_people=1)})
    items = made(models, "a person", "nobody", "flagged", "a person, front", "crowd", "a person, far tiny")
    assert reasons(items) == [
        None,
        "masks: nobody found",
        "draft: blackened by the safety checker",
        None,
        "masks: more people found than wanted",
        "masks: nobody found",
    ]
    assert [item.key if isinstance(item, Rejection) else item.request.key for item in items] == [
        f"r-{n}" for n in range(6)
    ]
    assert items[1].picture is not None and np.array_equal(items[1].picture, painted("nobody", 64, 41))


def test_a_sample_is_the_redrawn_picture_with_the_labels_of_its_bodies() -> None:
    (sample,) = made(load(), "a person")
    assert isinstance(sample, Sample) and sample.draft is not None
    assert np.array_equal(sample.draft, painted("a person", 64, 40))
    body = sample.mask == 1
    assert is_like(sample.image, RED)[body].all() and not is_like(sample.image, RED)[~body].any()
    assert np.array_equal(sample.depth > 0, body)
    assert sample.labels[0].scores["mask_iou"] > 0.95 and sample.labels[0].scores["prior"] == 0
    assert sample.provenance.models["redraw"] == "fake_models:Redraw"
    assert sample.provenance.revisions["redraw"] == "Redraw-1"


def test_a_thing_in_front_hides_the_body_and_one_behind_does_not() -> None:
    models = load()
    free, front, behind = made(models, "a person", "a person, front", "a person, behind")
    bar = np.zeros((64, 64), bool)
    bar[32:40] = True
    assert ((front.mask == 255) == bar).all() and not front.depth[bar].any()
    assert front.scores["occluded"] > 0 and free.scores["occluded"] == behind.scores["occluded"] == 0
    assert not (behind.mask == 255).any()
    assert np.array_equal(front.image[bar], front.draft[bar]), "what is in front stays as it was"


def test_a_label_that_the_critic_distrusts_is_rejected_although_it_keeps_all_limits() -> None:
    for trust, verdict in ((0.6, None), (0.4, "verify: outline and joints together speak against the label")):
        models = load(critic={"trust": trust})
        (item,) = made(models, "a person")
        assert reasons([item]) == [verdict]
        (((clues,), is_drawn),) = models.roles["critic"].calls
        assert is_drawn
        assert clues["thickness"].shape == (1,)
        if isinstance(item, Sample):
            assert item.labels[0].scores["trust"] == trust
    free = load(method={"verify": replace(OPEN, min_trust=0)}, critic={"trust": 0.1})
    assert isinstance(made(free, "a person")[0], Sample)


@pytest.mark.parametrize("easy", ["keep", "drop", "redraw"])
def test_easy_poses_are_kept_dropped_or_redrawn(easy: Any) -> None:
    hard = {"mesh": {"bend": 1.0}}
    for keys, is_easy in (({}, True), (hard, False)):
        verify = replace(OPEN, min_iou=0.0)
        models = load(method={"prior": Judging(hard_from=0.5, easy=easy), "verify": verify}, **keys)
        (item,) = made(models, "a person")
        if is_easy and easy == "drop":
            assert reasons([item]) == ["prior: easy pose"]
            continue
        assert isinstance(item, Sample)
        is_drawn_anew = bool(models.roles["redraw"].calls)
        assert is_drawn_anew == (not is_easy or easy == "redraw")
        assert np.array_equal(item.image, item.draft) == (not is_drawn_anew)


def test_variants_share_a_guide_and_the_first_keeps_its_pose() -> None:
    models = load(
        method={"prior": Judging(variants=3, max_penetration=9.0), "verify": replace(OPEN, min_iou=0.0)},
        mesh={"bend": 0.4},
    )
    items = made(models, *["a person"] * 6, variants=3)
    assert reasons(items) == [None] * 6
    assert len({item.request.key for item in items}) == 6
    bends = [float(item.scene.people[0].body_pose[0, 0]) for item in items]
    assert bends[0] == bends[3] == pytest.approx(0.4)
    assert len({round(bend, 4) for bend in bends}) == 5 and all(
        bend != 0.4 for bend in bends[1:3] + bends[4:]
    )
    assert np.array_equal(items[0].draft, items[2].draft) and not np.array_equal(
        items[0].draft, items[3].draft
    )
    assert [len(call[0]) for call in models.roles["draft"].calls] == [2], "one draft a guide"
    seeds = [seed for call in models.roles["redraw"].calls for seed in call[3]]
    assert len(set(seeds)) == 6, "each is drawn from noise of its own"
    (alone,) = make_samples(requests(*["a person"] * 6, variants=3)[4:5], models)
    assert np.array_equal(alone.image, items[4].image) and np.array_equal(alone.depth, items[4].depth)


def test_cycles_estimate_again_but_vary_once_and_blur_once() -> None:
    method = {
        "prior": Judging(variants=2, code_spread=0, orient_noise_deg=0, shape_noise=0, max_penetration=9.0),
        "redraw": Redrawing(cycles=2, blur=1.0, blur_radius=[12.0, 12.0]),
        "verify": replace(OPEN, min_iou=0.0, same_people=False),
    }
    models = load(method=method, mesh={"bend": 0.4})
    _, variant = made(models, "a person", "a person", variants=2)
    first, second = models.roles["redraw"].calls
    assert len(models.roles["draft"].calls) == 1 and len(set(first[3] + second[3])) == 4
    assert float(variant.scene.people[0].body_pose[0, 0]) == pytest.approx(0.4), (
        "as estimated, not varied again"
    )
    assert np.array_equal(second[0].images[1], variant.draft)
    colours = np.unique(second[0].images[1].reshape(-1, 3), axis=0)
    assert len(colours) <= 4, "the picture in between is not blurred"
    assert len(np.unique(variant.image.reshape(-1, 3), axis=0)) > 10


def test_pictures_that_miss_are_drawn_again_from_other_noise() -> None:
    retry = replace(OPEN, on_mismatch="retry", retries=2)
    models = load(method={"verify": retry}, redraw={"misses": 2})
    (sample,) = made(models, "a person")
    assert isinstance(sample, Sample)
    calls = models.roles["redraw"].calls
    assert len(calls) == 3 and len({call[3][0] for call in calls}) == 3
    assert all(np.array_equal(call[0].images[0], sample.draft) for call in calls), "from the draft each time"
    models = load(method={"verify": retry}, redraw={"misses": 3})
    assert reasons(made(models, "a person")) == ["verify: another number of people in the picture"]
    models = load(method={"verify": OPEN}, redraw={"misses": 1})
    assert reasons(made(models, "a person")) == ["verify: another number of people in the picture"]


def test_only_what_missed_is_drawn_again() -> None:
    models = load(method={"verify": replace(OPEN, on_mismatch="retry", retries=1)}, redraw={"misses": 1})
    items = made(models, "a person", "nobody", "a person")
    assert reasons(items) == [None, "masks: nobody found", None]
    once, twice = models.roles["redraw"].calls
    assert len(once[3]) == len(twice[3]) == 2
    models.roles["redraw"].misses = 0
    (other,) = make_samples(requests("a person", "nobody", "a person")[2:], models)
    assert np.array_equal(other.labels[0].bbox, items[2].labels[0].bbox)


def test_rectify_fits_the_bodies_to_the_picture() -> None:
    verify = replace(OPEN, on_mismatch="rectify", min_iou=0.8)
    shift = {"redraw": {"shift": 6}}
    models = load(method={"verify": verify}, **shift, refiner={"shift": 6})
    (sample,) = made(models, "a person")
    assert isinstance(sample, Sample)
    ((images, scenes, keypoints),) = models.roles["refiner"].calls
    assert np.array_equal(images[0], sample.image) and len(keypoints[0].confidence) == 1
    moved = sample.scene.people[0].transl - scenes[0].people[0].transl
    assert moved[0] > 0.05 and sample.labels[0].scores["mask_iou"] > 0.8
    assert is_like(sample.image, RED)[sample.mask == 1].mean() > 0.9
    models = load(method={"verify": verify}, **shift, refiner={"shift": -6})
    assert reasons(made(models, "a person")) == ["verify: body and picture overlap too little"]
    models = load(method={"verify": verify}, **shift, refiner={"shift": 999})
    assert reasons(made(models, "a person")) == ["verify: body outside the picture"]


def test_what_is_fitted_is_judged_like_everything_else() -> None:
    """The prior, too, has its say; the record holds what it says about the fitted pose."""
    verify = replace(OPEN, on_mismatch="rectify", min_iou=0.8)
    bent = {"redraw": {"shift": 6}, "refiner": {"shift": 6, "bend": 0.004}}
    (sample,) = made(load(method={"verify": verify}, **bent), "a person")
    assert isinstance(sample, Sample) and sample.labels[0].scores["prior"] > 0
    strict = Judging(hard_from=0.0, plausible_to=sample.labels[0].scores["prior"] / 2)
    models = load(method={"verify": verify, "prior": strict}, **bent)
    assert reasons(made(models, "a person")) == ["verify: implausible pose"]


def test_the_picture_has_to_speak_for_what_is_fitted() -> None:
    """Fake joints lie in the middle of the box and are sure of nothing: no evidence for a fitted body."""
    verify = replace(OPEN, on_mismatch="rectify", min_iou=0.8)
    shift = {"redraw": {"shift": 6}, "refiner": {"shift": 6}}
    (sample,) = made(load(method={"verify": verify}, **shift), "a person")
    scores = sample.labels[0].scores
    assert scores["evidence"] == 0 and scores["mask_iou"] > 0.8
    for trust, reason in (
        (Trust(0.01, 0), "a fitted joint where the picture shows none for certain"),
        (Trust(0, 0.95), "a fitted joint is hidden that the picture shows elsewhere"),
    ):
        models = load(method={"verify": replace(verify, rectified=trust)}, **shift)
        assert reasons(made(models, "a person")) == [f"verify: {reason}"]
        models = load(method={"verify": replace(verify, rectified=trust, min_iou=0.2)})
        (kept,) = made(models, "a person")
        assert isinstance(kept, Sample) and "evidence" not in kept.labels[0].scores, "not fitted, not asked"


def test_joints_that_a_fit_leaves_in_place_need_no_word_for_them() -> None:
    """A step of one pixel is no move of a joint, one of six is; the keypoint model is sure of nothing."""
    overlaps = []
    for shift in (5, 6):
        (seen,) = made(load(method={"verify": replace(OPEN, min_iou=0)}, redraw={"shift": shift}), "a person")
        overlaps.append(seen.labels[0].scores["mask_iou"])
    verify = replace(OPEN, on_mismatch="rectify", min_iou=sum(overlaps) / 2, rectified=Trust(0.01, 0))
    for step, reason in ((1, None), (6, "verify: a fitted joint where the picture shows none for certain")):
        models = load(method={"verify": verify}, redraw={"shift": 6}, refiner={"shift": step})
        items = made(models, "a person")
        assert reasons(items) == [reason]
        if reason is None:
            assert items[0].labels[0].scores["evidence"] == 1


def test_a_refiner_may_try_again_until_a_fit_passes() -> None:
    verify = replace(OPEN, on_mismatch="rectify", min_iou=0.8)
    models = load(method={"verify": verify}, redraw={"shift": 6}, refiner={"shift": 6, "attempts": 3})
    asked = ["a person", "nobody", "a person"]
    items = made(models, *asked)
    assert [isinstance(item, Sample) for item in items] == [True, False, True]
    assert [len(call[0]) for call in models.roles["refiner"].calls] == [2, 2, 2]
    # Once for what was drawn, once to fit it to, once for what came of each attempt.
    assert len(models.roles["keypoints"].calls) == 1 + 1 + 3
    models = load(method={"verify": verify}, redraw={"shift": 6}, refiner={"shift": -6, "attempts": 2})
    assert reasons(made(models, "a person")) == ["verify: body and picture overlap too little"]
    assert len(models.roles["refiner"].calls) == 2


@pytest.mark.parametrize("gives", ["picture", "bodies", "blank"])
def test_guides_of_different_sizes_go_together(gives: str) -> None:
    models = load(gives, {"sizes": [64, 96, 64]})
    items = made(models, "a person", "a person", "a person", "a person")
    assert reasons(items) == [None] * 4
    assert [item.image.shape[0] for item in items] == [64, 96, 64, 64]
    assert [len(call[3]) for call in models.roles["redraw"].calls] == [3, 1]
    assert not models.roles["draft"].calls
    if gives == "blank":
        assert all(item.draft is None for item in items), "there was none"
        assert all(call[0].region.all() for call in models.roles["redraw"].calls)


def test_pictures_do_not_depend_on_their_batch_and_seeds_matter() -> None:
    models = load(method={"redraw": Redrawing(blur=0.5)})
    asked = requests(*["a person", "a person, front", "a person, behind"] * 2)
    together = list(make_samples(asked, models))
    for request, one in zip(reversed(asked), reversed(together), strict=True):
        (alone,) = make_samples([request], models)
        assert np.array_equal(alone.image, one.image) and np.array_equal(alone.mask, one.mask)
        assert alone.labels[0].scores == one.labels[0].scores
    assert not np.array_equal(together[0].image, together[3].image)
