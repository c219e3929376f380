"""Sound in memory: float32 mono samples together with their rate."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Protocol

import attrs
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


@attrs.frozen(eq=False)
class Audio:
    """Mono sound: `samples` [T] in -1..1 and `rate` in Hz."""

    samples: Samples
    rate: int

    @property
    def duration(self) -> float:
        return len(self.samples) / self.rate

    def cut(self, start: float, end: float) -> Audio:
        """The part between two times in seconds, clipped to what there is; a view, not a copy."""
        first, last = round(start * self.rate), round(end * self.rate)
        return Audio(self.samples[max(first, 0) : max(last, 0)], self.rate)

    def blocks(self, rate: int, seconds: float) -> Iterator[Audio]:
        """The sound at `rate` in consecutive blocks of at most `seconds`, as a Sound offers it."""
        from audio.resample import resample

        whole = resample(self, rate)
        step = max(round(seconds * rate), 1)
        for start in range(0, len(whole.samples), step):
            yield Audio(whole.samples[start : start + step], rate)

    def digest(self) -> str:
        """What no other sound has in common with this one."""
        told = hashlib.sha256(f"{self.rate} Hz ".encode())
        told.update(np.ascontiguousarray(self.samples).data)
        return told.hexdigest()


class Sound(Protocol):
    """Anything that reads as consecutive blocks of mono audio: an Audio, or an encoded file."""

    def blocks(self, rate: int, seconds: float) -> Iterator[Audio]: ...


class Recording(Sound, Protocol):
    """A sound that can be told from all others without decoding it."""

    def digest(self) -> str: ...


def tame(samples: Samples, peak: float) -> Samples:
    """Samples within ±`peak`: what is not finite becomes 0, what is louder is clipped."""
    if not samples.size or (samples.min() >= -peak and samples.max() <= peak):
        return samples  # a NaN makes both comparisons false
    return np.clip(np.where(np.isfinite(samples), samples, np.float32(0)), -peak, peak)


def silence(seconds: float, rate: int) -> Audio:
    """Digital silence."""
    return Audio(np.zeros(round(seconds * rate), dtype=np.float32), rate)


def in_blocks(parts: Iterable[Audio], rate: int, seconds: float) -> Iterator[Audio]:
    """Parts of one rate, of whatever length, as blocks of `seconds`, the last one shorter."""
    size = max(round(seconds * rate), 1)
    held: list[Audio] = []
    count = 0
    for part in parts:
        held.append(part)
        count += len(part.samples)
        if count >= size:
            samples = join(held, rate).samples
            whole = count - count % size
            for start in range(0, whole, size):
                yield Audio(samples[start : start + size], rate)
            held, count = [Audio(samples[whole:], rate)], count - whole
    if count:
        yield join(held, rate)


def join(parts: list[Audio], rate: int) -> Audio:
    """Parts of one rate, end to end."""
    if not parts:
        return silence(0, rate)
    return Audio(np.concatenate([part.samples for part in parts]), rate)
