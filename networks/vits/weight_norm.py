"""Weight normalisation (Salimans and Kingma 2016) as checkpoints store it, and without it.

A layer is stored as a direction `weight_v` and a length `weight_g` for each index of the first axis,
which is the output's in a convolution and the input's in a transposed one. Only training needs the
two apart: `fold` multiplies them once, and from then on the layers are plain convolutions.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from networks.vits.convolution import Conv1d, ConvTranspose1d

NEWER = "parametrizations.weight.original"  # how PyTorch 2 names the parts of a normalised weight


class Normed(_ConvNd):
    """A convolution whose weight is in two parts until it is folded; it cannot run before."""

    weight_g: Tensor
    weight_v: Tensor

    def _take_apart(self) -> None:
        direction = self.weight
        del self.weight
        lengths = direction.new_ones(direction.shape[0], *[1] * (direction.dim() - 1))
        self.weight_g = nn.Parameter(lengths, requires_grad=False)
        self.weight_v = direction

    def fold(self) -> None:
        direction = self.weight_v
        axes = list(range(1, direction.dim()))
        length = torch.linalg.vector_norm(direction, dim=axes, keepdim=True)
        folded = direction * (self.weight_g / length)
        del self.weight_g, self.weight_v
        self.weight = nn.Parameter(folded, requires_grad=False)


class NormedConv1d(Normed, Conv1d):
    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, padding: int = 0, dilation: int = 1
    ) -> None:
        Conv1d.__init__(self, inputs, outputs, kernel, padding=padding, dilation=dilation)
        self._take_apart()


class NormedConv2d(Normed, nn.Conv2d):
    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int, padding: int
    ) -> None:
        nn.Conv2d.__init__(self, inputs, outputs, kernel, stride=stride, padding=padding)
        self._take_apart()


class NormedConvTranspose1d(Normed, ConvTranspose1d):
    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int, padding: int, surplus: int = 0
    ) -> None:
        ConvTranspose1d.__init__(self, inputs, outputs, kernel, stride, padding, surplus)
        self._take_apart()


def fold(network: nn.Module) -> None:
    """Make every normalised layer of a network a plain one."""
    for layer in network.modules():
        if isinstance(layer, Normed):
            layer.fold()


def older_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights by the names that weight normalisation had before PyTorch 2.0."""
    return {
        str(name).replace(f"{NEWER}0", "weight_g").replace(f"{NEWER}1", "weight_v"): tensor
        for name, tensor in weights.items()
    }
