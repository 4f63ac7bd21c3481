"""Do synthetic pictures help where real ones are few? Generate, adapt, evaluate, report: one experiment.

    python -m synthgen.run config=ski_few_shot.yaml

Stand-in pictures take the place of real ones: a look that no model of the package has ever seen. DPMesh is
adapted with what each arm has to learn from, and measured on stand-in pictures with full truth. What is there
already, sets, trainings and figures, is skipped. Exit code 0: all arms are done, whatever they show; 1: a set
could not be made, or a training failed; 130 or 143: stopped by a signal.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any, Literal

from synthgen import backends, interrupts
from synthgen.agreement import Verification
from synthgen.config import ConfigError, resolved
from synthgen.few_shot import sets
from synthgen.few_shot.annotate import Annotator
from synthgen.few_shot.arms import ARMS, Arm, Outcome, Result
from synthgen.fields import Setting, fill
from synthgen.prompts import Prompts
from synthgen.run import import_recipe
from synthgen.scenes.poses import FAMILIES

say = partial(print, flush=True)
GUIDES = ("pose", "text")
NOTHING = Verification(  # limits that every picture keeps
    0, 0, 0, 1e6, 1e9, 0, 0, 0, same_people=False, on_mismatch="reject", retries=0
)
RENDERER = "warp"  # of all pictures, so that sets are the same on every machine
SHOWN = 18  # pictures of each set in the report
_SETS = ("train", "test", *GUIDES)  # each has a seed of its own


@dataclass(frozen=True)
class Config:
    """Keys of the recipe.

    Attributes:
        name: title of the report.
        work: local folder of sets, models and report.
        family: pose family of all pictures.
        start: the DPMesh to adapt, one that has not seen this family: embedded/dpmesh, a folder or a
            published checkpoint.
        arms: none, real, synthetic, both, unverified; empty for all.
        seeds: each arm is adapted once with each.
        num_real: stand-in pictures to learn from, with 2D joints only.
        num_test: stand-in pictures to measure on, with full truth.
        standin: keys of the source render for stand-in pictures; appearance and families are given.
        annotator: how exact the 2D joints of the pictures to learn from are.
        synthetic: drawn pictures to learn from, by guide: pose (around poses of the library), text (from
            words alone).
        pose_prompts: sentences for the guide pose; what the pose does is added to each.
        text_prompts: sentences for the guide text.
        guide: keys of the source pose.
        models: models that draw and verify, by role, or the name of a preset.
        verify: limits of the verified pictures; those of the arm unverified keep none.
        most_requests: requests for each picture that is wanted, before a set is given up.
        balance: how often a crop of the real pictures is drawn in the arms with both, for each drawn one.
        adapt: keys of the recipe adapt for every training; start, sources, seed and folders are given.
        evaluate: keys of the recipe evaluate; shards, estimators and folders are given.
        device: cpu or cuda, for drawing, training and measuring.
        workers: of `generate`, or auto.
        ray: of `generate`.
        seed: of the sets.
    """

    name: str = "few_shot"
    work: str = "shards/few_shot"
    family: str = "ski"
    start: str = "embedded/dpmesh"
    arms: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2])
    num_real: int = 100
    num_test: int = 500
    standin: dict[str, Any] = field(default_factory=lambda: {"image_size": 192})
    annotator: Annotator = field(default_factory=Annotator)
    synthetic: dict[str, int] = field(default_factory=lambda: {"pose": 1000})
    pose_prompts: Prompts = field(default_factory=Prompts)
    text_prompts: Prompts = field(default_factory=Prompts)
    guide: dict[str, Any] = field(default_factory=dict)
    models: dict[str, Any] = field(default_factory=dict)
    verify: Verification = field(default_factory=Verification)
    most_requests: int = 8
    balance: float = 0.5
    adapt: dict[str, Any] = field(default_factory=dict)
    evaluate: dict[str, Any] = field(default_factory=lambda: {"keypoints": "noisy"})
    device: Literal["cpu", "cuda"] = "cpu"
    workers: int | Literal["auto"] = "auto"
    ray: str = "auto"
    seed: int = 5_000_000

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [f"arms: no arm {one!r}; known: {', '.join(ARMS)}" for one in self.arms if one not in ARMS]
        if self.family not in FAMILIES:
            found.append(f"family must be one of {', '.join(FAMILIES)}, got {self.family!r}")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            found.append(f"seeds must be different numbers >= 0, at least one, got {self.seeds}")
        for name in ("num_real", "num_test", "most_requests"):
            if getattr(self, name) < 1:
                found.append(f"{name} must be at least 1, got {getattr(self, name)}")
        if not self.balance > 0:
            found.append(f"balance must be above 0, got {self.balance}")
        if set(self.synthetic) - set(GUIDES) or not self.synthetic or min(self.synthetic.values()) < 1:
            known = " and ".join(GUIDES)
            found.append(f"synthetic must say how many, at least 1, of {known}, got {dict(self.synthetic)}")
        found += [f"annotator.{problem}" for problem in self.annotator.problems()]
        found += [f"verify.{problem}" for problem in self.verify.problems()]
        for guide in GUIDES:
            prompts = self.prompts(guide)
            found += [f"{guide}_prompts.{problem}" for problem in prompts.problems()]
        found += backends.model_problems(self.models)
        found += backends.problems(backends.SOURCES, _standin(self), "standin")
        found += backends.problems(backends.SOURCES, _guides(self)["pose"], "guide")
        found += _fill("adapt", {**self.adapt, "start": self.start, "real": ["any"]})[1]
        measured = {"shards": {"any": "any"}, "estimators": {"any": "any"}}
        return found + _fill("evaluate", {**self.evaluate, **measured})[1]

    def prompts(self, guide: str) -> Prompts:
        """Return the sentences for a guide."""
        return self.pose_prompts if guide == "pose" else self.text_prompts

    def chosen(self) -> list[Arm]:
        """Return the arms to run."""
        return [arm for name, arm in ARMS.items() if not self.arms or name in self.arms]


class BrokenOffError(Exception):
    """A recipe that this one calls did not end well.

    Attributes:
        code: exit code to end with.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def main(config: Config) -> int:
    """Run what is missing of the experiment, write its report, and return the exit code."""
    try:
        with interrupts.raised():
            return _run(replace(config, work=str(Path(config.work).expanduser().resolve())))
    except BrokenOffError as error:
        say(f"{config.name}: {error}; the same command goes on from here")
        return error.code
    except interrupts.Interrupted as stop:
        say(f"\n{config.name}: stopped by {stop.name}; the same command goes on from here")
        return stop.exit_code


