"""The near end of a runner: what pipelines hold instead of the model.

job ──▶ circuit ──▶ stay ──▶ wire ──▶ the runner's process ──▶ its result, or its failure raised
                              ▲  │ out of reach
                              └──┘ once more
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from errors import Failed, SpeechError
from observing import metrics, traces
from runners import steps
from runners.base import CAPABILITY_OF
from runners.circuit import Circuit
from runners.residency import Residency, Stay
from runners.wire import OutOfReach, Wire
from tasks import (
    Activity,
    Analyse,
    Answer,
    Call,
    Card,
    Compose,
    Convert,
    Detect,
    Embed,
    Embedding,
    Features,
    Job,
    Restore,
    Speak,
    Speech,
    State,
    Transcribe,
    Transcript,
    Vocode,
)

# Seconds before a call is tried again: connections to a process that died are known as dead by then.
BREATH = 0.2

Answered = TypeVar("Answered")


class RunnerHandle:
    """Satisfies the capability Protocols."""

    def __init__(self, name: str, service: Any, residency: Residency | None = None) -> None:
        self.name = name
        self._wire = Wire(name, service)
        self._circuit = Circuit(name)
        self._stay = residency.stay(name, self._wire) if residency else Stay(name, self._wire)
        self._card: Card | None = None

    @property
    def circuit_closed(self) -> bool:
        """Whether calls are let through; a runner that keeps failing is left alone for a while."""
        return self._circuit.closed

    async def card(self) -> Card:
        """What the model says of itself, asked once: it cannot change while the service runs."""
        if self._card is None:
            self._card = await self._wire.card()
        return self._card

    async def state(self, timeout: float) -> State:
        """How the runner stands; a model that is not in memory stays where it is."""
        state = await self._stay.ask(timeout)
        self._card = self._card or state.card
        return state

    async def load(self, keep_alive: float | None = None) -> State:
        """Bring the model into memory."""
        return await self._stay.load(keep_alive)

    async def unload(self) -> State:
        """Free its memory, once its jobs are done."""
        return await self._stay.unload()

    async def synthesize(self, job: Speak, call: Call) -> Speech:
        return await self._run(job, call, Speech)

    async def transcribe(self, job: Transcribe, call: Call) -> Transcript:
        return await self._run(job, call, Transcript)

    async def detect(self, job: Detect, call: Call) -> Activity:
        return await self._run(job, call, Activity)

    async def embed(self, job: Embed, call: Call) -> Embedding:
        return await self._run(job, call, Embedding)

    async def convert(self, job: Convert, call: Call) -> Speech:
        return await self._run(job, call, Speech)

    async def compose(self, job: Compose, call: Call) -> Features:
        return await self._run(job, call, Features)

    async def vocode(self, job: Vocode, call: Call) -> Speech:
        return await self._run(job, call, Speech)

    async def restore(self, job: Restore, call: Call) -> Speech:
        return await self._run(job, call, Speech)

    async def analyse(self, job: Analyse, call: Call) -> Features:
        return await self._run(job, call, Features)

    async def _run(self, job: Job, call: Call, expected: type[Answered]) -> Answered:
        step = f"{self.name}.{CAPABILITY_OF[type(job)].value}"
        with traces.span(step):
            answer = await self._answer(job, call)
            cost = {"queued": answer.queued, "batch_size": answer.batch_size}
            traces.note(request_id=call.id, ran=answer.ran, **cost)
        if isinstance(answer.outcome, SpeechError):
            raise answer.outcome
        if not isinstance(answer.outcome, expected):
            raise Failed(f"{self.name} answered a {type(answer.outcome).__name__}")
        steps.note(step, answer.ran, queued=answer.queued, batch_size=answer.batch_size)
        return answer.outcome

    async def _answer(self, job: Job, call: Call) -> Answer:
        self._circuit.enter()
        well: bool | None = None
        try:
            async with self._stay.used(call):
                answer = await self._twice(job, call)
            well = _tells(answer)
            return answer
        except OutOfReach:
            well = False
            raise
        finally:
            self._circuit.leave(well)

    async def _twice(self, job: Job, call: Call) -> Answer:
        try:
            return await self._wire.run(job, call)
        except OutOfReach:
            # A pipe breaks when its process dies, or when it was closed a moment before it was used. No
            # job changes anything but its own answer, so it may be asked again.
            self._stay.lost()
            metrics.runners().retries.labels(self.name).inc()
            await asyncio.sleep(BREATH)
            return await self._wire.run(job, call)


def _tells(answer: Answer) -> bool | None:
    """Whether the runner works; a full queue or a missing model says neither."""
    match answer.outcome:
        case Failed():
            return False
        case SpeechError() if answer.outcome.status >= 500:
            return None
        case _:
            return True
