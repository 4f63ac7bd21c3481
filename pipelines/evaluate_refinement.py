"""Measure what refinement is worth: renders with noisy joints, score guidance beside plain optimisation.

    python -m synthgen.run config=refine_evaluate.yaml

Draws fresh people of sports and everyday families, estimates bodies from the pictures, adds a detector's
errors to their joints, refines: single pictures, several views, clips; anew for every seed. Prints the means
over the seeds with their spreads, writes all seeds as `refinement.json`, and fits to look at. Exit code 0.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen import backends
from synthgen.scenes.poses import SPORTS
from synthgen.scorehmr.trials import JointNoise

say = partial(print, flush=True)
TABLE = "refinement.json"
TRIALS = (  # what is shown, and of which families
    ("pictures", "sports"),
    ("pictures", "everyday"),
    ("views", "sports"),
    ("clips", "sports"),
    ("clips", "everyday"),
)
KINDS = tuple(dict.fromkeys(kind for kind, _ in TRIALS))
_SHOWN = 6  # fits drawn of each trial


@dataclass(frozen=True)
class Config:
    """Keys of the recipe.

    Attributes:
        denoiser: folder or hub id of a denoiser, or embedded/score.
        mesh: node of the mesh estimator.
        prior: VPoser of the plain optimisation.
        trials: which to run: pictures, views, clips.
        pictures: single pictures of each set.
        moments: moments of several views.
        views: cameras of each moment.
        clips: clips of each set.
        frames: of each clip.
        iterations: rounds of score guidance.
        samples: starts that the denoiser draws; 0 runs the published loop from the estimate alone.
        fitting_steps: of the plain optimisation.
        noise: errors of the joints.
        image_size: side of the pictures [px].
        output: folder of table and pictures.
        seeds: of the trials; each draws people of its own.
        threads: of torch; 0 for all cores.
    """

    denoiser: str = "embedded/score"
    mesh: dict[str, Any] = field(default_factory=lambda: {"backend": "hmr2", "id": "embedded/mesh"})
    prior: str = "embedded/prior"
    trials: list[str] = field(default_factory=lambda: list(KINDS))
    pictures: int = 100
    moments: int = 20
    views: int = 4
    clips: int = 4
    frames: int = 30
    iterations: int = 10
    samples: int = 8
    fitting_steps: int = 250
    noise: JointNoise = field(default_factory=JointNoise)
    image_size: int = 128
    output: str = "shards/refinement"
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2])
    threads: int = 0

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [
            f"{name} must be at least {least}, got {getattr(self, name)}"
            for name, least in (
                ("pictures", 1),
                ("moments", 1),
                ("views", 2),
                ("clips", 1),
                ("frames", 3),
                ("iterations", 1),
                ("fitting_steps", 1),
                ("samples", 0),
            )
            if getattr(self, name) < least
        ]
        found += [
            f"unknown trial {name!r}; known: {list(KINDS)}" for name in self.trials if name not in KINDS
        ]
        found += [
            f"{name} must hold at least one entry" for name in ("trials", "seeds") if not getattr(self, name)
        ]
        found += backends.problems(backends.MODELS["mesh"], self.mesh, "mesh")
        return found + [f"noise.{problem}" for problem in self.noise.problems()]


def main(config: Config) -> int:
    """Measure and print the table."""
    import torch

    if config.threads:
        torch.set_num_threads(config.threads)
    folder = Path(config.output).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    kit = _Kit(config)
    rows: list[dict[str, Any]] = []
    for kind, family in TRIALS:
        if kind in config.trials:
            rows += _seeds(kit, kind, family, folder)
    (folder / TABLE).write_text(json.dumps(rows, indent=1) + "\n")
    say(_table(rows))
    return 0


def _seeds(kit: "_Kit", kind: str, family: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the errors of each method, seed by seed; draw fits of the first."""
    for seed in kit.config.seeds:
        trials = kit.trials(kind, family, seed)
        found = kit.methods(trials, kind)
        rows = {name: trials.figures(people, kit.body) for name, people in found.items()}
        if seed == kit.config.seeds[0]:
            kit.draw(trials, found["score"], folder / f"{kind}_{family}.jpg")
        words = "; ".join(f"{name} {_words(row)}" for name, row in rows.items())
        say(f"{kind} {family}, seed {seed}: {words}")
        yield from (
            {"trial": f"{kind} {family}", "seed": seed, "method": n, **row} for n, row in rows.items()
        )


