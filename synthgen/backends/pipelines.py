"""Loads diffusers pipelines: every weight in place, a scheduler by name, a LoRA, in one precision.

What the diffusion backends share; knows nothing of what they draw.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from synthgen.backends.model_files import all_used, fetch_files, find_model, reading, version_of
from synthgen.backends.protocols import Precision

Scheduler = Literal[
    "default", "ddim", "dpmpp_2m", "dpmpp_sde", "euler", "euler_a", "heun", "lcm", "pndm", "unipc"
]
SCHEDULERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "ddim": ("DDIMScheduler", {}),
    "dpmpp_2m": ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    "dpmpp_sde": (
        "DPMSolverMultistepScheduler",
        {"use_karras_sigmas": True, "algorithm_type": "sde-dpmsolver++"},
    ),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler_a": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "lcm": ("LCMScheduler", {}),
    "pndm": ("PNDMScheduler", {"skip_prk_steps": True}),
    "unipc": ("UniPCMultistepScheduler", {}),
}


def torch_dtype(precision: Precision) -> Any:
    """Return torch's own type for the name of a precision."""
    import torch

    return {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}[precision]


def find_pipeline(model_id: str, revision: str, variant: str) -> Path:
    """Return the folder of a pipeline; one on the hub is fetched without its duplicates in other formats."""

    def fetch(hub_id: str, at: str | None) -> str:
        from diffusers import DiffusionPipeline

        return DiffusionPipeline.download(hub_id, revision=at, variant=variant or None)

    return find_model(model_id, revision, fetch)


def index_of(folder: Path) -> dict[str, Any]:
    """Return the components that a pipeline's folder lists, by name.

    Raises:
        FileNotFoundError, ValueError: the folder holds no pipeline.
    """
    with reading(folder, "a pipeline in the layout of diffusers"):
        index = json.loads((folder / "model_index.json").read_text("utf-8"))
    if not isinstance(index, dict):
        raise ValueError(f"{folder}/model_index.json must hold an object, got {type(index).__name__}")
    return index


def load_pipeline(cls: Any, folder: Path, variant: str, dtype: Any, parts: Mapping[str, Any]) -> Any:
    """Load a pipeline from its folder.

    Args:
        cls: class with diffusers' `from_pretrained`.
        folder: in the layout of diffusers, with `model_index.json`.
        variant: "fp16" reads *.fp16.safetensors; "" the plain files.
        dtype: torch type of the weights.
        parts: ready components, or None for those that are not wanted.

    Raises:
        FileNotFoundError: files are missing.
        ValueError: another kind of model, weights missing, damaged, or unsafe.
    """
    options = {"variant": variant or None, "local_files_only": True, "dtype": dtype}
    encoders = _encoders(index_of(folder))
    texts = {name: _text_encoder(folder / name, kind, variant, dtype) for name, kind in encoders}
    with reading(folder, "a diffusers pipeline of this kind"):
        pipe = cls.from_pretrained(folder, **options, **texts, **parts)
    for name, part in pipe.components.items():
        empty = [key for key, value in _weights(part) if value.is_meta]
        all_used(folder / name, empty, [], [])
    pipe.set_progress_bar_config(disable=True)
    return pipe


def load_model(cls: Any, folder: Path, wanted: str, **options: Any) -> Any:
    """Load one model of diffusers or transformers; each of its weights has to be in the files.

    Args:
        cls: class with `from_pretrained`.
        folder: holds its config and weights.
        wanted: what it should be, for messages.
        options: more for `from_pretrained`.

    Raises:
        FileNotFoundError, ValueError: as `load_pipeline`.
    """
    from transformers import PreTrainedModel

    if issubclass(cls, PreTrainedModel):
        options["ignore_mismatched_sizes"] = True  # reported below instead of in a table on the screen
    with reading(folder, wanted):
        model, report = cls.from_pretrained(
            folder, local_files_only=True, output_loading_info=True, **options
        )
    all_used(
        folder,
        sorted(report["missing_keys"]),
        sorted(report["unexpected_keys"]),
        sorted(str(key[0]) for key in report["mismatched_keys"]),
    )
    return model.eval()


