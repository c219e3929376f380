"""Adaptive batching: what queued while a runner was busy shares its next forward.

    submit ──► waiting ──► forward, in one of `lanes` threads ──► each submitter's own result
                  ▲            │ raised with several items in it
                  └────────────┘ each of them once more, alone

- When. A free lane takes an item at once; nobody waits for company. Batches form only from what
  queued while every lane was busy.
- Who. Lower numbers are more urgent, and every `PATIENCE_S` of waiting makes up for one level. The
  most urgent by that rule, the oldest among equals, is the head of the queue and is always in the
  next forward. So nothing starves: only items submitted less than `PATIENCE_S` times the difference
  in priority after an item can come before it as heads.
- With whom. Only with items of the head's `key`: the more urgent first, then the nearest in cost,
  then the oldest, as far as `BatchLimits` and `SIMILAR` allow. A family whose forward has a large
  fixed part adds that part to its `cost`; then items of different lengths go together.
- Who not. A cancelled item, or one whose deadline passed, leaves the queue and is never run.

It knows nothing of models, audio or HTTP. One event loop uses a batcher at a time.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Generic, TypeVar

import attrs

from errors import Failed, SpeechError, TimedOut, Unavailable
from observing import logs, metrics

Item = TypeVar("Item")
Result = TypeVar("Result")

PATIENCE_S = 5.0  # longer than an ordinary burst, which so keeps its order; far under any timeout
SIMILAR = 0.5  # shortest to longest in one forward: less than half of any forward is padding
RETRY_S = 1.0  # least advice to a refused client: a sooner return only meets the same queue
SMOOTHING = 0.2  # weight of the newest forward in the pace: about the last five count

_log = logging.getLogger(__name__)


@attrs.frozen
class BatchLimits:
    """How much one runner takes on at a time."""

    max_items: int = attrs.field(validator=attrs.validators.ge(1))  # in one forward
    # In the unit of `cost`, counted as padded: longest * count. One item above it runs, alone.
    max_cost: float = attrs.field(validator=attrs.validators.gt(0))
    # Waiting items; one more is refused. Those that wait for a retry alone were accepted before:
    # they count too, and so may lift the queue above this number, but are not refused.
    max_queue: int = attrs.field(validator=attrs.validators.ge(0))
    lanes: int = attrs.field(default=1, validator=attrs.validators.ge(1))  # forwards at a time


@attrs.frozen
class Measured(Generic[Result]):
    """A result and what happened on the way to it."""

    result: Result
    queued: float  # from submission until the forward that gave the result
    batch_size: int  # items in that forward
    ran: float  # what that forward took


@attrs.define(eq=False)
class _Waiter:
    """One submitted item; times are the loop's own."""

    item: Any
    key: Hashable
    cost: float
    priority: int
    submitted: float
    number: int
    expires: float
    # Of Measured or SpeechError: a failure is a value here, so that none is ever "never retrieved".
    future: asyncio.Future[Any]
    asked_by: tuple[str, ...] = attrs.field(factory=logs.asked_by)
    alone: bool = False
    timer: asyncio.TimerHandle | None = None

    @property
    def rank(self) -> tuple[float, int]:
        # Needs no clock: priority - age / PATIENCE_S orders two items alike at every moment.
        return (self.submitted + self.priority * PATIENCE_S, self.number)

    def settle(self, outcome: Measured[Any] | SpeechError) -> None:
        if not self.future.done():  # a submitter that was cancelled no longer wants to know
            self.future.set_result(outcome)


