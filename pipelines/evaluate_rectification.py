"""Do labels follow their pictures? What `on_mismatch: rectify` makes of what verification turns away.

    python -m synthgen.run config=rectify_evaluate.yaml

First: requests of a run file are drawn as `generate` draws them; those that verification turns away (reject)
are fitted (rectify) and judged by the same limits. Then: rendered pictures, whose truth is known, with labels
spoiled on purpose; how many come back, how far bodies are from the truth before and after, and how many
accepted labels are wrong with reject, of the rectified ones, and with rectify, which accepts both. Prints the
tables, writes them as `rectification.json`, and pictures: picture, label before, label after. Exit code 0.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from synthgen import backends
from synthgen import config as configs
from synthgen.run import import_recipe

if TYPE_CHECKING:
    from synthgen.generate import Job
    from synthgen.models import Models
    from synthgen.stages.depth import Plan
    from synthgen.stages.verify import Verdict

say = partial(print, flush=True)
TABLE = "rectification.json"
# What verification says where masks or joints do not agree; another number of people is no wrong label.
OF_MASKS_AND_JOINTS = (
    "body and picture overlap too little",
    "a limb where the picture shows none",
    "too few joints in place",
    "keypoints too far off",
    "a joint far out of place",
    "a joint where the picture speaks against it",
    "outline and joints together speak against the label",
)
RIGHT = "right"
WRONG = 0.1  # of the box's longer side: how far a joint that shows may lie from its place in the picture
_AT_ONCE = 16
_TRUTH_SEED = 3_000_000  # far from the seeds of training
_SPOIL_STREAM = 0x726563  # keeps the draws of spoils apart from all others of a seed


@dataclass(frozen=True)
class Config:
    """Keys of the recipe.

    Attributes:
        run: run file of the recipe `generate`: source, prompts, models and limits.
        settings: key=value that replace keys of the run file (models.redraw.id=…).
        num_requests: of the run, drawn and judged; 0 leaves them out.
        seed: of the requests; another one than the run file's shows pictures that nobody chose options on.
        truths: rendered pictures whose labels are spoiled; 0 leaves them out.
        scenes: source of those pictures.
        overlays: fits drawn of those that pass, and of those that do not.
        output: folder of table and pictures.
        threads: of torch; 0 for all cores.
    """

    run: str = "demo.yaml"
    settings: list[str] = field(default_factory=list)
    num_requests: int = 160
    seed: int = 19
    truths: int = 12
    scenes: dict[str, Any] = field(
        default_factory=lambda: {
            "backend": "render",
            "image_size": 128,
            "second_person": 0.0,
            "families": {"everyday": 1, "ski": 1, "gymnastics": 1, "diving": 1, "athletics": 1, "yoga": 1},
        }
    )
    overlays: int = 12
    output: str = "shards/rectification"
    threads: int = 0

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [
            f"{name} must be at least {least}, got {getattr(self, name)}"
            for name, least in (
                ("num_requests", 0),
                ("seed", 0),
                ("truths", 0),
                ("overlays", 0),
                ("threads", 0),
            )
            if getattr(self, name) < least
        ]
        if self.num_requests == self.truths == 0:
            found.append("one of num_requests and truths must be at least 1")
        return found + backends.problems(backends.SOURCES, self.scenes, "scenes")


class Errors(NamedTuple):
    """How far a label is from the truth.

    Attributes:
        pose: PA-MPJPE [mm].
        place: distance of the worst joint that shows, in truth or by the label, from its place in the
            picture, as a part of the box's longer side.
    """

    pose: float
    place: float


@dataclass(frozen=True)
class Trial:
    """A label that was judged, and fitted where it was turned away.

    Attributes:
        kind: why it was turned away, or how it was spoiled.
        before: the plan with that label.
        after: with the fitted bodies; the same where nothing was turned away.
        passes: the label passes as it is.
        is_accepted: it passes, or the fitted bodies do.
        errors: of the first person before and after; None where nobody knows the truth.
    """

    kind: str
    before: "Plan"
    after: "Plan"
    passes: bool
    is_accepted: bool
    errors: tuple[Errors, Errors] | None = None


def main(config: Config) -> int:
    """Measure, print and write."""
    import torch

    if config.threads:
        torch.set_num_threads(config.threads)
    recipe = import_recipe("generate")
    settings = [f"seed={config.seed}", *config.settings, "verify.on_mismatch=rectify"]
    run = configs.load(recipe.Config, configs.find(config.run), settings)
    models = _load(run)
    folder = Path(config.output).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    tables: dict[str, dict[str, dict[str, float]]] = {}
    counts: Counter[str] = Counter()
    if config.num_requests:
        redraws = list(_redraws(run, config.num_requests, models, counts))
        accepted, judged = counts["accepted"], sum(counts.values())
        say(f"redraws of {config.run}, seed {config.seed}: {accepted} of {judged} pictures pass without help")
        of_both = [trial for trial in redraws if trial.kind in OF_MASKS_AND_JOINTS]
        tables["redraws"] = {**_table(redraws), "of masks and joints": _total(of_both)}
        _print(tables["redraws"])
        _draw(redraws, config.overlays, folder, models, "redraws")
    if config.truths:
        labels = list(_spoiled(config, models))
        say(f"labels of {config.truths} rendered pictures, right ones and spoiled ones:")
        tables["spoiled"] = _table(labels)
        _print(tables["spoiled"])
        tables["accepted"] = {name: _trust(labels, name) for name in ("reject", "rectified", "rectify")}
        _print_trust(tables["accepted"])
        _draw(labels, config.overlays, folder, models, "spoiled")
    (folder / TABLE).write_text(json.dumps(tables, indent=1) + "\n")
    say(f"{folder}: {TABLE} and pictures")
    return 0


def _load(run: Any) -> "Models":
    from synthgen.models import ModelChoice, load_models

    nodes = {role: backends.complete(backends.MODELS[role], node) for role, node in run.models.items()}
    return load_models(ModelChoice(run.body, "warp", run.device, run.source, run.method, "0" * 64, nodes))


def _jobs(stream: Any, count: int, models: "Models") -> "Iterator[list[tuple[int, Job]]]":
    from synthgen.generate import Job, draw_pictures

    for requests in stream.batches(0, count, _AT_ONCE):
        line = draw_pictures(requests, models)
        yield [
            (r.seed, item) for r, item in zip(line.requests, line.items, strict=True) if isinstance(item, Job)
        ]


def _redraws(run: Any, count: int, models: "Models", counts: Counter[str]) -> Iterator[Trial]:
    """Yield what is turned away, once fitted; count the verdicts before."""
    from synthgen.judgement import look
    from synthgen.prompts import RequestStream

    for jobs in _jobs(RequestStream(run.run, run.seed, run.prompts, run.guide), count, models):
        plans = [job.plan for _, job in jobs]
        verdicts = look(plans, models)
        counts.update(verdict.reason or "accepted" for verdict in verdicts)
        yield from _fitted(plans, verdicts, [verdict.reason or "" for verdict in verdicts], models)


def _spoiled(config: Config, models: "Models") -> Iterator[Trial]:
    """Yield labels of rendered pictures, right and spoiled; those that are turned away, once fitted."""
    from synthgen.judgement import look
    from synthgen.prompts import Prompts, RequestStream
    from synthgen.stages.depth import plan_picture
    from synthgen.stages.spoil import SPOILS

    source = backends.build(backends.SOURCES, config.scenes)
    source.setup(models.body, models.renderer)
    others = {role: model for role, model in models.roles.items() if role != "redraw"}
    exact = replace(models, source=source, roles=others)  # the critic for rendered pictures judges these
    stream = RequestStream("truths", _TRUTH_SEED + config.seed, Prompts(), "render")
    for jobs in _jobs(stream, config.truths, exact):
        plans, kinds, truths = [], [], []
        for seed, job in jobs:
            scene = job.plan.bodies.scene
            for kind, spoil in {RIGHT: None, **SPOILS}.items():
                rng = np.random.default_rng([seed, _SPOIL_STREAM])
                first = spoil(scene.people[0], models.body, rng) if spoil else scene.people[0]
                people = (first, *scene.people[1:])
                bodies = replace(job.plan.bodies, scene=replace(scene, people=people))
                plan = plan_picture(bodies, models.body, models.renderer, models.options.depth)
                if not isinstance(plan, str):
                    plans.append(plan)
                    kinds.append(kind)
                    truths.append(job.plan)
        verdicts = look(plans, exact)
        for place, verdict in enumerate(verdicts):
            if verdict.reason is None:
                plan = plans[place]
                own = _errors(plan, truths[place], models)
                yield Trial(kinds[place], plan, plan, True, True, (own, own))
        yield from _fitted(plans, verdicts, kinds, exact, truths)


def _fitted(
    plans: "Sequence[Plan]",
    verdicts: "Sequence[Verdict]",
    kinds: Sequence[str],
    models: "Models",
    truths: "Sequence[Plan]" = (),
) -> Iterator[Trial]:
    from synthgen.judgement import rectify

    failed = [place for place, verdict in enumerate(verdicts) if verdict.reason]
    answers = rectify([plans[place] for place in failed], [verdicts[place] for place in failed], models)
    for place, (plan, verdict) in zip(failed, answers, strict=True):
        errors = None
        if truths:
            errors = (
                _errors(plans[place], truths[place], models),
                _errors(plan, truths[place], models),
            )
        yield Trial(kinds[place], plans[place], plan, False, verdict.reason is None, errors)


def _errors(plan: "Plan", truth: "Plan", models: "Models") -> Errors:
    """Return how far the people of a plan are from the truth: the first one's pose, everybody's place."""
    from synthgen.joints import SMPL24
    from synthgen.metrics import pa_mpjpe
    from synthgen.stages.verify import greatest_move

    first = np.concatenate([plan.points[:1], truth.points[:1]])
    found, true = models.body.joints(first, SMPL24).astype(np.float64)
    off = greatest_move(truth, plan, models.body)
    return Errors(float(pa_mpjpe(found[None], true[None])[0]), off)


def _table(trials: Sequence[Trial]) -> dict[str, dict[str, float]]:
    kinds = [kind for kind, _ in Counter(trial.kind for trial in trials).most_common()]
    return {kind: _total([trial for trial in trials if trial.kind == kind]) for kind in kinds}


def _total(trials: Sequence[Trial]) -> dict[str, float]:
    """Return how many were turned away, how many of them pass once fitted; and of these the errors [mm]."""
    away = [trial for trial in trials if not trial.passes]
    passed = [trial for trial in away if trial.is_accepted]
    row = {"labels": float(len(trials)), "turned_away": float(len(away)), "rectified": float(len(passed))}
    errors = [trial.errors for trial in passed if trial.errors is not None]
    if errors:
        before, after = np.mean([[one.pose for one in pair] for pair in errors], 0)
        nearer = float(np.mean([one[1].pose < one[0].pose for one in errors]))
        row |= {"pa_mpjpe_before": float(before), "pa_mpjpe_after": float(after), "nearer": nearer}
    return row


def _trust(trials: Sequence[Trial], whose: str) -> dict[str, float]:
    """Return what is accepted, how much of it is wrong, and its errors.

    Args:
        trials: labels whose truth is known.
        whose: reject: labels that pass as they are; rectified: those that pass once fitted; rectify: both.
    """
    wanted = {"reject": (True,), "rectified": (False,), "rectify": (True, False)}[whose]
    kept = [trial for trial in trials if trial.is_accepted and trial.passes in wanted]
    errors = [trial.errors[1] for trial in kept if trial.errors is not None]
    row = {"accepted": float(len(kept)), "wrong": float(sum(one.place > WRONG for one in errors))}
    if errors:
        row |= {"pa_mpjpe": float(np.mean([one.pose for one in errors]))}
    return row


def _print_trust(table: dict[str, dict[str, float]]) -> None:
    for name, row in table.items():
        share = 100 * row["wrong"] / max(row["accepted"], 1)
        line = f"  {name}: {row['accepted']:.0f} accepted, a joint of {row['wrong']:.0f} of them off by more "
        line += f"than {WRONG:g} of the box ({share:.0f} %)"
        say(line + (f"; {row['pa_mpjpe']:.0f} mm PA-MPJPE" if "pa_mpjpe" in row else ""))


def _print(table: dict[str, dict[str, float]]) -> None:
    for kind, row in table.items():
        share = 100 * row["rectified"] / max(row["turned_away"], 1)
        away, back = row["turned_away"], row["rectified"]
        line = f"  {kind:<42} {away:4.0f} of {row['labels']:.0f} turned away, {back:4.0f} rectified"
        line += f" ({share:.0f} %)"
        if "nearer" in row:
            line += (
                f"; these from {row['pa_mpjpe_before']:.0f} to {row['pa_mpjpe_after']:.0f} mm PA-MPJPE, "
                f"{100 * row['nearer']:.0f} % of them nearer"
            )
        say(line)


def _draw(trials: Sequence[Trial], count: int, folder: Path, models: "Models", name: str) -> None:
    from PIL import Image

    from synthgen.scorehmr.panels import bodies_over, sheet

    for is_accepted, word in ((True, "rectified"), (False, "given_up")):
        away = [trial for trial in trials if not trial.passes]
        chosen = [trial for trial in away if trial.is_accepted == is_accepted][:count]
        panels = []
        for trial in chosen:
            image, camera = trial.before.drawing.image, trial.before.bodies.scene.camera
            people = [plan.bodies.scene.people for plan in (trial.before, trial.after)]
            over = [bodies_over(image, one, camera, models.body, models.renderer) for one in people]
            panels.append(np.concatenate([image, *over], 1))
        if panels:
            Image.fromarray(sheet(panels)).save(folder / f"{name}_{word}.jpg", quality=90)
