"""The near end of a runner: what is raised, what is tried again, and when it is left alone."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import attrs
import pytest
from bentoml.exceptions import BentoMLException, ServiceUnavailable

from audio import silence
from errors import Failed, InvalidInput, SpeechError, Unavailable
from runners import steps, wire
from runners.circuit import FAILURES
from runners.handle import RunnerHandle
from runners.wire import RESTART_SECONDS
from tasks import Activity, Answer, Call, Card, Detect, Presence, Speak, Speech, State, Voice

CARD = Card(("en",), (Voice("echo", "en"),), "echo", 16000)
REFUSAL = InvalidInput("no such voice", param="voice", code="voice_not_found")
FULL = Unavailable("come back", code="queue_full", retry_after=7.5)


@attrs.define(eq=False)
class Remote:
    """BentoML's proxy of a runner: answers what it is told to, or raises it."""

    outcome: Any
    asked: int = 0

    async def run(self, job: Any, call: Call) -> Answer:
        return Answer(self._answer())

    async def card(self) -> Any:
        return self._answer()

    async def state(self) -> State:
        return State(Presence.LOADED)

    def _answer(self) -> Any:
        self.asked += 1
        if isinstance(self.outcome, Exception) and not isinstance(self.outcome, SpeechError):
            raise self.outcome
        return self.outcome


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (ServiceUnavailable("too many"), "echo is overloaded"),
        (BentoMLException("500"), "echo is out of reach"),
        (aiohttp.ServerDisconnectedError(), "echo is out of reach"),
        (aiohttp.ClientPayloadError(), "echo is out of reach"),
        (ConnectionRefusedError(111, "refused"), "echo is out of reach"),
        (FileNotFoundError(2, "no such socket"), "echo is out of reach"),
        (TimeoutError(), "echo is out of reach"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_runner_out_of_reach_is_unavailable_for_now(broken: Exception, message: str) -> None:
    handle = RunnerHandle("echo", Remote(broken))
    for question in (handle.card(), handle.synthesize(Speak("a"), Call())):
        with pytest.raises(Unavailable, match=message) as caught:
            asyncio.run(question)
        assert caught.value.retry_after == RESTART_SECONDS
        assert caught.value.__cause__ is broken


def test_an_answer_of_the_wrong_kind_is_a_bug_and_said_so() -> None:
    handle = RunnerHandle("echo", Remote(Activity((), 1.0)))
    with pytest.raises(Failed, match="echo answered a Activity"):
        asyncio.run(handle.synthesize(Speak("a"), Call()))
    job = Detect(silence(1, 16000))
    assert asyncio.run(handle.detect(job, Call())) == Activity((), 1.0)


def test_a_card_is_asked_for_once() -> None:
    async def scene() -> None:
        remote = Remote(CARD)
        handle = RunnerHandle("echo", remote)
        assert [await handle.card(), await handle.card()] == [CARD, CARD]
        assert remote.asked == 1

    asyncio.run(scene())


def test_a_card_that_could_not_be_had_is_asked_for_again() -> None:
    async def scene() -> None:
        remote = Remote(OSError("not yet"))
        handle = RunnerHandle("echo", remote)
        with pytest.raises(Unavailable):
            await handle.card()
        remote.outcome = CARD
        assert await handle.card() == CARD

    asyncio.run(scene())


# Once more, and the circuit


@attrs.define(eq=False)
class Flaky:
    """A runner whose answers are told one by one; an exception is raised."""

    outcomes: list[Any]
    asked: int = 0

    async def run(self, job: Any, call: Call) -> Answer:
        self.asked += 1
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception) and not isinstance(outcome, SpeechError):
            raise outcome
        return Answer(outcome)

    async def state(self) -> State:
        return State(Presence.LOADED)


SPOKEN = Speech(silence(1, 16000))
GONE = aiohttp.ServerDisconnectedError()


def ask(handle: RunnerHandle) -> Any:
    return asyncio.run(handle.synthesize(Speak("a"), Call()))


def test_a_broken_pipe_is_tried_once_more() -> None:
    remote = Flaky([GONE, SPOKEN, GONE, GONE, SPOKEN])
    handle = RunnerHandle("echo", remote)
    assert ask(handle) is SPOKEN
    assert remote.asked == 2
    with pytest.raises(Unavailable, match="out of reach"):
        ask(handle)
    assert remote.asked == 4


@pytest.mark.parametrize("failure", [REFUSAL, FULL, Failed("a bug")], ids=["400", "503", "500"])
def test_what_a_runner_refuses_is_not_tried_again(failure: SpeechError) -> None:
    remote = Flaky([failure, SPOKEN])
    with pytest.raises(type(failure)):
        ask(RunnerHandle("echo", remote))
    assert remote.asked == 1


def test_a_runner_that_keeps_failing_is_left_alone() -> None:
    remote = Flaky([Failed("a bug")] * FAILURES)
    handle = RunnerHandle("echo", remote)
    for _ in range(FAILURES):
        with pytest.raises(Failed):
            ask(handle)
    with pytest.raises(Unavailable, match="left alone") as caught:
        ask(handle)
    assert (caught.value.code, remote.asked) == ("circuit_open", FAILURES)
    assert caught.value.retry_after is not None and caught.value.retry_after >= 1


@pytest.mark.parametrize("neutral", [REFUSAL, FULL], ids=["400", "503"])
def test_refusals_open_no_circuit(neutral: SpeechError) -> None:
    handle = RunnerHandle("echo", Flaky([neutral] * 2 * FAILURES + [SPOKEN]))
    for _ in range(2 * FAILURES):
        with pytest.raises(type(neutral)):
            ask(handle)
    assert ask(handle) is SPOKEN


def test_a_call_to_a_dead_runner_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "WATCH_SECONDS", 0.01)
    monkeypatch.setattr(wire, "PING_SECONDS", 0.01)

    class Dead:
        async def run(self, job: Any, call: Call) -> Answer:
            await asyncio.Event().wait()
            raise AssertionError

        async def state(self) -> State:
            await asyncio.Event().wait()
            raise AssertionError

    with pytest.raises(Unavailable, match="out of reach"):
        ask(RunnerHandle("echo", Dead()))


def test_a_call_that_takes_long_is_waited_for_while_its_runner_lives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "WATCH_SECONDS", 0.01)

    class Slow:
        pings = 0

        async def run(self, job: Any, call: Call) -> Answer:
            while self.pings < 2 * wire.PINGS:
                await asyncio.sleep(0)
            return Answer(SPOKEN)

        async def state(self) -> State:
            self.pings += 1
            return State(Presence.LOADED)

    assert ask(RunnerHandle("echo", Slow())) is SPOKEN


def test_what_a_step_cost_is_noted_for_the_request() -> None:
    async def scene() -> None:
        taken = steps.begin()
        handle = RunnerHandle("echo", Flaky([SPOKEN, SPOKEN]))
        jobs = [handle.synthesize(Speak("a"), Call()) for _ in range(2)]
        await asyncio.gather(*jobs)
        assert (taken.taken["echo.synthesize"].jobs, taken.taken["echo.synthesize"].batched) == (
            2,
            2,
        )
        assert 'echo.synthesize;dur=0.0;desc="jobs=2 batch=1.0"' in taken.server_timing()

    asyncio.run(scene())
