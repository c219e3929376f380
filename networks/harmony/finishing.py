"""What Harmony Speech does to its sound at last: pauses between the pieces, and one level for all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from networks.harmony.config import HOP, RATE

PAUSE = 0.15  # seconds after every piece
PEAK = 0.97

Samples = NDArray[np.float32]


def paused(samples: Samples, frames: Sequence[int]) -> Samples:
    """Pieces of so many mel frames each, with a pause behind each; the sound itself if none are told."""
    if not frames:
        return samples
    ends = np.cumsum(frames) * HOP
    pieces = np.split(samples, ends)[:-1]
    pause = np.zeros(round(PAUSE * RATE), dtype=np.float32)
    return np.concatenate([part for piece in pieces for part in (piece, pause)])


def levelled(samples: Samples) -> Samples:
    """The sound with its loudest sample at the peak; silence stays silence."""
    loudest = np.abs(samples).max(initial=0.0)
    return samples if not loudest else samples / loudest * np.float32(PEAK)
