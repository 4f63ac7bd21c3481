"""Earlier weights as the beginning of a training, and the log of all trainings beside a model's weights."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from synthgen import storage

LOG = "training.json"


def load_weights(
    model: nn.Module,
    folder: Path,
    fitted: Callable[[nn.Module], Mapping[str, Tensor]] = nn.Module.state_dict,
) -> None:
    """Load the weights of a model's folder into a model of the same class and sizes.

    Args:
        model: float32, any device; of diffusers, of transformers, or one of ours with `from_folder`.
        folder: of a model that this package trained.
        fitted: returns the weights of the earlier model, brought to the sizes of `model` where these differ.

    Raises:
        ValueError: there are no weights in the folder, or they are those of another model.
    """
    if not any(folder.glob("*.safetensors")):
        raise ValueError(
            f"{folder}: no *.safetensors here to go on from; train from nothing, or name another"
        )
    kind: Any = type(model)
    earlier: nn.Module = (kind.from_pretrained if hasattr(kind, "from_pretrained") else kind.from_folder)(
        folder
    )
    try:
        model.load_state_dict({name: value.float() for name, value in fitted(earlier).items()})
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(
            f"{folder}: these weights do not fit the sizes in the configuration ({reason}); set the sizes "
            "they were trained with, or train from nothing"
        ) from error


def load_part(part: nn.Module, path: Path) -> None:
    """Load what `save_part` wrote.

    Raises:
        ValueError: the file is damaged, or its tensors are those of another part.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        part.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(
            f"{path}: not the weights of this part ({reason}); take those of a training with the same "
            "sizes, or remove the file to begin with fresh ones"
        ) from error


def save_part(part: nn.Module, path: Path) -> None:
    """Write the weights of a part that is needed in training only, float32."""
    from safetensors.torch import save

    tensors = {name: value.detach().float().cpu().contiguous() for name, value in part.state_dict().items()}
    storage.write_bytes(str(path), save(tensors))


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the rounds of training that a model's folder tells of, oldest first."""
    path = folder / LOG
    rounds: list[dict[str, Any]] = json.loads(path.read_text())["rounds"] if path.is_file() else []
    return rounds


def write_log(folder: Path, rounds: list[dict[str, Any]]) -> None:
    """Write the rounds of training into a model's folder."""
    storage.write_bytes(str(folder / LOG), (json.dumps({"rounds": rounds}, indent=1) + "\n").encode())
