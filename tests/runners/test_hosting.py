"""A runner and the near end of it, in one process: what is answered, what is raised, what is dropped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import attrs
import bentoml
import pytest

from audio import silence
from errors import Failed, InvalidInput, SpeechError, TimedOut, Unavailable, WeightsError
from runners import hosting
from runners.handle import RunnerHandle
from runners.hosting import runner_service
from runners.resident import Runner
from settings import RunnerSettings
from tasks import Answer, Call, Capability, Card, Speak, Speech, Voice
from weights import Store

STUCK_S = 60  # a test that waits this long has hung
SETTINGS = RunnerSettings(name="echo-1.0", model="none", model_type="none", max_batch_size=4)
CARD = Card(("en",), (Voice("echo", "en"),), "echo", 16000)
REFUSAL = InvalidInput("no such voice", param="voice", code="voice_not_found")
FULL = Unavailable("come back", code="queue_full", retry_after=7.5)


@attrs.frozen
class NoOptions:
    """A family without knobs."""


class Echo:
    """Says a second of nothing for each letter; some texts fail, one waits until it is let go."""

    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.SPEAK,)
    options: ClassVar[type] = NoOptions
    unit: ClassVar[str] = "letters"
    batch_budget: ClassVar[float] = 100.0

    def __init__(self, settings: RunnerSettings, store: Store | None = None) -> None:
        self.card = CARD
        self.batches: list[list[str]] = []
        self.seen = 0  # jobs that were let into the queue
        self.inside, self.door = threading.Event(), threading.Event()

    @staticmethod
    def sources(settings: RunnerSettings) -> Mapping[str, tuple[str, ...] | None]:
        return {}

    def group(self, job: Speak) -> Hashable:
        self.seen += 1
        return job.language

    def cost(self, job: Speak) -> float:
        return len(job.text)

    def synthesize(self, jobs: Sequence[Speak]) -> list[Speech | SpeechError]:
        self.batches.append([job.text for job in jobs])
        if any(job.text == "wait" for job in jobs):
            self.inside.set()
            assert self.door.wait(STUCK_S)
        if any(job.text == "crash" for job in jobs):
            raise ZeroDivisionError
        return [
            {"refuse": REFUSAL, "full": FULL}.get(job.text) or Speech(silence(len(job.text), 16000))
            for job in jobs
        ]


def echo(settings: RunnerSettings) -> Echo:
    return Echo(settings)


def hosted(load: Callable[[RunnerSettings], Any] = echo) -> tuple[Any, RunnerHandle]:
    """What BentoML runs in a runner's process, and the near end of it."""
    service = runner_service(SETTINGS, load)
    instance = service.inner()
    return instance, RunnerHandle(SETTINGS.name, instance)


async def until_queued(model: Echo, count: int) -> None:
    while model.seen < count:
        await asyncio.sleep(0)  # a turn of the loop, in which others are let in


def seconds_of(answer: Answer) -> float:
    assert isinstance(answer.outcome, Speech)
    return answer.outcome.audio.duration


# Runner


def test_a_job_is_answered_with_its_result_and_its_cost() -> None:
    async def scene() -> None:
        model = Echo(SETTINGS)
        runner = Runner(SETTINGS, model)
        answer = await runner.run(Speak("abc"), Call())
        await runner.close()
        assert seconds_of(answer) == 3
        assert (answer.batch_size, model.batches) == (1, [["abc"]])
        assert answer.ran > 0

    asyncio.run(scene())


def test_a_failure_is_a_value_and_its_neighbours_are_answered() -> None:
    async def scene() -> None:
        model = Echo(SETTINGS)
        runner = Runner(SETTINGS, model)
        texts = ["wait", "abcdef", "refuse", "crash", "abcde"]
        work = [asyncio.ensure_future(runner.run(Speak(text), Call())) for text in texts]
        await asyncio.to_thread(model.inside.wait, STUCK_S)
        model.door.set()
        first, second, refused, crashed, last = await asyncio.gather(*work)
        await runner.close()
        assert [seconds_of(answer) for answer in (first, second, last)] == [4, 6, 5]
        assert refused.outcome is REFUSAL
        assert isinstance(crashed.outcome, Failed)
        assert "ZeroDivisionError" not in crashed.outcome.message
        assert sorted(model.batches[1]) == ["abcde", "abcdef", "crash", "refuse"]

    asyncio.run(scene())


def test_jobs_of_different_groups_never_share_a_batch() -> None:
    async def scene() -> None:
        model = Echo(SETTINGS)
        runner = Runner(SETTINGS, model)
        jobs = [Speak("wait"), Speak("aa", language="en"), Speak("bb", language="de")]
        work = [asyncio.ensure_future(runner.run(job, Call())) for job in jobs]
        await asyncio.to_thread(model.inside.wait, STUCK_S)
        model.door.set()
        await asyncio.gather(*work)
        await runner.close()
        assert model.batches == [["wait"], ["aa"], ["bb"]]

    asyncio.run(scene())


def test_a_call_s_priority_and_deadline_are_kept() -> None:
    async def scene() -> None:
        model = Echo(SETTINGS)
        runner = Runner(SETTINGS.model_copy(update={"max_batch_size": 1}), model)
        first = asyncio.ensure_future(runner.run(Speak("wait"), Call()))
        await asyncio.to_thread(model.inside.wait, STUCK_S)
        late = await runner.run(Speak("late"), Call(deadline=1.0))
        work = [
            asyncio.ensure_future(runner.run(Speak(f"{priority}"), Call(priority=priority)))
            for priority in (2, 1, 3)
        ]
        await until_queued(model, 4)
        model.door.set()
        await asyncio.gather(first, *work)
        await runner.close()
        assert isinstance(late.outcome, TimedOut)
        assert model.batches == [["wait"], ["1"], ["2"], ["3"]]

    asyncio.run(scene())


