"""One training of DPMesh, as each worker runs it: from shards to a folder with a model."""

import logging
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from synthgen import storage
from synthgen.body import OPEN, OPEN_FILE
from synthgen.body_file import read_body_file
from synthgen.body_points import BodyPoints
from synthgen.dpmesh.augment import Augmentation
from synthgen.dpmesh.config import DPMeshConfig
from synthgen.dpmesh.keypoint_noise import NoiseOptions
from synthgen.dpmesh.lesson import Held, MeshLesson, held_out
from synthgen.dpmesh.model import DPMesh
from synthgen.dpmesh.objective import LifterObjective, Objective, ObjectiveOptions
from synthgen.dpmesh.starts import fresh_model, open_model, with_lifter
from synthgen.dpmesh.stream import CropStream, Source, StreamOptions
from synthgen.dpmesh.unet import checkpoint_blocks
from synthgen.shards.bad_list import read_bad_list
from synthgen.shards.shard import tars
from synthgen.training import frozen, peers, receipts
from synthgen.training.loop import Desk, train
from synthgen.training.options import TrainingOptions

logger = logging.getLogger(__name__)

_HELD_BATCH = 32
_HEAVY = 1 << 22  # weights of a convolution; Stable Diffusion's U-Net has more, its VAE fewer
_NO_INPUTS = ("name", "output", "work", "inputs")


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that a training follows from; workers get copies.

    Attributes:
        name: of the training, for messages.
        start: trained model to go on from, see `starts.open_model`; "" for fresh weights.
        model: sizes, where weights are fresh, and of the lifter, where the start has none.
        teacher: folder of a trained model for noisy key-point reasoning; "" for none.
        sources: shards to learn from.
        held_out: shards to measure on.
        held_batches: of 32 crops, taken from these.
        data: how crops are made; their side is the model's.
        noise: on the joints that the model sees; None for none.
        objective: what is lowered.
        training: how long and how fast.
        work: local folder of checkpoint, metrics and pictures, shared by all workers.
        output: local folder that gets the model.
        dtype: of the weights there, "float32" or "float16".
        bf16: compute networks in bfloat16 where that is safe.
        seed: of all chance.
        lifter: train the lifter alone, from keypoints; else all but the lifter.
        inputs: hash of what it was made from; set by `with_inputs`.
    """

    name: str
    start: str
    model: DPMeshConfig
    teacher: str
    sources: tuple[Source, ...]
    data: StreamOptions
    objective: ObjectiveOptions
    training: TrainingOptions
    work: str
    output: str
    noise: NoiseOptions | None = None
    held_out: tuple[Source, ...] = ()
    held_batches: int = 4
    dtype: str = "float32"
    bf16: bool = False
    seed: int = 0
    lifter: bool = False
    inputs: str = field(default="", compare=False)


def with_inputs(plan: TrainingPlan) -> TrainingPlan:
    """Return the plan with the hash of its options, shards and models.

    Raises:
        FileNotFoundError: a model is missing.
        ValueError: there are no shards at one of the paths.
    """
    options = {
        key: value for key, value in asdict(plan).items() if key not in ("name", "output", "work", "inputs")
    }
    lists = [sorted(read_bad_list(one.exclude)) if one.exclude else [] for one in plan.sources]
    for source in (*options["sources"], *options["held_out"]):
        del source["exclude"]  # what is on a list counts, not where it is
    shards = [_shard_sizes(source.path) for source in (*plan.sources, *plan.held_out)]
    models = [
        receipts.files_digest([Path(one)]) for one in (plan.start, plan.teacher) if one and Path(one).exists()
    ]
    return replace(plan, inputs=receipts.combined(options, shards, models, *([lists] if any(lists) else ())))


def is_done(plan: TrainingPlan) -> bool:
    """Tell whether the result of a plan with inputs lies in its output already."""
    return receipts.is_current(Path(plan.work), plan.inputs, _outputs(plan))


def train_model(plan: TrainingPlan, device: str) -> None:
    """Train, or go on from the newest checkpoint, and write the result; each worker calls it.

    Raises:
        ValueError: shards or models do not fit, or the loss is no finite number any more.
    """
    model = _start(plan)
    teacher = open_model(plan.teacher) if plan.teacher else None
    data = replace(plan.data, side=model.config.crop_size, images=not plan.lifter)
    points = body_points(data.body)
    if plan.lifter:
        objective: Objective = LifterObjective(model, points, plan.objective)
    else:
        objective = Objective(model, points, plan.objective, teacher)
    lay_out(model.backbone, torch.channels_last)  # a tenth to a fifth faster
    for part in (model, teacher):
        if plan.bf16 and part is not None and not plan.lifter:
            frozen.halve(part.backbone)  # pose heads compute in float32
    checkpoint_blocks(model, plan.training.checkpointing)
    size = sum(weight.numel() for weight in model.trainable().values())
    total = sum(weight.numel() for weight in model.parameters())
    desk = Desk(plan.name, plan.work, device, plan.bf16, plan.seed, plan.inputs)
    place: Any = (peers.rank(), peers.count())
    with CropStream(plan.sources, data, plan.training.batch_size, plan.seed, *place) as stream:
        if peers.rank() == 0:
            text = "%s: %.2f million weights learn, of %.2f; pictures of the sources: %s"
            logger.info(text, plan.name, size / 1e6, total / 1e6, stream.num_pictures)
        train(MeshLesson(objective, stream, plan.noise, _held(plan, data), plan.bf16), plan.training, desk)
        if peers.rank() == 0:
            _tell_skipped(plan.name, stream)
    if isinstance(objective, LifterObjective):
        objective.release()
    if peers.rank() == 0:
        save(model, plan)
    peers.wait()


def save(model: DPMesh, plan: TrainingPlan) -> None:
    """Write the model into the plan's output, and what it was made from into its work folder."""
    if any(model.get_parameter(key).dtype != torch.float32 for key in _own_parameters(model)):
        frozen.restore(model.cpu(), _start(plan))
    model.cpu()
    lay_out(model.backbone, torch.contiguous_format)
    model.save_folder(plan.output, getattr(torch, plan.dtype))
    receipts.write(Path(plan.work), plan.inputs, _outputs(plan))


