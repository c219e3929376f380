"""The far end of a runner: the BentoML service that hosts one model in a process of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Annotated, Any

import bentoml
from pydantic import InstanceOf, WithJsonSchema

from errors import SpeechError, Unavailable
from observing import BENTOML_TELLS, logs, traces
from runners.base import Model
from runners.draining import leave_last
from runners.exposed import Exposed
from runners.guard import Guarded
from runners.resident import Resident
from runners.vitals import note_tasks
from settings import RunnerSettings, runner_token_hash
from tasks import (
    Analyse,
    Answer,
    Call,
    Card,
    Compose,
    Convert,
    Detect,
    Embed,
    Restore,
    Speak,
    State,
    Transcribe,
    Vocode,
)

logger = logging.getLogger(__name__)

# A runner answers within the caller's deadline or not at all; BentoML's own limits would cut a long
# stream or, worse, close a session with calls in flight (each 100 requests by default).
RUNNER_TRAFFIC = {"timeout": 24 * 3600, "external_queue": False}
RUNNER_CONNECTION = {"max_requests": 10**9, "max_age": 1e9}
DISCONNECT_POLL = 0.2  # seconds between looks whether the caller is still there
SAME_PROCESS: Any = (
    None  # BentoML hands a context to requests only; a caller in one process has none
)

wire = WithJsonSchema({"type": "object"})
WireJob = Annotated[
    InstanceOf[Speak]
    | InstanceOf[Transcribe]
    | InstanceOf[Detect]
    | InstanceOf[Embed]
    | InstanceOf[Convert]
    | InstanceOf[Compose]
    | InstanceOf[Vocode]
    | InstanceOf[Restore]
    | InstanceOf[Analyse],
    wire,
]
WireCall = Annotated[InstanceOf[Call], wire]
WireAnswer = Annotated[InstanceOf[Answer], wire]
WireCard = Annotated[InstanceOf[Card] | InstanceOf[SpeechError], wire]
WireState = Annotated[InstanceOf[State], wire]


def runner_service(
    settings: RunnerSettings, load: Callable[[RunnerSettings], Model], *, at_start: bool = True
) -> bentoml.Service[Any]:
    """The BentoML service that hosts one model in a process of its own."""

    class Hosted:
        def __init__(self) -> None:
            leave_last()
            self._host = Resident(settings, load)
            if at_start:
                self._host.load_at_once()

        @bentoml.api
        async def run(
            self, job: WireJob, call: WireCall, ctx: bentoml.Context = SAME_PROCESS
        ) -> WireAnswer:
            logs.ask_as(call.id)
            traces.note(request_id=call.id)
            work = asyncio.ensure_future(self._host.run(job, call))
            await _finish_or_hang_up(work, ctx)
            if work.cancelled():
                # Raised here, a CancelledError would leave the request open for ever, and a runner
                # with an open request never stops.
                return Answer(Unavailable("The caller left."))
            return work.result()

        @bentoml.api
        async def card(self) -> WireCard:
            return await self._host.card()

        @bentoml.api
        async def state(self) -> WireState:
            note_tasks(settings.name)
            return self._host.state()

        @bentoml.api
        async def load(self) -> WireState:
            return await self._host.load()

        @bentoml.api
        async def unload(self) -> WireState:
            return await self._host.unload()

        @bentoml.on_shutdown
        async def close(self) -> None:
            await self._host.close()

    # BentoML tells services apart by class name; a hyphen or a dot would break its own lookups.
    Hosted.__name__ = Hosted.__qualname__ = "Runner_" + "".join(
        character if character.isalnum() else "_" for character in settings.name
    )
    service = bentoml.service(
        name=settings.name,
        workers=1,
        **BENTOML_TELLS,
        traffic=RUNNER_TRAFFIC,
        runner_connection=RUNNER_CONNECTION,
        envs=[
            {"name": "OMP_NUM_THREADS", "value": str(settings.threads)},
            # Threads that wait for each other sleep: spinning, two of them beside other busy processes took
            # four to ten times as long for the same work (docs/log.md).
            {"name": "OMP_WAIT_POLICY", "value": "PASSIVE"},
            # One heap for all threads: with glibc's default of eight a core, each load and unload left
            # up to 20 MB behind in some thread's own (docs/log.md).
            {"name": "MALLOC_ARENA_MAX", "value": "1"},
            # Of every shape that oneDNN computes it keeps what it prepared for it, 1,024 of them by default:
            # hundreds of megabytes once texts of many lengths were spoken (docs/log.md).
            {"name": "ONEDNN_PRIMITIVE_CACHE_CAPACITY", "value": "16"},
        ],
    )(Hosted)
    service.add_asgi_middleware(Guarded, token_hash=runner_token_hash())
    service.add_asgi_middleware(Exposed)
    return service


async def _finish_or_hang_up(work: asyncio.Future[Answer], ctx: bentoml.Context | None) -> None:
    """Wait for the work, or cancel it once the caller has left: nobody would hear the answer."""
    try:
        while not work.done():
            await asyncio.wait({work}, timeout=DISCONNECT_POLL)
            if ctx and not work.done() and await ctx.request.is_disconnected():
                logger.info("the caller left; its job is dropped")
                work.cancel()
                await asyncio.wait({work})
    except asyncio.CancelledError:
        work.cancel()
        raise
