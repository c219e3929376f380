"""From symbols to frames: how many each lasts, and its values repeated as often."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

LONGEST = 1_000_000  # frames of one symbol: what is not finite becomes a number that can be refused


def frames_of(durations: Tensor) -> Tensor:
    """Whole frames `[B, T]` of durations `[B, 1, T]`, rounded up."""
    whole = durations[:, 0].ceil().nan_to_num(nan=LONGEST, posinf=LONGEST)
    return whole.clamp(0, LONGEST).long()


def spread(values: Tensor, frames: Tensor, lengths: Sequence[int]) -> Tensor:
    """Values `[B, C, T]` of symbols as `[B, C, longest]` of frames, 0 behind the last of each row."""
    ends = frames.cumsum(dim=1)
    places = torch.arange(max(lengths), device=values.device).expand(len(lengths), -1)
    symbols = torch.searchsorted(ends, places.contiguous(), right=True)
    known = symbols < values.shape[-1]
    symbols = symbols.clamp(max=values.shape[-1] - 1)
    found = values.gather(2, symbols[:, None].expand(-1, values.shape[1], -1))
    return found * known[:, None]