def architecture(name: str, folder: Path) -> Any:
    """Return the model class of transformers that a folder's config names; ValueError where it is none."""
    import transformers

    found = getattr(transformers, name, None)
    if not (isinstance(found, type) and issubclass(found, transformers.PreTrainedModel)):
        raise ValueError(
            f"{folder} wants {name!r}, which is no model of transformers {transformers.__version__}"
        )
    return found


def load_image_processor(folder: Path) -> Any:
    """Load the image processor of a transformers model, the one that needs no torchvision.

    Raises:
        FileNotFoundError, ValueError: as `load_pipeline`.
    """
    from transformers import AutoImageProcessor

    load: Any = AutoImageProcessor.from_pretrained
    with reading(folder, "a model of transformers with its image processor"):
        return load(folder, local_files_only=True, trust_remote_code=False, backend="pil")


def load_config(folder: Path, wanted: str) -> Any:
    """Load the config of a transformers model.

    Raises:
        FileNotFoundError, ValueError: as `load_pipeline`.
    """
    from transformers import AutoConfig

    with reading(folder, wanted):
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def set_scheduler(pipe: Any, name: Scheduler) -> None:
    """Replace the pipeline's scheduler by another one over the same noise schedule."""
    if name != "default":
        import diffusers

        cls, options = SCHEDULERS[name]
        pipe.scheduler = getattr(diffusers, cls).from_config(pipe.scheduler.config, **options)


def add_lora(pipe: Any, lora: str, scale: float) -> str:
    """Merge a LoRA into the weights of a pipeline.

    Args:
        pipe: with diffusers' `load_lora_weights`.
        lora: safetensors file, folder or hub id; "" for none.
        scale: 1 for its full strength.

    Returns:
        Exact version of the LoRA, with a plus in front; "" without one.

    Raises:
        FileNotFoundError, ValueError: no LoRA there, or one for another model.
    """
    if not lora:
        return ""
    path = find_model(lora, "", fetch_files)
    with reading(path, "a LoRA for this model"):
        if path.is_file():
            pipe.load_lora_weights(path.parent, weight_name=path.name, use_safetensors=True)
        else:
            pipe.load_lora_weights(path, use_safetensors=True)
        pipe.fuse_lora(lora_scale=scale)
        pipe.unload_lora_weights()
    return f"+{version_of(path)}"


def place(model: Any, device: str) -> Any:
    """Move a pipeline or module to its device; a pipeline's convolutions get the layout GPUs are fastest in.

    Raises:
        ValueError: there is no such device here.
    """
    import torch

    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"device is {device}, but PyTorch finds no CUDA device here; set device=cpu")
    model = model.to(device)
    if device.startswith("cuda"):
        for name in {"unet", "vae"} & set(getattr(model, "components", ())):
            model.components[name].to(memory_format=torch.channels_last)
    return model


def generators(seeds: Sequence[int]) -> list[Any]:
    """Return a torch generator for each seed. They live on the CPU: the same noise whatever the device."""
    import torch

    return [torch.Generator("cpu").manual_seed(int(seed)) for seed in seeds]


def to_uint8(images: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Convert colours in [0, 1] to 0..255."""
    return np.clip(np.rint(images * 255), 0, 255).astype(np.uint8)


def stacked(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return pictures of one size as (B, H, W, 3), B may be 0."""
    return np.stack(images) if images else np.zeros((0, 0, 0, 3), np.uint8)


def check_size(pipe: Any, images: NDArray[np.uint8]) -> None:
    """Raise ValueError unless the latents of these pictures (B, H, W, 3) have whole sizes."""
    factor = pipe.vae_scale_factor
    if any(side % factor for side in images.shape[1:3]):
        raise ValueError(
            f"pictures are {images.shape[1]}x{images.shape[2]} px (HxW), but this model draws multiples of "
            f"{factor} px"
        )


def _encoders(index: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, kind[1])
        for name, kind in index.items()
        if name.startswith("text_encoder") and isinstance(kind, list) and kind[0] == "transformers"
    ]


def _text_encoder(folder: Path, kind: str, variant: str, dtype: Any) -> Any:
    return load_model(architecture(kind, folder), folder, f"a {kind}", variant=variant or None, dtype=dtype)


def _weights(part: Any) -> list[tuple[str, Any]]:
    import torch

    return list(part.state_dict().items()) if isinstance(part, torch.nn.Module) else []
