"""Convolutions as plain matrix products, which CPUs do faster over few places, and over many frozen ones.

The convolution of oneDNN brings its weights into an order of its own at each call. Over 4x4 or 8x8 places
with thousands of channels, as in a diffusion U-Net at these crops, that takes several times longer than the
arithmetic; a product of the unfolded picture takes the weights as they lie. Over many places it is the
arithmetic that counts, of which `winograd` does less.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, unfold

from synthgen.dpmesh import winograd

_MOST_PLACES = 256  # of a batch's output; above, the arithmetic outweighs the reordering
_FEWEST_WEIGHTS = 1 << 18  # below, there is little to reorder


class ProductConv2d(nn.Conv2d):
    """A convolution that is a matrix product where that pays, and itself elsewhere."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Convolve (B, C, H, W) with weights that may be others than its own."""
        if self._is_pointwise(input):
            return linear(input.movedim(1, -1), weight.flatten(1), bias).movedim(-1, 1)
        if winograd.pays(self, input, weight):
            return winograd.convolve(input, weight, bias)
        padding = cast(tuple[int, ...], self.padding)  # no name of a way to pad, see `use_products`
        reach = [2 * pad - kernel for pad, kernel in zip(padding, self.kernel_size, strict=True)]
        rows = (input.shape[2] + reach[0]) // self.stride[0] + 1
        columns = (input.shape[3] + reach[1]) // self.stride[1] + 1
        few = len(input) * rows * columns <= _MOST_PLACES and weight.numel() >= _FEWEST_WEIGHTS
        # In bfloat16 products are slower, but where the weights, held in float32 then, learn, too.
        if input.device.type != "cpu" or not few or weight.dtype != torch.float32:
            return super()._conv_forward(input, weight, bias)
        if self.kernel_size == (1, 1) and self.stride == (1, 1):
            windows = input.flatten(2)
        else:
            windows = unfold(input, self.kernel_size, padding=padding, stride=self.stride)
        answer = linear(windows.mT, weight.flatten(1), bias).mT
        return torch.unflatten(answer, 2, (rows, columns))

    def _is_pointwise(self, input: Tensor) -> bool:
        """Tell whether torch would take its slow path, over a picture of which each place is a row already.

        On one thread oneDNN is not asked for 1x1 convolutions of small batches.
        """
        is_alone = input.device.type == "cpu" and torch.get_num_threads() == 1
        is_one = self.kernel_size == (1, 1) and self.stride == (1, 1) and self.padding == (0, 0)
        return is_alone and is_one and input.is_contiguous(memory_format=torch.channels_last)


def use_products(model: nn.Module) -> None:
    """Let the model's convolutions be matrix products where that pays; weights and keys stay as they are."""
    for module in model.modules():
        is_plain = type(module) is nn.Conv2d and module.groups == 1 and module.dilation == (1, 1)
        if is_plain and module.padding_mode == "zeros" and not isinstance(module.padding, str):
            module.__class__ = ProductConv2d


@torch.no_grad()
def fold_time(model: nn.Module, embedding: Tensor) -> None:
    """Add what the layers of a U-Net or ControlNet make of its one time step to their biases; for inference.

    Args:
        model: with residual blocks of diffusers and a `time_embedding`, both of which lose these layers.
        embedding: (1, C) of the time step.
    """
    for module in model.modules():
        if getattr(module, "time_emb_proj", None) is not None:
            added = module.time_emb_proj(module.nonlinearity(embedding))[0]  # type: ignore[operator]
            module.conv1.bias = nn.Parameter(module.conv1.bias + added, requires_grad=False)  # type: ignore
            module.time_emb_proj = None  # type: ignore[assignment]
    model.time_embedding = None  # type: ignore[assignment]
