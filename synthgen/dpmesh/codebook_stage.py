"""The training of the pose codebook, as each worker runs it: from the pose library to a folder."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch

from synthgen.dpmesh.codebook_lesson import CodebookLesson
from synthgen.dpmesh.codebook_poses import LibraryOptions, draw_poses
from synthgen.dpmesh.codebook_training import CodebookOptions
from synthgen.dpmesh.training import body_points
from synthgen.training import peers, receipts
from synthgen.training.loop import Desk, train
from synthgen.training.options import TrainingOptions

MODEL = "model"


@dataclass(frozen=True)
class CodebookPlan:
    """Everything that a codebook follows from; workers get copies.

    Attributes:
        options: of the codebook.
        library: poses to learn.
        training: how long and how fast.
        work: local folder of checkpoint, metrics and the codebook (`model`), shared by all workers.
        body: "open", or the path of an SMPL file.
        seed: of all chance.
        inputs: hash of what it is made from; set by `with_inputs`.
    """

    options: CodebookOptions
    library: LibraryOptions
    training: TrainingOptions
    work: str
    body: str
    seed: int
    inputs: str = field(default="", compare=False)


def with_inputs(plan: CodebookPlan) -> CodebookPlan:
    """Return the plan with the hash of its options."""
    options = {key: value for key, value in asdict(plan).items() if key not in ("work", "inputs")}
    return replace(plan, inputs=receipts.combined(options))


def is_done(plan: CodebookPlan) -> bool:
    """Tell whether the codebook of a plan with inputs is there already."""
    return receipts.is_current(Path(plan.work), plan.inputs, [Path(plan.work) / MODEL])


def train_codebook(plan: CodebookPlan, device: str) -> None:
    """Train, or go on from the newest checkpoint, and write the codebook; each worker calls it."""
    cache = Path(plan.work) / "poses.npz" if peers.rank() == 0 else None
    poses = draw_poses(plan.library, plan.seed, cache)
    batch_size = plan.training.batch_size
    lesson = CodebookLesson(plan.options, poses, body_points(plan.body), batch_size, plan.seed)
    # bfloat16 rounds what the codes are means of.
    train(lesson, plan.training, Desk("codebook", plan.work, device, False, plan.seed, plan.inputs))
    if peers.rank() == 0:
        lesson.module.cpu().codebook.save_folder(Path(plan.work) / MODEL, torch.float32)
        receipts.write(Path(plan.work), plan.inputs, [Path(plan.work) / MODEL])
    peers.wait()
