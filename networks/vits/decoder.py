"""HiFi-GAN's generator (Kong et al. 2020): from latent frames to a waveform, louder in rate each stage.

z ─► conv ─► + speaker ─► [ upsample ─► mean of residual blocks ] × stages ─► conv ─► tanh
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from networks.vits.config import DecoderSizes
from networks.vits.convolution import Conv1d
from networks.vits.masks import masked
from networks.vits.weight_norm import NormedConv1d, NormedConvTranspose1d

SLOPE = 0.1  # of the leaky ReLUs
LAST_SLOPE = 0.01  # the original leaves PyTorch's default before its last convolution
EDGE = 7  # kernel of the first and the last convolution


class ResidualBlock(nn.Module):
    """Rounds of a dilated and a plain convolution, each round added to what came in."""

    def __init__(self, channels: int, kernel: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            NormedConv1d(channels, channels, kernel, padding=kernel // 2 * span, dilation=span)
            for span in dilations
        )
        self.convs2 = nn.ModuleList(
            NormedConv1d(channels, channels, kernel, padding=kernel // 2) for _ in dilations
        )

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            y = dilated(masked(F.leaky_relu(x, SLOPE), mask))
            x = x + plain(masked(F.leaky_relu(y, SLOPE), mask))
        return x


class Decoder(nn.Module):
    def __init__(self, channels: int, sizes: DecoderSizes, gin: int) -> None:
        super().__init__()
        widths = [sizes.initial_channel >> stage for stage in range(len(sizes.rates) + 1)]
        self.conv_pre = Conv1d(channels, widths[0], EDGE, padding=EDGE // 2)
        self.cond = Conv1d(gin, widths[0], 1)
        self.ups = nn.ModuleList(
            NormedConvTranspose1d(wide, narrow, kernel, stride=rate, padding=(kernel - rate) // 2)
            for wide, narrow, kernel, rate in zip(
                widths, widths[1:], sizes.kernels, sizes.rates, strict=False
            )
        )
        self.resblocks = nn.ModuleList(
            ResidualBlock(width, kernel, dilations)
            for width in widths[1:]
            for kernel, dilations in zip(sizes.block_kernels, sizes.block_dilations, strict=True)
        )
        self.conv_post = Conv1d(widths[-1], 1, EDGE, padding=EDGE // 2, bias=False)
        self.rates = sizes.rates
        self.reach = _reach(sizes)  # frames to either side that a sample depends on

    def forward(self, z: Tensor, g: Tensor, mask: Tensor | None = None) -> Tensor:
        """`[B, 1, frames * hop]` of `[B, C, frames]`; without a mask, rows hear their padding."""
        x = self.conv_pre(masked(z, mask)) + self.cond(g)
        for stage, (upsample, rate) in enumerate(zip(self.ups, self.rates, strict=True)):
            x = upsample(masked(F.leaky_relu(x, SLOPE), mask))
            mask = None if mask is None else mask.repeat_interleave(rate, dim=-1)
            blocks = self._blocks(stage)
            x = sum(block(x, mask) for block in blocks) / len(blocks)
        x = self.conv_post(masked(F.leaky_relu(x, LAST_SLOPE), mask))
        return torch.tanh(x)

    def _blocks(self, stage: int) -> list[nn.Module]:
        count = len(self.resblocks) // len(self.ups)
        return list(self.resblocks[stage * count : (stage + 1) * count])


def _reach(sizes: DecoderSizes) -> int:
    blocks = max(
        kernel // 2 * (sum(dilations) + len(dilations))
        for kernel, dilations in zip(sizes.block_kernels, sizes.block_dilations, strict=True)
    )
    steps = EDGE // 2  # from the last layer back to the first, in each stage's own rate
    for kernel, rate in zip(reversed(sizes.kernels), reversed(sizes.rates), strict=True):
        steps = math.ceil((steps + blocks + kernel - 1 - (kernel - rate) // 2) / rate)
    return steps + EDGE // 2
