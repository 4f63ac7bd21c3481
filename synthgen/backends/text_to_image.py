"""Role `draft`: any text-to-image pipeline of diffusers (Stable Diffusion 1, 2, XL, 3, Flux, …)."""

import inspect
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.backends.model_files import version_of
from synthgen.backends.pipelines import (
    Scheduler,
    add_lora,
    find_pipeline,
    generators,
    index_of,
    load_pipeline,
    place,
    set_scheduler,
    stacked,
    to_uint8,
    torch_dtype,
)
from synthgen.backends.protocols import Drafts, Precision
from synthgen.backends.ranges import (
    Range,
    check_lengths,
    fixed_groups,
    id_problems,
    raise_problems,
    range_problems,
    ready,
)

logger = logging.getLogger(__name__)

RANGES = {
    "height": Range(0), "width": Range(0), "num_inference_steps": Range(1, 1000), "guidance_scale": Range(0),
    "lora_scale": Range(-10, 10), "batch_size": Range(1),
}  # fmt: skip


@dataclass
class TextToImage:
    """A text-to-image pipeline of diffusers.

    Attributes:
        id: folder, hub id (owner/name), or embedded/draft, the model that comes with the package.
        revision: branch, tag or commit of a hub id; empty for the newest.
        variant: fp16 for the files *.fp16.safetensors; empty for the plain ones.
        height: of the pictures [px]; 0 for what the model was trained on.
        width: of the pictures [px]; 0 for what the model was trained on.
        num_inference_steps: denoising steps.
        guidance_scale: of classifier-free guidance; 1 or less turns it off.
        scheduler: sampler, over the model's own noise schedule; default: the model's.
        lora: safetensors file, folder or hub id of a LoRA; empty for none.
        lora_scale: strength of the LoRA.
        safety_checker: run the model's own; what it blackens is flagged. Off: not even loaded.
        batch_size: pictures drawn at once; the last batch is filled up.
    """

    id: str = "embedded/draft"
    revision: str = ""
    variant: str = ""
    height: int = 0
    width: int = 0
    num_inference_steps: int = 50
    guidance_scale: float = 7.5
    scheduler: Scheduler = "default"
    lora: str = ""
    lora_scale: float = 1.0
    safety_checker: bool = False
    batch_size: int = 4

    def __post_init__(self) -> None:
        raise_problems(self.problems())
        self.version = ""
        self._pipe: Any = None
        self._takes: frozenset[str] = frozenset()

    def problems(self) -> list[str]:
        """Return everything that is wrong with the keys, one line each."""
        found = id_problems(self) + range_problems(self, RANGES)
        for side in ("height", "width"):
            if getattr(self, side) % 8:
                found.append(f"{side} must be a multiple of 8 px, got {getattr(self, side)}")
        if bool(self.height) != bool(self.width):
            found.append(f"height and width go together, got {self.height} and {self.width}")
        return found

    def setup(self, device: str = "cpu", dtype: Precision = "float32") -> None:
        """Load the pipeline; see `synthgen.backends.protocols`."""
        from diffusers import AutoPipelineForText2Image

        folder = find_pipeline(self.id, self.revision, self.variant)
        parts: dict[str, Any] = {}
        if not self.safety_checker and "safety_checker" in index_of(folder):
            parts = {"safety_checker": None, "requires_safety_checker": False}
        pipe = load_pipeline(AutoPipelineForText2Image, folder, self.variant, torch_dtype(dtype), parts)
        if self.safety_checker and getattr(pipe, "safety_checker", None) is None:
            raise ValueError(f"{self.id} has no safety checker; set safety_checker=false")
        set_scheduler(pipe, self.scheduler)
        lora = add_lora(pipe, self.lora, self.lora_scale)
        self._pipe = place(pipe, device)
        self._takes = frozenset(inspect.signature(pipe.__call__).parameters)
        self.version = version_of(folder) + lora

    def __call__(
        self, prompts: Sequence[str], negative_prompts: Sequence[str], seeds: Sequence[int]
    ) -> Drafts:
        """Draw one picture for each prompt; see `ImageModel`."""
        pipe = ready(self._pipe, self)
        check_lengths(prompts=prompts, negative_prompts=negative_prompts, seeds=seeds)
        images, flagged = [], []
        for members, count in fixed_groups(len(prompts), self.batch_size):
            words = {"prompt": [prompts[i] for i in members]}
            if "negative_prompt" in self._takes:
                words["negative_prompt"] = [negative_prompts[i] for i in members]
            elif any(negative_prompts):
                logger.warning("%s takes no negative prompt; left out", type(pipe).__name__)
            output = pipe(
                **words,
                **({"height": self.height, "width": self.width} if self.height else {}),
                num_inference_steps=self.num_inference_steps,
                guidance_scale=self.guidance_scale,
                generator=generators([seeds[i] for i in members]),
                output_type="np",
            )
            images += list(to_uint8(output.images[:count]))
            flagged += list(getattr(output, "nsfw_content_detected", None) or [False] * len(members))[:count]
        return Drafts(stacked(images), np.array(flagged, bool))