def _run(config: Config) -> int:
    folders = _make_sets(config)
    results = []
    for seed in config.seeds:  # all arms of one seed first: a run that is broken off still compares
        for arm in config.chosen():
            result = _run_arm(config, arm, seed, folders)
            results.append(result)
            say(_told(arm, result))
            _write_report(config, Outcome(tuple(results)), folders)
    say(f"report: {Path(config.work) / 'report.html'}")
    return 0


def _told(arm: Arm, result: Result) -> str:
    shown = ", ".join(f"{name} {value:.4g}" for name, value in result.figures.items())
    return f"{arm.title}, seed {result.seed}: {shown}"


# The sets


def _standin(config: Config) -> dict[str, Any]:
    return {
        **config.standin,
        backends.NAME: "render",
        "appearance": "standin",
        "families": {config.family: 1.0},
    }


def _guides(config: Config) -> dict[str, dict[str, Any]]:
    pose = {"captions": "actions", **config.guide, backends.NAME: "pose", "families": {config.family: 1.0}}
    return {"pose": pose, "text": {backends.NAME: "text", "family": config.family}}


def _make_sets(config: Config) -> dict[str, str]:
    """Make what is missing of the sets and return their folders by name."""
    wanted = {"test": config.num_test, "train": config.num_real}
    folders = {}
    for run, count in wanted.items():
        folders[run] = _generated(config, run, count, {"source": _standin(config)})
    for kind in sorted({arm.synthetic for arm in config.chosen()} - {""}):
        verify = asdict(config.verify if kind == "verified" else NOTHING)
        for guide, count in config.synthetic.items():
            keys = {"source": _guides(config)[guide], "models": config.models, "verify": verify}
            run, prompts = f"{kind}_{guide}", asdict(config.prompts(guide))
            folders[run] = _generated(config, run, count, {**keys, "prompts": prompts})
    real = Path(config.work) / sets.REAL
    sets.annotate(folders["train"], real, config.num_real, config.annotator, config.seed)
    folders[sets.REAL] = str(real)
    return folders


def _generated(config: Config, run: str, wanted: int, keys: Mapping[str, Any]) -> str:
    """Run the recipe `generate` until it holds as many pictures as are wanted, and return its folder."""
    from synthgen.run_folder import NUM_SAMPLES, recorded_config

    folder = Path(config.work) / run
    planned = max(wanted, int(recorded_config(str(folder)).get(NUM_SAMPLES, 0)))
    while True:
        shared = {
            "run": run, "output": config.work, "samples_per_shard": 50, "keep_drafts": False, "report": False,
            "workers": config.workers, "ray": config.ray, "device": config.device,
            "gpus_per_worker": float(config.device == "cuda"), "renderer": RENDERER,
            "seed": config.seed + _SETS.index(run.split("_")[-1]),
        }  # fmt: skip
        _call("generate", run, {**shared, **keys, NUM_SAMPLES: planned})
        accepted = sets.count(folder)
        if accepted >= wanted:
            return str(folder)
        if planned >= config.most_requests * wanted:
            found = f"{run}: {accepted} of {wanted} pictures from {planned} requests"
            raise BrokenOffError(1, f"{found}; raise most_requests, or loosen the limits")
        missing = (wanted - accepted) / max(accepted, 1) * planned * 1.1
        planned = min(planned + ceil(missing), config.most_requests * wanted)


