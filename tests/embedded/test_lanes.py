import os
from dataclasses import replace

import pytest
from embedded_options import TINY

from synthgen.embedded import lanes, steps
from synthgen.embedded.options import Curriculum
from synthgen.embedded.plan import Plan
from synthgen.embedded.workshop import RUNS

ALL = list(steps.STEPS)


def test_steps_wait_for_what_they_read():
    assert lanes.waiting(ALL, [], []) == ["vae", "mesh", "prior"]
    assert lanes.waiting(ALL, [], ["vae"]) == ["mesh", "prior"]
    assert lanes.waiting(ALL, ["vae", "mesh"], ["prior"]) == ["draft"]
    done = ["vae", "mesh", "draft", "redraw"]
    assert lanes.waiting(ALL, done, []) == ["redrawn", "prior"]
    assert lanes.waiting(ALL, done, ["redrawn"]) == ["prior"], "drawn once, before two learn"
    assert lanes.waiting(ALL, [*done, "redrawn"], []) == ["segmenter", "keypoints", "prior"]
    assert lanes.waiting(["mesh", "segmenter"], [], []) == ["segmenter", "mesh"], "the rest was run before"
    assert lanes.waiting(ALL, ALL, []) == []


def test_two_lanes_end_when_the_longer_one_does():
    work = {"vae": 2.0, "draft": 3.0, "redraw": 4.0, "segmenter": 1.0, "mesh": 1.0, "keypoints": 5.0}
    assert lanes.minutes(work, 1) == sum(work.values())
    assert lanes.minutes(work, 2) == 14.0  # keypoints wait for redraw
    assert lanes.minutes({"prior": 3.0}, 2) == 3.0


def trainings(options):
    return [one for name in steps.STEPS for one in steps.trainings_of(options, name).values()]


@pytest.mark.parametrize("count", [1, 2])
def test_hours_scale_all_trainings_alike(count):
    options = Curriculum()
    whole = options.render.minutes + lanes.minutes(lanes.by_step(options), count)
    same = lanes.scaled(options, whole / 60, count)
    assert [one.steps for one in trainings(same)] == [one.steps for one in trainings(options)]
    assert same.redrawn.count == options.redrawn.count
    half = lanes.scaled(options, (whole + options.render.minutes) / 120, count)
    for before, after in zip(trainings(options), trainings(half), strict=True):
        assert abs(after.steps - before.steps / 2) <= 1
    assert half.redrawn.count == round(options.redrawn.count / 2)
    with pytest.raises(ValueError, match="hours=0.1: rendering alone takes"):
        lanes.scaled(options, 0.1, count)


def test_the_night_is_long_enough():
    options = Curriculum()
    assert options.render.minutes + lanes.minutes(lanes.by_step(options), 2) <= 10 * 60


def test_a_gpu_is_one_lane():
    assert lanes.choose("cuda") == 1
    assert lanes.choose("cpu") == min(2, len(os.sched_getaffinity(0)))


def link_runs(rendered, work):
    work.mkdir()
    for name in RUNS:
        (work / name).symlink_to(rendered / name)


def test_steps_run_side_by_side_and_leave_what_they_leave_alone(rendered, tmp_path):
    link_runs(rendered, tmp_path / "work")
    plan = Plan(
        options=TINY, work=tmp_path / "work", weights=tmp_path / "weights", device="cpu", bf16=False, seed=0
    )
    told = []
    lanes.run(["mesh", "prior"], plan, 2, 1, lambda name, is_done: told.append((name, is_done)))
    assert sorted(told) == [("mesh", True), ("prior", True)]
    assert {path.name for path in (tmp_path / "weights").iterdir()} == {"mesh", "prior"}
    assert not steps.run("prior", plan) and not steps.run("mesh", plan)


def test_a_step_that_fails_is_told(tmp_path):
    training = replace(TINY.prior.training, learning_rate=1e30)
    wrong = replace(TINY, prior=replace(TINY.prior, training=training))
    plan = Plan(
        options=wrong, work=tmp_path / "work", weights=tmp_path / "weights", device="cpu", bf16=False, seed=0
    )
    with pytest.raises(ValueError, match="found invalid values"):
        lanes.run(["prior"], plan, 2, 1, lambda name, is_done: None)
    assert not (tmp_path / "weights" / "prior").exists()
