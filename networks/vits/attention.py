"""Transformer layers that know how far apart two positions are (Shaw et al. 2018), after each a norm.

x ─► attention ─► + ─► norm ─► convolution ─► ReLU ─► convolution ─► + ─► norm ─►
└─────────────────┘       └───────────────────────────────────────────┘
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from networks.vits.convolution import Conv1d
from networks.vits.masks import masked

WINDOW = 4  # positions to either side that have a vector of their own; farther ones have none
PADDED = -1e4  # the score of what lies behind a row's end: its share is exactly 0 in any format
CONDITIONED = 2  # the layer before which a stack is told the speaker, if it is told


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each position."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        across = x.transpose(1, 2)
        return F.layer_norm(across, self.gamma.shape, self.gamma, self.beta).transpose(1, 2)


class RelativeAttention(nn.Module):
    """Attention of every position to every other, with a vector for each distance up to the window."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.width = channels // heads
        self.conv_q = Conv1d(channels, channels, 1)
        self.conv_k = Conv1d(channels, channels, 1)
        self.conv_v = Conv1d(channels, channels, 1)
        self.conv_o = Conv1d(channels, channels, 1)
        # Row r belongs to the distance r - WINDOW from the query to the key.
        self.emb_rel_k = nn.Parameter(torch.zeros(1, 2 * WINDOW + 1, self.width))
        self.emb_rel_v = nn.Parameter(torch.zeros(1, 2 * WINDOW + 1, self.width))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        queries = self._by_head(self.conv_q(x)) / math.sqrt(self.width)
        keys, values = self._by_head(self.conv_k(x)), self._by_head(self.conv_v(x))
        near = queries @ self.emb_rel_k.transpose(1, 2)
        scores = queries @ keys.transpose(2, 3) + _square(near)
        if mask is not None:
            seen = mask[:, :, :, None] * mask[:, :, None, :]
            scores = scores.masked_fill(seen == 0, PADDED)
        shares = scores.softmax(dim=-1)
        found = shares @ values + _band(shares) @ self.emb_rel_v
        made: Tensor = self.conv_o(found.transpose(2, 3).reshape(x.shape))
        return made

    def _by_head(self, x: Tensor) -> Tensor:
        """`[B, C, T]` as `[B, heads, T, C / heads]`."""
        return x.reshape(len(x), self.heads, self.width, -1).transpose(2, 3)


def _diagonals(length: int, device: torch.device) -> Tensor:
    """For each row of a square with a margin of WINDOW columns, the columns of its near positions."""
    rows = torch.arange(length, device=device)
    return rows[:, None] + torch.arange(2 * WINDOW + 1, device=device)


def _square(band: Tensor) -> Tensor:
    """`[..., T, 9]`, by distance, as `[..., T, T]`, by position, with zeros outside the window."""
    length = band.shape[-2]
    wide = band.new_zeros(*band.shape[:-1], length + 2 * WINDOW)
    wide.scatter_(-1, _diagonals(length, band.device).expand(band.shape), band)
    return wide[..., WINDOW : WINDOW + length]


def _band(square: Tensor) -> Tensor:
    """`[..., T, T]`, by position, as `[..., T, 9]`, by distance, with zeros beyond the ends."""
    columns = _diagonals(square.shape[-1], square.device)
    wide = F.pad(square, (WINDOW, WINDOW))
    return wide.gather(-1, columns.expand(*square.shape[:-1], -1))


class FeedForward(nn.Module):
    def __init__(self, channels: int, filters: int, kernel: int) -> None:
        super().__init__()
        self.conv_1 = Conv1d(channels, filters, kernel)
        self.conv_2 = Conv1d(filters, channels, kernel)
        self.margins = ((kernel - 1) // 2, kernel // 2)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        x = torch.relu(self.conv_1(F.pad(masked(x, mask), self.margins)))
        return masked(self.conv_2(F.pad(masked(x, mask), self.margins)), mask)


class AttentionStack(nn.Module):
    """Layers of attention; with `gin` channels of a speaker's vector, told it before the third."""

    def __init__(
        self, channels: int, filters: int, heads: int, layers: int, kernel: int, gin: int = 0
    ) -> None:
        super().__init__()
        self.attn_layers = nn.ModuleList(RelativeAttention(channels, heads) for _ in range(layers))
        self.norm_layers_1 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))
        self.ffn_layers = nn.ModuleList(
            FeedForward(channels, filters, kernel) for _ in range(layers)
        )
        self.norm_layers_2 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))
        self.spk_emb_linear = nn.Linear(gin, channels) if gin else None

    def forward(self, x: Tensor, mask: Tensor | None, g: Tensor) -> Tensor:
        x = masked(x, mask)
        layers = zip(
            self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True
        )
        for number, (attention, first_norm, feed_forward, second_norm) in enumerate(layers):
            if number == CONDITIONED and self.spk_emb_linear is not None:
                x = masked(x + self.spk_emb_linear(g[:, :, 0])[:, :, None], mask)
            x = first_norm(x + attention(x, mask))
            x = second_norm(x + feed_forward(x, mask))
        return masked(x, mask)
