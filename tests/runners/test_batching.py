"""The batcher under hand-made schedules and under random ones.

Nothing here sleeps or measures: forwards stand still until the test releases them, and the loop's
clock moves only when the test says so.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
import os
import pathlib
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import attrs
import pytest
from hypothesis import event, given, seed, settings
from hypothesis import strategies as st

from errors import Failed, InvalidInput, SpeechError, TimedOut, Unavailable
from observing import logs
from runners.batching import PATIENCE_S, RETRY_S, SIMILAR, Batcher, BatchLimits, Measured

T = TypeVar("T")

ROOT = pathlib.Path(__file__).resolve().parents[2]
STUCK_S = 60  # a test that waits this long has hung
HOUR_S = 3600


class Clock(asyncio.SelectorEventLoop):
    """An event loop whose clock stands still between calls of `advance`."""

    now = 1000.0

    def time(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def advance(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Clock)
    loop.advance(seconds)


def play(scene: Coroutine[Any, Any, T]) -> T:
    """Run a scene on a `Clock`; whatever the loop could only complain about fails the test."""
    complaints: list[dict[str, Any]] = []

    async def watched() -> T:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        playing = loop.create_task(scene)
        watchdog = threading.Timer(STUCK_S, loop.call_soon_threadsafe, [playing.cancel])
        watchdog.daemon = True
        watchdog.start()
        try:
            return await playing
        except asyncio.CancelledError:
            raise AssertionError("somebody waits for ever") from None
        finally:
            watchdog.cancel()

    with asyncio.Runner(loop_factory=Clock) as runner:
        answer = runner.run(watched())
        gc.collect(1)  # a task complains of an unretrieved exception when it is collected
    assert not complaints
    return answer


@attrs.define(eq=False)
class Piece:
    """An item of work; `fate` says what a forward does with it."""

    name: Any
    key: str = ""
    cost: float = 1.0
    fate: str = "good"

    def __repr__(self) -> str:
        return f"{self.name}"


class Gate:
    """A `run` whose forwards stand still until they are released, one by one or for good."""

    def __init__(self, *, open: bool = False) -> None:
        self.batches: list[list[Piece]] = []
        self.threads: set[str] = set()
        self.peak = 0
        self._inside: list[list[Piece]] = []
        self._released: list[list[Piece]] = []
        self._open = open
        self._change = threading.Condition()

    def __call__(self, pieces: Sequence[Piece]) -> list[Any]:
        batch = list(pieces)
        with self._change:
            self.batches.append(batch)
            self.threads.add(threading.current_thread().name)
            self._inside.append(batch)
            self.peak = max(self.peak, len(self._inside))
            freed = self._change.wait_for(lambda: self._open or batch in self._released, STUCK_S)
            self._inside.remove(batch)
            assert freed, "a forward was never released"
        return work(batch)

    @property
    def inside(self) -> list[list[Piece]]:
        """The forwards that stand still at this moment."""
        with self._change:
            return [batch for batch in self._inside if batch not in self._released]

    @property
    def names(self) -> list[list[Any]]:
        return [[piece.name for piece in batch] for batch in self.batches]

    def release(self, batch: list[Piece] | None = None) -> None:
        """Let one forward go on: this one, or the oldest."""
        chosen = self.inside[0] if batch is None else batch
        with self._change:
            self._released.append(chosen)
            self._change.notify_all()

    def release_all(self) -> None:
        with self._change:
            self._open = True
            self._change.notify_all()

    async def calm(self, batcher: Batcher[Any, Any]) -> None:
        """Wait until threads and loop agree on what runs, and nobody has anything left to do."""
        await turns()  # what was submitted or cancelled a moment ago takes effect
        await until(lambda: sum(map(len, self.inside)) == batcher.running)
        await turns()  # and the submitters hear of it


def work(batch: list[Piece]) -> list[Any]:
    """What the network would do: each piece by its fate."""
    fates = [piece.fate for piece in batch]
    if "poison" in fates:
        raise ValueError("the secret of the poison")
    if "exit" in fates:
        raise SystemExit(3)
    answers: list[Any] = [f"did {piece.name}" for piece in batch]
    for place, fate in enumerate(fates):
        if fate == "bad":
            answers[place] = InvalidInput("bad item", param="input")
        if fate == "bug":
            answers[place] = KeyError("the secret of the bug")
    if "long" in fates:
        answers += ["one too many"] * 2  # two, so that a short neighbour does not make up for it
    return answers[:-1] if "short" in fates else answers


async def until(settled: Callable[[], bool]) -> None:
    give_up = time.monotonic() + STUCK_S
    while not settled():
        assert time.monotonic() < give_up, "it never settled"
        await asyncio.sleep(0)


async def turns(count: int = 8) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def outcome(task: Awaitable[T]) -> T | BaseException:
    """What a task came to, as a value."""
    (came,) = await asyncio.gather(task, return_exceptions=True)
    return came


def batcher_of(run: Callable[[Sequence[Any]], Sequence[Any]], **limits: Any) -> Batcher[Any, Any]:
    full: dict[str, Any] = {"max_items": 4, "max_cost": 100.0, "max_queue": 100} | limits
    return Batcher(
        run,
        name="test",
        limits=BatchLimits(**full),
        key=lambda piece: piece.key,
        cost=lambda piece: piece.cost,
    )


class Stage:
    """A batcher with a gate in front of it, and short words for what the tests do with the two."""

    def __init__(self, *, open: bool = False, **limits: Any) -> None:
        self.gate = Gate(open=open)
        self.batcher = batcher_of(self.gate, **limits)
        self.tasks: dict[Any, asyncio.Task[Any]] = {}

    async def send(self, *pieces: Piece | str, **how: Any) -> None:
        """Submit the pieces in this order; returns when each is in the queue, or refused."""
        for given_ in pieces:
            piece = given_ if isinstance(given_, Piece) else Piece(given_)
            work_ = self.batcher.submit(piece, **how)
            self.tasks[piece.name] = asyncio.get_running_loop().create_task(work_)
            await asyncio.sleep(0)

    async def step(self) -> None:
        """Let the oldest forward end, and wait until the next one stands in its place."""
        self.gate.release()
        await self.gate.calm(self.batcher)

    async def finish(self) -> dict[Any, Any]:
        """Let everything end; the outcome of every task by the name of its piece."""
        self.gate.release_all()
        came = {name: await outcome(task) for name, task in self.tasks.items()}
        await self.batcher.close()
        assert self.batcher.waiting == self.batcher.running == 0
        return came


def test_a_batcher_can_be_made_before_any_loop_runs() -> None:
    batcher = batcher_of(Gate(open=True))

    async def scene() -> None:
        assert await batcher.submit(Piece("a")) == "did a"
        await batcher.close()

    play(scene())


def test_a_lone_item_starts_at_once() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.send("a")
        assert (stage.batcher.running, stage.batcher.waiting) == (1, 0)
        assert await stage.finish() == {"a": "did a"}
        assert stage.gate.names == [["a"]]

    play(scene())


def test_what_queued_while_the_lane_was_busy_shares_the_next_forward() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.send("a", "b", "c", "d")
        assert stage.batcher.waiting == 3
        came = await stage.finish()
        assert stage.gate.names == [["a"], ["b", "c", "d"]]
        assert came == {name: f"did {name}" for name in "abcd"}

    play(scene())


def test_the_lane_is_free_when_the_submitter_hears_of_the_result() -> None:
    async def scene() -> None:
        stage = Stage(open=True, max_queue=0)
        for name in range(50):
            assert await stage.batcher.submit(Piece(name)) == f"did {name}"
        await stage.batcher.close()

    play(scene())


def test_the_loop_goes_on_while_a_forward_stands_still() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.send("a")
        await stage.gate.calm(stage.batcher)
        await turns(100)
        assert not stage.tasks["a"].done()
        assert threading.current_thread().name not in stage.gate.threads
        await stage.finish()

    play(scene())


def test_as_many_forwards_run_together_as_there_are_lanes() -> None:
    async def scene() -> None:
        stage = Stage(lanes=3, max_items=1)
        await stage.send(*"abcdefg")
        await stage.gate.calm(stage.batcher)
        assert sorted(stage.gate.names) == [["a"], ["b"], ["c"]]
        assert stage.batcher.waiting == 4
        came = await stage.finish()
        assert len(came) == 7
        assert stage.gate.peak == 3
        assert len(stage.gate.threads) <= 3

    play(scene())


def test_keys_are_never_mixed_and_the_oldest_key_goes_first() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.send("lead")
        for number in range(6):
            await stage.send(Piece(number, key="xy"[number % 2]))
        await stage.finish()
        assert stage.gate.names == [["lead"], [0, 2, 4], [1, 3, 5]]

    play(scene())


def test_the_budget_counts_items_as_padded_to_the_longest() -> None:
    async def scene() -> None:
        stage = Stage(max_items=10, max_cost=11.0)
        await stage.send("lead")
        # 3 * 3 = 9 fits; with the 2 it would be 4 * 3 = 12, although the sum is only 11.
        await stage.send(*(Piece(n, cost=c) for n, c in enumerate([3.0, 3.0, 3.0, 2.0])))
        await stage.finish()
        assert stage.gate.names == [["lead"], [0, 1, 2], [3]]

    play(scene())


def test_an_item_above_the_budget_runs_alone() -> None:
    async def scene() -> None:
        stage = Stage(max_cost=10.0)
        await stage.send("lead", Piece("huge", cost=50.0), Piece("a", cost=9), Piece("b", cost=1))
        came = await stage.finish()
        assert stage.gate.names == [["lead"], ["huge"], ["a"], ["b"]]
        assert came["huge"] == "did huge"

    play(scene())


def test_items_of_similar_length_share_a_forward_before_others() -> None:
    async def scene() -> None:
        stage = Stage(max_items=3)
        costs = {"head": 10.0, "double": 20.0, "near": 11.0, "same": 10.0, "tiny": 1.0}
        await stage.send("lead", *(Piece(name, cost=cost) for name, cost in costs.items()))
        await stage.finish()
        assert stage.gate.names == [["lead"], ["head", "same", "near"], ["double"], ["tiny"]]

    play(scene())


def test_an_urgent_item_passes_those_that_wait() -> None:
    async def scene() -> None:
        stage = Stage(max_items=1)
        await stage.send("lead")
        await stage.send("a", "b", priority=1)
        await stage.send("urgent", priority=0)
        await stage.finish()
        assert stage.gate.names == [["lead"], ["urgent"], ["a"], ["b"]]

    play(scene())


def test_urgent_mates_are_taken_before_nearer_ones() -> None:
    async def scene() -> None:
        stage = Stage(max_items=2)
        await stage.send("lead", "head")
        await stage.send(Piece("near"), priority=1)
        await stage.send(Piece("urgent", cost=1.5))
        await stage.finish()
        assert stage.gate.names == [["lead"], ["head", "urgent"], ["near"]]

    play(scene())


@pytest.mark.parametrize(("wait", "first"), [(PATIENCE_S - 1, "urgent"), (PATIENCE_S, "bulk")])
def test_patience_makes_up_for_one_level_of_priority(wait: float, first: str) -> None:
    async def scene() -> None:
        stage = Stage(max_items=1)
        await stage.send("lead")
        await stage.send("bulk", priority=1)
        advance(wait)
        await stage.send("urgent", priority=0)
        await stage.finish()
        assert stage.gate.names[1] == [first]

    play(scene())


def test_a_stream_of_urgent_items_starves_nobody() -> None:
    async def scene() -> None:
        stage = Stage(max_items=1)
        await stage.send("lead")
        await stage.send("bulk", priority=3)
        bound = int(3 * PATIENCE_S)
        for second in range(2 * bound):  # one is done and one comes every second, for ever
            await stage.send(Piece(second), priority=0)
            await stage.step()
            advance(1)
        place = stage.gate.names.index(["bulk"])
        overtakers = [name for (name,) in stage.gate.names[1:place]]
        assert overtakers == list(range(bound))
        await stage.finish()

    play(scene())


def test_the_queue_holds_exactly_its_bound() -> None:
    async def scene() -> None:
        stage = Stage(max_queue=3)
        await stage.send("running", *"abc")
        assert stage.batcher.waiting == 3
        with pytest.raises(Unavailable) as refused:
            await stage.batcher.submit(Piece("d"))
        assert refused.value.code == "queue_full"
        assert refused.value.param is None
        assert refused.value.retry_after == RETRY_S
        assert stage.batcher.waiting == 3
        assert "d" not in itertools.chain(*stage.gate.names)
        assert set(await stage.finish()) == {"running", *"abc"}

    play(scene())


def test_a_free_lane_takes_an_item_even_without_a_queue() -> None:
    async def scene() -> None:
        stage = Stage(max_queue=0, lanes=2)
        await stage.send(*"abc")
        came = await stage.finish()
        assert (came["a"], came["b"]) == ("did a", "did b")
        assert isinstance(came["c"], Unavailable)

    play(scene())


def test_the_advice_to_a_refused_client_grows_with_the_pace_and_the_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks = itertools.count(0.0, 7.0)  # every forward seems to take seven seconds
    monkeypatch.setattr("runners.batching.time.perf_counter", lambda: next(ticks))

    async def scene() -> None:
        stage = Stage(max_items=1, max_queue=3)
        await stage.send(*"abcd")
        await stage.step()
        await stage.send("e")
        with pytest.raises(Unavailable) as refused:
            await stage.batcher.submit(Piece("f"))
        assert refused.value.retry_after == pytest.approx(3 * 7.0)
        await stage.finish()

    play(scene())


def test_an_item_that_comes_after_its_deadline_is_never_run() -> None:
    async def scene() -> None:
        stage = Stage()
        with pytest.raises(TimedOut) as late:
            await stage.batcher.submit(Piece("a"), deadline=time.time() - 1)
        assert late.value.code == "deadline"
        assert stage.gate.batches == []
        await stage.finish()

    play(scene())


def test_a_deadline_that_passes_in_the_queue_is_heard_before_any_lane_is_free() -> None:
    async def scene() -> None:
        stage = Stage(max_queue=2)
        await stage.send("running")
        await stage.send("hurried", deadline=time.time() + HOUR_S / 2)
        await stage.send("calm", deadline=time.time() + 2 * HOUR_S)
        advance(HOUR_S)
        with pytest.raises(TimedOut):
            await stage.tasks["hurried"]
        assert stage.batcher.waiting == 1
        assert len(stage.gate.batches) == 1
        await stage.send("next")  # its place is free again
        came = await stage.finish()
        assert stage.gate.names == [["running"], ["calm", "next"]]
        assert (came["calm"], came["next"]) == ("did calm", "did next")

    play(scene())


def test_a_lane_that_frees_before_the_timer_of_a_passed_deadline_does_not_run_the_item() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.send("running")
        await stage.send("hurried", deadline=time.time() + HOUR_S / 2)
        # A loop that is held up hands out what threads gave before it comes to timers that are due.
        assert stage.batcher._take(asyncio.get_running_loop().time() + HOUR_S) == []
        assert isinstance(await outcome(stage.tasks["hurried"]), TimedOut)
        await stage.finish()
        assert stage.gate.names == [["running"]]

    play(scene())


def test_a_deadline_does_not_touch_an_item_that_has_started() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.send("a", deadline=time.time() + HOUR_S / 2)
        advance(HOUR_S)
        await turns()
        assert await stage.finish() == {"a": "did a"}

    play(scene())


def test_a_cancelled_waiter_is_never_run_and_gives_its_place_back() -> None:
    async def scene() -> None:
        stage = Stage(max_queue=1)
        await stage.send("running", "gone")
        stage.tasks["gone"].cancel()
        await outcome(stage.tasks["gone"])
        assert stage.batcher.waiting == 0
        await stage.send("next")
        came = await stage.finish()
        assert isinstance(came["gone"], asyncio.CancelledError)
        assert stage.gate.names == [["running"], ["next"]]

    play(scene())


def test_a_waiter_cancelled_in_the_moment_a_lane_frees_is_not_run() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.send("running", "gone", "next")
        stage.tasks["gone"].cancel()
        batch = stage.batcher._take(0.0)  # before the cancelled task had its turn
        assert [waiter.item.name for waiter in batch] == ["next"]
        stage.tasks["next"].cancel()  # taken by hand above, so nobody will answer it
        await stage.finish()

    play(scene())


def test_an_item_cancelled_while_it_runs_hurts_nobody() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.send("lead", *"abc")
        await stage.step()
        stage.tasks["b"].cancel()
        came = await stage.finish()
        assert (came["a"], came["c"]) == ("did a", "did c")
        assert isinstance(came["b"], asyncio.CancelledError)

    play(scene())


def test_a_failure_in_an_items_place_is_its_own() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.send("lead", "a", Piece("bad", fate="bad"), "c")
        came = await stage.finish()
        assert (came["a"], came["c"]) == ("did a", "did c")
        assert isinstance(came["bad"], InvalidInput)
        assert came["bad"].param == "input"
        assert stage.gate.names == [["lead"], ["a", "bad", "c"]]

    play(scene())


def test_after_a_failed_batch_each_item_runs_once_more_alone() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.send("lead", "a", Piece("bad", fate="poison"), "c")
        came = await stage.finish()
        assert stage.gate.names == [["lead"], ["a", "bad", "c"], ["a"], ["bad"], ["c"]]
        assert (came["a"], came["c"]) == ("did a", "did c")
        assert isinstance(came["bad"], Failed)

    play(scene())


def test_items_that_wait_for_their_lone_retry_can_be_cancelled_and_can_expire() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.send("lead", Piece("bad", fate="poison"), "gone", "early")
        await stage.send("late", deadline=time.time() + HOUR_S / 2)
        await stage.step()
        assert stage.gate.names[1] == ["bad", "gone", "early", "late"]
        stage.tasks["early"].cancel()  # while the batch runs that is going to fail
        await turns()
        await stage.step()
        assert stage.gate.names[2:] == [["bad"]]
        assert stage.batcher.waiting == 2
        stage.tasks["gone"].cancel()  # while it waits for its second chance
        advance(HOUR_S)
        came = await stage.finish()
        assert isinstance(came["late"], TimedOut)
        assert isinstance(came["gone"], asyncio.CancelledError)
        assert isinstance(came["early"], asyncio.CancelledError)
        assert len(stage.gate.batches) == 3

    play(scene())


def test_retries_hold_places_in_the_queue_but_are_not_refused() -> None:
    async def scene() -> None:
        stage = Stage(max_queue=4)
        await stage.send("lead", "a", Piece("bad", fate="poison"), "c", "d")
        await stage.step()
        await stage.send("w", "x", "y", "z")
        await stage.step()
        assert stage.batcher.waiting == 4 + 3  # of the four that failed, one runs already
        with pytest.raises(Unavailable):
            await stage.batcher.submit(Piece("more"))
        came = await stage.finish()
        assert [name for name, answer in came.items() if isinstance(answer, Failed)] == ["bad"]
        assert stage.gate.names[-1] == ["w", "x", "y", "z"]

    play(scene())


@pytest.mark.parametrize("fate", ["short", "long"])
def test_a_result_list_of_the_wrong_length_fails_every_item_in_it(fate: str) -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.send("lead", "a", Piece("b", fate=fate), "c")
        came = await stage.finish()
        assert [type(came[name]) for name in "abc"] == [Failed] * 3
        assert stage.gate.names == [["lead"], ["a", "b", "c"]]

    play(scene())


@pytest.mark.parametrize("fate", ["poison", "bug"])
def test_an_unforeseen_failure_is_logged_and_its_words_are_not_for_the_public(
    fate: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene() -> None:
        stage = Stage(open=True)
        with pytest.raises(Failed) as failed:
            await stage.batcher.submit(Piece("a", fate=fate))
        assert "secret" not in failed.value.message
        assert "secret" in str(failed.value.__cause__)
        await stage.finish()

    with caplog.at_level(logging.ERROR, "runners.batching"):
        play(scene())
    (record,) = caplog.records
    assert record.name == "runners.batching"
    assert record.exc_info is not None
    assert "secret" in str(record.exc_info[1])


def test_a_failure_that_is_ours_reaches_the_submitter_as_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ours = InvalidInput("no such phoneme", param="input")

    def run(items: Sequence[Any]) -> Sequence[Any]:
        raise ours

    async def scene() -> None:
        batcher = batcher_of(run)
        with pytest.raises(InvalidInput) as refused:
            await batcher.submit(Piece("a"))
        assert refused.value is ours
        await batcher.close()

    play(scene())
    assert not caplog.records


@pytest.mark.parametrize(
    "broken",
    [
        MemoryError,
        SystemExit,
        KeyboardInterrupt,
        GeneratorExit,
        StopIteration,
        asyncio.CancelledError,
    ],
)
@pytest.mark.parametrize("count", [1, 3])
def test_no_kind_of_exception_leaves_a_submitter_waiting(
    broken: type[BaseException], count: int
) -> None:
    def run(items: Sequence[Any]) -> Sequence[Any]:
        if any(piece.fate == "worst" for piece in items):
            raise broken
        return ["fine" for _ in items]

    async def scene() -> None:
        batcher = batcher_of(run)
        pieces = [Piece(0), *(Piece(number, fate="worst") for number in range(count))]
        lead, *rest = [asyncio.ensure_future(batcher.submit(piece)) for piece in pieces]
        assert await lead == "fine"
        for task in rest:
            assert isinstance(failed := await outcome(task), Failed)
            assert isinstance(failed.__cause__, broken)
        assert await batcher.submit(Piece("after")) == "fine"
        await batcher.close()

    play(scene())


@pytest.mark.parametrize("answer", [None, 7])
def test_a_run_that_returns_no_list_at_all_fails_its_items(answer: Any) -> None:
    async def scene() -> None:
        batcher = batcher_of(lambda items: answer)
        came = await asyncio.gather(
            *(batcher.submit(Piece(number)) for number in range(3)), return_exceptions=True
        )
        assert [type(one) for one in came] == [Failed] * 3
        await batcher.close()

    play(scene())


def test_a_pool_that_gives_no_thread_fails_the_items() -> None:
    async def scene() -> None:
        batcher = batcher_of(Gate(open=True))
        batcher._pool.shutdown()  # a RuntimeError from then on, as when a system has no threads
        with pytest.raises(Failed):
            await batcher.submit(Piece("a"))
        await batcher.close()

    play(scene())


def test_an_impossible_cost_is_refused_before_it_can_spoil_the_packing() -> None:
    async def scene() -> None:
        stage = Stage(open=True)
        for cost in (-1.0, float("nan")):
            with pytest.raises(ValueError, match="cost"):
                await stage.batcher.submit(Piece("a", cost=cost))
        await stage.finish()

    play(scene())


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_items": 0},
        {"max_cost": 0},
        {"max_cost": float("nan")},
        {"max_queue": -1},
        {"lanes": 0},
    ],
)
def test_limits_that_allow_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        BatchLimits(**({"max_items": 1, "max_cost": 1.0, "max_queue": 1} | wrong))


def test_close_finishes_what_was_accepted_and_refuses_the_rest() -> None:
    async def scene() -> None:
        stage = Stage(max_items=2)
        await stage.send("a", "b", Piece("bad", fate="poison"), "c", "d")
        closing = [asyncio.ensure_future(stage.batcher.close()) for _ in range(2)]
        await turns()
        with pytest.raises(Unavailable) as refused:
            await stage.batcher.submit(Piece("e"))
        assert refused.value.code == "closing"
        assert not any(task.done() for task in closing)
        stage.gate.release_all()
        await asyncio.gather(*closing)
        assert all(task.done() for task in stage.tasks.values())
        came = await stage.finish()
        assert [name for name, answer in came.items() if answer == f"did {name}"] == [*"abcd"]
        await stage.batcher.close()

    play(scene())


def test_closing_an_unused_batcher_is_nothing() -> None:
    play(batcher_of(Gate()).close())


def test_a_loop_that_ends_in_the_middle_leaves_no_complaint_and_a_usable_batcher() -> None:
    gate = Gate()
    batcher = batcher_of(gate)

    async def abandoned() -> None:
        tasks = [asyncio.ensure_future(batcher.submit(Piece(number))) for number in range(4)]
        await gate.calm(batcher)
        assert not any(task.done() for task in tasks)

    async def later() -> None:
        gate.release_all()
        assert await batcher.submit(Piece("again")) == "did again"
        await batcher.close()

    play(abandoned())
    assert (batcher.waiting, batcher.running) == (0, 0)
    play(later())
    assert gate.names == [[0], ["again"]]


def test_a_forward_whose_task_is_cancelled_leaves_no_submitter_waiting() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.send("lead", "a", "b")
        await stage.step()
        for forward in stage.batcher._forwards:  # as a loop does that is about to end
            forward.cancel()
        await turns()
        assert isinstance(await outcome(stage.tasks["a"]), Unavailable)
        assert isinstance(await outcome(stage.tasks["b"]), Unavailable)
        await stage.send("next")
        came = await stage.finish()
        assert came["next"] == "did next"

    play(scene())


def test_a_measured_answer_tells_what_happened() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.send("lead")
        pieces = [Piece(name, fate=fate) for name, fate in [("a", "good"), ("b", "good")]]
        tasks = [asyncio.ensure_future(stage.batcher.submit_measured(piece)) for piece in pieces]
        await turns()
        advance(5)
        await stage.finish()
        for piece, task in zip(pieces, tasks, strict=True):
            measured = await task
            assert measured == Measured(f"did {piece}", 5.0, 2, measured.ran)
            assert measured.ran >= 0

    play(scene())


def test_a_retried_items_measures_are_those_of_its_own_forward() -> None:
    async def scene() -> None:
        stage = Stage()
        await stage.send("lead")
        measured = asyncio.ensure_future(stage.batcher.submit_measured(Piece("a")))
        await stage.send(Piece("bad", fate="poison"))
        await stage.step()
        advance(3)
        await stage.finish()
        assert attrs.evolve(await measured, ran=0.0) == Measured("did a", 3.0, 1, 0.0)

    play(scene())


def test_a_failed_item_is_freed_without_a_garbage_collection() -> None:
    def run(items: Sequence[Any]) -> Sequence[Any]:
        return [InvalidInput("bad item") for _ in items]

    async def scene() -> None:
        batcher = batcher_of(run)
        piece = Piece("a")
        kept = weakref.ref(piece)
        failed = asyncio.ensure_future(batcher.submit(piece))
        del piece
        assert isinstance(await outcome(failed), InvalidInput)
        del failed
        await batcher.close()
        await turns()
        assert kept() is None

    gc.collect()
    gc.disable()
    try:
        play(scene())
    finally:
        gc.enable()


def sample(name: str, **labels: str) -> float:
    from prometheus_client import REGISTRY

    return REGISTRY.get_sample_value(f"harmony_speech_{name}", labels) or 0.0


def test_metrics_count_what_happened() -> None:
    async def scene() -> None:
        gate = Gate()
        limits = BatchLimits(max_items=8, max_cost=100, max_queue=4)
        batcher: Batcher[Piece, str] = Batcher(gate, name="counted", limits=limits)
        tasks = [asyncio.ensure_future(batcher.submit(Piece(number))) for number in range(5)]
        late = [time.time() + HOUR_S / 2, time.time() - 1]
        await turns()
        assert sample("queue_length", runner="counted") == 4
        assert isinstance(await outcome(batcher.submit(Piece("full"))), Unavailable)
        tasks[1].cancel()
        await turns()
        tasks.append(asyncio.ensure_future(batcher.submit(Piece("late"), deadline=late[0])))
        assert isinstance(await outcome(batcher.submit(Piece("later"), deadline=late[1])), TimedOut)
        advance(HOUR_S)
        await turns()
        gate.release_all()
        await asyncio.gather(*tasks, return_exceptions=True)
        await batcher.close()

    play(scene())
    assert sample("queue_length", runner="counted") == 0
    assert sample("batch_size_count", runner="counted") == 2
    assert sample("batch_size_sum", runner="counted") == 1 + 3
    assert sample("queue_seconds_count", runner="counted") == 4
    assert sample("run_seconds_count", runner="counted") == 2
    assert sample("rejected_total", runner="counted", reason="full") == 1
    assert sample("rejected_total", runner="counted", reason="cancelled") == 1
    assert sample("rejected_total", runner="counted", reason="deadline") == 2


def test_a_retried_item_counts_once_in_the_queue_time_and_twice_in_the_forwards() -> None:
    async def scene() -> None:
        gate = Gate()
        limits = BatchLimits(max_items=8, max_cost=100, max_queue=4)
        batcher: Batcher[Piece, str] = Batcher(gate, name="retried", limits=limits)
        pieces = [Piece("lead"), Piece("a"), Piece("bad", fate="poison")]
        tasks = [asyncio.ensure_future(batcher.submit(piece)) for piece in pieces]
        await turns()
        gate.release_all()
        await asyncio.gather(*tasks, return_exceptions=True)
        await batcher.close()

    play(scene())
    assert sample("queue_seconds_count", runner="retried") == 3
    assert sample("batch_size_count", runner="retried") == 1 + 1 + 2
    assert sample("batch_size_sum", runner="retried") == 1 + 2 + 2


def test_prometheus_is_imported_only_when_the_first_batcher_is_made(tmp_path: pathlib.Path) -> None:
    script = """
