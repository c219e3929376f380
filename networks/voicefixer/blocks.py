"""What the restorer is made of. A sound is an image `[batch, channels, frames, bands]`.

Norms are in one of two states: as trained, or by the statistics of the input `at hand`, which changes
nothing of the network: the original's training mode does that, and remembers what it saw.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.01  # of leaky ReLUs


class Norm(nn.BatchNorm2d):
    def forward(self, input: Tensor, at_hand: bool = False) -> Tensor:
        known = (None, None) if at_hand else (self.running_mean, self.running_var)
        return F.batch_norm(input, *known, self.weight, self.bias, at_hand, eps=self.eps)


class Recurrence(nn.Module):
    """Norm, then two layers of recurrence along the frames, both ways."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.bn = Norm(1)
        self.gru = nn.GRU(inputs, hidden, num_layers=2, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor, at_hand: bool = False) -> Tensor:
        made: Tensor = self.gru(self.bn(x, at_hand)[:, 0])[0]
        return made[:, None]


class Residual(nn.Module):
    """Twice norm and convolution, added to what came in."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.bn1 = Norm(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn2 = Norm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x: Tensor, at_hand: bool = False) -> Tensor:
        y = self.conv1(F.leaky_relu_(self.bn1(x, at_hand), SLOPE))
        y = self.conv2(F.leaky_relu_(self.bn2(y, at_hand), SLOPE))
        added: Tensor = y.add_(x if self.shortcut is None else self.shortcut(x))
        return added


class Encoder(nn.Module):
    """One level down: what it found there, and the same at half the size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_block1 = Residual(inputs, outputs)
        self.conv_block2 = Residual(outputs, outputs)
        self.conv_block3 = Residual(outputs, outputs)
        self.conv_block4 = Residual(outputs, outputs)

    def forward(self, x: Tensor, at_hand: bool = False) -> tuple[Tensor, Tensor]:
        for block in self.children():
            x = block(x, at_hand)
        return x, F.avg_pool2d(x, 2)


class Decoder(nn.Module):
    """One level up: to twice the size, beside what was found there on the way down."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.bn1 = Norm(inputs)
        self.conv1 = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, bias=False)
        self.conv_block2 = Residual(2 * outputs, outputs)
        self.conv_block3 = Residual(outputs, outputs)
        self.conv_block4 = Residual(outputs, outputs)
        self.conv_block5 = Residual(outputs, outputs)

    def forward(self, x: Tensor, found: Tensor, at_hand: bool = False) -> Tensor:
        # Bands come out right, 2 n + 1 of n; frames are one too many.
        wide = self.conv1(F.relu_(self.bn1(x, at_hand)))[:, :, :-1]
        made: Tensor = self.conv_block2(torch.cat([wide, found], dim=1), at_hand)
        del wide
        for block in (self.conv_block3, self.conv_block4, self.conv_block5):
            made = block(made, at_hand)
        return made
