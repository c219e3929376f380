"""Speed without a change of pitch: WSOLA (Verhelst and Roelands, 1993).

    read     ├─frame─┤      ├─frame─┤                  frames are taken from the sound `speed` hops apart,
                 ├─frame─┤                             each shifted by up to REACH so that it goes on where
    written  ╱▔▔╲                                      the one before would have, and laid half over it:
               ╱▔▔╲                                    the two ramps add up to one
                 ╱▔▔╲

A frame's middle, where it is heard alone, lies in its place. A wave goes on in its own rhythm, so its pitch
stays; only whole periods are left out or said again. What ends the sound ends what is written, to the sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import attrs
import numpy as np

from audio.filters.base import Run
from audio.signal import Audio, Samples

HOP = 0.02  # seconds, half a frame: two periods of a deep voice
REACH = 0.01  # seconds to either side in which the best place for a frame is looked for
ALIKE = (
    1e-5  # of the best likeness: what is as close to it is as good, and rounding does not choose
)
PART = round(1.0 / HOP)  # hops that leave at once, a second of them


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
        self._rise = (np.sin(np.pi / 2 * ramp) ** 2).astype(np.float32)
        self._held: Samples = np.zeros(0, dtype=np.float32)
        self._offset = 0  # in the sound, of the first sample held
        self._total = self._written = 0
        self._tail: Samples | None = None  # how the sound goes on after what was written

    def push(self, audio: Audio) -> Iterator[Audio]:
        self._total += len(audio.samples)
        self._held = np.concatenate([self._held, audio.samples])
        yield from self._parts(self._sure())

    def finish(self) -> Iterator[Audio]:
        missing = 2 * self._hop - self._total
        self._held = np.pad(self._held, (0, max(missing, 0)))
        yield from self._parts(self._left())
        if self._total:
            yield Audio(self._end(), self._rate)

    def close(self) -> None:
        pass

    def _parts(self, hops: Iterator[Samples]) -> Iterator[Audio]:
        while some := list(islice(hops, PART)):
            yield Audio(np.concatenate(some), self._rate)

    def _sure(self) -> Iterator[Samples]:
        """The next hops, for as long as all that they may be made of is there."""
        latest = self._total - 2 * self._hop
        while self._is_followed() and self._ideal() + self._reach <= latest:
            yield self._next(latest)

    def _left(self) -> Iterator[Samples]:
        """The hops before the end; near it frames are taken as late as there are whole ones."""
        latest = max(self._total - 2 * self._hop, 0)
        while self._is_followed():
            yield self._next(latest)

    def _is_followed(self) -> bool:
        """Whether a hop more leaves at least one to the end."""
        return self._written + 2 * self._hop <= round(self._total / self._factor)

    def _ideal(self) -> int:
        """Where the next frame begins if its middle is to lie in its place."""
        return round((self._written + self._hop) * self._factor) - self._hop

    def _next(self, latest: int) -> Samples:
        place = self._best(self._ideal(), latest)
        made = self._joined(place, self._hop)
        self._tail = self._cut(place + self._hop, self._hop)
        self._written += self._hop
        self._forget(min(self._ideal(), latest) - self._reach)
        return made

    def _end(self) -> Samples:
        """One to two hops, or all of a shorter sound: the end of the sound, which has its place."""
        count = round(self._total / self._factor) - self._written
        return self._joined(max(self._total - count, self._offset), count)

    def _joined(self, place: int, count: int) -> Samples:
        """What begins at a place, and what was heard before goes over into it."""
        made = self._cut(place, count).copy()
        over = min(count, self._hop)
        made[:over] *= self._rise[:over]
        made[:over] += (self._before() * (1 - self._rise))[:over]
        return made

    def _best(self, ideal: int, latest: int) -> int:
        """Where near its place the sound is most like what would have come next."""
        first = max(min(ideal, latest) - self._reach, self._offset)
        last = max(min(ideal + self._reach, latest), first)
        around = self._cut(first, last + self._hop - first)
        energy = np.convolve(np.square(around), np.ones(self._hop, dtype=np.float32), "valid")
        likeness = np.correlate(around, self._before(), "valid") / np.sqrt(energy + 1e-9)
        # Of places that are equally good, of silence or of a steady tone, the nearest.
        good = np.flatnonzero(likeness >= likeness.max() - ALIKE * np.abs(likeness).max())
        return first + int(good[np.abs(first + good - ideal).argmin()])

    def _before(self) -> Samples:
        return self._cut(0, self._hop) if self._tail is None else self._tail

    def _cut(self, place: int, count: int) -> Samples:
        return self._held[place - self._offset :][:count]

    def _forget(self, before: int) -> None:
        gone = min(max(before - self._offset, 0), len(self._held))
        self._held, self._offset = self._held[gone:], self._offset + gone
