"""Measure the models that come with the package on fresh data, and write their model card.

    python -m synthgen.run config=embedded_evaluate.yaml

Every part asks the models through the backends that a run of the pipeline uses. Figures are kept with a hash
of the weights that they belong to, so that parts can be measured alone; figures of other weights are dropped.
Exit code 0: measured and written, whatever the figures; 130 or 143: stopped by a signal.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from synthgen import backends, interrupts
from synthgen.embedded.exam import parts
from synthgen.embedded.options import RenderOptions

say = partial(print, flush=True)

_AT_ONCE = 16  # requests rendered together
_MOST_TRIES = 20  # requests for each picture, before a family is given up


@dataclass(frozen=True)
class Config:
    """Keys of the recipe.

    Attributes:
        parts: those to measure; empty for all. What was measured before on the same weights stays on record.
        weights: folder of the models.
        models: options of the models by role, or the name of a preset; their ids are folders of `weights`.
        card: file to write; pictures land in a folder `models` beside it.
        work: folder of the figures on record.
        seed: every random draw follows from it; must be far from the seeds of training.
        pictures: fresh renders of each pose family.
        drafts: captions to draw, of all families together.
        redraws: bodies to draw anew, of all families together.
        probe: renders of each of three families that the probe classifier learns from.
        image_size: side of the pictures [px], as in training.
        device: cpu or cuda; auto takes a GPU where there is one.
        threads: of torch on the CPU; 0 leaves that to torch.
    """

    parts: list[str] = field(default_factory=list)
    weights: str = "synthgen/embedded/weights"
    models: dict[str, Any] = field(default_factory=dict)
    card: str = "synthgen/embedded/MODELS.md"
    work: str = "shards/embedded_evaluate"
    seed: int = 1_000_000
    pictures: int = 64
    drafts: int = 120
    redraws: int = 120
    probe: int = 200
    image_size: int = RenderOptions().image_size
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = 0

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        known = ", ".join(parts.PARTS)
        found = [f"parts: no part {name!r}; known: {known}" for name in self.parts if name not in parts.PARTS]
        found += [
            f"{name} must be at least 1, got {getattr(self, name)}"
            for name in ("pictures", "drafts", "redraws", "probe")
            if getattr(self, name) < 1
        ]
        if self.threads < 0 or self.seed < 0:
            found.append(f"threads and seed must be at least 0, got {self.threads}, {self.seed}")
        found += backends.model_problems(self.models)
        if not self.card.endswith(".md"):
            found.append(f"card must be the path of a .md file, got {self.card!r}")
        return found


def main(config: Config) -> int:
    """Measure the parts, write figures and card, print the table; return the exit code."""
    chosen = [name for name in parts.PARTS if not config.parts or name in config.parts]
    weights = Path(config.weights).expanduser().resolve()
    if problems := parts.problems(chosen, weights) + parts.seed_problems(config.seed, weights):
        raise ValueError("; ".join(problems))
    try:
        with interrupts.raised():
            return _run(config, chosen, weights)
    except interrupts.Interrupted as stop:
        say(f"\nstopped by {stop.name}; parts measured so far are on record")
        return stop.exit_code


def _run(config: Config, chosen: list[str], weights: Path) -> int:
    from synthgen.backends.model_files import quiet_libraries
    from synthgen.embedded.exam import card, ledger, plates, targets

    quiet_libraries()
    exam = make_exam(config, weights)
    work, path = (Path(one).expanduser().resolve() for one in (config.work, config.card))
    for folder in (work, path.parent / card.PLATES):
        folder.mkdir(parents=True, exist_ok=True)
    digests = {name: ledger.weights_digest(exam.models, part.folders) for name, part in parts.PARTS.items()}
    before = ledger.read(work)
    entries = ledger.current(before, digests)
    for name in sorted(set(before) - set(entries)):
        say(f"{name}: figures on record belong to other weights; dropped")
        for plate in before[name].plates:
            card.plate_path(path, plate).unlink(missing_ok=True)
    for name in chosen:
        say(f"{name}: measuring")
        answer = parts.examine(name, exam)
        for plate, picture in answer.plates.items():
            plates.write(card.plate_path(path, plate), picture)
        where = digests[name], config.seed, exam.models.device
        entries[name] = ledger.Entry(*where, answer.amount, answer.figures, list(answer.plates), answer.texts)
        ledger.write(work, entries)
    card.write(path, entries, exam.models)
    say(_aligned([("what", "measured", "target", "reached"), *targets.table(card.known(entries, weights))]))
    say(f"card: {path}")
    return 0


def make_exam(config: Config, weights: Path) -> Any:
    """Load body and renderer; models are loaded by the parts that ask them."""
    import torch

    from synthgen.body import load_body
    from synthgen.embedded.exam.exam import Exam, Settings
    from synthgen.embedded.exam.models import Models
    from synthgen.render import make_renderer
    from synthgen.report.contact_sheet import draw_skeletons

    if config.threads:
        torch.set_num_threads(config.threads)
    device = ("cuda" if torch.cuda.is_available() else "cpu") if config.device == "auto" else config.device
    return Exam(
        models=Models(weights, device, config.models),
        body=load_body("open"),
        renderer=make_renderer("warp"),
        render=partial(render, config.image_size),
        skeletons=draw_skeletons,
        settings=Settings(config.seed, config.pictures, config.drafts, config.redraws, config.probe),
    )


def render(image_size: int, family: str, count: int, seed: int, is_alone: bool) -> list[Any]:
    """Draw fresh pictures as the recipe `generate` draws them, without shards: `exam.Render`."""
    from synthgen.generate import make_samples
    from synthgen.models import Method, ModelChoice, load_models
    from synthgen.prompts import Prompts, RequestStream
    from synthgen.sample import Sample

    source = {"backend": "render", "image_size": image_size, **RenderOptions().source}
    source |= {"families": {family: 1.0}} | ({"second_person": 0.0} if is_alone else {})
    models = load_models(ModelChoice("open", "warp", "cpu", source, Method(), "0" * 64))
    stream = RequestStream("exam", seed, Prompts())
    found: list[Sample] = []
    for requests in stream.batches(0, _MOST_TRIES * count, min(_AT_ONCE, count)):
        found += [made for made in make_samples(requests, models) if isinstance(made, Sample)]
        if len(found) >= count:
            return found[:count]
    raise ValueError(f"{family}: only {len(found)} of {_MOST_TRIES * count} requests made a picture")


def _aligned(rows: list[tuple[str, str, str, str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(r, widths, strict=True)) for r in rows
    )
