"""Does verification notice labels that are wrong? Measured on pictures whose labels it accepts.

    python -m synthgen.run pipeline=evaluate_verification models=embedded

Takes pictures of a source until enough are accepted, spoils their labels in three ways (a limb turned by 40
degrees, the body moved by a tenth of its height, left and right swapped), and asks again. Rendered pictures
are exact by construction, so there every rejection of an unspoiled label is a false alarm.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from synthgen import backends
from synthgen.agreement import Verification
from synthgen.models import Method, Models, role_problems
from synthgen.prompts import Prompts, RequestStream

if TYPE_CHECKING:
    from synthgen.generate import Job
    from synthgen.sample import Request
    from synthgen.stages.depth import Plan

say = partial(print, flush=True)
_AT_ONCE = 16
NODES = {"source": backends.SOURCES}


@dataclass(frozen=True)
class Config:
    """Keys of the recipe.

    Attributes:
        num_samples: accepted pictures to spoil the labels of.
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
        for name in ("num_samples", "max_requests"):
            if getattr(self, name) < 1:
                found.append(f"{name} must be at least 1, got {getattr(self, name)}")
        return found + [f"prompts.{problem}" for problem in self.prompts.problems()]


def main(config: Config) -> int:
    """Measure, print the table, and return the exit code: 1 where too few pictures were accepted."""
    from synthgen.models import ModelChoice, load_models
    from synthgen.stages.spoil import SPOILS

    nodes = {role: backends.complete(backends.MODELS[role], node) for role, node in config.models.items()}
    choice = ModelChoice(config.body, "warp", config.device, config.source, config.method, "0" * 64, nodes)
    models = load_models(choice)
    tried, accepted = 0, []
    noticed: dict[str, list[bool]] = {name: [] for name in SPOILS}
    for request, job in _jobs(config, models):
        tried += 1
        if _reason(job.plan, models) is None:
            accepted.append(job)
            for name, spoil in SPOILS.items():
                noticed[name].append(_is_noticed(job.plan, spoil, request, models))
        if len(accepted) >= config.num_samples:
            break
    say(f"{len(accepted)} of {tried} unspoiled labels accepted ({100 * len(accepted) / max(tried, 1):.1f} %)")
    for name, found in noticed.items():
        say(f"{name:<14} {100 * np.mean(found) if found else 0:5.1f} % of {len(found)} rejected")
    everything = [one for found in noticed.values() for one in found]
    say(f"{'all spoils':<14} {100 * np.mean(everything) if everything else 0:5.1f} % of {len(everything)}")
    return 0 if len(accepted) >= config.num_samples else 1


def _jobs(config: Config, models: Models) -> "Iterator[tuple[Request, Job]]":
    from synthgen.generate import Job, draw_pictures

    guide: Any = config.source[backends.NAME] if config.source[backends.NAME] != "render" else "render"
    stream = RequestStream("verification", config.seed, config.prompts, guide)
    for requests in stream.batches(0, config.max_requests, _AT_ONCE):
        for request, item in zip(requests, draw_pictures(requests, models).items, strict=True):
            if isinstance(item, Job):
                yield request, item


def _reason(plan: "Plan", models: Models) -> str | None:
    from synthgen.judgement import look

    return look([plan], models)[0].reason


def _is_noticed(plan: "Plan", spoil: Any, request: "Request", models: Models) -> bool:
    from synthgen.stages.depth import plan_picture

    rng = np.random.default_rng([request.seed, 0x73706F])
    scene = plan.bodies.scene
    people = (spoil(scene.people[0], models.body, rng), *scene.people[1:])
    bodies = replace(plan.bodies, scene=replace(scene, people=people))
    spoiled = plan_picture(bodies, models.body, models.renderer, models.options.depth)
    return isinstance(spoiled, str) or _reason(spoiled, models) is not None
