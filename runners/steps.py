"""What each step of a request cost: noted where it is known, told in the answer's Server-Timing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import attrs

from observing import traces


@attrs.define
class Step:
    """All jobs of one kind that a request sent to one runner, or work of our own."""

    jobs: int = 0
    seconds: float = 0.0
    batched: int = 0  # sum of the sizes of the batches that the jobs ran in


@attrs.define
class Steps:
    """The steps of one request, in the order of their first job."""

    queued: float = 0.0
    taken: dict[str, Step] = attrs.field(factory=dict)
    warnings: list[str] = attrs.field(factory=list)  # for the answer's header of this name

    def note(
        self, name: str, seconds: float, *, queued: float = 0.0, batch_size: int | None = None
    ) -> None:
        step = self.taken.setdefault(name, Step())
        step.jobs += 1
        step.seconds += seconds
        step.batched += batch_size or 0
        self.queued += queued

    def server_timing(self) -> str:
        """The value of the header; durations in milliseconds, side by side work summed up."""
        told = [f"queue;dur={self.queued * 1000:.1f}"]
        for name, step in self.taken.items():
            entry = f"{name};dur={step.seconds * 1000:.1f}"
            if step.batched:
                entry += f';desc="jobs={step.jobs} batch={step.batched / step.jobs:.1f}"'
            told.append(entry)
        return ", ".join(told)


_current: ContextVar[Steps | None] = ContextVar("steps", default=None)


def begin() -> Steps:
    """The steps of a new request; tasks that it starts add to the same."""
    steps = Steps()
    _current.set(steps)
    return steps


def note(name: str, seconds: float, *, queued: float = 0.0, batch_size: int | None = None) -> None:
    """Add a step to the request at hand; outside of one nobody wants to know."""
    if steps := _current.get():
        steps.note(name, seconds, queued=queued, batch_size=batch_size)


def warn(warning: str) -> None:
    """Tell the client in a header of the answer, if it has not begun."""
    if steps := _current.get():
        steps.warnings.append(warning)


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Note how long the block took."""
    started = time.perf_counter()
    try:
        with traces.span(name):
            yield
    finally:
        note(name, time.perf_counter() - started)