class _Kit:
    """Body, renderer, models."""

    def __init__(self, config: Config) -> None:
        from synthgen.backends.model_files import fetch_files, find_model
        from synthgen.backends.vposer import VPoser
        from synthgen.body import OPEN_FILE, load_body
        from synthgen.body_file import read_body_file
        from synthgen.render import make_renderer
        from synthgen.scorehmr.refinery import Refinery, load_denoiser
        from synthgen.scorehmr.sampling import GuidanceOptions

        self.config = config
        self.body, self.renderer = load_body("open"), make_renderer("warp", "cpu")
        self.estimator = backends.build(backends.MODELS["mesh"], config.mesh, "mesh")
        self.estimator.setup()
        denoiser, _ = load_denoiser(find_model(config.denoiser, "", fetch_files))
        guidance = GuidanceOptions(iterations=config.iterations)
        self.refinery = Refinery(denoiser, read_body_file(OPEN_FILE), guidance, samples=config.samples)
        self.prior = VPoser.from_folder(find_model(config.prior, "", fetch_files))

    def trials(self, kind: Any, family: str, seed: int) -> Any:
        """Draw trials."""
        from synthgen.scenes.compose import RenderSource
        from synthgen.scorehmr.trials import make_trials

        own = self.config
        sizes = {
            "pictures": (own.pictures, 1),
            "views": (own.moments, own.views),
            "clips": (own.clips, own.frames),
        }
        families = {"everyday": 1.0} if family == "everyday" else dict.fromkeys(SPORTS, 1.0)
        source = RenderSource(own.image_size, families, occluders=0.1)
        source.setup(self.body, self.renderer)
        return make_trials(kind, source, self.estimator, sizes[kind], own.noise, seed)

    def methods(self, trials: Any, kind: str) -> dict[str, Sequence[Any]]:
        """Return the estimates, and what each method makes of them."""
        from synthgen.scorehmr.fitting import FittingOptions

        plain = FittingOptions(steps=self.config.fitting_steps)
        cases = replace(trials.cases, extrinsics=None)
        found: dict[str, Sequence[Any]] = {"estimate": trials.cases.people}
        found["plain"] = self.refinery.fit(cases, self.prior, plain).people
        found["score"] = self.refinery.refine(cases).people
        if kind == "views":
            found["score, calibrated"] = self.refinery.refine(trials.cases).people
        return found

    def draw(self, trials: Any, refined: Sequence[Any], path: Path) -> None:
        """Draw some fits: picture with joints, estimate, refined, truth."""
        from PIL import Image

        from synthgen.scorehmr.panels import bodies_over, dotted, sheet

        every = max(1, len(trials.truth) // _SHOWN)
        rows = range(0, len(trials.truth), every)
        panels = [
            np.concatenate(
                [
                    dotted(trials.images[row], trials.cases.keypoints_2d[row], trials.cases.confidence[row]),
                    *(
                        bodies_over(
                            trials.images[row], [one], trials.cases.cameras[row], self.body, self.renderer
                        )
                        for one in (trials.cases.people[row], refined[row], trials.truth[row])
                    ),
                ],
                1,
            )
            for row in rows
        ]
        Image.fromarray(sheet(panels)).save(path, quality=90)


def _words(row: Mapping[str, float]) -> str:
    return ", ".join(f"{value:.1f}" for value in row.values())


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return means over the seeds as text: errors and their changes against the estimate, with spreads."""
    lines = [("trial", "method", "PA-MPJPE mm", "change", "acceleration mm/frame²", "change")]
    for trial, method in dict.fromkeys((row["trial"], row["method"]) for row in rows):
        cells = [trial, method]
        for name in ("pa_mpjpe", "acceleration"):
            first, own = (
                np.array(
                    [
                        row[name]
                        for row in rows
                        if row["trial"] == trial and row["method"] == one and name in row
                    ]
                )
                for one in ("estimate", method)
            )
            cells += _cells(first, own) if len(own) else ["", ""]
        lines.append(tuple(cells))
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cells(first: NDArray[np.float64], own: NDArray[np.float64]) -> list[str]:
    """Return errors (S,) of S seeds, and their changes against the estimate's, as text: mean ± deviation."""
    change = 100 * (own / first - 1)
    if len(own) == 1:
        return [f"{own[0]:.1f}", f"{change[0]:+.0f} %"]
    each = ", ".join(f"{value:+.0f}" for value in change)
    spread = own.std(ddof=1), change.std(ddof=1)
    return [f"{own.mean():.1f} ± {spread[0]:.1f}", f"{change.mean():+.0f} ± {spread[1]:.0f} % ({each})"]
