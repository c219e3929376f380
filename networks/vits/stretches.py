"""A long sequence through layers of limited reach, a stretch at a time, as if it were whole.

input    ├──────────────────────────────────────┤
stretch           ┤reach├─────────┤reach├             goes through the layers;
output                  ├─────────┤                   what lies over the middle is kept
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def in_stretches(
    layers: Callable[[Tensor], Tensor], x: Tensor, *, length: int, reach: int, rate: int = 1
) -> Tensor:
    """What `layers` make of x `[B, C, T]`: `rate` steps for each of its own, `length` of these at a time."""
    whole = x.shape[-1]
    if whole <= length:
        return layers(x)
    parts = []
    for start in range(0, whole, length):
        stop = min(start + length, whole)
        first = max(start - reach, 0)
        part = layers(x[..., first : stop + reach])
        parts.append(part[..., (start - first) * rate : (stop - first) * rate])
    return _joined(parts)


def _joined(parts: list[Tensor]) -> Tensor:
    """Parts end to end, channels side by side as they lie in each."""
    length = sum(part.shape[-1] for part in parts)
    batch, channels, _ = parts[0].shape
    whole = parts[0].new_empty(batch, length, channels).transpose(1, 2)
    at = 0
    for part in parts:
        whole[..., at : at + part.shape[-1]] = part
        at += part.shape[-1]
    return whole
