"""A high-pass, Butterworth of the second order, 12 dB an octave: rumble and pops of breath go away."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from audio.filters.base import Run
from audio.signal import Audio

ORDER = 2


@attrs.frozen
class HighPass:
    """Half the power is left at `frequency` Hz, and a seventeenth an octave below."""

    frequency: float = 80.0

    def start(self, rate: int) -> Run:
        return _Run(self.frequency, rate)


class _Run:
    def __init__(self, frequency: float, rate: int) -> None:
        # Half a second and 80 MB to import: for those who ask for it.
        from scipy.signal import butter, sosfilt

        self._filter = sosfilt
        self._sections = butter(ORDER, frequency, "highpass", fs=rate, output="sos")
        self._state = np.zeros((len(self._sections), 2))

    def push(self, audio: Audio) -> Iterator[Audio]:
        if not len(audio.samples):
            return  # SciPy takes no empty array
        made, self._state = self._filter(self._sections, audio.samples, zi=self._state)
        yield Audio(made.astype(np.float32), audio.rate)

    def finish(self) -> Iterator[Audio]:
        yield from ()

    def close(self) -> None:
        pass
