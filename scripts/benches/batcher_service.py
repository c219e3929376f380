"""One model behind two batchers: BentoML's own and ours. Served by the `batcher` bench, never by us."""

from __future__ import annotations

import time

import bentoml

from runners.batching import Batcher, BatchLimits

MAX_ITEMS = 8
PATIENCE_MS = 1000  # an item that cannot be done by then is refused


def forward(lengths: list[float]) -> list[float]:
    """A network on a GPU, played by a sleep: the longest item and the padding cost."""
    time.sleep(0.008 + max(lengths) * (0.0015 + 0.0002 * len(lengths)))
    return lengths


@bentoml.service(name="theirs", traffic={"timeout": 60})
class Theirs:
    @bentoml.api(batchable=True, max_batch_size=MAX_ITEMS, max_latency_ms=PATIENCE_MS)
    def run(self, lengths: list[float]) -> list[float]:
        return forward(lengths)


@bentoml.service(name="ours", traffic={"timeout": 60})
class Ours:
    def __init__(self) -> None:
        self._batcher: Batcher[float, float] = Batcher(
            lambda items: forward(list(items)),
            name="ours",
            limits=BatchLimits(max_items=MAX_ITEMS, max_cost=1e9, max_queue=1024),
            cost=lambda length: length,
        )

    @bentoml.api
    async def run(self, lengths: list[float]) -> list[float]:
        (length,) = lengths
        deadline = time.time() + PATIENCE_MS / 1000
        return [await self._batcher.submit(length, deadline=deadline)]