def test_settings_bound_the_queue() -> None:
    async def scene() -> None:
        model = Echo(SETTINGS)
        runner = Runner(SETTINGS.model_copy(update={"max_queue": 1}), model)
        work = [asyncio.ensure_future(runner.run(Speak(t), Call())) for t in ("wait", "a", "b")]
        await asyncio.to_thread(model.inside.wait, STUCK_S)
        model.door.set()
        *_, refused = await asyncio.gather(*work)
        await runner.close()
        assert isinstance(refused.outcome, Unavailable)
        assert refused.outcome.code == "queue_full"
        assert refused.outcome.retry_after

    asyncio.run(scene())


# The service and its near end


def test_a_service_bears_the_model_s_name_and_its_class_a_name_of_python_s() -> None:
    service = runner_service(SETTINGS, echo)
    assert service.name == "echo-1.0"
    assert service.inner.__name__ == "Runner_echo_1_0"
    assert (
        runner_service(SETTINGS.model_copy(update={"name": "b"}), echo).inner is not service.inner
    )


def test_a_service_never_cuts_a_call_short_by_itself() -> None:
    config = runner_service(SETTINGS, echo).config
    assert config["traffic"]["timeout"] >= 3600
    assert config["runner_connection"]["max_requests"] >= 10**6
    assert config["runner_connection"]["max_age"] >= 10**6


def test_a_handle_asks_the_runner_of_its_own_process() -> None:
    async def scene() -> None:
        instance, handle = hosted()
        assert await handle.card() == CARD
        assert (await handle.synthesize(Speak("abc"), Call())).audio.duration == 3
        await instance.close()

    asyncio.run(scene())


@pytest.mark.parametrize(("text", "failure"), [("refuse", REFUSAL), ("full", FULL)])
def test_a_failure_is_raised_on_the_near_side_with_all_its_fields(
    text: str, failure: SpeechError
) -> None:
    async def scene() -> None:
        instance, handle = hosted()
        with pytest.raises(type(failure)) as caught:
            await handle.synthesize(Speak(text), Call())
        assert vars(caught.value) == vars(failure)
        await instance.close()

    asyncio.run(scene())


def test_a_model_without_weights_is_unavailable_and_says_why() -> None:
    def load(settings: RunnerSettings) -> Any:
        raise WeightsError("npm is missing")

    async def scene() -> None:
        instance, handle = hosted(load)
        for question in (handle.card(), handle.synthesize(Speak("a"), Call())):
            with pytest.raises(Unavailable, match=r"echo-1\.0.*npm is missing") as caught:
                await question
            assert caught.value.code == "model_not_available"
        await instance.close()

    asyncio.run(scene())


# Callers that leave


def context(disconnected: bool) -> bentoml.Context:
    async def is_disconnected() -> bool:
        return disconnected

    request = SimpleNamespace(is_disconnected=is_disconnected)
    return cast(bentoml.Context, SimpleNamespace(request=request))


def busy(model: list[Echo]) -> Callable[[RunnerSettings], Echo]:
    def load(settings: RunnerSettings) -> Echo:
        model.append(Echo(settings))
        return model[0]

    return load


def test_a_caller_that_hung_up_has_its_job_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "DISCONNECT_POLL", 0)

    async def scene() -> None:
        models: list[Echo] = []
        instance, handle = hosted(busy(models))
        first = asyncio.ensure_future(handle.synthesize(Speak("wait"), Call()))
        await asyncio.to_thread(models[0].inside.wait, STUCK_S)
        # An answer, though nobody hears it: an exception would leave the request open for ever.
        unheard = await instance.run(job=Speak("gone"), call=Call(), ctx=context(disconnected=True))
        assert isinstance(unheard.outcome, Unavailable)
        models[0].door.set()
        await first
        await instance.close()
        assert models[0].batches == [["wait"]]

    asyncio.run(scene())


def test_a_caller_that_listens_gets_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "DISCONNECT_POLL", 0)

    async def scene() -> None:
        instance, _ = hosted()
        answer = await instance.run(job=Speak("ab"), call=Call(), ctx=context(disconnected=False))
        await instance.close()
        assert seconds_of(answer) == 2

    asyncio.run(scene())


def test_a_cancelled_caller_has_its_job_dropped() -> None:
    async def scene() -> None:
        models: list[Echo] = []
        instance, handle = hosted(busy(models))
        first = asyncio.ensure_future(handle.synthesize(Speak("wait"), Call()))
        await asyncio.to_thread(models[0].inside.wait, STUCK_S)
        second = asyncio.ensure_future(handle.synthesize(Speak("gone"), Call()))
        third = asyncio.ensure_future(handle.synthesize(Speak("stays"), Call()))
        await until_queued(models[0], 3)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        models[0].door.set()
        await asyncio.gather(first, third)
        await instance.close()
        assert models[0].batches == [["wait"], ["stays"]]

    asyncio.run(scene())


def test_a_runner_has_the_threads_that_it_is_given_and_they_sleep_while_they_wait() -> None:
    service = runner_service(SETTINGS.model_copy(update={"threads": 3}), echo)
    told = {entry.name: entry.value for entry in service.envs}
    assert told["OMP_NUM_THREADS"] == "3"
    assert told["OMP_WAIT_POLICY"] == "PASSIVE"
    assert int(told["ONEDNN_PRIMITIVE_CACHE_CAPACITY"]) < 100
