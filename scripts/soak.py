"""Runs mixed load for a while and prints what grew; `scripts/soak` is its command."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from scripts.benches.machine import Bench, described
from scripts.soaking.clients import Clients
from scripts.soaking.samples import FLOORS, HOUR, WARM_UP, Watch

EVERY = 3.0  # seconds between samples
QUIET = 20.0  # seconds until all kept connections have been closed
SHORTEST = 2.0  # minutes; fewer samples tell nothing
LEFT_BEHIND = ("handles", "tasks")  # what must be back where it was once nobody asks anything

Look = Mapping[tuple[str, str], float]


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--at-once", type=int, default=6, help="clients, each with one request")
    asked = parser.parse_args()
    if asked.minutes < SHORTEST or asked.at_once < 1:
        parser.error(f"at least {SHORTEST:.0f} minutes, and one client")
    # Ended from outside, it ends its service too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(described(), flush=True)
    with tempfile.TemporaryDirectory() as folder, Bench(Path(folder)) as bench:
        clients = Clients(bench.service.url, bench.clip(4))
        watch = Watch(bench.service.url, bench.service.process.pid)
        before, after = asyncio.run(_soak(clients, watch, asked.at_once, asked.minutes * 60))
    rising = _print_slopes(watch)
    left = _print_left(before, after)
    _print_counts(clients)
    return 1 if rising or left or clients.failures() else 0


async def _soak(clients: Clients, watch: Watch, at_once: int, seconds: float) -> tuple[Look, Look]:
    """What the processes held while nobody asked anything, before and after."""
    await clients.each_once()
    await asyncio.sleep(QUIET)
    before = await asyncio.to_thread(watch.look)
    crowd = asyncio.ensure_future(clients.crowd(at_once, seconds))
    while not crowd.done():
        started = time.monotonic()
        await asyncio.to_thread(watch.sample)
        await asyncio.wait({crowd}, timeout=max(0.0, EVERY - (time.monotonic() - started)))
    await crowd
    await asyncio.sleep(QUIET)
    return before, await asyncio.to_thread(watch.look)


def _print_slopes(watch: Watch) -> int:
    """How many series rise."""
    print(
        f"\n{'under load':34}{'first':>9}{'last':>9}{'per hour':>11}   after {WARM_UP:.0%} of the time"
    )
    for series in sorted(watch.series.values(), key=lambda one: (one.unit, one.process)):
        first, *_, last = series.judged()[1]
        verdict = "RISES" if series.rises() else ""
        name = f"{series.process}, {series.unit}"
        print(f"{name:34}{first:9.1f}{last:9.1f}{series.slope() * HOUR:+11.1f}   {verdict}")
    return sum(series.rises() for series in watch.series.values())


def _print_left(before: Look, after: Look) -> int:
    """How many figures are above where they were."""
    print(f"\n{'nobody asks anything':34}{'before':>9}{'after':>9}")
    left = 0
    for (process, unit), held in sorted(before.items(), key=lambda item: (item[0][1], item[0][0])):
        now = after[process, unit]
        more = unit in LEFT_BEHIND and now - held > FLOORS[unit]
        left += more
        print(f"{f'{process}, {unit}':34}{held:9.1f}{now:9.1f}   {'LEFT BEHIND' if more else ''}")
    return left


def _print_counts(clients: Clients) -> None:
    print("\nvisits")
    for kind in sorted({kind for kind, _ in clients.counts}):
        ends = {end: number for (of, end), number in clients.counts.items() if of == kind}
        told = ", ".join(f"{number} × {end}" for end, number in sorted(ends.items()))
        print(f"{kind:34}{told}")


if __name__ == "__main__":
    sys.exit(main())
