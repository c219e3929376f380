"""A model that comes and goes in a runner's process: loaded when it is wanted, gone when it is told to.

    unloaded ──load, or the first job──▶ loading ──▶ loaded ──unload──▶ unloaded
                                            └──────▶ failed (another job tries again, after a while)

A model that ran out of memory, or fails job after job, is taken for broken: it is loaded anew and the
job that met it runs once more. When to load and unload is decided elsewhere (runners/residency.py).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from errors import Failed, SettingsError, SpeechError, Unavailable, WeightsError
from observing import metrics
from runners import memory
from runners.base import CAPABILITY_OF, Model
from runners.batching import Batcher, BatchLimits
from runners.pace import Pace
from settings import RunnerSettings
from tasks import Answer, Call, Capability, Card, Job, Presence, State

logger = logging.getLogger(__name__)

BROKEN = 3  # failures in a row: one is a bug that an input met, three are a model that is damaged
MENDING_PAUSE = 60.0  # seconds between reloads, or hostile inputs would keep the model loading
# Texts and sounds of all lengths leave holes in the heap. Handing them back takes about 15 ms; Piper, two
# lanes, under load: 314 to 415 MB with it, 352 to 460 without.
TIDY_SECONDS = 10.0
LOAD_AGAIN = 30.0  # seconds after which a job tries what could not be loaded


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
                Pace(settings.name, capability, getattr(model, capability.value)),
                name=settings.name,
                limits=limits,
                key=model.group,
                cost=model.cost,
            )
            for capability in model.capabilities
        }

    async def run(self, job: Job, call: Call) -> Answer:
        capability = CAPABILITY_OF[type(job)]
        batcher = self._batchers[capability]
        try:
            done = await batcher.submit_measured(
                job, priority=call.priority, deadline=call.deadline
            )
        except SpeechError as error:
            logger.debug("%s refused or failed: %s", capability.value, type(error).__name__)
            return Answer(error)
        cost = {"queued": done.queued, "ran": done.ran, "batch_size": done.batch_size}
        logger.debug("%s is done", capability.value, extra={"fields": cost})
        return Answer(done.result, done.queued, done.ran, done.batch_size)

    async def close(self) -> None:
        """Return when all accepted jobs are answered; the model is let go of then."""
        await asyncio.gather(*(batcher.close() for batcher in self._batchers.values()))
        # A caller that has not picked up its answer yet still holds this object.
        self._batchers.clear()
        del self.model


class Resident:
    """The model of a runner's process, in memory or not."""

    def __init__(self, settings: RunnerSettings, load: Callable[[RunnerSettings], Model]) -> None:
        self._settings = settings
        self._load_model = load
        self._runner: Runner | None = None
        self._card: Card | None = None
        self._problem: Unavailable | None = None
        self._failed_at = 0.0
        self._loading: asyncio.Future[None] | None = None
        self._turn = asyncio.Lock()  # to load or to unload
        self._empty = memory.held(settings.device)  # bytes without the model
        self._failures, self._mended_at = 0, -MENDING_PAUSE
        self._tidying: asyncio.TimerHandle | None = None

    def load_at_once(self) -> None:
        """Load before anything else happens in this process."""
        self._adopt(self._built())

    async def run(self, job: Job, call: Call) -> Answer:
        if self._tidying is None:
            loop = asyncio.get_running_loop()
            self._tidying = loop.call_later(TIDY_SECONDS, self._tidy)
        answer, runner = await self._attempt(job, call)
        if runner is None or not await self._mended(runner, answer):
            return answer
        return (await self._attempt(job, call))[0]

    async def card(self) -> Card | SpeechError:
        """What the model says of itself; one that never was in memory is loaded for it."""
        if self._card is None:
            await self._present()
        return self._card or self._problem or Failed(f"{self._settings.name} has no card")

    def state(self) -> State:
        if self._loading and not self._loading.done():
            presence = Presence.LOADING
        elif self._runner:
            presence = Presence.LOADED
        else:
            presence = Presence.FAILED if self._problem else Presence.UNLOADED
        used = memory.held(self._settings.device) - self._empty if self._runner else 0
        return State(presence, max(0, used), self._card, self._problem)

    async def load(self) -> State:
        """Load now, whatever happened before."""
        self._problem = None
        await self._present()
        return self.state()

    async def unload(self) -> State:
        """Let the model go once all accepted jobs are answered; later ones load it again."""
        async with self._turn:
            runner, self._runner = self._runner, None
            if runner:
                logger.info("unloading %s", self._settings.name)
                await runner.close()
                del runner
                metrics.models().unloads.labels(self._settings.name).inc()
                await asyncio.to_thread(memory.give_back)
                self._empty = memory.held(self._settings.device)
        return self.state()

    async def close(self) -> None:
        if self._tidying:
            self._tidying.cancel()
        if self._runner:
            await self._runner.close()

    def _tidy(self) -> None:
        self._tidying = None
        asyncio.get_running_loop().run_in_executor(None, memory.trim)

    async def _attempt(self, job: Job, call: Call) -> tuple[Answer, Runner | None]:
        while (runner := self._runner) is None:
            if problem := await self._present():
                return Answer(problem), None
        # Nothing may be awaited between these lines: an unload would close the runner meanwhile.
        return await runner.run(job, call), runner

    async def _present(self) -> Unavailable | None:
        """Load the model unless it is there; the reason if it cannot be."""
        if self._problem and time.monotonic() - self._failed_at < LOAD_AGAIN:
            return self._problem
        if self._loading is None or self._loading.done():
            self._loading = asyncio.ensure_future(self._load())
        # Whoever leaves does not stop it: others wait for the same, or will.
        await asyncio.shield(self._loading)
        return self._problem

    async def _load(self) -> None:
        async with self._turn:
            if self._runner is None:
                self._adopt(await asyncio.to_thread(self._built))

    def _built(self) -> Model | Unavailable:
        started = time.perf_counter()
        name = self._settings.name
        # Whole reasons name folders of this machine: they go to the log, not to callers.
        try:
            model = self._load_model(self._settings)
        except WeightsError as error:
            logger.error("%s is not served: %s", name, error)
            return _absent(name, str(error).partition("\n")[0])
        except SettingsError as error:
            logger.error("%s is not served: %s", name, error)
            return _absent(name, "its configuration does not fit this machine; see the log")
        # The boundary of the runner: a file that no library can read must not end the process.
        except Exception:
            logger.exception("%s is not served", name)
            return _absent(name, "it cannot be loaded; see the log")
        logger.info("loaded %s in %.1f s", name, time.perf_counter() - started)
        return model

    def _adopt(self, built: Model | Unavailable) -> None:
        if isinstance(built, Unavailable):
            self._problem, self._failed_at = built, time.monotonic()
            self._count("failed")
        else:
            self._count("loaded")
            self._problem, self._card = None, built.card
            self._runner = Runner(self._settings, built)

    def _count(self, outcome: str) -> None:
        metrics.models().loads.labels(self._settings.name, outcome).inc()

    async def _mended(self, runner: Runner, answer: Answer) -> bool:
        """Whether the model was broken and another attempt may succeed."""
        if not isinstance(answer.outcome, Failed):
            self._failures = 0
            return False
        self._failures += 1
        if not (memory.ran_out(answer.outcome.__cause__) or self._failures >= BROKEN):
            return False
        if runner is self._runner:
            if time.monotonic() - self._mended_at < MENDING_PAUSE:
                return False
            self._mended_at, self._failures = time.monotonic(), 0
            logger.warning("%s seems broken; it is loaded anew", self._settings.name)
            await self.unload()
        return True


def _absent(name: str, reason: str) -> Unavailable:
    return Unavailable(
        f"The model '{name}' is not available: {reason}.", code="model_not_available"
    )
