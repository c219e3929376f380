"""Voices of recordings that were heard before, so that who sends the same clip again waits for nothing."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable

import attrs

from errors import TimedOut
from observing import metrics
from runners import steps
from tasks import Call, Embedding

MOST = 1024  # voices, of a kilobyte or two each


@attrs.frozen(eq=False)
class Heard:
    """A voice, and the seconds of speech that it was taken from."""

    voice: Embedding
    seconds: float


class VoiceMemory:
    """The voices that were asked for last; in memory only."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: OrderedDict[Hashable, Heard] = OrderedDict()
        self._under_way: dict[Hashable, asyncio.Future[Heard | None]] = {}

    async def recall(
        self, key: Hashable, listen: Callable[[], Awaitable[Heard]], call: Call
    ) -> Heard:
        """What is known by this key, else what `listen` hears; who asks meanwhile waits for that.

        A failure is its own request's alone, and so is a client who leaves: the next one listens.
        """
        asked = time.perf_counter()
        heard = self._known.get(key)
        while heard is None and (other := self._under_way.get(key)):
            patience = None if call.deadline is None else max(call.deadline - time.time(), 0)
            if not (await asyncio.wait({other}, timeout=patience))[0]:
                raise TimedOut("the same recording was still being heard", code="deadline")
            heard = other.result()
        if heard is None:
            metrics.voices().heard.labels("embedded").inc()
            return await self._listen(key, listen)
        metrics.voices().heard.labels("remembered").inc()
        steps.note("remembered", time.perf_counter() - asked)
        self._keep(key, heard)
        return heard

    async def _listen(self, key: Hashable, listen: Callable[[], Awaitable[Heard]]) -> Heard:
        done = self._under_way[key] = asyncio.get_running_loop().create_future()
        heard = None
        try:
            heard = await listen()
            self._keep(key, heard)
            return heard
        finally:
            del self._under_way[key]
            done.set_result(heard)

    def _keep(self, key: Hashable, heard: Heard) -> None:
        self._known[key] = heard
        self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
