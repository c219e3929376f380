"""Sample rates: soxr at its high quality, for a whole sound or one that arrives in pieces."""

from __future__ import annotations

import numpy as np
import soxr  # type: ignore[import-untyped]

from audio.signal import Audio, Samples


def resample(audio: Audio, rate: int) -> Audio:
    """The same sound at another rate; the very same object when it has that rate already."""
    if audio.rate == rate:
        return audio
    return Audio(soxr.resample(_packed(audio.samples), audio.rate, rate, quality="HQ"), rate)


class Resampler:
    """Changes the rate of a sound that arrives in pieces; its answers, joined, are `resample`'s."""

    def __init__(self, source_rate: int, rate: int) -> None:
        self.source_rate = source_rate
        self.rate = rate
        self._stream = None
        if source_rate != rate:
            self._stream = soxr.ResampleStream(source_rate, rate, 1, dtype="float32", quality="HQ")

    def push(self, audio: Audio) -> Audio:
        """What is ready after this piece; the filter holds a few milliseconds back."""
        if audio.rate != self.source_rate:
            raise ValueError(f"a piece at {audio.rate} Hz, this resampler takes {self.source_rate}")
        return Audio(self._process(audio.samples, last=False), self.rate)

    def finish(self) -> Audio:
        """What the filter still held; nothing may be pushed afterwards."""
        return Audio(self._process(np.zeros(0, dtype=np.float32), last=True), self.rate)

    def _process(self, samples: Samples, last: bool) -> Samples:
        if self._stream is None:
            return samples
        made: Samples = self._stream.resample_chunk(_packed(samples), last=last)
        return made


def _packed(samples: Samples) -> Samples:
    return np.ascontiguousarray(samples, dtype=np.float32)  # soxr takes nothing else
