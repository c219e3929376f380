"""How a fetch shows itself: a bar on a terminal, plain lines in a log, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO

_REDRAW_S = 0.1

Step = Callable[[int], None]


def megabytes(size: int) -> str:
    """A size for people: 1 MB is 10^6 bytes, as registries count."""
    return f"{size / 1e6:.1f} MB"


class Progress(Protocol):
    """Where a fetch tells what it does."""

    @property
    def interactive(self) -> bool:
        """Whether somebody watches, so that pip may draw its own bar."""

    def say(self, line: str) -> None:
        """Tell one thing that happened."""

    def file(self, name: str, size: int | None) -> AbstractContextManager[Step]:
        """Follow one file; the step is called with the number of bytes just written."""


class Quiet:
    """Shows nothing."""

    interactive = False

    def say(self, line: str) -> None:
        return

    @contextmanager
    def file(self, name: str, size: int | None) -> Iterator[Step]:
        yield lambda count: None


class Console:
    """Writes to stderr: a bar that redraws one line on a terminal, one line a file elsewhere."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self.interactive = self._stream.isatty()

    def say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)

    @contextmanager
    def file(self, name: str, size: int | None) -> Iterator[Step]:
        done, drawn = 0, 0.0

        def step(count: int) -> None:
            nonlocal done, drawn
            done += count
            if self.interactive and time.monotonic() - drawn > _REDRAW_S:
                drawn = time.monotonic()
                self._draw(name, done, size, end="")

        yield step
        self._draw(name, done, size, end="\n")

    def _draw(self, name: str, done: int, size: int | None, *, end: str) -> None:
        share = f" {100 * done // max(size, 1):3d}%" if size is not None else ""
        start = "\r\x1b[K" if self.interactive else ""
        print(f"{start}  {name} {megabytes(done)}{share}", end=end, file=self._stream, flush=True)
