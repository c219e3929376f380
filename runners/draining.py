"""Runners leave last: on SIGTERM, one serves on until the public process that needs it has left.

Everybody gets the signal at once, from the supervisor or from systemd; and uvicorn in a runner that is idle
at this moment would leave at once, while a request that was accepted still wants its next sentence.
"""

from __future__ import annotations

import itertools
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import bentoml
import psutil  # type: ignore[import-untyped]

logger = logging.getLogger(__name__)

PUBLIC = "harmony-speech"  # the public service's name, and so in the command line of its process
POLL_SECONDS = 0.1
# Signals of one and the same stop come together (systemd's to every process, the supervisor's to its
# children). Whoever sends one later than this means the runner itself, now.
TOGETHER_SECONDS = 5.0

Stop = Callable[[int, FrameType | None], Any]


class LastToLeave:
    """A signal handler that calls another one when the public process has left."""

    def __init__(
        self,
        stop: Stop,
        find_public: Callable[[], psutil.Process | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stop = stop
        self._find_public = find_public
        self._clock = clock
        self._asked_at: float | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now = self._clock()
        if self._asked_at is None:
            self._asked_at = now
            threading.Thread(target=self._wait, args=(number,), daemon=True).start()
        elif now - self._asked_at > TOGETHER_SECONDS:
            self._stop(number, frame)

    def _wait(self, number: int) -> None:
        public = self._find_public()
        if public:
            logger.info("stopping as soon as process %d, which may need this one, has", public.pid)
        while public and _is_alive(public):
            time.sleep(POLL_SECONDS)
        self._stop(number, None)


def leave_last() -> None:
    """Have this process, if it is a runner's, outlive the public one.

    Called while the service starts: uvicorn's handlers are in place by then. A runner on a machine of its
    own has no public process beside it, and leaves at once.
    """
    if bentoml.server_context.service_type != "service":
        return
    supervisor = os.getppid()

    def find_public() -> psutil.Process | None:
        # A runner whose supervisor was killed belongs to nobody.
        return public_beside(supervisor) if os.getppid() == supervisor else None

    stop = signal.getsignal(signal.SIGTERM)
    assert callable(stop)
    # One for both, whoever sends which: either is a wish to stop.
    last = LastToLeave(stop, find_public)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, last)


def public_beside(supervisor: int) -> psutil.Process | None:
    """The public process among the children of a supervisor."""
    try:
        children = psutil.Process(supervisor).children()
    except psutil.NoSuchProcess:
        return None
    return next((child for child in children if _serves(child, PUBLIC)), None)


def _serves(process: psutil.Process, service: str) -> bool:
    try:
        words = process.cmdline()
    except psutil.Error:  # it has ended, or is another user's
        return False
    return ("--service-name", service) in itertools.pairwise(words)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
