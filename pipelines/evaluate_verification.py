"""Does verification notice labels that are wrong? Measured on pictures whose labels it accepts.

    python -m synthgen.run pipeline=evaluate_verification models=embedded

Takes pictures of a source until enough are accepted, spoils their labels in three ways (a limb turned by 40
degrees, the body moved by a tenth of its height, left and right swapped), and asks again. Some spoils cannot
be seen, like sides swapped in a symmetric pose; those that move a visible joint by more than a tenth of the
box are counted apart, too. Rendered pictures are exact by construction, so there every rejection of an
unspoiled label is a false alarm. Accepted pictures with their own labels are asked about once more, as shards
keep them: verdicts that hang on a thread change then. At the end it suggests limits that notice enough and
accept most with these models, checked on pictures of their own; with `critic=FOLDER` it fits a critic, which
sees more than limits, says what it does to pictures that it was not fitted to, and writes it for
models.critic.id.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from synthgen import backends
from synthgen.agreement import NEAR, Verification
from synthgen.calibration import Rates, Trial
from synthgen.judgement import agreements, gated
from synthgen.models import Method, Models, role_problems
from synthgen.prompts import Prompts, RequestStream
from synthgen.sample import Guide, Person, Request
from synthgen.stages.depth import Plan, plan_picture

say = partial(print, flush=True)
_AT_ONCE = 16
_FEWEST = 5  # pictures that a critic is fitted to
_AGAIN = "again"  # beside the kinds of spoils
_SPOIL_STREAM = 0x73706F  # keeps the draws of spoils apart from all others of a seed
NODES = {"source": backends.SOURCES}


@dataclass(frozen=True)
class Config:
    """Keys of the recipe.

    Attributes:
        num_samples: accepted pictures to spoil the labels of.
        wanted: part of the spoiled labels that suggested limits notice, [0, 1].
        critic: folder for a critic fitted to all trials, of drawn pictures with `redraw`, else of rendered
            ones; empty: none is fitted.
        accepted: part of the right labels that the critic trusts, (0, 1).
        max_requests: requests after which it gives up to find that many.
        seed: every random draw follows from it; must be far from the seeds of training.
        source: where pictures start from.
        redraw: draw rendered scenes anew, so that redraws are asked about instead of renders.
        models: models by role, or the name of a preset.
        verify: the limits under examination.
        prompts: sentences to draw from.
        body: see the recipe generate.
        device: cpu or cuda.
    """

    num_samples: int = 200
    wanted: float = 0.9
    critic: str = ""
    accepted: float = 0.95
    max_requests: int = 2000
    seed: int = 3_000_000
    source: dict[str, Any] = field(
        default_factory=lambda: {
            "backend": "render",
            "image_size": 128,
            "second_person": 0.0,
            "families": {"everyday": 1, "ski": 1, "gymnastics": 1, "diving": 1, "athletics": 1, "yoga": 1},
        }
    )
    redraw: bool = False
    models: dict[str, Any] = field(default_factory=dict)
    verify: Verification = field(default_factory=Verification)
    prompts: Prompts = field(default_factory=Prompts)
    body: str = "open"
    device: Literal["cpu", "cuda"] = "cpu"

    @property
    def method(self) -> Method:
        """Options of the steps."""
        method = Method(verify=replace(self.verify, renders=True, on_mismatch="reject"))
        return replace(method, redraw=replace(method.redraw, renders=self.redraw))

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = backends.problems(backends.SOURCES, self.source, "source")
        found += backends.model_problems(self.models)
        found += role_problems(str(self.source.get(backends.NAME)), self.method, self.models)
        found += [f"verify.{problem}" for problem in self.verify.problems()]
        if not 0 <= self.wanted <= 1:
            found.append(f"wanted must be in [0, 1], got {self.wanted}")
        if not 0 < self.accepted < 1:
            found.append(f"accepted must be in (0, 1), got {self.accepted}")
        for name in ("num_samples", "max_requests"):
            if getattr(self, name) < 1:
                found.append(f"{name} must be at least 1, got {getattr(self, name)}")
        return found + [f"prompts.{problem}" for problem in self.prompts.problems()]


def main(config: Config) -> int:
    """Measure, print the table, suggest limits; return the exit code: 1 where too few were accepted."""
    from tqdm import tqdm

    from synthgen.calibration import rates
    from synthgen.models import ModelChoice, load_models

    nodes = {role: backends.complete(backends.MODELS[role], node) for role, node in config.models.items()}
    models = load_models(
        ModelChoice(config.body, "warp", config.device, config.source, config.method, "0" * 64, nodes)
    )
    trials: list[Trial] = []
    accepted = 0
    with tqdm(total=config.num_samples, desc="accepted", disable=None, leave=False) as bar:  # terminals only
        for trial in _trials(config, models):
            trials.append(trial)
            if config.verify.reason(trial.right) is None:
                accepted += 1
                bar.update()
            bar.set_postfix_str(f"of {len(trials)} pictures")
            if accepted >= config.num_samples:
                break
    found = rates(trials, config.verify)
    say(f"{found.count} of {len(trials)} unspoiled labels accepted ({100 * found.accepted:.1f} %)")
    _table(found)
    if config.critic:
        _fit_critic(config, trials)
    else:
        _suggest_limits(config, trials)
    return 0 if found.count >= config.num_samples else 1


def _suggest_limits(config: Config, trials: Sequence[Trial]) -> None:
    from synthgen.calibration import calibrate, rates

    half = len(trials) // 2
    better = calibrate(trials[:half], config.verify, config.wanted)
    if better is None:
        say(f"no limits notice {100 * config.wanted:g} % of them with these models")
        return
    other = rates(trials[half:], better)
    keys = ("min_iou", "min_pck", "min_oks", "max_worst_joint", "max_mpvpe_mm", "min_limb", "min_support")
    say("limits found on one half, measured on the other:")
    say("  " + " ".join(f"verify.{key}={getattr(better, key):g}" for key in keys))
    share = 100 * other.accepted
    say(f"  {other.count} of {len(trials) - half} unspoiled labels accepted ({share:.1f} %)")
    _table(other, "  ")


def _fit_critic(config: Config, trials: Sequence[Trial]) -> None:
    from synthgen import storage
    from synthgen.backends.logistic_critic import DRAWN, RENDERED
    from synthgen.calibration import cross_judged, fitted_critic, rates

    if len(trials) < _FEWEST:
        raise ValueError(
            f"critic={config.critic}: {len(trials)} pictures are too few to fit one, expected at least "
            f"{_FEWEST}; raise num_samples and max_requests"
        )
    folder = Path(config.critic).expanduser()
    limits = config.verify
    if not limits.min_trust:  # 0 takes trials that an older critic would refuse; the new one is to be heard
        limits = replace(limits, min_trust=Verification.min_trust)
    found = rates(cross_judged(trials, config.accepted), limits)
    say("with a critic fitted to four fifths of the pictures, measured on the other fifth, five times:")
    say(f"  {found.count} of {len(trials)} unspoiled labels accepted ({100 * found.accepted:.1f} %)")
    _table(found, "  ")
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(fitted_critic(trials, config.accepted).values(), indent=1)
    path = folder / (DRAWN if config.redraw else RENDERED)
    storage.write_bytes(str(path), f"{text}\n".encode())
    say(f"critic fitted to all of them: {path}")


def _table(found: "Rates", indent: str = "") -> None:
    for name, part in found.noticed.items():
        say(f"{indent}{name:<14} {100 * part:5.1f} % of {found.count} rejected")
    say(f"{indent}{'all spoils':<14} {100 * found.all_noticed:5.1f} % of {found.count * len(found.noticed)}")
    say(f"{indent}{'those that show':<14} {100 * found.noticed_shown:4.1f} % of {found.shown}")
    say(f"{indent}{'unspoiled':<14} {100 * found.dropped:5.1f} % of {found.count}, on a second look")


def _trials(config: Config, models: Models) -> "Iterator[Trial]":
    from synthgen.generate import Job, draw_pictures

    name = config.source[backends.NAME]
    guide: Any = name if name in get_args(Guide) else "render"
    stream = RequestStream("verification", config.seed, config.prompts, guide)
    for requests in stream.batches(0, config.max_requests, _AT_ONCE):
        for request, item in zip(requests, draw_pictures(requests, models).items, strict=True):
            if not isinstance(item, Job) or gated(item.plan, models).reason is not None:
                continue
            trial = _trial(item.plan, request, models)
            if trial is not None:
                yield trial


def _trial(plan: "Plan", request: "Request", models: Models) -> Trial | None:
    """Ask about a picture with its own label, and with spoiled ones.

    All silhouettes are those of bare bodies, also that of the right label of a rendered person, whose own one
    has hair, clothes and shoes: else whoever sees these would notice spoils that he cannot see.
    None where the bare body cannot be labelled.
    """
    from synthgen.stages.spoil import SPOILS
    from synthgen.stages.verify import greatest_move

    scene = plan.bodies.scene
    right = _planned(plan, scene.people, models)
    if right is None:
        return None
    plans: dict[str, Plan | None] = {"": right, _AGAIN: _as_kept(right)}
    for name, spoil in SPOILS.items():
        rng = np.random.default_rng([request.seed, _SPOIL_STREAM])
        plans[name] = _planned(plan, (spoil(scene.people[0], models.body, rng), *scene.people[1:]), models)
    drawn = {name: one for name, one in plans.items() if one is not None}
    found = dict(zip(drawn, agreements(list(drawn.values()), models), strict=True))
    shows = {n for n, one in plans.items() if one is None or greatest_move(right, one, models.body) > NEAR}
    return Trial(found[""], {name: found.get(name) for name in SPOILS}, frozenset(shows), found[_AGAIN])


def _as_kept(plan: "Plan") -> "Plan":
    """Return a plan with its picture as it comes out of a shard."""
    from synthgen.shards.records import decode_image, encode_image

    image = decode_image(encode_image(plan.drawing.image, "jpg"), "the picture", ("RGB",))
    return replace(plan, drawing=replace(plan.drawing, image=image))


def _planned(plan: "Plan", people: "Sequence[Person]", models: Models) -> "Plan | None":
    """Return a plan with other people in its picture; None where they cannot be labelled."""
    bodies = replace(plan.bodies, scene=replace(plan.bodies.scene, people=tuple(people)))
    made = plan_picture(bodies, models.body, models.renderer, models.options.depth)
    return None if isinstance(made, str) or gated(made, models).reason else made
