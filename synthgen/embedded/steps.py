"""The steps in the order they run, what each needs, what it leaves, and how to run those that are due."""

import importlib
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from synthgen.embedded.options import Curriculum, Training
from synthgen.embedded.plan import Plan
from synthgen.training import receipts

logger = logging.getLogger(__name__)

RENDER, REDRAWN = "render", "redrawn"


@dataclass(frozen=True)
class Step:
    """One model to train, or pictures to make for others.

    Attributes:
        module: with `train(workshop)`.
        needs: steps whose results it reads.
        outputs: what it writes, below the weights folder; nothing if it makes pictures in the work folder.
        is_ours: neither diffusers nor transformers builds the model, so that they need not be imported.
    """

    module: str
    needs: tuple[str, ...]
    outputs: tuple[str, ...]
    is_ours: bool = False


_PARTS = ("unet", "text_encoder", "tokenizer", "scheduler", "model_index.json", "training.json")
STEPS = {
    "vae": Step("synthgen.embedded.vae", (RENDER,), ("draft/vae",)),
    "draft": Step("synthgen.embedded.draft", (RENDER, "vae"), tuple(f"draft/{part}" for part in _PARTS)),
    "redraw": Step("synthgen.embedded.redraw", (RENDER, "vae", "draft"), ("redraw",)),
    REDRAWN: Step("synthgen.embedded.redrawn", (RENDER, "redraw"), ()),
    "segmenter": Step("synthgen.embedded.segmenter", (RENDER, "redraw", REDRAWN), ("segmenter",)),
    "mesh": Step("synthgen.embedded.mesh", (RENDER,), ("mesh",), is_ours=True),
    "keypoints": Step("synthgen.embedded.keypoints", (RENDER, "mesh", "redraw", REDRAWN), ("keypoints",)),
    "prior": Step("synthgen.embedded.prior", (), ("prior",), is_ours=True),
}
NAMES = (RENDER, *STEPS)


def run(name: str, plan: Plan) -> bool:
    """Train the model of one step, unless it is up to date.

    Returns:
        Whether there was anything to do.

    Raises:
        ValueError: a step that it needs has not been run.
    """
    step = STEPS[name]
    inputs = _inputs(name, plan)
    outputs = [plan.weights / output for output in step.outputs]
    if receipts.is_current(plan.work / name, inputs, outputs):
        return False
    from synthgen.embedded.workshop import Workshop

    if not step.is_ours:
        from synthgen.backends.model_files import quiet_libraries

        quiet_libraries()
    shop = Workshop(name=name, inputs=inputs, **vars(plan))
    importlib.import_module(step.module).train(shop)
    receipts.write(plan.work / name, inputs, outputs)
    return True


def trainings_of(options: Curriculum, name: str) -> dict[str, Training]:
    """Return all trainings of a step by their keys in its options."""
    return {key: value for key, value in vars(getattr(options, name)).items() if isinstance(value, Training)}


def missing(chosen: Sequence[str], plan: Plan) -> list[str]:
    """Return a message for each step that is needed, neither chosen nor ever run."""
    found = []
    for name in chosen:
        for need in STEPS[name].needs if name in STEPS else ():
            outputs = [plan.weights / output for output in STEPS[need].outputs] if need in STEPS else []
            if need in STEPS and need not in chosen and not all(path.exists() for path in outputs):
                found.append(f"{name} needs what {need} makes; run steps=[{need},{name}]")
    return found


def _inputs(name: str, plan: Plan) -> str:
    """Return a hash of everything that the result of a step follows from."""
    from synthgen.embedded.pictures import shards_digest
    from synthgen.embedded.workshop import RUNS

    made: list[str] = []
    for need in STEPS[name].needs:
        if need == RENDER:
            made.append(shards_digest([str(plan.work / run) for run in RUNS]))
        elif need == REDRAWN:
            made.append(receipts.combined(_settings(REDRAWN, plan)))
        else:
            made.append(receipts.files_digest([plan.weights / output for output in STEPS[need].outputs]))
    if plan.start_from:
        earlier = [plan.start_from / output for output in STEPS[name].outputs]
        made.append(receipts.files_digest([path for path in earlier if path.exists()]))
    return receipts.combined(name, _settings(name, plan), plan.seed, plan.bf16, made)


def _settings(name: str, plan: Plan) -> dict[str, Any]:
    """Return the options of a step that its result follows from: all but how long it takes."""
    options = asdict(getattr(plan.options, name))
    options.pop("minutes", None)
    for key in trainings_of(plan.options, name):
        options[key].pop("minutes")
    return options
