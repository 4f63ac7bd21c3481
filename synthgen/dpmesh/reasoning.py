"""Noisy key-point reasoning (paper, section 3.3): a student that sees noisy joints learns from a teacher.

The teacher saw the true joints. Both losses look at whole feature maps of the backbone; the paper names no
projection between them.
"""

import torch
from torch import Tensor
from torch.nn import functional

from synthgen.dpmesh.batch import Bodies

TEMPERATURE = 0.1  # of SimCLR (Chen et al., ICML 2020, table 5); the paper names none


def reasoning_loss(
    student: Bodies | Tensor, teacher: Bodies | Tensor, temperature: float = TEMPERATURE
) -> dict[str, Tensor]:
    """Return both losses of equation 5 between features of the same crops.

    The SimCLR loss is the cross-entropy of telling which crop of the batch a student's map belongs to, by its
    cosine similarity to the teacher's maps: the paper's formula with the sign, temperature and denominator of
    the work that it cites, which keep it above 0. A batch of one has nothing to tell apart: its SimCLR loss
    and gradients are 0, and the MSE alone teaches.

    Args:
        student: features (B, C, h, w), or the answer that holds them; gradients go here alone.
        teacher: likewise of the teacher, for the same crops in the same order.
        temperature: of the similarities.

    Returns:
        Scalars "reasoning_simclr" and "reasoning_mse", not weighted.

    Raises:
        ValueError: features of different shapes, or a temperature that is not above 0.
    """
    if temperature <= 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")
    found, wanted = _features(student), _features(teacher).detach()
    if found.shape != wanted.shape:
        raise ValueError(
            f"student and teacher need features of one shape, got {tuple(found.shape)} and "
            f"{tuple(wanted.shape)}"
        )
    with torch.autocast(found.device.type, enabled=False):
        found, wanted = found.float(), wanted.float()
        similarity = functional.normalize(found.flatten(1)) @ functional.normalize(wanted.flatten(1)).mT
        own = torch.arange(len(found), device=found.device)
        return {
            "reasoning_simclr": functional.cross_entropy(similarity / temperature, own),
            "reasoning_mse": functional.mse_loss(found, wanted),
        }


def _features(source: Bodies | Tensor) -> Tensor:
    return source.features if isinstance(source, Bodies) else source