def body_points(body: str) -> BodyPoints:
    """Return the points of "open" or of an SMPL file."""
    return BodyPoints(read_body_file(OPEN_FILE if body == OPEN else Path(body).expanduser()))


def _start(plan: TrainingPlan) -> DPMesh:
    model = open_model(plan.start) if plan.start else fresh_model(plan.model, plan.seed)
    if plan.lifter and model.lifter is None and plan.model.lifter_width:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(plan.seed)
            return with_lifter(model, plan.model.lifter_width)
    return model


def _own_parameters(model: DPMesh) -> set[str]:
    return set(model.own_keys()) & {name for name, _ in model.named_parameters()}


def lay_out(backbone: nn.Module, memory_format: torch.memory_format) -> None:
    """Change how pictures lie in memory in those parts of a backbone that train faster so.

    Convolutions with many weights over few places, of a Stable Diffusion U-Net, would copy their weights.
    """
    for part in backbone.children():
        filters = [one.weight.numel() for one in part.modules() if isinstance(one, nn.Conv2d)]
        if max(filters, default=0) < _HEAVY:
            cast(Any, part).to(memory_format=memory_format)  # this use of `to` is not in torch's types


def _held(plan: TrainingPlan, data: StreamOptions) -> list[Held]:
    if not plan.held_out or peers.rank():
        return []
    still = replace(data, augmentation=Augmentation.none(), workers=0)
    with CropStream(plan.held_out, still, _HELD_BATCH, 0) as stream:
        return held_out(stream, plan.held_batches, plan.noise)


def _outputs(plan: TrainingPlan) -> list[Path]:
    return [Path(plan.output) / name for name in ("config.json", "model.safetensors")]


def _shard_sizes(path: str) -> list[tuple[str, int]]:
    found = []
    for tar in tars(path):
        folder, name = storage.split(tar)
        found.append((name, storage.list_sizes(folder)[name]))
    return found


def _tell_skipped(name: str, stream: CropStream) -> None:
    for path, reasons in stream.skipped().items():
        if reasons:
            text = ", ".join(f"{count} x {reason}" for reason, count in reasons.most_common())
            logger.info("%s: not learnt from in %s: %s", name, path, text)
