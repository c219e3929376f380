"""The normalising flow between what is said and how it sounds: couplings that shift half the channels.

    first half  ──────────┬──────────────►
                          ▼                then the channels in reverse order, and the next coupling
    second half ───► + shift(first) ─────►

Volume-preserving (NICE, Dinh et al. 2014): there is no scale, so the inverse subtracts the same shift.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from networks.vits.convolution import Conv1d
from networks.vits.masks import masked
from networks.vits.wavenet import KERNEL, WaveNet

COUPLINGS = 4
LAYERS = 4  # of the WaveNet in each coupling
# Frames to either side that a frame depends on after `wavenet_flow`, forward and then inverse. The first
# coupling of the way back reads the half that the last one of the way there read, so it adds nothing.
REACH_THERE_AND_BACK = (2 * COUPLINGS - 1) * LAYERS * (KERNEL // 2)


class Coupling(nn.Module):
    """A shift of the second half of the channels, which `stack` (x, mask, g) makes of the first."""

    def __init__(self, channels: int, hidden: int, stack: nn.Module) -> None:
        super().__init__()
        self.pre = Conv1d(channels // 2, hidden, 1)
        self.enc = stack
        self.post = Conv1d(hidden, channels // 2, 1)

    def forward(self, first: Tensor, mask: Tensor | None, g: Tensor) -> Tensor:
        return masked(self.post(self.enc(masked(self.pre(first), mask), mask, g)), mask)


class Flow(nn.Module):
    """Couplings, each followed by a reversal of the channels; `z` `[B, C, T]` keeps its shape."""

    def __init__(self, couplings: Iterable[Coupling]) -> None:
        super().__init__()
        # The odd places are the reversals', which have no weights.
        self.flows = nn.ModuleDict({str(2 * n): one for n, one in enumerate(couplings)})

    def forward(self, z: Tensor, mask: Tensor | None, g: Tensor) -> Tensor:
        """From the sound of speaker `g` to what is said."""
        for coupling in self.flows.values():
            first, second = z.chunk(2, dim=1)
            shifted = masked(second, mask) + coupling(first, mask, g)
            z = torch.cat([first, shifted], dim=1).flip(1)
        return z

    def inverse(self, z: Tensor, mask: Tensor | None, g: Tensor) -> Tensor:
        """From what is said to the sound of speaker `g`."""
        for coupling in reversed(list(self.flows.values())):
            first, second = z.flip(1).chunk(2, dim=1)
            shifted = masked(second - coupling(first, mask, g), mask)
            z = torch.cat([first, shifted], dim=1)
        return z


def wavenet_flow(channels: int, hidden: int, gin: int) -> Flow:
    """The flow of the first VITS, whose couplings are WaveNets."""
    return Flow(Coupling(channels, hidden, WaveNet(hidden, LAYERS, gin)) for _ in range(COUPLINGS))