# The arms


def _sources(config: Config, arm: Arm, folders: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Return the sources of an arm for the recipe `adapt`: path, weight, number of pictures."""
    total = sum(config.synthetic.values())
    drawn = [
        {"path": folders[f"{arm.synthetic}_{guide}"], "weight": count / total, "num_samples": count}
        for guide, count in config.synthetic.items()
        if arm.synthetic
    ]
    real = {"path": folders[sets.REAL], "weight": config.balance, "num_samples": config.num_real}
    return {"synthetic": drawn, "real": [real] if arm.real else []}


def _run_arm(config: Config, arm: Arm, seed: int, folders: Mapping[str, str]) -> Result:
    """Adapt and measure, or read what was measured before."""
    from synthgen.training import receipts

    folder = Path(config.work) / "arms" / f"{arm.name}-{seed}"
    sources = _sources(config, arm, folders)
    used = [one["path"] for part in sources.values() for one in part]
    options = [resolved(config)[key] for key in ("adapt", "evaluate", "num_test", "balance", "synthetic")]
    model, data = sets.model_digest(config.start), sets.digest([*used, folders["test"]])
    inputs = receipts.combined(arm.name, seed, options, model, data)
    path = folder / "result.json"
    if receipts.is_current(folder, inputs, [path]):
        return Result(**json.loads(path.read_text()))
    started = time.monotonic()
    if arm.is_trained:
        _adapt(config, sources, folder, seed)
    model = str(folder / "model") if arm.is_trained else config.start
    figures = _measured(config, arm, model, folder, (seed, folders["test"]))
    result = Result(arm.name, seed, figures, (time.monotonic() - started) / 60)
    path.write_text(json.dumps(vars(result), indent=1))
    receipts.write(folder, inputs, [path])
    return result


def _adapt(config: Config, sources: Mapping[str, list[dict[str, Any]]], folder: Path, seed: int) -> None:
    given = {
        "start": config.start, "seed": seed, "device": config.device, "work": str(folder / "training"),
        "output": str(folder / "model"), **sources,
    }  # fmt: skip
    _call("adapt", folder.name, {**config.adapt, **given})


def _measured(config: Config, arm: Arm, model: str, folder: Path, test: tuple[int, str]) -> dict[str, float]:
    seed, shards = test
    output = folder / "evaluation"
    given = {
        "name": f"{arm.title}, seed {seed}", "output": str(output), "shards": {config.family: shards},
        "estimators": {arm.name: {backends.NAME: "dpmesh", "id": model}}, "num_samples": config.num_test,
        "seed": seed, "device": config.device, "renderer": RENDERER,
    }  # fmt: skip
    _call("evaluate", folder.name, {**config.evaluate, **given})
    found = json.loads((output / "evaluation.json").read_text())["shards"][0]["estimators"][0]["figures"]
    return {name: one["mean"] for name, one in found.items() if one["mean"] is not None}


def _call(name: str, where: str, values: Mapping[str, Any]) -> None:
    """Run a recipe with these keys.

    Raises:
        ConfigError: the recipe has no such keys, or refuses their values.
        BrokenOffError: it did not end well.
    """
    config, problems = _fill(name, values)
    if problems:
        raise ConfigError([f"{where}: {problem}" for problem in problems])
    if code := int(import_recipe(name).main(config)):
        raise BrokenOffError(code, f"{where}: {name} ended with exit code {code}")


def _fill(name: str, values: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """Return the config of a recipe with these keys and no problems, or None and all problems."""
    settings = [Setting((key,), value) for key, value in values.items()]
    return fill(import_recipe(name).Config, settings, name)


# The report


def _write_report(config: Config, outcome: Outcome, folders: Mapping[str, str]) -> None:
    from synthgen import config as configs
    from synthgen.few_shot.page import render_page
    from synthgen.few_shot.tables import markdown, record

    kinds = [kind for kind in ("verified", "unverified") if any(name.startswith(kind) for name in folders)]
    counts = {
        "test pictures with full truth": config.num_test,
        "real pictures with 2D joints": config.num_real,
    }
    counts |= {f"{kind} synthetic pictures": sum(config.synthetic.values()) for kind in kinds}
    shown = [sets.first(folders["test"], SHOWN), sets.first(folders["real"], SHOWN)]
    share = ceil(SHOWN / len(config.synthetic))
    for kind in kinds:
        some = [sets.first(folders[f"{kind}_{guide}"], share) for guide in config.synthetic]
        shown.append([picture for part in some for picture in part])
    settings = configs.to_yaml(config, "few_shot")
    pictures = dict(zip(counts, shown, strict=True))
    texts = {
        "few_shot.md": markdown(config.name, outcome, counts),
        "few_shot.json": json.dumps(record(config.name, outcome, counts, resolved(config)), indent=1),
        "report.html": render_page(config.name, outcome, counts, pictures, settings),
    }
    for name, text in texts.items():
        (Path(config.work) / name).write_text(text, "utf-8")
