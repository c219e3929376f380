"""The way to a runner's process and back: calls over BentoML's proxy, its failures in our words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

import aiohttp
from bentoml.exceptions import BentoMLException, ServiceUnavailable

from errors import SpeechError, Unavailable
from observing import logs
from tasks import Answer, Call, Card, Job, State

logger = logging.getLogger(__name__)

RESTART_SECONDS = 5.0  # what a caller is told to wait for a runner that is out of reach
# The socket of a runner outlives its process: a call to one that died just waits. So a call that takes
# long is watched, and given up when its runner does not even say how it stands.
WATCH_SECONDS, PING_SECONDS, PINGS = 10.0, 5.0, 3

Answered = TypeVar("Answered")


class OutOfReach(Unavailable):
    """The runner's process is not there, or does not answer."""


class Wire:
    """What a runner's process can be asked."""

    def __init__(self, name: str, service: Any) -> None:
        self.name = name
        self._service = service  # BentoML's proxy, or in a single process the instance itself

    async def run(self, job: Job, call: Call) -> Answer:
        answer: Answer = await self._ask(self._service.run(job=job, call=call))
        return answer

    async def card(self) -> Card:
        card: Card | SpeechError = await self._ask(self._service.card())
        if isinstance(card, SpeechError):
            raise card
        return card

    async def state(self) -> State:
        state: State = await self._ask(self._service.state())
        return state

    async def load(self) -> State:
        state: State = await self._ask(self._service.load())
        return state

    async def unload(self) -> State:
        state: State = await self._ask(self._service.unload())
        return state

    async def _ask(self, question: Coroutine[Any, Any, Answered]) -> Answered:
        try:
            return await self._while_alive(question)
        except ServiceUnavailable as error:
            raise Unavailable(f"{self.name} is overloaded.", retry_after=RESTART_SECONDS) from error
        except (BentoMLException, aiohttp.ClientError, OSError) as error:
            # A runner that died is restarted by BentoML within about ten seconds.
            logger.warning("runner %s is out of reach: %s", self.name, logs.told(error))
            raise OutOfReach(
                f"{self.name} is out of reach at the moment.", retry_after=RESTART_SECONDS
            ) from error

    async def _while_alive(self, question: Coroutine[Any, Any, Answered]) -> Answered:
        asked, silences = asyncio.ensure_future(question), 0
        try:
            while not (await asyncio.wait({asked}, timeout=WATCH_SECONDS))[0]:
                silences = 0 if await self._pings() else silences + 1
                if silences == PINGS:
                    raise ConnectionError(f"no sign of life in {PINGS} pings")
            return asked.result()
        finally:
            asked.cancel()

    async def _pings(self) -> bool:
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self._service.state()
        except (TimeoutError, BentoMLException, aiohttp.ClientError, OSError):
            return False
        return True
