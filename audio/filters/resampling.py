"""Another sample rate, as a filter."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from audio.filters.base import Run
from audio.resample import Resampler
from audio.signal import Audio


@attrs.frozen
class Resample:
    """The same sound at `rate` Hz."""

    rate: int

    def start(self, rate: int) -> Run:
        return _Run(Resampler(rate, self.rate))


@attrs.frozen
class _Run:
    resampler: Resampler

    def push(self, audio: Audio) -> Iterator[Audio]:
        yield self.resampler.push(audio)

    def finish(self) -> Iterator[Audio]:
        yield self.resampler.finish()

    def close(self) -> None:
        pass
