"""Convolutions over time, run as images one row high.

oneDNN, which computes them on a CPU, is up to twice as fast when the channels of one moment lie side by
side, and PyTorch passes that on for images only: its own `conv1d` copies such a tensor first. Where
the weights lie so (`lay_out`), the features that come out of a layer do too, and the next layer's find it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Conv1d(nn.Conv1d):
    """`[B, C, T]` to `[B, C', T']`, zeros around."""

    def forward(self, x: Tensor) -> Tensor:
        made = F.conv2d(
            x[:, :, None], self.weight[:, :, None], self.bias,
            padding=(0, int(self.padding[0])), dilation=(1, self.dilation[0]), groups=self.groups,
        )  # fmt: skip
        return made[:, :, 0]


class ConvTranspose1d(nn.ConvTranspose1d):
    """`[B, C, T]` to `[B, C', T * stride]`."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        made = F.conv_transpose2d(
            x[:, :, None], self.weight[:, :, None], self.bias,
            stride=(1, self.stride[0]), padding=(0, int(self.padding[0])),
            output_padding=(0, int(self.output_padding[0])),
        )  # fmt: skip
        return made[:, :, 0]


def lay_out(network: nn.Module) -> None:
    """Lay the channels of all weights side by side, for a CPU."""
    for layer in network.modules():
        if isinstance(layer, Conv1d | ConvTranspose1d):
            beside = layer.weight.transpose(1, 2).contiguous().transpose(1, 2)
            layer.weight = nn.Parameter(beside, requires_grad=False)


def place(network: nn.Module, device: str | torch.device) -> None:
    """Move a network to where it shall run, laid out as is best there."""
    if torch.device(device).type == "cpu":
        lay_out(network)
    network.to(device)
