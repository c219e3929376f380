"""Four bands of a quarter of the rate, and the sound that they are bands of (pseudo-QMF, Nguyen 1994).

Every band is a low-pass filter moved up to where the band lies. The bank is not in any checkpoint: its
three numbers are those that the vocoder was trained with.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from networks.harmony.config import BANDS

TAPS = 62
CUTOFF = 0.142  # of the low-pass, in half turns per sample
KAISER = 9.0


def prototype() -> Tensor:
    """The low-pass `[63]`, float64."""
    places = torch.arange(-TAPS // 2, TAPS // 2 + 1, dtype=torch.float64)
    ideal = CUTOFF * torch.special.sinc(CUTOFF * places)
    taper = torch.kaiser_window(TAPS + 1, periodic=False, beta=KAISER, dtype=torch.float64)
    tapered: Tensor = ideal * taper
    return tapered


def filters(turn: float) -> Tensor:
    """The low-pass at each band `[4, 63]`; analysis and synthesis turn the phase opposite ways."""
    places = torch.arange(-TAPS // 2, TAPS // 2 + 1, dtype=torch.float64)
    bands = torch.arange(BANDS, dtype=torch.float64)[:, None]
    phase = (2 * bands + 1) * math.pi / (2 * BANDS) * places + turn * (-1) ** bands * math.pi / 4
    return (2 * prototype() * torch.cos(phase)).float()


def merged(bands: Tensor) -> Tensor:
    """Sound `[B, 1, 4 T]` of bands `[B, 4, T]`."""
    spaced = bands.new_zeros(*bands.shape, BANDS)
    spaced[..., 0] = bands * BANDS
    return F.conv1d(spaced.flatten(2), _synthesis(bands.device, bands.dtype), padding=TAPS // 2)


@cache
def _synthesis(device: torch.device, dtype: torch.dtype) -> Tensor:
    return filters(turn=-1.0)[None].to(device, dtype)
