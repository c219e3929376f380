"""Our batcher beside BentoML's own: one model, the same arrivals of items of mixed lengths."""

from __future__ import annotations

import asyncio
import math
import random
import time

import attrs
import httpx

from scripts.benches.batcher_service import PATIENCE_MS
from scripts.benches.machine import Bench, percentile
from tests.conftest import BUNDLE
from tests.live import LiveService

LENGTHS = (0.5, 30.0)  # seconds of sound, log-uniform
SECONDS, BURST, BURSTS = 12.0, 64, 4
RATES = (60, 120)  # arrivals per second: an easy load, and one near what the model can do


@attrs.define
class Tally:
    took: list[float] = attrs.field(factory=list)
    refused: int = 0


def run(bench: Bench) -> None:
    for name in ("Theirs", "Ours"):
        home = bench.folder / name
        home.mkdir()
        target = [f"scripts.benches.batcher_service:{name}"]
        with LiveService.started(BUNDLE, home, target=target, health="/readyz") as service:
            for rate in RATES:
                print(f"  {name.lower()}: {asyncio.run(_steady(service.url, rate))}")
            print(f"  {name.lower()}: {asyncio.run(_after_a_burst(service.url))}")


async def _steady(url: str, rate: float) -> str:
    dice, tally = random.Random(7), Tally()
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        started, at, asked = time.perf_counter(), 0.0, []
        while (at := at + dice.expovariate(rate)) < SECONDS:
            await asyncio.sleep(max(0.0, started + at - time.perf_counter()))
            asked.append(asyncio.ensure_future(_ask(client, _length(dice), tally)))
        await asyncio.gather(*asked)
        took = time.perf_counter() - started
    return (
        f"{rate}/s for {SECONDS:.0f} s: {len(tally.took) / took:.0f}/s answered, "
        f"p50 {percentile(tally.took, 0.5) * 1000:.0f} ms, "
        f"p99 {percentile(tally.took, 0.99) * 1000:.0f} ms, refused {tally.refused} of {len(asked)}"
    )


async def _after_a_burst(url: str) -> str:
    dice, tally, after = random.Random(7), Tally(), Tally()
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        for _ in range(BURSTS):
            await asyncio.gather(*(_ask(client, _length(dice), tally) for _ in range(BURST)))
            await asyncio.sleep(0.5)
            await _ask(client, LENGTHS[0], after)
    return (
        f"{BURSTS} bursts of {BURST}: p99 {percentile(tally.took, 0.99) * 1000:.0f} ms, refused "
        f"{tally.refused} (patience {PATIENCE_MS} ms); an idle call after each: "
        f"{', '.join(f'{took * 1000:.0f}' for took in after.took)} ms, refused {after.refused}"
    )


async def _ask(client: httpx.AsyncClient, length: float, tally: Tally) -> None:
    started = time.perf_counter()
    answer = await client.post("/run", json={"lengths": [length]})
    if answer.status_code == 200:
        assert answer.json() == [length]
        tally.took.append(time.perf_counter() - started)
    else:
        tally.refused += 1


def _length(dice: random.Random) -> float:
    return math.exp(dice.uniform(*map(math.log, LENGTHS)))
