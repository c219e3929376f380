"""What a model family provides, what a pipeline sees of it, and the BentoML service in between.

    pipeline ──▶ RunnerHandle ──depends()──▶ runner service ──▶ Batcher ──▶ Model.synthesize(jobs)
                 one job, async              (its own process)               a batch, blocking

Knows nothing of any family: `catalog.py` hands it the class to host.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Hashable, Mapping
from typing import Annotated, Any, ClassVar, Protocol, TypeVar

import aiohttp
import bentoml
from bentoml.exceptions import BentoMLException, ServiceUnavailable
from pydantic import InstanceOf, WithJsonSchema

from errors import Failed, SettingsError, SpeechError, Unavailable, WeightsError
from runners.batching import Batcher, BatchLimits
from settings import RunnerSettings
from tasks import (
    Activity,
    Answer,
    Call,
    Capability,
    Card,
    Detect,
    Job,
    Speak,
    Speech,
    Transcribe,
    Transcript,
)
from weights import Store

logger = logging.getLogger(__name__)

CAPABILITY_OF: dict[type, Capability] = {
    Speak: Capability.SPEAK,
    Transcribe: Capability.TRANSCRIBE,
    Detect: Capability.DETECT,
}

# A runner answers within the caller's deadline or not at all; BentoML's own limits would cut a long
# stream or, worse, close a session with calls in flight (each 100 requests by default).
RUNNER_TRAFFIC = {"timeout": 24 * 3600, "external_queue": False}
RUNNER_CONNECTION = {"max_requests": 10**9, "max_age": 1e9}
RESTART_SECONDS = 5.0  # what a caller is told to wait for a runner that is out of reach
DISCONNECT_POLL = 0.2  # seconds between looks whether the caller is still there
SAME_PROCESS: Any = (
    None  # BentoML hands a context to requests only; a caller in one process has none
)


# What a pipeline sees


class Synthesizer(Protocol):
    async def card(self) -> Card: ...
    async def synthesize(self, job: Speak, call: Call) -> Speech: ...


class Transcriber(Protocol):
    async def card(self) -> Card: ...
    async def transcribe(self, job: Transcribe, call: Call) -> Transcript: ...


class Detector(Protocol):
    async def card(self) -> Card: ...
    async def detect(self, job: Detect, call: Call) -> Activity: ...


# What a family provides


class Model(Protocol):
    """A loaded model: one method per capability, named by its value, that answers a batch of jobs.

    An exception in a result's place fails that job alone.
    """

    capabilities: ClassVar[tuple[Capability, ...]]
    options: ClassVar[
        type
    ]  # an attrs class: the family's own knobs, checked before anything starts
    unit: ClassVar[str]  # of `cost` and so of the settings' batch_budget
    batch_budget: ClassVar[float]  # the default one
    card: Card

    def __init__(self, settings: RunnerSettings, store: Store) -> None: ...

    @staticmethod
    def sources(settings: RunnerSettings) -> Mapping[str, tuple[str, ...] | None]:
        """Every source of weights that the constructor will fetch, with the files it wants of each."""
        ...

    def group(self, job: Any) -> Hashable:
        """Jobs of different groups never share a batch."""
        ...

    def cost(self, job: Any) -> float:
        """The size of a job, which batches are packed by."""
        ...


Answered = TypeVar("Answered")
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
