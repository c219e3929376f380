"""A sound of any length → windows of it, each with context on both sides, while it is being read.

sound    ├─────────────────────────────────────────────────┤
windows  [▓▓░░]                                                the first one may be short: it is heard soon
         [░░▓▓▓▓▓▓░░]                                          ▓ what is kept of it
               [░░▓▓▓▓▓▓▓▓▓▓▓▓░░]                              ░ context: heard by the model, let go after
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from audio import Audio, Samples


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


def windows_of(blocks: Iterator[Audio], plan: Plan) -> Iterator[Window]:
    """The windows, whose kept parts, end to end, are the whole; each is twice as long as the one before."""
    held = np.zeros(0, dtype=np.float32)
    offset = start = 0  # of what is held, and of what is to be kept next
    size = plan.first
    for block in blocks:
        held = np.concatenate([held, block.samples])
        while offset + len(held) >= start + size + plan.context:
            end = start + size + plan.context - offset
            yield Window(held[:end], offset, start - offset, size)
            start += size
            size = min(2 * size, plan.longest)
            done = max(start - plan.context - offset, 0)
            offset, held = offset + done, held[done:]
    total = offset + len(held)
    if start < total:  # not enough is left for another window with all of its context
        done = max(start - plan.context - offset, 0)
        yield Window(held[done:], offset + done, start - offset - done, total - start)