class Batcher(Generic[Item, Result]):
    """A queue in front of a blocking `run`, which takes several items and answers in their order.

    `run` may put an exception in an item's place: it becomes that item's failure. If it raises with
    several items in hand, each is run once more, alone, so that one bad item hurts no other.
    Failures that are no SpeechError are logged and reach the submitter as a bare `Failed`.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Result | BaseException]],
        *,
        name: str,
        limits: BatchLimits,
        key: Callable[[Item], Hashable] = lambda item: None,
        cost: Callable[[Item], float] = lambda item: 1.0,
    ) -> None:
        self.name = name
        self.limits = limits
        self._run = run
        self._key = key
        self._cost = cost
        self._pool = ThreadPoolExecutor(limits.lanes, thread_name_prefix=name)
        self._numbers = itertools.count()
        self._waiting: dict[_Waiter, None] = {}  # a set that keeps its order
        self._forwards: set[asyncio.Task[None]] = set()
        self._busy = 0  # lanes
        self._running = 0  # items
        self._pace = 0.0  # seconds of one lane per item, smoothed
        self._closed = False
        seen = metrics.forwards()
        self._sizes, self._queued = seen.batch_size.labels(name), seen.queued.labels(name)
        self._ran, self._length = seen.ran.labels(name), seen.queue_length.labels(name)
        reasons = ("full", "deadline", "cancelled")
        self._rejected = {reason: seen.rejected.labels(name, reason) for reason in reasons}

    @property
    def waiting(self) -> int:
        """Items in the queue."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """Items in forwards at this moment."""
        return self._running

    async def submit(
        self, item: Item, *, priority: int = 0, deadline: float | None = None
    ) -> Result:
        """What `run` makes of the item; `deadline` is the `time.time()` by which it must start."""
        return (await self.submit_measured(item, priority=priority, deadline=deadline)).result

    async def submit_measured(
        self, item: Item, *, priority: int = 0, deadline: float | None = None
    ) -> Measured[Result]:
        """As `submit`, with the times and the batch size."""
        waiter = self._admit(item, priority, deadline)
        self._fill_lanes()
        try:
            outcome: Measured[Result] | SpeechError = await waiter.future
        except asyncio.CancelledError:
            if self._leave(waiter):
                self._rejected["cancelled"].inc()
            raise
        if isinstance(outcome, SpeechError):
            try:
                raise outcome
            finally:
                # A failure held by a frame of its own traceback is a cycle, which would keep the
                # item's audio until some later garbage collection: much, after a burst that failed.
                del outcome, waiter
        return outcome

    async def close(self) -> None:
        """Refuse new items, and return when all accepted ones have their answer."""
        self._closed = True
        while self._forwards:
            await asyncio.wait(self._forwards)
        self._pool.shutdown(wait=False)

    def _admit(self, item: Item, priority: int, deadline: float | None) -> _Waiter:
        """Put the item in the queue, or raise why not."""
        if self._closed:
            message = f"The runner {self.name!r} is shutting down."
            raise Unavailable(message, code="closing", retry_after=RETRY_S)
        left = math.inf if deadline is None else deadline - time.time()
        if left <= 0:
            raise self._late()
        length = len(self._waiting)
        if self._busy == self.limits.lanes and length >= self.limits.max_queue:
            self._rejected["full"].inc()
            message = f"The queue of {self.name!r} is full: max_queue is {self.limits.max_queue}."
            drained = length * self._pace / self.limits.lanes
            raise Unavailable(message, code="queue_full", retry_after=max(RETRY_S, drained))
        cost = self._cost(item)
        if not cost >= 0:
            raise ValueError(f"the cost of an item must be 0 or more, not {cost}")
        loop = asyncio.get_running_loop()
        now, future = loop.time(), loop.create_future()
        number = next(self._numbers)
        waiter = _Waiter(item, self._key(item), cost, priority, now, number, now + left, future)
        self._enter(waiter)
        return waiter

    def _enter(self, waiter: _Waiter) -> None:
        self._waiting[waiter] = None
        self._length.inc()
        if waiter.expires < math.inf:
            loop = waiter.future.get_loop()
            waiter.timer = loop.call_at(waiter.expires, self._expire, waiter)

    def _leave(self, waiter: _Waiter) -> bool:
        """Take the waiter out of the queue; says whether it was there."""
        if waiter not in self._waiting:
            return False
        del self._waiting[waiter]
        self._length.dec()
        if waiter.timer:
            waiter.timer.cancel()
        return True

    def _expire(self, waiter: _Waiter) -> None:
        self._leave(waiter)
        waiter.settle(self._late())

    def _late(self) -> TimedOut:
        self._rejected["deadline"].inc()
        message = f"The deadline passed before the runner {self.name!r} could start."
        return TimedOut(message, code="deadline")

    def _fill_lanes(self) -> None:
        """Start forwards until every lane is busy or nothing waits."""
        loop = asyncio.get_running_loop()
        while self._busy < self.limits.lanes and (batch := self._take(loop.time())):
            self._busy += 1
            self._running += len(batch)
            task = loop.create_task(self._forward(batch, loop.time()))
            self._forwards.add(task)
            task.add_done_callback(self._forwards.discard)

    def _take(self, now: float) -> list[_Waiter]:
        """Remove from the queue what goes into the next forward; empty if nothing can."""
        # A cancelled submitter leaves when its task gets its turn, which may be after this; so may
        # be the timer of a deadline, when the loop is busy.
        ready = [waiter for waiter in self._waiting if not waiter.future.done()]
        for waiter in ready:
            if waiter.expires <= now:
                self._expire(waiter)
        batch = _pack([waiter for waiter in ready if waiter in self._waiting], self.limits)
        for waiter in batch:
            self._leave(waiter)
            if not waiter.alone:
                self._queued.observe(now - waiter.submitted)
        return batch

    async def _forward(self, batch: list[_Waiter], started: float) -> None:
        """Run one batch and hand out its results; its lane is free before any submitter wakes."""
        # What stands if this task is cancelled, as a loop that ends does to all its tasks.
        outcomes: list[Any] | BaseException
        logs.ask_as(*(id for waiter in batch for id in waiter.asked_by))
        outcomes = [Unavailable(f"The runner {self.name!r} was stopped.") for _ in batch]
        ran = 0.0
        try:
            outcomes, ran = await asyncio.get_running_loop().run_in_executor(
                self._pool, copy_context().run, self._attempt, [waiter.item for waiter in batch]
            )
        except RuntimeError as no_thread:  # the system, or an interpreter that ends, gives none
            outcomes = no_thread
        finally:
            self._busy -= 1
            self._running -= len(batch)
            self._sizes.observe(len(batch))
            self._ran.observe(ran)
            self._pace += (ran / len(batch) - self._pace) * (SMOOTHING if self._pace else 1.0)
            if isinstance(outcomes, BaseException) and len(batch) > 1:
                self._retry_alone(batch, outcomes)
            else:
                self._hand_out(batch, outcomes, started, ran)
            self._fill_lanes()

    def _attempt(self, items: list[Item]) -> tuple[list[Any] | BaseException, float]:
        """Call `run`, in a thread: its results or what it raised, and the seconds it took."""
        begun = time.perf_counter()
        try:
            return list(self._run(items)), time.perf_counter() - begun
        # The boundary of the runner: not even SystemExit may leave a submitter without an answer.
        except BaseException as broken:  # noqa: BLE001
            return broken, time.perf_counter() - begun

    def _retry_alone(self, batch: list[_Waiter], broken: BaseException) -> None:
        message = "runner %s failed with a batch of %d; each item is run once more, alone"
        _log.warning(message, self.name, len(batch), exc_info=broken)
        for waiter in batch:
            if not waiter.future.done():
                waiter.alone = True
                self._enter(waiter)

    def _hand_out(
        self, batch: list[_Waiter], outcomes: list[Any] | BaseException, started: float, ran: float
    ) -> None:
        if isinstance(outcomes, BaseException):
            outcomes = [outcomes]
        size, given = len(batch), len(outcomes)
        if given != size:
            _log.error("runner %s gave %d results for %d items", self.name, given, size)
            outcomes = [self._failed() for _ in batch]
        for waiter, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, SpeechError):
                waiter.settle(outcome)
            elif isinstance(outcome, BaseException):
                with logs.on_behalf_of(*waiter.asked_by):
                    _log.error("runner %s failed", self.name, exc_info=outcome)
                waiter.settle(self._failed(outcome))
            else:
                waiter.settle(Measured(outcome, started - waiter.submitted, size, ran))

    def _failed(self, cause: BaseException | None = None) -> Failed:
        failed = Failed(f"The runner {self.name!r} failed.")
        failed.__cause__ = cause
        return failed


def _pack(ready: list[_Waiter], limits: BatchLimits) -> list[_Waiter]:
    """The head of the queue and those who may share its forward."""
    if not ready:
        return []
    head = min(ready, key=lambda waiter: waiter.rank)
    mates = [mate for mate in ready if mate.key == head.key and not (mate.alone or head.alone)]
    mates.sort(key=lambda mate: (mate.priority, abs(mate.cost - head.cost), mate.rank))
    batch = [head]
    shortest = longest = head.cost
    for mate in mates:
        low, high = min(shortest, mate.cost), max(longest, mate.cost)
        fits = len(batch) < limits.max_items and high * (len(batch) + 1) <= limits.max_cost
        if fits and low >= SIMILAR * high and mate is not head:
            batch.append(mate)
            shortest, longest = low, high
    return batch
