"""A sound without the silence at its ends; pauses inside it stay."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from audio.filters.base import Run
from audio.filters.fade import Fade
from audio.reel import Reel
from audio.signal import Audio, Samples

FRAME = 0.01  # seconds that are judged at a time
EDGE = 0.005  # seconds of fade at both ends, so that no cut clicks


@attrs.frozen
class Trim:
    """Silence has no sample above `threshold` dBFS; `keep` seconds of it stay at each end."""

    threshold: float = -50.0
    keep: float = 0.1

    def start(self, rate: int) -> Run:
        return _Run(10 ** (self.threshold / 20), round(self.keep * rate), rate)


class _Run:
    """What is quiet waits on a reel until something is heard after it, or the sound is over."""

    def __init__(self, level: float, keep: int, rate: int) -> None:
        self._level, self._keep, self._rate = level, keep, rate
        self._step = max(1, round(FRAME * rate))
        self._heard = False
        self._rest: Samples = np.zeros(0, dtype=np.float32)  # less than a frame
        self._quiet = Reel(rate)
        self._edges = Fade(EDGE, EDGE).start(rate)

    def push(self, audio: Audio) -> Iterator[Audio]:
        samples = np.concatenate([self._rest, audio.samples])
        whole = len(samples) // self._step * self._step
        self._rest = samples[whole:]
        yield from self._judged(samples[:whole], self._step)

    def finish(self) -> Iterator[Audio]:
        yield from self._judged(self._rest, max(len(self._rest), 1))
        if self._heard:
            yield from self._faded(self._quiet.parts(last=self._keep))
            yield from self._edges.finish()

    def close(self) -> None:
        self._quiet.close()

    def _judged(self, samples: Samples, step: int) -> Iterator[Audio]:
        peaks = np.abs(samples.reshape(-1, step)).max(axis=1, initial=0.0)
        loud = np.flatnonzero(peaks > self._level)
        if not len(loud):
            self._quiet.record(Audio(samples, self._rate))
            return
        first, last = int(loud[0]) * step, (int(loud[-1]) + 1) * step
        self._quiet.record(Audio(samples[:first], self._rate))
        before = 0 if self._heard else max(self._quiet.count - self._keep, 0)
        self._heard = True
        yield from self._faded(self._quiet.parts(first=before))
        yield from self._faded(iter([Audio(samples[first:last], self._rate)]))
        self._quiet.close()
        self._quiet = Reel(self._rate)
        self._quiet.record(Audio(samples[last:], self._rate))

    def _faded(self, parts: Iterator[Audio]) -> Iterator[Audio]:
        for part in parts:
            yield from self._edges.push(part)
