"""A sound of any length → windows of it, each with context on both sides, while it is being read.

sound    ├─────────────────────────────────────────────────┤
windows  [▓▓░░]                                                the first one may be short: it is heard soon
         [░░▓▓▓▓▓▓░░]                                          ▓ what is kept of it
               [░░▓▓▓▓▓▓▓▓▓▓▓▓░░]                              ░ context: heard by the model, let go after
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import attrs
import numpy as np

from audio import Audio, Resampler, Samples


@attrs.frozen
class Plan:
    """How long windows are, in samples; all are multiples of `step`."""

    step: int
    context: int
    first: int
    longest: int


def planned(step: int, rate: int, *, context: int, first: float, longest: float) -> Plan:
    """Windows of so many seconds and samples, or a little more."""
    lengths = (context, round(first * rate), round(longest * rate))
    return Plan(step, *(-(-length // step) * step for length in lengths))


@attrs.frozen(eq=False)
class Window:
    """A part of the sound with its context, from a step of the whole on."""

    samples: Samples
    offset: int  # of its first sample
    begin: int  # of what is kept, counted from there
    length: int

    @property
    def kept(self) -> Samples:
        return self.part(self.samples)

    def part(self, made: Samples) -> Samples:
        """What is kept of samples that were made of the window's."""
        return made[self.begin : self.begin + self.length]


class Cutter:
    """Cuts windows out of a sound that comes in pieces; each is twice as long as the one before.

    Their kept parts, end to end, are the whole.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        # End to end; made one array only when a window is complete, for parts may be of milliseconds.
        self._held: list[Samples] = [np.zeros(0, dtype=np.float32)]
        self._offset = self._start = 0  # of what is held, and of what is to be kept next
        self._total = 0
        self._size = plan.first

    def push(self, samples: Samples) -> Iterator[Window]:
        """The windows for which all is there after these samples."""
        self._held.append(samples)
        self._total += len(samples)
        while self._total >= self._end():
            end = self._end() - self._offset
            yield Window(self._whole()[:end], self._offset, self._start - self._offset, self._size)
            self._start += self._size
            self._size = min(2 * self._size, self._plan.longest)
            self._forget()

    def finish(self) -> Iterator[Window]:
        """What is left: not enough for another window with all of its context."""
        if self._start < self._total:
            self._forget()
            begin = self._start - self._offset
            yield Window(self._whole(), self._offset, begin, self._total - self._start)

    def _end(self) -> int:
        """Of the next window with its context."""
        return self._start + self._size + self._plan.context

    def _whole(self) -> Samples:
        if len(self._held) > 1:
            self._held = [np.concatenate(self._held)]
        return self._held[0]

    def _forget(self) -> None:
        done = max(self._start - self._plan.context - self._offset, 0)
        self._offset, self._held = self._offset + done, [self._whole()[done:]]


def windows_of(blocks: Iterator[Audio], plan: Plan) -> Iterator[Window]:
    """The windows of a sound that is read in blocks."""
    cutter = Cutter(plan)
    for block in blocks:
        yield from cutter.push(block.samples)
    yield from cutter.finish()


async def windows_arriving(
    parts: AsyncGenerator[Audio, None], rate: int, plan: Plan
) -> AsyncGenerator[Window, None]:
    """The windows of a sound that is still being made, at another rate."""
    cutter = Cutter(plan)
    resampler: Resampler | None = None
    async with aclosing(parts):
        async for part in parts:
            resampler = resampler or Resampler(part.rate, rate)
            for window in cutter.push(resampler.push(part).samples):
                yield window
        if resampler:
            for window in cutter.push(resampler.finish().samples):
                yield window
        for window in cutter.finish():
            yield window
