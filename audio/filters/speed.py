"""Speed without a change of pitch: WSOLA (Verhelst and Roelands, 1993).

    read     ├─frame─┤      ├─frame─┤                  frames are taken from the sound `speed` hops apart,
                 ├─frame─┤                             each shifted by up to REACH so that it goes on where
    written  ╱▔▔╲                                      the one before would have, and laid half over it:
               ╱▔▔╲                                    the two ramps add up to one
                 ╱▔▔╲

A wave goes on in its own rhythm, so its pitch stays; only whole periods are left out or said again.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from audio.filters.base import Run
from audio.signal import Audio, Samples

HOP = 0.02  # seconds, half a frame: two periods of a deep voice
REACH = 0.01  # seconds to either side in which the best place for a frame is looked for


@attrs.frozen
class Speed:
    """`factor` times as fast, and as long divided by it."""

    factor: float = 1.0

    def start(self, rate: int) -> Run:
        return _Run(self.factor, rate)


class _Run:
    def __init__(self, factor: float, rate: int) -> None:
        self._factor, self._rate = factor, rate
        self._hop, self._reach = round(HOP * rate), round(REACH * rate)
        ramp = (np.arange(self._hop, dtype=np.float32) + 0.5) / self._hop
        self._rise = np.sin(np.pi / 2 * ramp) ** 2
        self._held: Samples = np.zeros(0, dtype=np.float32)
        self._offset = 0  # in the sound, of the first sample held
        self._total = self._written = 0
        self._tail: Samples | None = None  # how the sound goes on after what was written

    def push(self, audio: Audio) -> Iterator[Audio]:
        self._total += len(audio.samples)
        self._held = np.concatenate([self._held, audio.samples])
        yield from self._frames(self._total)

    def finish(self) -> Iterator[Audio]:
        missing = 2 * self._hop - len(self._held)
        self._held = np.pad(self._held, (0, max(missing, 0)))
        wanted = round(self._total / self._factor)
        for part in self._frames(self._offset + len(self._held), wanted):
            excess = max(self._written - wanted, 0)
            yield Audio(part.samples[: len(part.samples) - excess], self._rate)

    def close(self) -> None:
        pass

    def _frames(self, end: int, wanted: int | None = None) -> Iterator[Audio]:
        """The next hops, for as long as all that they may be made of is there, or until all are made."""
        made = []
        latest = end - 2 * self._hop  # at the end of a sound its last frame is said again
        while wanted is None or self._written < wanted:
            ideal = round(self._written * self._factor)
            if wanted is None and ideal + self._reach > latest:
                break
            made.append(self._hop_at(ideal, latest))
            self._written += self._hop
            ahead = round(self._written * self._factor) - self._reach
            self._forget(min(ahead, latest - self._reach))
        if made:
            yield Audio(np.concatenate(made), self._rate)

    def _hop_at(self, ideal: int, latest: int) -> Samples:
        if self._tail is None:
            place, made = 0, self._held[: self._hop]
        else:
            place = self._best(ideal, latest)
            found = self._held[place - self._offset :][: self._hop]
            made = self._tail * (1 - self._rise) + found * self._rise
        self._tail = self._held[place + self._hop - self._offset :][: self._hop]
        return np.asarray(made, dtype=np.float32)

    def _best(self, ideal: int, latest: int) -> int:
        """Where near its place the sound is most like what would have come next."""
        assert self._tail is not None
        first = max(min(ideal, latest) - self._reach, self._offset)
        last = max(min(ideal + self._reach, latest), first)
        around = self._held[first - self._offset : last + self._hop - self._offset]
        energy = np.convolve(np.square(around), np.ones(self._hop, dtype=np.float32), "valid")
        likeness = np.correlate(around, self._tail, "valid") / np.sqrt(energy + 1e-9)
        # Of places that are equally good, silence for one, the nearest.
        distance = np.abs(np.arange(first, last + 1) - ideal)
        return first + int(np.lexsort((distance, -likeness))[0])

    def _forget(self, before: int) -> None:
        gone = min(max(before - self._offset, 0), len(self._held))
        self._held, self._offset = self._held[gone:], self._offset + gone
