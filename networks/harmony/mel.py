"""Mel bands as Slaney's Auditory Toolbox (1998) has them: linear up to 1 kHz, logarithmic above."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

LINEAR = 3 / 200  # mels for each Hz
BEND = 1000.0  # Hz
STEP = math.log(6.4) / 27  # of the logarithm of the frequency for each mel


def mel_bands(rate: int, window: int, count: int) -> Tensor:
    """Triangles of equal area `[count, bins]` from 0 to half the rate."""
    bins = np.linspace(0.0, rate / 2, window // 2 + 1)
    corners = _hz(np.linspace(0.0, _mel(rate / 2), count + 2))
    left, middle, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (bins - left) / (middle - left), (right - bins) / (right - middle)
    triangles = np.maximum(0.0, np.minimum(rising, falling)) * 2 / (right - left)
    return torch.from_numpy(triangles.astype(np.float32))


def _mel(hz: float) -> float:
    if hz < BEND:
        return hz * LINEAR
    return BEND * LINEAR + math.log(hz / BEND) / STEP


def _hz(
    mels: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    bend = BEND * LINEAR
    above = BEND * np.exp(STEP * (np.maximum(mels, bend) - bend))
    return np.where(mels < bend, mels / LINEAR, above)
