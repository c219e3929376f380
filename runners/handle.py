"""The near end of a runner: what pipelines hold instead of the model."""

from __future__ import annotations

import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

import aiohttp
from bentoml.exceptions import BentoMLException, ServiceUnavailable

from errors import Failed, SpeechError, Unavailable
from tasks import (
    Activity,
    Answer,
    Call,
    Card,
    Detect,
    Job,
    Speak,
    Speech,
    Transcribe,
    Transcript,
)

logger = logging.getLogger(__name__)

RESTART_SECONDS = 5.0  # what a caller is told to wait for a runner that is out of reach

Answered = TypeVar("Answered")


class RunnerHandle:
    """The near end of a runner: satisfies the capability Protocols, raises what the far end answered."""

    def __init__(self, name: str, service: Any) -> None:
        self.name = name
        self._service = service  # BentoML's proxy, or in a single process the instance itself
        self._card: Card | None = None

    async def card(self) -> Card:
        """What the model says of itself, asked once: it cannot change while the service runs."""
        if self._card is None:
            self._card = await self.fresh_card()
        return self._card

    async def fresh_card(self) -> Card:
        """Asked anew, which tells whether the runner lives."""
        card: Card | SpeechError = await self._ask(self._service.card())
        if isinstance(card, SpeechError):
            raise card
        return card

    async def synthesize(self, job: Speak, call: Call) -> Speech:
        return await self._run(job, call, Speech)

    async def transcribe(self, job: Transcribe, call: Call) -> Transcript:
        return await self._run(job, call, Transcript)

    async def detect(self, job: Detect, call: Call) -> Activity:
        return await self._run(job, call, Activity)

    async def _run(self, job: Job, call: Call, expected: type[Answered]) -> Answered:
        answer: Answer = await self._ask(self._service.run(job=job, call=call))
        if isinstance(answer.outcome, SpeechError):
            raise answer.outcome
        if not isinstance(answer.outcome, expected):
            raise Failed(f"{self.name} answered a {type(answer.outcome).__name__}")
        return answer.outcome

    async def _ask(self, question: Coroutine[Any, Any, Answered]) -> Answered:
        try:
            return await question
        except ServiceUnavailable as error:
            raise Unavailable(f"{self.name} is overloaded.", retry_after=RESTART_SECONDS) from error
        except (BentoMLException, aiohttp.ClientError, OSError) as error:
            # A runner that died is restarted by BentoML within about ten seconds.
            logger.warning("runner %s is out of reach: %r", self.name, error)
            raise Unavailable(
                f"{self.name} is out of reach at the moment.", retry_after=RESTART_SECONDS
            ) from error