import os, sys
from runners.batching import Batcher, BatchLimits
assert "prometheus_client" not in sys.modules
os.environ["PROMETHEUS_MULTIPROC_DIR"] = sys.argv[1]
for name in "ab":
    Batcher(list, name=name, limits=BatchLimits(max_items=1, max_cost=1, max_queue=1))
"""
    environ = {key: value for key, value in os.environ.items() if "PROMETHEUS" not in key.upper()}
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=ROOT,
        env=environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )
    kinds = {file.name.split("_")[0] for file in tmp_path.iterdir()}
    assert kinds == {"counter", "histogram", "gauge"}


# Random schedules, checked against the rules as the module's docstring states them.


@attrs.frozen
class Submit:
    key: str
    cost: float
    priority: int
    fate: str
    hurried: bool


@attrs.frozen
class Cancel:
    which: float  # of all items so far, as a share


@attrs.frozen
class Release:
    which: float  # of the forwards that stand still


@attrs.frozen
class Wait:
    seconds: int


FATES = ["good"] * 8 + ["bad", "bug", "poison", "exit", "short", "long"]
SHARES = st.floats(0, 1, exclude_max=True)
SUBMITS = st.builds(
    Submit,
    st.sampled_from("xxxy"),
    st.sampled_from([2.0, 2.0, 3.0, 3.0, 4.0, 1.0, 7.0, 30.0, 0.0]),
    st.sampled_from([0, 0, 0, 1, 4]),
    st.sampled_from(FATES),
    st.sampled_from([False, False, False, True]),
)
OTHERS = st.one_of(
    st.builds(Release, SHARES),
    st.builds(Cancel, SHARES),
    st.builds(Wait, st.sampled_from([1, 3, 5, 11, HOUR_S])),
)
ROUNDS = st.tuples(
    st.lists(SUBMITS, min_size=1, max_size=6),
    st.lists(OTHERS, max_size=2),
    st.builds(Release, SHARES),
)
SCHEDULES = st.lists(ROUNDS, min_size=3, max_size=10)
LIMITS = st.builds(
    BatchLimits,
    max_items=st.integers(1, 5),
    max_cost=st.sampled_from([4.0, 12.0, 1000.0]),
    max_queue=st.integers(0, 12),
    lanes=st.integers(1, 3),
)


@attrs.define(eq=False)
class Entry:
    """What the test knows of one item."""

    piece: Piece
    priority: int
    submitted: float
    hurried: bool
    task: asyncio.Task[Measured[str]]
    alone: bool = False
    cancelled: bool = False
    expect: Any = None
    runs: list[int] = attrs.field(factory=list)  # sizes of the forwards it was in


class Model:
    """The rules once more, in the plainest words; follows a stage step by step."""

    def __init__(self, limits: BatchLimits) -> None:
        self.limits = limits
        self.stage = Stage(**attrs.asdict(limits))
        self.entries: list[Entry] = []
        self.waiting: list[Entry] = []
        self.running: list[list[Entry]] = []
        self.seen = 0  # forwards of the gate that were checked

    def take(self, step: Submit | Cancel | Release | Wait) -> None:
        match step:
            case Submit():
                self.submit(step)
            case Cancel():
                self.cancel(step)
            case Release():
                self.release(step)
            case Wait():
                advance(step.seconds)
                self.expire()

    def submit(self, step: Submit) -> None:
        piece = Piece(len(self.entries), step.key, step.cost, step.fate)
        deadline = time.time() + HOUR_S / 2 if step.hurried else None
        work_ = self.stage.batcher.submit_measured(piece, priority=step.priority, deadline=deadline)
        now = asyncio.get_running_loop().time()
        task = asyncio.get_running_loop().create_task(work_)
        entry = Entry(piece, step.priority, now, step.hurried, task)
        self.entries.append(entry)
        busy = len(self.running) == self.limits.lanes
        if busy and len(self.waiting) >= self.limits.max_queue:
            entry.expect = Unavailable
            event("refused")
        else:
            self.waiting.append(entry)

    def cancel(self, step: Cancel) -> None:
        if not self.entries:
            return
        entry = self.entries[int(step.which * len(self.entries))]
        if not entry.task.done():
            entry.task.cancel()
            entry.cancelled = True
            event("cancelled waiting" if entry in self.waiting else "cancelled running")
            self.waiting = [other for other in self.waiting if other is not entry]

    def release(self, step: Release) -> None:
        if not self.running:
            return
        batch = self.running.pop(int(step.which * len(self.running)))
        self.stage.gate.release([entry.piece for entry in batch])
        fates = {entry.piece.fate for entry in batch}
        if fates & {"poison", "exit"} and len(batch) > 1:
            event("a batch was retried")
            for entry in batch:
                entry.alone = True
            back = [entry for entry in batch if not entry.cancelled]
            self.waiting = sorted(self.waiting + back, key=lambda entry: entry.piece.name)
            self.expire()
            return
        for entry in batch:
            if entry.cancelled:
                continue
            if fates & {"poison", "exit", "short", "long"} or entry.piece.fate == "bug":
                entry.expect = Failed
            elif entry.piece.fate == "bad":
                entry.expect = InvalidInput
            else:
                entry.expect = f"did {entry.piece}"

    def expire(self) -> None:
        now = asyncio.get_running_loop().time()
        for entry in list(self.waiting):
            if entry.hurried and now > entry.submitted + HOUR_S / 2:
                self.waiting.remove(entry)
                entry.expect = TimedOut
                event("expired")

    async def check(self) -> None:
        """Wait for calm, then hold what happened against the rules."""
        await self.stage.gate.calm(self.stage.batcher)
        by_name = {entry.piece.name: entry for entry in self.entries}
        names = self.stage.gate.names[self.seen :]
        self.seen += len(names)
        started = [[by_name[name] for name in batch] for batch in names]
        # Lanes that start in the same step come in the order of their threads, so in any.
        orders = itertools.permutations(started)
        assert any(self.in_order(order) for order in orders), (names, self.waiting)
        for batch in started:
            assert len(batch) <= self.limits.max_items
            assert len({entry.piece.key for entry in batch}) == 1
            costs = [entry.piece.cost for entry in batch]
            assert len(batch) == 1 or max(costs) * len(costs) <= self.limits.max_cost
            assert min(costs) >= SIMILAR * max(costs)
            assert len(batch) == 1 or not any(entry.alone for entry in batch)
            for entry in batch:
                assert entry.expect is None
                assert not entry.cancelled
                assert entry.runs == [] or entry.alone
                entry.runs.append(len(batch))
                self.waiting.remove(entry)
            if len(batch) > 1:
                event("a real batch")
        self.running += started
        assert not self.waiting or len(self.running) == self.limits.lanes, "a lane is idle"
        assert self.stage.batcher.waiting == len(self.waiting)
        assert self.stage.batcher.running == sum(map(len, self.running))
        assert self.stage.gate.peak <= self.limits.lanes

    def in_order(self, batches: Sequence[list[Entry]]) -> bool:
        """Whether each batch has the head of its moment, and left out nobody it had room for."""
        now = asyncio.get_running_loop().time()
        left = list(self.waiting)
        for batch in batches:
            if not all(entry in left for entry in batch):
                return False
            head = min(left, key=lambda entry: self.urgency(entry, now))
            left = [entry for entry in left if entry not in batch]
            if head not in batch or any(self.joins(entry, batch) for entry in left):
                return False
        return True

    @staticmethod
    def urgency(entry: Entry, now: float) -> tuple[float, int]:
        return (entry.priority - (now - entry.submitted) / PATIENCE_S, entry.piece.name)

    def joins(self, entry: Entry, batch: list[Entry]) -> bool:
        """Whether this batch could have had one more."""
        costs = [entry.piece.cost, *(other.piece.cost for other in batch)]
        return (
            entry.piece.key == batch[0].piece.key
            and not entry.alone
            and not batch[0].alone
            and len(costs) <= self.limits.max_items
            and max(costs) * len(costs) <= self.limits.max_cost
            and min(costs) >= SIMILAR * max(costs)
        )

    async def finish(self) -> None:
        """Close, let everything end one by one, and compare every outcome."""
        closing = asyncio.ensure_future(self.stage.batcher.close())
        await turns()
        while self.running:
            assert not closing.done()
            self.release(Release(0.0))
            await self.check()
        await closing
        assert not self.waiting
        for entry in self.entries:
            came = await outcome(entry.task)
            sizes = entry.runs
            assert len(sizes) <= 1 or (len(sizes) == 2 and sizes[0] > 1 and sizes[1] == 1)
            if entry.cancelled:
                assert isinstance(came, asyncio.CancelledError)
            elif isinstance(came, Measured):
                assert (came.result, came.batch_size) == (entry.expect, sizes[-1])
            else:
                assert type(came) is entry.expect
                assert isinstance(came, SpeechError)
                assert bool(sizes) or isinstance(came, Unavailable | TimedOut)


async def follow(limits: BatchLimits, schedule: list[Any]) -> None:
    model = Model(limits)
    try:
        for submits, others, release in schedule:
            for step in [*submits, *others, release]:
                model.take(step)
                await model.check()
        await model.finish()
    finally:
        model.stage.gate.release_all()  # else a failing example leaves threads that stand still


@seed(20)
@settings(max_examples=200, deadline=None, database=None)
@given(LIMITS, SCHEDULES)
def test_every_random_schedule_keeps_every_rule(limits: BatchLimits, schedule: list[Any]) -> None:
    logging.disable()
    try:
        play(follow(limits, schedule))
    finally:
        logging.disable(logging.NOTSET)


@seed(20)
@settings(max_examples=40, deadline=None, database=None)
@given(LIMITS, st.lists(SUBMITS, min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_a_free_running_burst_loses_nothing_and_answers_each_with_its_own(
    limits: BatchLimits, submits: list[Submit], chance: Any
) -> None:
    """Threads end when they like here, so only what holds in any order is checked."""

    async def scene() -> None:
        gate = Gate(open=True)
        batcher = batcher_of(gate, **attrs.asdict(limits))
        pieces = [Piece(n, s.key, s.cost, s.fate) for n, s in enumerate(submits)]
        tasks = []
        for piece, step in zip(pieces, submits, strict=True):
            tasks.append(asyncio.ensure_future(batcher.submit(piece, priority=step.priority)))
            await turns(chance.randrange(3))
            if chance.random() < 0.1:
                chance.choice(tasks).cancel()
        await turns(1)
        await batcher.close()
        assert all(task.done() for task in tasks)
        for piece, task in zip(pieces, tasks, strict=True):
            came = await outcome(task)
            sizes = [len(batch) for batch in gate.batches if piece in batch]
            assert len(sizes) <= 1 or (len(sizes) == 2 and sizes[0] > 1 and sizes[1] == 1)
            if isinstance(came, str):
                assert came == f"did {piece}"
                assert piece.fate == "good"
                assert sizes
            elif isinstance(came, Unavailable):
                assert not sizes
            elif not isinstance(came, asyncio.CancelledError):
                company = [
                    other.fate for batch in gate.batches if piece in batch for other in batch
                ]
                assert piece.fate != "good" or {"short", "long"} & set(company)
        assert all(len({piece.key for piece in batch}) == 1 for batch in gate.batches)
        assert gate.peak <= limits.lanes

    logging.disable()
    try:
        play(scene())
    finally:
        logging.disable(logging.NOTSET)


def test_lines_of_a_batch_are_told_for_its_requests_and_those_of_an_item_for_its_own() -> None:
    told: list[tuple[str, tuple[str, ...]]] = []

    def run(items: Sequence[str]) -> Sequence[str]:
        told.append(("run", logs.asked_by()))
        if "bad" in items:
            raise ValueError
        return items

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append((record.levelname, logs.asked_by()))

    async def ask(batcher: Batcher[str, str], item: str) -> object:
        logs.ask_as(f"id of {item}")
        return await outcome(batcher.submit(item))

    async def scene() -> None:
        limits = BatchLimits(max_items=8, max_cost=100, max_queue=8)
        batcher: Batcher[str, str] = Batcher(run, name="told", limits=limits)
        await asyncio.gather(*(ask(batcher, item) for item in ("lead", "good", "bad")))
        await batcher.close()

    listening = Listening()
    logging.getLogger("runners.batching").addHandler(listening)
    try:
        asyncio.run(scene())
    finally:
        logging.getLogger("runners.batching").removeHandler(listening)
    both = ("id of good", "id of bad")
    assert told == [
        ("run", ("id of lead",)),
        ("run", both),
        ("WARNING", both),
        ("run", ("id of good",)),
        ("run", ("id of bad",)),
        ("ERROR", ("id of bad",)),
    ]
