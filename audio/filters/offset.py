"""A sound without DC: its mean is taken away, which must be known first."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from audio.filters.base import OnReel, Run
from audio.signal import Audio


@attrs.frozen
class RemoveDC:
    """Takes a constant offset away. What changes slowly is work for a high-pass."""

    def start(self, rate: int) -> Run:
        return _Run(rate)


class _Run(OnReel):
    def __init__(self, rate: int) -> None:
        super().__init__(rate)
        self._sum, self._count = 0.0, 0

    def push(self, audio: Audio) -> Iterator[Audio]:
        self._sum += float(audio.samples.sum(dtype=np.float64))
        self._count += len(audio.samples)
        return super().push(audio)

    def finish(self) -> Iterator[Audio]:
        mean = self._sum / max(self._count, 1)
        for part in self.reel.parts():
            # Rounded once: in float32 the mean itself would be off by more than what is left of it.
            yield Audio((part.samples - np.float64(mean)).astype(np.float32), part.rate)
