"""Is a picture good enough? The gate asks the label, witnesses say what they see; a refiner may help."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.agreement import Agreement
from synthgen.models import Models
from synthgen.sample import Scene
from synthgen.stages.depth import Plan, plan_picture
from synthgen.stages.label import measure, visibilities
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
        seen = question(chosen, _witnesses(models))
        for place, one, agreement in zip(asked, seen, compare(chosen, seen, models.body), strict=True):
            verdicts[place] = _judged(agreement, one, verdicts[place].scores, models)
    return verdicts


def agreements(plans: Sequence[Plan], models: Models) -> list[Agreement]:
    """Measure how well labels and pictures agree, whatever the limits."""
    return compare(plans, question(plans, _witnesses(models)), models.body)


def rectify(plans: Sequence[Plan], verdicts: Sequence[Verdict], models: Models) -> list[tuple[Plan, Verdict]]:
    """Let the refiner fit the bodies to their pictures, and look again with the same eyes.

    Args:
        plans: with pictures that do not show them.
        verdicts: on them; where no witness was asked, nothing can be fitted.
        models: the refiner, and the limits.
    """
    answers = list(zip(plans, verdicts, strict=True))
    asked = [place for place, verdict in enumerate(verdicts) if verdict.testimony is not None]
    if not asked:
        return answers
    known = [(plans[place].bodies, verdicts[place].testimony) for place in asked]
    questions: list[Any] = [
        [bodies.image for bodies, _ in known],
        [bodies.scene for bodies, _ in known],
        [seen.keypoints for _, seen in known if seen is not None],
    ]
    if getattr(models.refiner, "uses_masks", False):
        questions.append([segments_of(plans[place], verdicts[place]) for place in asked])
    scenes = models.ask("refiner", *questions)
    for place, scene in zip(asked, scenes, strict=True):
        answers[place] = _refitted(plans[place], verdicts[place], scene, models)
    return answers


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


def _refitted(plan: Plan, verdict: Verdict, scene: Scene, models: Models) -> tuple[Plan, Verdict]:
    seen = verdict.testimony
    fitted = plan_picture(
        replace(plan.bodies, scene=scene), models.body, models.renderer, models.options.depth
    )
    if isinstance(fitted, str) or seen is None:
        return plan, replace(verdict, reason=fitted if isinstance(fitted, str) else verdict.reason)
    shown = gated(fitted, models)
    if shown.reason:
        return fitted, shown
    agreement = compare([fitted], [seen], models.body)[0]
    return fitted, _judged(agreement, seen, shown.scores, models)


def merged(scores: Scores, more: Scores) -> Scores:
    """Put the scores of each person together."""
    return tuple({**one, **other} for one, other in zip(scores, more, strict=True))


def _judged(agreement: Agreement, seen: Testimony, scores: Scores, models: Models) -> Verdict:
    found = tuple(agreement.scores(person) for person in range(len(scores)))
    return Verdict(models.options.verify.reason(agreement), merged(scores, found), seen)


def _witnesses(models: Models) -> Witnesses:
    segmenter, keypoints, mesh = (partial(models.ask, role) for role in ("segmenter", "keypoints", "mesh"))
    return Witnesses(segmenter, keypoints, mesh, models.options.masks)
