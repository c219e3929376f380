"""Loudness as EBU R128 measures it, and a sound brought to a wanted one.

The weighting is pyloudnorm's, as ITU-R BS.1770 has it; the gates are applied to blocks of 400 ms that are
measured as the sound comes by, so that hours of it take no memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np
from numpy.typing import NDArray

from audio.filters.base import OnReel, Run
from audio.level import bent
from audio.signal import Audio, Samples

Powers = NDArray[np.float64]

HOP = 0.1  # seconds from one block to the next
HOPS = 4  # in a block
SILENT = -70.0  # LUFS, of a block: quieter ones do not count
QUIET = 10.0  # LU below all that is not silent: what is still quieter does not count either
OFFSET = -0.691  # dB, so that a sine of 997 Hz is as loud as its level


@attrs.frozen
class Loudness:
    """The sound as loud as `target` LUFS, by one gain; what would be louder than 0.9 is bent, not cut off.

    A sound that is silent stays as it is.
    """

    target: float = -16.0

    def start(self, rate: int) -> Run:
        return _Run(self.target, rate)


class Meter:
    """The integrated loudness of a sound that comes in pieces."""

    def __init__(self, rate: int) -> None:
        # SciPy comes with it, which takes half a second and 80 MB: for those who ask for it.
        from pyloudnorm import Meter as Weighting
        from scipy.signal import lfilter

        self._filter = lfilter
        stages = Weighting(rate, filter_class="DeMan")._filters.values()
        self._stages = [(stage.b, stage.a, np.zeros(2)) for stage in stages]
        self._hop = max(round(HOP * rate), 1)
        self._rest = np.zeros(0)  # squares of less than a hop
        self._hops: list[float] = []  # mean squares

    def hear(self, samples: Samples) -> None:
        """Measure what comes next."""
        if not len(samples):
            return  # SciPy leaves the state of an empty array unwritten
        weighted = samples.astype(np.float64)
        for number, (b, a, state) in enumerate(self._stages):
            weighted, state = self._filter(b, a, weighted, zi=state)
            self._stages[number] = b, a, state
        squares = np.concatenate([self._rest, np.square(weighted)])
        whole = len(squares) // self._hop * self._hop
        self._hops += squares[:whole].reshape(-1, self._hop).mean(axis=1).tolist()
        self._rest = squares[whole:]

    def loudness(self) -> float:
        """In LUFS; minus infinity for silence. Less than a block is measured as one."""
        blocks = self._blocks()
        loud = blocks[_lufs(blocks) > SILENT]
        if not len(loud):
            return -np.inf
        return float(_lufs(loud[_lufs(loud) > _lufs(loud.mean()) - QUIET].mean()))

    def _blocks(self) -> Powers:
        """The mean square of each block."""
        hops = np.array(self._hops)
        if len(hops) >= HOPS:
            sums = np.convolve(hops, np.ones(HOPS), "valid")
            return sums / HOPS
        heard = np.concatenate([np.repeat(hops, self._hop), self._rest])
        return heard.mean(keepdims=True) if len(heard) else heard


def _lufs(power: Powers) -> Powers:
    with np.errstate(divide="ignore"):
        found: Powers = OFFSET + 10 * np.log10(power)
    return found


class _Run(OnReel):
    def __init__(self, target: float, rate: int) -> None:
        super().__init__(rate)
        self._target, self._meter = target, Meter(rate)

    def push(self, audio: Audio) -> Iterator[Audio]:
        self._meter.hear(audio.samples)
        return super().push(audio)

    def finish(self) -> Iterator[Audio]:
        found = self._meter.loudness()
        gain = 1.0 if np.isinf(found) else 10 ** ((self._target - found) / 20)
        for part in self.reel.parts():
            yield Audio(bent(part.samples * np.float32(gain)), part.rate)
