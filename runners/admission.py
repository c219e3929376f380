"""A door before everything that a request costs: whoever could only be refused later is refused at once.

A queue that is full refuses in a moment, but a request reaches it after its sound was decoded and searched
for speech. Sixty clients at once waited two seconds for their refusals. So as many are let in
as the model can run and queue, and the others are turned away before any work is done for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from errors import Unavailable
from settings import RunnerSettings

RETRY = 1.0  # seconds: a place is free when one request is done, which is mostly soon


class Door:
    """Counts who is inside on behalf of one model."""

    def __init__(self, settings: RunnerSettings) -> None:
        self._name, self._max_queue = settings.name, settings.max_queue
        self._places = settings.max_queue + settings.workers * settings.max_batch_size
        self._inside = 0

    @contextmanager
    def entered(self) -> Iterator[None]:
        if self._inside >= self._places:
            message = f"The queue of {self._name!r} is full: max_queue is {self._max_queue}."
            raise Unavailable(message, code="queue_full", retry_after=RETRY)
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
