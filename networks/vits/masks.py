"""Rows of different lengths in one tensor: padding them, and silencing what lies behind their ends."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def padded(rows: Sequence[Tensor], longest: int = 0) -> Tensor:
    """Rows `[..., T]` of own lengths as one tensor `[B, ..., T]`, zeros behind each."""
    longest = max(longest, *(row.shape[-1] for row in rows))
    made = rows[0].new_zeros(len(rows), *rows[0].shape[:-1], longest)
    for place, row in zip(made, rows, strict=True):
        place[..., : row.shape[-1]] = row
    return made


def mask_of(lengths: Sequence[int], like: Tensor) -> Tensor | None:
    """`[B, 1, T]`, 1 up to each row's length and 0 behind it; None where no row of `like` is padded."""
    longest = like.shape[-1]
    if min(lengths) >= longest:
        return None
    ends = torch.tensor(lengths, device=like.device)
    places = torch.arange(longest, device=like.device)
    return (places < ends[:, None])[:, None].to(like.dtype)


def masked(x: Tensor, mask: Tensor | None) -> Tensor:
    return x if mask is None else x * mask
