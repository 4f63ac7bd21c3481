"""Is a picture good enough? The gate asks the label, witnesses say what they see; a refiner may help."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.agreement import Agreement
from synthgen.guide import Bodies
from synthgen.models import Models
from synthgen.sample import Float
from synthgen.stages.depth import Plan, plan_pictures
from synthgen.stages.evidence import evidence
from synthgen.stages.label import boxes, measure, visibilities
from synthgen.stages.prior import Judged, judge
from synthgen.stages.silhouettes import box_of_mask
from synthgen.stages.verify import Testimony, Verdict, Witnesses, compare, question

Scores = tuple[dict[str, float], ...]


def gated(plan: Plan, models: Models) -> Verdict:
    """Judge a plan by how well its people show."""
    people = measure(plan.drawing, visibilities(plan, models.body), models.options.quality)
    return Verdict(models.options.quality.reason(people), tuple(person.scores() for person in people))


def look(plans: Sequence[Plan], models: Models, is_asked: Sequence[bool] = ()) -> list[Verdict]:
    """Judge pictures: by the gate, and by what independent models see in them.

    Args:
        plans: with their final pictures.
        models: whom to ask, and the limits.
        is_asked: which pictures the models look at; all if empty.
    """
    verdicts = [gated(plan, models) for plan in plans]
    asked = [
        place
        for place, verdict in enumerate(verdicts)
        if not verdict.reason and (not is_asked or is_asked[place])
    ]
    if asked:
        chosen = [plans[place] for place in asked]
        seen = question(chosen, _witnesses(models), models.body)
        for place, one, agreement in zip(asked, seen, _compared(chosen, seen, models), strict=True):
            verdicts[place] = _judged(agreement, one, verdicts[place].scores, models)
    return verdicts


def agreements(plans: Sequence[Plan], models: Models) -> list[Agreement]:
    """Measure how well labels and pictures agree, whatever the limits."""
    return _compared(plans, question(plans, _witnesses(models), models.body), models)


def rectify(plans: Sequence[Plan], verdicts: Sequence[Verdict], models: Models) -> list[tuple[Plan, Verdict]]:
    """Let the refiner fit the bodies to their pictures, then judge what came of it like any other picture.

    Joints are asked for anew where people are seen, not where they should have been. Fitted bodies have to
    pass everything that bodies have to pass: the prior, the gate, and the witnesses, who look again. Then the
    picture has to speak for them, too (`synthgen.trust`).

    Args:
        plans: with pictures that do not show them.
        verdicts: on them; where no witness was asked, nothing can be fitted.
        models: the refiner, the witnesses, the prior, and the limits.

    Returns:
        Each plan with its verdict; of fitted people the scores of the prior, too.
    """
    answers = list(zip(plans, verdicts, strict=True))
    seen = [place for place, verdict in enumerate(verdicts) if verdict.testimony is not None]
    if not seen:
        return answers
    sights = _sights([plans[place] for place in seen], [verdicts[place] for place in seen], models)
    for attempt in range(getattr(models.refiner, "attempts", 1)):
        rows = [row for row, place in enumerate(seen) if answers[place][1].reason]
        if not rows:
            break
        questions = [[sight[row] for row in rows] for sight in sights]
        scenes = models.ask("refiner", *questions, *([attempt] if attempt else []))
        old = [plans[seen[row]] for row in rows]
        fitted = [replace(plan.bodies, scene=scene) for plan, scene in zip(old, scenes, strict=True)]
        for row, answer in zip(rows, _judged_anew(fitted, old, models), strict=True):
            if attempt == 0 or answer[1].reason is None:  # a failure's first fit changed least
                plan, verdict = answer
                answers[seen[row]] = plan or plans[seen[row]], verdict
    return answers


def _sights(plans: Sequence[Plan], verdicts: Sequence[Verdict], models: Models) -> list[Sequence[Any]]:
    """Return what the refiner is shown: pictures, scenes, joints, and segments if it uses them."""
    images, segments = [plan.bodies.image for plan in plans], list(map(segments_of, plans, verdicts))
    joints = models.ask("keypoints", images, list(map(_boxes, plans, segments)))
    shown: list[Sequence[Any]] = [images, [plan.bodies.scene for plan in plans], joints]
    return [*shown, segments] if getattr(models.refiner, "uses_masks", False) else shown


def _boxes(plan: Plan, segments: NDArray[np.bool_]) -> Float:
    """Return boxes (P, 4) xyxy [px] around the segments (P, H, W), around the bodies where there is none."""
    expected = boxes(plan)
    return np.stack(
        [box_of_mask(own) if own.any() else box for own, box in zip(segments, expected, strict=True)]
    )


def _judged_anew(
    batch: Sequence[Bodies], before: Sequence[Plan], models: Models
) -> list[tuple[Plan | None, Verdict]]:
    """Judge bodies in finished pictures by prior, gate and witnesses; no plan where none can be drawn."""
    judged: list[Judged | str] = [
        Judged(bodies, False, tuple({} for _ in bodies.scene.people)) for bodies in batch
    ]
    if models.prior is not None:
        judged = judge(batch, models.prior, models.options.prior)
    drawn = plan_pictures(batch, models.body, models.renderer, models.options.depth)
    answers: list[tuple[Plan | None, Verdict]] = []
    for one, made in zip(judged, drawn, strict=True):
        reason = made if isinstance(made, str) else one if isinstance(one, str) else None
        answers.append((None if isinstance(made, str) else made, Verdict(reason, ())))
    left = [place for place, (_, verdict) in enumerate(answers) if verdict.reason is None]
    plans = [plan for place in left if (plan := answers[place][0]) is not None]
    for place, plan, verdict in zip(left, plans, look(plans, models), strict=True):
        own = judged[place]
        assert not isinstance(own, str)
        known = replace(verdict, scores=merged(own.scores, verdict.scores))
        answers[place] = (plan, _trusted(plan, before[place], known, models))
    return answers


def _trusted(plan: Plan, before: Plan, verdict: Verdict, models: Models) -> Verdict:
    """Let the picture speak for fitted bodies that nothing speaks against."""
    if verdict.reason is not None or verdict.testimony is None:
        return verdict
    found = evidence(plan, verdict.testimony, models.body, before)
    own = tuple(found.scores(person) for person in range(len(verdict.scores)))
    return replace(
        verdict, reason=models.options.verify.rectified.reason(found), scores=merged(verdict.scores, own)
    )


def segments_of(plan: Plan, verdict: Verdict) -> NDArray[np.bool_]:
    """Return the segment of each person (P, H, W) that overlaps the body most; empty where none does."""
    assert verdict.testimony is not None
    found = verdict.testimony.people
    segments = []
    for number in range(1, len(plan.bodies.scene.people) + 1):
        shown = plan.drawing.mask == number
        shared = [int((shown & segment).sum()) for segment in found]
        best = int(np.argmax(shared)) if any(shared) else -1
        segments.append(found[best] if best >= 0 else np.zeros_like(shown))
    return np.stack(segments)


def merged(scores: Scores, more: Scores) -> Scores:
    """Put the scores of each person together."""
    return tuple({**one, **other} for one, other in zip(scores, more, strict=True))


def _judged(agreement: Agreement, seen: Testimony, scores: Scores, models: Models) -> Verdict:
    found = tuple(agreement.scores(person) for person in range(len(scores)))
    return Verdict(models.options.verify.reason(agreement), merged(scores, found), seen)


def _compared(plans: Sequence[Plan], seen: Sequence[Testimony], models: Models) -> list[Agreement]:
    """Compare labels with what was seen, and ask the critic, where there is one, what to make of it."""
    found = compare(plans, seen, models.body)
    if "critic" not in models.roles:
        return found
    is_drawn = "redraw" in models.roles  # where nothing is redrawn, pictures are rendered
    trust = models.ask("critic", [one.clues for one in found], is_drawn)
    return [replace(one, trust=own) for one, own in zip(found, trust, strict=True)]


def _witnesses(models: Models) -> Witnesses:
    segmenter, keypoints, mesh = (partial(models.ask, role) for role in ("segmenter", "keypoints", "mesh"))
    return Witnesses(segmenter, keypoints, mesh, models.options.masks)
