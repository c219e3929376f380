"""A circuit breaker: whoever keeps failing is left alone for a while, so that callers hear it at once.

closed ──`FAILURES` in a row──▶ open ──pause over──▶ one call is let through
  ▲                              ▲                         │
  │                              └────── it failed ────────┤ (the pause doubles)
  └───────────────────────────────────── it was answered ──┘
"""

from __future__ import annotations

import time
from collections.abc import Callable

from errors import Unavailable

FAILURES = 5  # more than one bad moment, less than a second of traffic
FIRST_PAUSE = 2.0  # seconds; a runner that was killed is back after five to ten
LONGEST_PAUSE = 60.0


class Circuit:
    """The circuit of one runner. `clock` is in seconds, with any start."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._opens_at: float | None = None  # None: closed
        self._trying = False

    @property
    def closed(self) -> bool:
        return self._opens_at is None

    def enter(self) -> None:
        """Let a call through, or raise when the next one may come; every entry wants its `leave`."""
        if self._opens_at is None:
            return
        left = self._opens_at - self._clock()
        if left > 0 or self._trying:
            raise Unavailable(
                f"The model '{self._name}' keeps failing and is left alone for a moment.",
                code="circuit_open",
                retry_after=max(1.0, left),
            )
        self._trying = True

    def leave(self, well: bool | None) -> None:
        """How the call ended; None if it says nothing of the runner (the caller left, say)."""
        self._trying = False
        if well:
            self._failures, self._pause, self._opens_at = 0, FIRST_PAUSE, None
        elif well is not None:
            self._failures += 1
            if self._failures >= FAILURES:
                self._opens_at = self._clock() + self._pause
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
