"""What every filter is: a value that can be put to work on a sound, and the work itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Protocol

from audio.reel import Reel
from audio.signal import Audio, join


class Run(Protocol):
    """A filter at work on one sound."""

    def push(self, audio: Audio) -> Iterator[Audio]:
        """What is ready after this piece, in parts; the piece is taken as they are read."""
        ...

    def finish(self) -> Iterator[Audio]:
        """The rest; nothing may be pushed afterwards."""
        ...

    def close(self) -> None:
        """Let go of what is held, also midway."""
        ...


class Filter(Protocol):
    """What shall be done to a sound."""

    def start(self, rate: int) -> Run:
        """The filter at work on a sound of this rate."""
        ...


class OnReel:
    """The start of a filter that must know the whole sound first."""

    def __init__(self, rate: int) -> None:
        self.reel = Reel(rate)

    def push(self, audio: Audio) -> Iterator[Audio]:
        self.reel.record(audio)
        yield from ()

    def close(self) -> None:
        self.reel.close()


def filtered(audio: Audio, *filters: Filter) -> Audio:
    """A sound after these filters, one after the other."""
    for wanted in filters:
        with closing(wanted.start(audio.rate)) as run:
            parts = [*run.push(audio), *run.finish()]
        audio = join(parts, parts[0].rate if parts else audio.rate)
    return audio
