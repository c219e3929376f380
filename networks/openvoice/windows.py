"""A long source in windows that sound like the whole: each is converted with its neighbours' frames.

frames   ├──────────────────────────────────────────┤
window 1 ├─────────────┼ context ┤
window 2     ┤ context ┼─────────────┼ context ┤        what lies between the inner marks is kept
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from torch import Tensor


@attrs.frozen
class Window:
    """Frames from `first` to `last` are converted; those from `start` to `stop` are kept of it."""

    first: int
    start: int
    stop: int
    last: int

    def kept(self, samples: Tensor, hop: int) -> Tensor:
        """The part to keep of the samples `[T]` that the window became."""
        return samples[(self.start - self.first) * hop : (self.stop - self.first) * hop]


def windows(frames: int, length: int, context: int) -> Iterator[Window]:
    """Windows over so many frames, of which each keeps at most `length`."""
    for start in range(0, frames, length):
        stop = min(start + length, frames)
        yield Window(max(start - context, 0), start, stop, min(stop + context, frames))
