"""Where networks are computed, and how exactly."""

from typing import Literal

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "bf16", "float32"]

_BF16 = ("amx_bf16", "avx512_bf16")  # capabilities of CPUs that multiply matrices of bfloat16


def choose_device(wanted: Device) -> str:
    """Return the torch device that is meant; auto takes a GPU where there is one."""
    import torch

    return ("cuda" if torch.cuda.is_available() else "cpu") if wanted == "auto" else wanted


def takes_bf16(wanted: Precision, device: str) -> bool:
    """Tell whether networks run in bfloat16; auto takes it where it is faster."""
    return has_fast_bf16(device) if wanted == "auto" else wanted == "bf16"


def has_fast_bf16(device: str) -> bool:
    """Return whether a device computes faster in bfloat16 than in float32: GPUs, some CPUs."""
    import torch

    capabilities = torch.cpu.get_capabilities()
    return device == "cuda" or any(capabilities.get(one, False) for one in _BF16)
