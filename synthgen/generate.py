"""The method: a request becomes a labelled picture, or a rejection that says why not (Diffusion-HPC).

    request -> guide -> draft -> masks -> mesh -> prior -> depth -> redraw -> verify -> sample

A source says what a request starts from (`synthgen.guide`): words go the whole way; a real picture enters
after the draft; known poses enter before the prior; a rendered scene is a finished picture with its truth,
unless it is to be redrawn. Each step has a file in `synthgen.stages`; its models come from `synthgen.models`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.guide import Bodies, Picture, Words, assumed_camera
from synthgen.judgement import Scores, gated, look, merged, rectify
from synthgen.line import Line
from synthgen.models import Models
from synthgen.render.views import outlined
from synthgen.sample import BACKGROUND, OCCLUDER, Rejection, Request, Sample
from synthgen.scenes.compose import Composition
from synthgen.stages.depth import Plan, plan_pictures, repaint
from synthgen.stages.label import label
from synthgen.stages.masks import People, find_people
from synthgen.stages.mesh import estimate_bodies
from synthgen.stages.prior import Judged, judge, vary
from synthgen.stages.redraw import Wanted, blurred, noise_seed, redraw_pictures
from synthgen.stages.verify import Verdict

_CYCLE = 1000  # attempts of different cycles never share noise


@dataclass(frozen=True)
class Found:
    """A picture and the people in it."""

    picture: Picture
    people: People


@dataclass(frozen=True)
class Job:
    """A picture to draw, or to look at.

    Attributes:
        plan: what it shows, or has to show.
        draft: picture that it started from.
        scores: of each person, so far.
        is_drawn: the picture of the plan is the final one.
        is_exact: the plan was rendered together with its picture.
    """

    plan: Plan
    draft: NDArray[np.uint8]
    scores: Scores
    is_drawn: bool
    is_exact: bool = False


@dataclass(frozen=True)
class Done:
    """A picture that shows what its labels say."""

    job: Job
    scores: Scores


def make_samples(requests: Sequence[Request], models: Models) -> Iterator[Sample | Rejection]:
    """Make one batch: every request ends as exactly one sample or one rejection, in order.

    Args:
        requests: drawn together; what becomes of one does not depend on the others.
        models: from `load_models`.
    """
    line = draw_pictures(requests, models)
    line.step("verify", Job, partial(_verify, models=models))
    with models.clock.stage("label"):
        for request, item in zip(line.requests, line.items, strict=True):
            yield item if isinstance(item, Rejection) else _finish(request, item, models)


def draw_pictures(requests: Sequence[Request], models: Models) -> Line:
    """Take a batch as far as pictures that are drawn, but not yet verified: jobs, or rejections."""
    line = Line(requests, models.clock, _seen)
    line.step("compose", Request, lambda asked, _: models.source(asked))
    line.step("draft", Words, partial(_draft, models=models))
    line.step("compose", Composition, partial(_enter, models=models))
    for cycle in range(models.options.redraw.cycles):
        if cycle:
            line.step("masks", Job, _look_again)
        _estimate(line, models, is_first=cycle == 0)
        line.step("redraw", Job, partial(_redraw, models=models, attempt=0, cycle=cycle))
    return line


def _estimate(line: Line, models: Models, is_first: bool) -> None:
    """Take pictures and known bodies as far as a plan of what has to be drawn; guides are varied once."""
    line.step("masks", Picture, partial(_masks, models=models))
    line.step("mesh", Found, partial(_mesh, models=models))
    line.step("prior", Bodies, partial(_judge, models=models, is_varied=is_first))
    line.step("depth", Judged, partial(_plan, models=models))


def _draft(requests: list[Request], words: list[Words], models: Models) -> list[Picture | str]:
    """Draw from words; variants of a guide share its draft, which is drawn once."""
    asked = [(w.prompt, r.negative_prompt, r.seed) for w, r in zip(words, requests, strict=True)]
    different = list(dict.fromkeys(asked))
    drafts = models.ask("draft", *map(list, zip(*different, strict=True)))
    size = drafts.images.shape[1:3]
    return [
        "blackened by the safety checker"
        if drafts.flagged[place]
        else Picture(one.prompt, drafts.images[place], assumed_camera(size, one.fov_deg), one.family)
        for one, place in zip(words, map(different.index, asked), strict=True)
    ]


def _enter(requests: list[Request], scenes: list[Composition], models: Models) -> list[Job | Bodies]:
    """Let rendered scenes pass as they are, or take them for guides with exact bodies."""
    if models.options.redraw.renders:
        return [_bodies_of(scene) for scene in scenes]
    return [_exact(scene) for scene in scenes]


def _bodies_of(scene: Composition) -> Bodies:
    hiding, mask = scene.drawing.hidden, scene.drawing.mask
    things = hiding[None] if hiding.any() else np.zeros((0, *hiding.shape), bool)
    image, figures = scene.drawing.image, (mask > BACKGROUND) & (mask < OCCLUDER)
    return Bodies(
        scene.prompt, image, False, scene.scene, things, True, scene.families, scene.actions, figures
    )


def _exact(scene: Composition) -> Job:
    drawing = scene.drawing
    plan = Plan(_bodies_of(scene), drawing, scene.points, np.zeros_like(drawing.depth))
    scores: Scores = tuple({} for _ in scene.scene.people)
    return Job(plan, drawing.image, scores, is_drawn=True, is_exact=True)


def _masks(requests: list[Request], pictures: list[Picture], models: Models) -> list[Found | str]:
    found = find_people(
        [picture.image for picture in pictures], partial(models.ask, "segmenter"), models.options.masks
    )
    return [
        people if isinstance(people, str) else Found(picture, people)
        for picture, people in zip(pictures, found, strict=True)
    ]


def _mesh(requests: list[Request], found: list[Found], models: Models) -> list[Bodies | str]:
    pictures, people = [one.picture for one in found], [one.people for one in found]
    return estimate_bodies(pictures, people, partial(models.ask, "mesh"), models.body.name)


def _judge(
    requests: list[Request], batch: list[Bodies], models: Models, is_varied: bool
) -> list[Judged | str]:
    """Vary the guides of variants where they are to be varied, then ask the prior."""
    options, prior = models.options.prior, models.prior
    if prior is None:
        return [Judged(bodies, False, tuple({} for _ in bodies.scene.people)) for bodies in batch]
    varied = [
        vary(bodies, prior, models.body, options, noise_seed(request.seed, request.variant, 0))
        if is_varied and request.variant
        else bodies
        for request, bodies in zip(requests, batch, strict=True)
    ]
    kept = [bodies for bodies in varied if not isinstance(bodies, str)]
    judged = iter(judge(kept, prior, options) if kept else [])
    return [bodies if isinstance(bodies, str) else next(judged) for bodies in varied]


def _plan(requests: list[Request], batch: list[Judged], models: Models) -> list[Job | str]:
    keeps_easy = models.options.prior.easy == "keep"
    answers: list[Job | str] = []
    options, bodies = models.options.depth, [judged.bodies for judged in batch]
    plans = plan_pictures(bodies, models.body, models.renderer, options)
    for request, judged, plan in zip(requests, batch, plans, strict=True):
        reason = plan if isinstance(plan, str) else gated(plan, models).reason
        if isinstance(plan, str) or reason:
            answers.append(str(reason))
            continue
        is_drawn = judged.is_easy and keeps_easy and not request.variant and not judged.bodies.is_blank
        answers.append(Job(plan, judged.bodies.image, judged.scores, is_drawn))
    return answers


def _redraw(requests: list[Request], jobs: list[Job], models: Models, attempt: int, cycle: int) -> list[Job]:
    """Draw what is not drawn yet; the last cycle blurs some of it."""
    is_last = cycle + 1 == models.options.redraw.cycles
    places = [place for place, job in enumerate(jobs) if not job.is_drawn]
    wanted = [
        Wanted(
            jobs[place].plan,
            requests[place].negative_prompt,
            noise_seed(requests[place].seed, requests[place].variant, attempt + _CYCLE * cycle),
        )
        for place in places
    ]
    drawn = redraw_pictures(wanted, partial(models.ask, "redraw")) if wanted else []
    answers = list(jobs)
    for place, image in zip(places, drawn, strict=True):
        job = jobs[place]
        if is_last:
            asked = requests[place]
            image = blurred(image, models.options.redraw, noise_seed(asked.seed, asked.variant, 0))
        answers[place] = replace(job, plan=repaint(job.plan, image), is_drawn=True)
    return answers


def _look_again(requests: list[Request], jobs: list[Job]) -> list[Picture | Job]:
    """Take a redrawn picture for the guide of the next cycle."""
    return [
        job
        if job.is_exact
        else Picture(
            job.plan.bodies.prompt,
            job.plan.drawing.image,
            job.plan.bodies.scene.camera,
            job.plan.bodies.families[0],
        )
        for job in jobs
    ]


def _verify(requests: list[Request], jobs: list[Job], models: Models) -> list[Done | Rejection]:
    """Look at the pictures; draw again, or fit the bodies, where they do not show what they should."""
    options, jobs = models.options.verify, list(jobs)
    verdicts = _look(jobs, models)
    for attempt in range(options.retries if options.on_mismatch == "retry" else 0):
        failed = [place for place in range(len(jobs)) if verdicts[place].reason and not jobs[place].is_exact]
        again = [replace(jobs[place], plan=repaint(jobs[place].plan, jobs[place].draft)) for place in failed]
        again = [replace(job, is_drawn=False) for job in again]
        asked = [requests[place] for place in failed]
        drawn = _redraw(asked, again, models, attempt + 1, models.options.redraw.cycles - 1)
        for place, job, verdict in zip(failed, drawn, _look(drawn, models), strict=True):
            jobs[place], verdicts[place] = job, verdict
    if options.on_mismatch == "rectify":
        failed = [place for place, verdict in enumerate(verdicts) if verdict.reason]
        fitted = rectify(
            [jobs[place].plan for place in failed], [verdicts[place] for place in failed], models
        )
        for place, (plan, verdict) in zip(failed, fitted, strict=True):
            jobs[place], verdicts[place] = replace(jobs[place], plan=plan), verdict
    return [
        Rejection(request.key, "verify", verdict.reason, _seen(job))  # the job's last picture, not the first
        if verdict.reason
        else Done(job, merged(job.scores, verdict.scores))
        for request, job, verdict in zip(requests, jobs, verdicts, strict=True)
    ]


def _look(jobs: Sequence[Job], models: Models) -> list[Verdict]:
    """Judge pictures; rendered ones by the gate alone, unless they are to be verified, too."""
    is_asked = [models.options.verify.renders or not job.is_exact for job in jobs]
    return look([job.plan for job in jobs], models, is_asked)


def _seen(item: Any) -> NDArray[np.uint8] | None:
    """Return what there is to see of an item that is turned away: its draft, or its picture with bodies."""
    if isinstance(item, Job):
        return outlined(item.plan.drawing.image, item.plan.drawing.mask)
    known = item.bodies if isinstance(item, Judged) else item.picture if isinstance(item, Found) else item
    if not isinstance(known, Picture | Bodies) or (isinstance(known, Bodies) and known.is_blank):
        return None
    return known.image


def _finish(request: Request, done: Done, models: Models) -> Sample:
    """Put the finished sample together; its prompt is the caption of what was drawn."""
    plan, drawing = done.job.plan, done.job.plan.drawing
    has_draft = models.keep_drafts and not (done.job.is_exact or plan.bodies.is_blank)
    return Sample(
        request=replace(request, prompt=plan.bodies.prompt),
        image=drawing.image,
        depth=drawing.depth,
        mask=drawing.mask,
        scene=plan.bodies.scene,
        labels=label(plan, models.body, done.scores),
        scores={"occluded": round(float(np.mean(drawing.hidden)), 4)},
        provenance=models.provenance,
        draft=done.job.draft if has_draft else None,
        things=drawing.things,
    )
