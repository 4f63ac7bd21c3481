from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_models

from synthgen.backends.pipelines import generators
from synthgen.backends.text_to_image import TextToImage

Saved = Callable[[str], Path]
WORDS = (["a skier"], ["bad"], [7])


def drawn(folder: Path, **keys: Any) -> np.ndarray[Any, Any]:
    model = TextToImage(str(folder), num_inference_steps=3, batch_size=1, **keys)
    model.setup()
    return model(*WORDS).images[0].astype(int)


def test_agrees_with_diffusers(saved: Saved) -> None:
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(saved("stable_diffusion"))
    pipe.set_progress_bar_config(disable=True)
    options: dict[str, Any] = {"num_inference_steps": 3, "guidance_scale": 7.5, "output_type": "np"}
    expected = pipe(WORDS[0], negative_prompt=WORDS[1], generator=generators([7]), **options).images[0]
    assert np.array_equal(drawn(saved("stable_diffusion")), np.rint(expected * 255))


def test_words_guidance_and_size_matter(saved: Saved) -> None:
    folder = saved("stable_diffusion")
    plain = drawn(folder)
    assert np.abs(drawn(folder, guidance_scale=1.0) - plain).max() > 0
    assert drawn(folder, height=16, width=24).shape == (16, 24, 3)
    model = TextToImage(str(folder), num_inference_steps=3, batch_size=1)
    model.setup()
    assert np.abs(model(["a cat"], ["bad"], [7]).images[0] - plain).max() > 0
    assert np.abs(model(["a skier"], ["good"], [7]).images[0] - plain).max() > 0


def test_half_precision_draws_nearly_the_same_picture(saved: Saved) -> None:
    """The noise is the same whatever the precision, so that a GPU run can be compared with one on the CPU."""
    model = TextToImage(str(saved("stable_diffusion")), num_inference_steps=3, batch_size=1)
    model.setup("cpu", "bfloat16")
    half = model(*WORDS).images[0].astype(int)
    difference = np.abs(half - drawn(saved("stable_diffusion")))
    assert 0 < difference.mean() < 6


def test_lora_is_merged_at_its_scale(saved: Saved, tmp_path: Path) -> None:
    from diffusers import StableDiffusionPipeline
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    unet = tiny_models.unet()
    unet.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_v"], init_lora_weights=False))
    StableDiffusionPipeline.save_lora_weights(tmp_path, unet_lora_layers=get_peft_model_state_dict(unet))
    file = str(tmp_path / "pytorch_lora_weights.safetensors")
    folder = saved("stable_diffusion")
    plain = drawn(folder)
    assert np.abs(drawn(folder, lora=file, lora_scale=0.0) - plain).max() <= 1
    full = drawn(folder, lora=file)
    assert np.abs(full - plain).max() > 2
    assert np.array_equal(drawn(folder, lora=str(tmp_path)), full), "a folder does as well as the file in it"
    merged, bare = TextToImage(str(folder), lora=file), TextToImage(str(folder))
    merged.setup()
    bare.setup()
    assert merged.version.startswith(f"{bare.version}+"), "the record names both"
    with pytest.raises(FileNotFoundError, match=r"nowhere.safetensors"):
        drawn(folder, lora="./nowhere.safetensors")
    with pytest.raises(ValueError, match=r"is not a LoRA for this model"):
        drawn(saved("sdxl"), lora=file)


def test_safety_checker_is_an_option(saved: Saved, tmp_path: Path) -> None:
    """On, it flags and blackens; off, it is not even loaded."""
    from diffusers import StableDiffusionPipeline
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessorPil

    with pytest.raises(ValueError, match=r"has no safety checker; set safety_checker=false"):
        TextToImage(str(saved("stable_diffusion")), safety_checker=True).setup()
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = {**small, "image_size": 32, "patch_size": 16}
    checker: Any = StableDiffusionSafetyChecker(
        CLIPConfig(text_config=small, vision_config=vision, projection_dim=8)
    )
    for name, value in checker.named_parameters():
        if name.endswith("embeds_weights"):
            value.data.fill_(-2.0)  # everything is objectionable
    size = {"height": 32, "width": 32}
    processor: Any = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=size)
    pipe = StableDiffusionPipeline.from_pretrained(
        saved("stable_diffusion"), safety_checker=checker, feature_extractor=processor
    )
    pipe.save_pretrained(tmp_path)
    strict = TextToImage(str(tmp_path), num_inference_steps=3, batch_size=1, safety_checker=True)
    strict.setup()
    result = strict(*WORDS)
    assert result.flagged.tolist() == [True] and result.images.max() == 0
    assert np.array_equal(drawn(tmp_path), drawn(saved("stable_diffusion")))


def test_keys_are_checked() -> None:
    with pytest.raises(ValueError, match=r"height must be a multiple of 8 px, got 100\nheight and width go"):
        TextToImage(height=100)
    with pytest.raises(ValueError, match=r"num_inference_steps must be in \[1, 1000\], got 0"):
        TextToImage(num_inference_steps=0)
    with pytest.raises(ValueError, match=r"guidance_scale must be >= 0, got nan"):
        TextToImage(guidance_scale=float("nan"))
