"""Fades: the sound comes and goes in a straight line."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from audio.filters.base import Run
from audio.signal import Audio, Samples


@attrs.frozen
class Fade:
    """From silence in the first `start` seconds, and to silence in the last `end` seconds."""

    start_seconds: float = 0.02
    end_seconds: float = 0.02

    def start(self, rate: int) -> Run:
        return _Run(round(self.start_seconds * rate), round(self.end_seconds * rate), rate)


class _Run:
    """Holds back as much as the end may need: nobody knows yet which piece is the last."""

    def __init__(self, rising: int, falling: int, rate: int) -> None:
        self._rising, self._falling = rising, falling  # samples
        self._rate = rate
        self._done = 0
        self._held: Samples = np.zeros(0, dtype=np.float32)

    def push(self, audio: Audio) -> Iterator[Audio]:
        self._held = np.concatenate([self._held, self._risen(audio.samples)])
        ready = len(self._held) - self._falling
        if ready > 0:
            yield Audio(self._held[:ready], self._rate)
            self._held = self._held[ready:]

    def finish(self) -> Iterator[Audio]:
        ramp = np.linspace(1.0, 0.0, len(self._held), endpoint=True, dtype=np.float32)
        yield Audio(self._held * ramp, self._rate)

    def close(self) -> None:
        pass

    def _risen(self, samples: Samples) -> Samples:
        """The samples, the first of them on the ramp."""
        start = self._done
        self._done += len(samples)
        left = min(self._rising - start, len(samples))
        if left <= 0:
            return samples
        ramp = np.arange(start, start + left, dtype=np.float32) / np.float32(self._rising)
        return np.concatenate([samples[:left] * ramp, samples[left:]])
