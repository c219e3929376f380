"""What VoiceFixer hears of a sound: its mel, at 44.1 kHz, after it lost its high end where that is asked.

samples ─► [without its high end] ─► |Fourier transform| ─► mel bands, linear and as loud as they are
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from networks.voicefixer.sizes import BANDS, HOP, RATE

WINDOW = 2048  # samples
FLOOR = 1e-8  # under the root of a magnitude
LEAST = WINDOW // 2 + 1  # samples of the shortest sound that can be mirrored at its ends
# Of the transform by which the high end is taken away.
STEP = 512  # samples
PHASE_FLOOR = 1e-8
KEPT = 0.95  # of a sound's energy in bels, summed from below


def mel(samples: Tensor) -> Tensor:
    """Bands of samples `[T]`: `[1 + T // 441, 128]`, on the samples' device; silence has frames too."""
    return magnitudes(samples) @ bands().to(samples.device)


def magnitudes(samples: Tensor) -> Tensor:
    """`[frames, bins]`; a sound that is too short to be mirrored is followed by silence."""
    padded = F.pad(samples, (0, max(LEAST - len(samples), 0)))
    found = torch.stft(
        padded, WINDOW, HOP, window=_taper(padded), pad_mode="reflect", return_complex=True
    )
    return (found.real**2 + found.imag**2).clamp(min=FLOOR).sqrt().T


@cache
def bands() -> Tensor:
    """Triangles `[bins, bands]`, each 1 high, evenly along O'Shaughnessy's mel scale."""
    bins = np.linspace(0.0, RATE / 2, WINDOW // 2 + 1)
    highest = 2595 * math.log10(1 + RATE / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0.0, highest, BANDS + 2) / 2595) - 1)
    left, middle, right = corners[:-2], corners[1:-1], corners[2:]
    rising = (bins[:, None] - left) / (middle - left)
    falling = (right - bins[:, None]) / (right - middle)
    return torch.from_numpy(np.maximum(0, np.minimum(rising, falling)).astype(np.float32))


def low_passed(samples: Tensor) -> Tensor:
    """Samples without what is above nearly all that is loud in them; as many as they were."""
    return without_high_end(F.pad(samples, (0, -len(samples) % STEP)))[: len(samples)]


def without_high_end(samples: Tensor) -> Tensor:
    """The same, of whole steps of 512 as the original leaves it: what is over is lost."""
    kept = len(samples) // STEP * STEP
    if not kept:
        return samples[:0]
    taper = _taper(samples)
    found = torch.stft(
        samples, WINDOW, STEP, window=taper, pad_mode="constant", return_complex=True
    )
    strength = found.abs()
    sums = (strength + PHASE_FLOOR).log10().clamp(min=0).sum(dim=1).double().cumsum(dim=0)
    if sums[-1] == 0:  # too soft to tell
        return samples[:kept]
    cut = int((sums < KEPT * sums[-1]).sum())
    found = found * (strength / (strength + PHASE_FLOOR))
    found[cut:] = 0
    return torch.istft(found, WINDOW, STEP, window=taper)


def _taper(like: Tensor) -> Tensor:
    return torch.hann_window(WINDOW, device=like.device)
