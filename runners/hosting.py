"""The far end of a runner: the BentoML service that hosts one model in a process of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Annotated, Any, Protocol

import bentoml
from pydantic import InstanceOf, WithJsonSchema

from errors import SettingsError, SpeechError, Unavailable, WeightsError
from runners.base import CAPABILITY_OF, Model
from runners.batching import Batcher, BatchLimits
from settings import RunnerSettings
from tasks import Answer, Call, Capability, Card, Detect, Job, Speak, Transcribe

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
WireJob = Annotated[InstanceOf[Speak] | InstanceOf[Transcribe] | InstanceOf[Detect], wire]
WireCall = Annotated[InstanceOf[Call], wire]
WireAnswer = Annotated[InstanceOf[Answer], wire]
WireCard = Annotated[InstanceOf[Card] | InstanceOf[SpeechError], wire]


class Host(Protocol):
    """What a runner process answers with: a model, or the reason why there is none."""

    async def run(self, job: Job, call: Call) -> Answer: ...
    async def card(self) -> Card | SpeechError: ...
    async def close(self) -> None: ...


class Absent:
    """Stands in for a model that cannot be loaded here, so that the others are served."""

    def __init__(self, name: str, reason: str) -> None:
        self._failure = Unavailable(
            f"The model '{name}' is not available: {reason}.", code="model_not_available"
        )

    async def run(self, job: Job, call: Call) -> Answer:
        return Answer(self._failure)

    async def card(self) -> Card | SpeechError:
        return self._failure

    async def close(self) -> None:
        pass


class Runner:
    """A model and its batchers, one per capability, inside a runner process."""

    def __init__(self, settings: RunnerSettings, model: Model) -> None:
        self.model = model
        limits = BatchLimits(
            max_items=settings.max_batch_size,
            max_cost=settings.batch_budget or model.batch_budget,
            max_queue=settings.max_queue,
            lanes=settings.workers,
        )
        self._batchers: dict[Capability, Batcher[Any, Any]] = {
            capability: Batcher(
                getattr(model, capability.value),
                name=settings.name,
                limits=limits,
                key=model.group,
                cost=model.cost,
            )
            for capability in model.capabilities
        }

    async def run(self, job: Job, call: Call) -> Answer:
        batcher = self._batchers[CAPABILITY_OF[type(job)]]
        try:
            done = await batcher.submit_measured(
                job, priority=call.priority, deadline=call.deadline
            )
        except SpeechError as error:
            return Answer(error)
        return Answer(done.result, done.queued, done.ran, done.batch_size)

    async def card(self) -> Card | SpeechError:
        return self.model.card

    async def close(self) -> None:
        await asyncio.gather(*(batcher.close() for batcher in self._batchers.values()))


def runner_service(
    settings: RunnerSettings, load: Callable[[RunnerSettings], Model]
) -> bentoml.Service[Any]:
    """The BentoML service that hosts one model in a process of its own."""

    class Hosted:
        def __init__(self) -> None:
            self._host = _host(settings, load)

        @bentoml.api
        async def run(
            self, job: WireJob, call: WireCall, ctx: bentoml.Context = SAME_PROCESS
        ) -> WireAnswer:
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

        @bentoml.on_shutdown
        async def close(self) -> None:
            await self._host.close()

    # BentoML tells services apart by class name; a hyphen or a dot would break its own lookups.
    Hosted.__name__ = Hosted.__qualname__ = "Runner_" + "".join(
        character if character.isalnum() else "_" for character in settings.name
    )
    return bentoml.service(
        name=settings.name,
        workers=1,
        traffic=RUNNER_TRAFFIC,
        runner_connection=RUNNER_CONNECTION,
        envs=[{"name": "OMP_NUM_THREADS", "value": str(settings.threads)}],
    )(Hosted)


def _host(settings: RunnerSettings, load: Callable[[RunnerSettings], Model]) -> Host:
    # Whole reasons name folders of this machine: they go to the log, not to callers.
    try:
        return Runner(settings, load(settings))
    except WeightsError as error:
        logger.error("%s is not served: %s", settings.name, error)
        return Absent(settings.name, str(error).partition("\n")[0])
    except SettingsError as error:
        logger.error("%s is not served: %s", settings.name, error)
        return Absent(settings.name, "its configuration does not fit this machine; see the log")


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
