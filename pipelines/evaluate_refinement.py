"""Measure what refinement is worth: renders with noisy joints, score guidance beside plain optimisation.

    python -m synthgen.run config=refine_evaluate.yaml

Draws fresh people of sports and everyday families, estimates bodies from the pictures, adds a detector's
errors to their joints, refines: single pictures, several views, clips. Prints one table, writes it as
`refinement.json` with fits to look at. Exit code 0.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from synthgen import backends
from synthgen.scenes.poses import SPORTS
from synthgen.scorehmr.trials import JointNoise

say = partial(print, flush=True)
TABLE = "refinement.json"
_SHOWN = 6  # fits drawn of each trial


@dataclass(frozen=True)
class Config:
    """Keys of the recipe.

    Attributes:
        denoiser: folder or hub id of a denoiser, or embedded/score.
        mesh: node of the mesh estimator.
        prior: VPoser of the plain optimisation.
        pictures: single pictures of each set.
        moments: moments of several views.
        views: cameras of each moment.
        clips: clips of each set.
        frames: of each clip.
        iterations: rounds of score guidance.
        fitting_steps: of the plain optimisation.
        noise: errors of the joints.
        image_size: side of the pictures [px].
        output: folder of table and pictures.
        seed: of all trials.
        threads: of torch; 0 for all cores.
    """

    denoiser: str = "embedded/score"
    mesh: dict[str, Any] = field(default_factory=lambda: {"backend": "hmr2", "id": "embedded/mesh"})
    prior: str = "embedded/prior"
    pictures: int = 100
    moments: int = 20
    views: int = 4
    clips: int = 4
    frames: int = 30
    iterations: int = 10
    fitting_steps: int = 250
    noise: JointNoise = field(default_factory=JointNoise)
    image_size: int = 128
    output: str = "shards/refinement"
    seed: int = 0
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
            )
            if getattr(self, name) < least
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
    rows = []
    for kind, family, sizes in (
        ("pictures", "sports", (config.pictures, 1)),
        ("pictures", "everyday", (config.pictures, 1)),
        ("views", "sports", (config.moments, config.views)),
        ("clips", "sports", (config.clips, config.frames)),
        ("clips", "everyday", (config.clips, config.frames)),
    ):
        trials = kit.trials(kind, family, sizes)
        results = kit.results(trials, kind)
        rows += [{"trial": f"{kind} {family}", "method": name, **row} for name, row in results.items()]
        kit.draw(trials, folder / f"{kind}_{family}.jpg")
        say(f"{kind} {family}: " + "; ".join(f"{name} {_words(row)}" for name, row in results.items()))
    (folder / TABLE).write_text(json.dumps(rows, indent=1) + "\n")
    say(_table(rows))
    return 0


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
        self.refinery = Refinery(denoiser, read_body_file(OPEN_FILE), guidance)
        self.prior = VPoser.from_folder(find_model(config.prior, "", fetch_files))

    def trials(self, kind: Any, family: str, sizes: tuple[int, int]) -> Any:
        """Draw trials."""
        from synthgen.scenes.compose import RenderSource
        from synthgen.scorehmr.trials import make_trials

        families = {"everyday": 1.0} if family == "everyday" else dict.fromkeys(SPORTS, 1.0)
        source = RenderSource(self.config.image_size, families, occluders=0.1)
        source.setup(self.body, self.renderer)
        return make_trials(kind, source, self.estimator, sizes, self.config.noise, self.config.seed)

    def results(self, trials: Any, kind: str) -> Mapping[str, Mapping[str, float]]:
        """Return the errors of the estimate, and of what each method makes of it."""
        from synthgen.scorehmr.fitting import FittingOptions

        plain = FittingOptions(steps=self.config.fitting_steps)
        cases = replace(trials.cases, extrinsics=None)
        found = {"estimate": trials.cases.people}
        found["plain"] = self.refinery.fit(cases, self.prior, plain).people
        found["score"] = self.refinery.refine(cases).people
        if kind == "views":
            found["score, calibrated"] = self.refinery.refine(trials.cases).people
        return {name: dict(trials.figures(people, self.body)) for name, people in found.items()}

    def draw(self, trials: Any, path: Path) -> None:
        """Draw some fits: picture with joints, estimate, refined."""
        import numpy as np
        from PIL import Image

        from synthgen.scorehmr.panels import bodies_over, dotted, sheet

        every = max(1, len(trials.truth) // _SHOWN)
        rows = range(0, len(trials.truth), every)
        refined = self.refinery.refine(replace(trials.cases, extrinsics=None)).people
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


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [("trial", "method", "PA-MPJPE mm", "change", "acceleration mm/frame²", "change")]
    first: dict[str, Any] = {}
    for row in rows:
        if row["method"] == "estimate":
            first = row
        cells = [row["trial"], row["method"]]
        for name in ("pa_mpjpe", "acceleration"):
            has = name in row
            cells += (
                [f"{row[name]:.1f}", f"{100 * (row[name] / first[name] - 1):+.0f} %"] if has else ["", ""]
            )
        lines.append(tuple(cells))
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
