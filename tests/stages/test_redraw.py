from dataclasses import replace

import numpy as np
import pytest
from fake_models import Redraw, known, standing

from synthgen.render import make_renderer
from synthgen.stages.depth import Conditioning, plan_picture
from synthgen.stages.redraw import Redrawing, Wanted, blurred, noise_seed, redraw_pictures


@pytest.fixture(scope="module")
def planned(body):
    renderer = make_renderer("warp", "cpu")

    def make(size: int = 48, **keys):
        plan = plan_picture(known([standing()], size, **keys), body, renderer, Conditioning())
        assert not isinstance(plan, str)
        return plan

    return make


def test_pictures_of_one_size_are_drawn_together_and_come_back_in_order(planned):
    model = Redraw()
    wanted = [Wanted(planned(size), f"bad {n}", 10 + n) for n, size in enumerate((48, 64, 48, 32, 64))]
    pictures = redraw_pictures(wanted, model)
    assert [picture.shape[0] for picture in pictures] == [48, 64, 48, 32, 64]
    assert [picture[0, 0, 0] for picture in pictures] == [10, 11, 12, 13, 14]
    assert [call[3] for call in model.calls] == [[10, 12], [11, 14], [13]]
    assert [call[2] for call in model.calls] == [["bad 0", "bad 2"], ["bad 1", "bad 4"], ["bad 3"]]
    assert redraw_pictures([], model) == []


def test_the_model_sees_map_and_region_of_each_plan(planned):
    model, plan = Redraw(), planned()
    redraw_pictures([Wanted(plan, "", 1), Wanted(planned(is_blank=True), "", 2)], model)
    guides = model.calls[0][0]
    assert np.array_equal(guides.nearness[0], plan.nearness)
    assert np.array_equal(guides.region[0], plan.drawing.mask == 1)
    assert guides.region[1].all(), "nothing of a blank picture is worth keeping"


def test_noise_differs_by_variant_and_attempt_but_never_by_chance():
    seeds = {
        noise_seed(seed, variant, attempt) for seed in (1, 2) for variant in range(3) for attempt in range(3)
    }
    assert len(seeds) == 18 and all(0 <= seed < 2**63 for seed in seeds)
    assert noise_seed(1, 2, 3) == noise_seed(1, 2, 3)


def spread(options: Redrawing, seed: int, width: int = 512) -> float:
    """Return the deviation [px] of what a blur makes of a line."""
    image = np.zeros((8, width, 3), np.uint8)
    image[:, width // 2] = 255
    row = blurred(image, options, seed)[4, :, 0].astype(float)
    place = np.arange(width) - width // 2
    return float(np.sqrt((row * place**2).sum() / row.sum()))


def test_the_blur_has_the_papers_deviation():
    always = Redrawing(blur=1.0)
    deviations = [spread(always, seed) for seed in range(40)]
    assert 0.8 < min(deviations) < 1.3 and 2.1 < max(deviations) < 2.6
    assert np.mean(deviations) == pytest.approx(1.75, abs=0.2)
    fixed = replace(always, blur_radius=[2.0, 2.0])
    assert spread(fixed, 1, 256) == pytest.approx(spread(fixed, 1, 512) / 2, rel=0.15), (
        "scales with the picture"
    )


def test_some_pictures_are_blurred():
    image = np.random.default_rng(0).integers(0, 256, (8, 512, 3), dtype=np.uint8)
    is_soft = [not np.array_equal(blurred(image, Redrawing(blur=0.3), seed), image) for seed in range(200)]
    assert np.mean(is_soft) == pytest.approx(0.3, abs=0.1)
    assert blurred(image, Redrawing(), 3) is image
    assert blurred(image, Redrawing(blur=1.0), 3).dtype == np.uint8


def test_options_are_checked():
    assert Redrawing().problems() == []
    found = Redrawing(cycles=0, blur=1.5, blur_radius=[3.0, 1.0]).problems()
    assert found[0] == "cycles must be at least 1, got 0" and len(found) == 3
