"""The linear magnitude spectrogram that posterior and reference encoders read.

samples, mirrored at both ends by (window - hop) / 2 ─► frames, one each hop ─► |Fourier transform|
"""

from __future__ import annotations

import torch
from torch import Tensor

from networks.vits.config import SoundSizes

FLOOR = 1e-6  # under the root: training needed a slope at silence


def frame_count(samples: int, sizes: SoundSizes) -> int:
    """Frames of a sound; the last one ends where the mirrored sound does."""
    return max((samples + 2 * _margin(sizes) - sizes.window) // sizes.hop + 1, 0)


def least_samples(sizes: SoundSizes) -> int:
    """The shortest sound that can be mirrored at its ends."""
    return max(_margin(sizes) + 1, sizes.hop)


def spectrogram(
    samples: Tensor, sizes: SoundSizes, start: int = 0, stop: int | None = None
) -> Tensor:
    """Magnitudes `[bins, frames]` of samples `[T]`: of all frames, or of those from start to stop."""
    if len(samples) < least_samples(sizes):
        raise ValueError(
            f"{len(samples)} samples have no spectrogram: at least {least_samples(sizes)} are needed"
        )
    count = frame_count(len(samples), sizes)
    stop = count if stop is None else min(stop, count)
    first = start * sizes.hop - _margin(sizes)
    last = (stop - 1) * sizes.hop - _margin(sizes) + sizes.window
    before, behind = max(-first, 0), max(last - len(samples), 0)
    mirrored = [
        samples[1 : before + 1].flip(0),
        samples[max(first, 0) : last],
        samples[len(samples) - 1 - behind : -1].flip(0),
    ]
    taken = torch.cat(mirrored)
    taper = torch.hann_window(sizes.taper, device=samples.device)
    found = torch.stft(
        taken, sizes.window, sizes.hop, sizes.taper, taper, center=False, return_complex=True
    )
    return torch.sqrt(found.real**2 + found.imag**2 + FLOOR)


def _margin(sizes: SoundSizes) -> int:
    return (sizes.window - sizes.hop) // 2
