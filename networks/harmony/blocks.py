"""What the synthesizer is made of: convolutions with their norm, a bank of them (CBHG), and recurrence.

Features are `[batch, channels, time]` in convolutions and `[batch, time, channels]` in recurrent and
linear layers. Wherever a layer looks at its neighbours, what lies behind a row's end is silenced first.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from networks.harmony.config import BankSizes
from networks.vits.convolution import Conv1d
from networks.vits.masks import masked

Lengths = Sequence[int]


class ConvBlock(nn.Module):
    """Convolution ─► ReLU ─► batch norm; an even kernel sees one position more before than behind."""

    def __init__(self, inputs: int, outputs: int, kernel: int, relu: bool = True) -> None:
        super().__init__()
        self.conv = Conv1d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.bnorm = nn.BatchNorm1d(outputs)
        self.relu = relu

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        y = self.conv(masked(x, mask))[..., : x.shape[-1]]
        made: Tensor = self.bnorm(torch.relu(y) if self.relu else y)
        return made


class Highway(nn.Module):
    """As much of a new value as the gate lets through, and the old one for the rest."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.W1 = nn.Linear(channels, channels)
        self.W2 = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.W2(x))
        return gate * torch.relu(self.W1(x)) + (1 - gate) * x


class Bank(nn.Module):
    """CBHG (Wang et al. 2017): convolutions of many widths, highways, and recurrence both ways.

    x ─► bank ─► max ─► conv ─► conv ─► + x ─► linear ─► highways ─► GRU
    """

    def __init__(self, inputs: int, sizes: BankSizes) -> None:
        super().__init__()
        width = sizes.channels
        self.conv1d_bank = nn.ModuleList(
            ConvBlock(inputs, width, kernel) for kernel in range(1, sizes.kernels + 1)
        )
        self.conv_project1 = ConvBlock(sizes.kernels * width, width, 3)
        self.conv_project2 = ConvBlock(width, inputs, 3, relu=False)
        self.pre_highway = nn.Linear(inputs, width, bias=False)
        self.highways = nn.ModuleList(Highway(width) for _ in range(sizes.highways))
        self.rnn = nn.GRU(width, width, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor, lengths: Lengths, mask: Tensor | None) -> Tensor:
        """`[B, T, 2 * channels]` of `[B, inputs, T]`."""
        return both_ways(self.rnn, self.before_recurrence(x, mask), lengths, mask)

    def before_recurrence(self, x: Tensor, mask: Tensor | None) -> Tensor:
        y: Tensor = self.pre_highway((x + self.projected(x, mask)).transpose(1, 2))
        for highway in self.highways:
            y = highway(y)
        return y

    def projected(self, x: Tensor, mask: Tensor | None) -> Tensor:
        y = torch.cat([convolution(x, mask) for convolution in self.conv1d_bank], dim=1)
        # The larger of each value and the one before it: nothing behind an end gets in here.
        y = F.max_pool1d(y, kernel_size=2, stride=1, padding=1)[..., : x.shape[-1]]
        made: Tensor = self.conv_project2(self.conv_project1(y, mask), mask)
        return made


class SeriesPredictor(nn.Module):
    """One value for each character, in a speaker's manner: its duration, its pitch, its energy."""

    def __init__(
        self, characters: int, embedding: int, voice: int, convolutions: int, recurrent: int
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, embedding)
        widths = [embedding + voice, convolutions, convolutions]
        self.convs = nn.ModuleList(ConvBlock(width, convolutions, 5) for width in widths)
        self.rnn = nn.GRU(convolutions, recurrent, batch_first=True, bidirectional=True)
        self.lin = nn.Linear(2 * recurrent, 1)

    def forward(
        self, characters: Tensor, voices: Tensor, lengths: Lengths, mask: Tensor | None
    ) -> Tensor:
        """`[B, T]` of characters `[B, T]` and voices `[B, E]`."""
        x = told(self.embedding(characters), voices).transpose(1, 2)
        for convolution in self.convs:
            x = convolution(x, mask)
        found: Tensor = self.lin(both_ways(self.rnn, x.transpose(1, 2), lengths, mask))
        return found[:, :, 0]


def told(x: Tensor, voices: Tensor) -> Tensor:
    """`[B, T, C + E]`: every position with the speaker's vector behind its own values."""
    return torch.cat([x, voices[:, None].expand(-1, x.shape[1], -1)], dim=-1)


def both_ways(rnn: nn.Module, x: Tensor, lengths: Lengths, mask: Tensor | None) -> Tensor:
    """What a bidirectional layer makes of `[B, T, C]`; backwards each row begins at its own end."""
    if mask is None:
        whole: Tensor = rnn(x)[0]
        return whole
    rows = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    made, _ = pad_packed_sequence(rnn(rows)[0], batch_first=True, total_length=x.shape[1])
    return made
