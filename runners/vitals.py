"""How many tasks a process of ours has: one that only grows is a leak that no memory figure shows in time."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import Gauge


def note_tasks(process: str) -> None:
    """Set the gauge of this process; asked for at each look at its health."""
    _gauge().labels(process).set(len(asyncio.all_tasks()))


@functools.cache
def _gauge() -> Gauge:
    # prometheus_client decides on import whether processes share their numbers, by a variable that
    # BentoML sets only when a service starts: so it must not be imported with this module.
    from prometheus_client import Gauge

    told = "Tasks of the event loop, as of the last /health"
    # A process that was restarted goes on with the line of the one before.
    return Gauge("harmony_speech_tasks", told, ["process"], multiprocess_mode="mostrecent")
