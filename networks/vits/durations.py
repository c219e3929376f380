"""How long each symbol lasts, as the logarithm of its frames: two predictors that a synthesizer mixes.

The plain one is regression. The stochastic one is a flow that turns noise into durations (VITS,
figure 1b and appendix): with more noise, rhythm varies more.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from networks.vits.attention import ChannelNorm
from networks.vits.convolution import Conv1d
from networks.vits.masks import masked
from networks.vits.spline import BINS, PARAMETERS, inverse_spline

FILTERS = 256  # of the plain predictor, in every published model
KERNEL = 3
ROUNDS = 3  # of a depthwise stack, each with three times the dilation of the one before


class DurationPredictor(nn.Module):
    def __init__(self, channels: int, gin: int) -> None:
        super().__init__()
        self.cond = Conv1d(gin, channels, 1)
        self.conv_1 = Conv1d(channels, FILTERS, KERNEL, padding=KERNEL // 2)
        self.norm_1 = ChannelNorm(FILTERS)
        self.conv_2 = Conv1d(FILTERS, FILTERS, KERNEL, padding=KERNEL // 2)
        self.norm_2 = ChannelNorm(FILTERS)
        self.proj = Conv1d(FILTERS, 1, 1)

    def forward(self, hidden: Tensor, mask: Tensor | None, g: Tensor) -> Tensor:
        x = hidden + self.cond(g)
        x = self.norm_1(torch.relu(self.conv_1(masked(x, mask))))
        x = self.norm_2(torch.relu(self.conv_2(masked(x, mask))))
        return masked(self.proj(masked(x, mask)), mask)


class DepthwiseStack(nn.Module):
    """Depthwise convolutions that reach farther each round, and 1x1 ones that mix the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        spans = [KERNEL**number for number in range(ROUNDS)]
        self.convs_sep = nn.ModuleList(
            Conv1d(channels, channels, KERNEL, padding=span, dilation=span, groups=channels)
            for span in spans
        )
        self.convs_1x1 = nn.ModuleList(Conv1d(channels, channels, 1) for _ in spans)
        self.norms_1 = nn.ModuleList(ChannelNorm(channels) for _ in spans)
        self.norms_2 = nn.ModuleList(ChannelNorm(channels) for _ in spans)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        rounds = zip(self.convs_sep, self.norms_1, self.convs_1x1, self.norms_2, strict=True)
        for apart, first_norm, across, second_norm in rounds:
            y = F.gelu(first_norm(apart(masked(x, mask))))
            x = x + F.gelu(second_norm(across(y)))
        return masked(x, mask)


class Affine(nn.Module):
    """A scale and a shift of each of the two channels, undone."""

    def __init__(self) -> None:
        super().__init__()
        self.m = nn.Parameter(torch.zeros(2, 1))
        self.logs = nn.Parameter(torch.zeros(2, 1))

    def forward(self, z: Tensor, mask: Tensor | None) -> Tensor:
        return masked((z - self.m) * torch.exp(-self.logs), mask)


class SplineCoupling(nn.Module):
    """A spline on the second of two channels, undone; the first one and the text decide its shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pre = Conv1d(1, channels, 1)
        self.convs = DepthwiseStack(channels)
        self.proj = Conv1d(channels, PARAMETERS, 1)
        self.scale = 1 / math.sqrt(channels)

    def forward(self, z: Tensor, mask: Tensor | None, text: Tensor) -> Tensor:
        first, second = z.chunk(2, dim=1)
        shape = masked(self.proj(self.convs(self.pre(first) + text, mask)), mask)
        widths, heights, slopes = torch.split(shape.transpose(1, 2), [BINS, BINS, BINS - 1], dim=-1)
        moved = inverse_spline(second[:, 0], widths * self.scale, heights * self.scale, slopes)
        return masked(torch.cat([first, moved[:, None]], dim=1), mask)


class StochasticDurationPredictor(nn.Module):
    """A flow of two channels, of which the first, made of noise, is the durations."""

    def __init__(self, channels: int, gin: int) -> None:
        super().__init__()
        self.pre = Conv1d(channels, channels, 1)
        self.cond = Conv1d(gin, channels, 1)
        self.convs = DepthwiseStack(channels)
        self.proj = Conv1d(channels, channels, 1)
        self.flows = _flows(channels)
        # Training only: the posterior of the durations, and the flow's first spline.
        self.post_pre = Conv1d(1, channels, 1)
        self.post_convs = DepthwiseStack(channels)
        self.post_proj = Conv1d(channels, channels, 1)
        self.post_flows = _flows(channels)

    def forget_training(self) -> None:
        """Let go of the weights that inference never reads."""
        del self.post_pre, self.post_convs, self.post_proj, self.post_flows, self.flows["1"]

    def forward(self, hidden: Tensor, mask: Tensor | None, g: Tensor, noise: Tensor) -> Tensor:
        """`[B, 1, T]` of hidden states `[B, C, T]` and scaled noise `[B, 2, T]`."""
        text = self.convs(self.pre(hidden) + self.cond(g), mask)
        text = masked(self.proj(text), mask)
        z: Tensor = noise
        for place in ("7", "5", "3"):
            z = self.flows[place](z.flip(1), mask, text)
        z = self.flows["0"](z.flip(1), mask)
        return z[:, :1]


def _flows(channels: int) -> nn.ModuleDict:
    """By their place in the checkpoint; those between have no weights and swap the two channels."""
    splines = {place: SplineCoupling(channels) for place in ("1", "3", "5", "7")}
    return nn.ModuleDict({"0": Affine(), **splines})
