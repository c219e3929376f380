"""A model in its runner's process: loaded on demand, unloaded once idle, mended when it is broken."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from audio import silence
from errors import Failed, SettingsError, Unavailable, WeightsError
from runners import memory, resident
from runners.resident import BROKEN, Resident
from settings import RunnerSettings
from tasks import Answer, Call, Presence, Speak, Speech
from tests.runners.test_hosting import CARD, Echo

STUCK_S = 20.0
SETTINGS = RunnerSettings(name="echo", model="none", model_type="none")


class Loads:
    """Loads echoes and remembers them; the first ones fail with `failures`."""

    def __init__(self, *failures: Exception, kind: type[Echo] = Echo) -> None:
        self.failures = list(failures)
        self.kind = kind
        self.models: list[Echo] = []

    def __call__(self, settings: RunnerSettings) -> Any:
        if self.failures:
            raise self.failures.pop(0)
        self.models.append(self.kind(settings))
        return self.models[-1]


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), STUCK_S))


def says(answer: Answer) -> bool:
    return isinstance(answer.outcome, Speech)


def test_the_first_job_loads_and_many_at_once_load_once() -> None:
    async def scene() -> None:
        loads = Loads()
        host = Resident(SETTINGS, loads)
        assert host.state().presence is Presence.UNLOADED
        answers = await asyncio.gather(*(host.run(Speak("a"), Call()) for _ in range(5)))
        assert all(map(says, answers))
        assert len(loads.models) == 1
        assert host.state().presence is Presence.LOADED
        await host.close()

    play(scene)


def test_a_caller_that_leaves_while_it_loads_stops_nothing() -> None:
    async def scene() -> None:
        door, loads = threading.Event(), Loads()

        def load(settings: RunnerSettings) -> Any:
            assert door.wait(STUCK_S)
            return loads(settings)

        host = Resident(SETTINGS, load)
        leaves = asyncio.ensure_future(host.run(Speak("a"), Call()))
        await asyncio.sleep(0.01)
        assert host.state().presence is Presence.LOADING
        leaves.cancel()
        stays = asyncio.ensure_future(host.run(Speak("a"), Call()))
        await asyncio.sleep(0)
        door.set()
        assert says(await stays)
        assert len(loads.models) == 1
        await host.close()

    play(scene)


def test_the_card_of_an_unloaded_model_is_remembered() -> None:
    async def scene() -> None:
        loads = Loads()
        host = Resident(SETTINGS, loads)
        assert host.state().card is None
        assert await host.card() == CARD
        await host.unload()
        assert await host.card() == CARD
        assert host.state().card == CARD
        assert len(loads.models) == 1

    play(scene)


def test_unloading_waits_for_what_was_accepted_and_the_next_job_loads_again() -> None:
    async def scene() -> None:
        loads = Loads()
        host = Resident(SETTINGS, loads)
        await host.load()
        (model,) = loads.models
        works = asyncio.ensure_future(host.run(Speak("wait"), Call()))
        await asyncio.to_thread(model.inside.wait, STUCK_S)
        leaves = asyncio.ensure_future(host.unload())
        await asyncio.sleep(0)
        later = asyncio.ensure_future(host.run(Speak("a"), Call()))
        await asyncio.sleep(0.01)
        assert not leaves.done() and not later.done()
        model.door.set()
        assert says(await works)
        await leaves
        assert says(await later)
        assert len(loads.models) == 2
        await host.close()

    play(scene)


def test_an_unloaded_model_is_garbage() -> None:
    async def scene() -> None:
        seen: list[weakref.ref[Echo]] = []

        def load(settings: RunnerSettings) -> Any:
            model = Echo(settings)
            seen.append(weakref.ref(model))
            return model

        host = Resident(SETTINGS, load)
        await asyncio.gather(*(host.run(Speak("a"), Call()) for _ in range(3)))
        await host.unload()
        assert seen[0]() is None

    play(scene)


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (WeightsError("no such file\nin /home/somebody"), "no such file."),
        (SettingsError("cuda is not here"), "does not fit this machine"),
        (RuntimeError("protobuf parsing failed in /home/somebody"), "cannot be loaded"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_loaded_is_unavailable_and_tried_again_later(
    failure: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        loads = Loads(failure)
        host = Resident(SETTINGS, loads)
        for _ in range(2):
            answer = await host.run(Speak("a"), Call())
            assert isinstance(answer.outcome, Unavailable)
            assert said in answer.outcome.message and "somebody" not in answer.outcome.message
        assert isinstance(await host.card(), Unavailable)
        assert host.state().presence is Presence.FAILED
        monkeypatch.setattr(resident, "LOAD_AGAIN", 0.0)
        assert says(await host.run(Speak("a"), Call()))
        assert host.state().problem is None
        await host.close()

    play(scene)


def test_loading_by_hand_tries_at_once() -> None:
    async def scene() -> None:
        host = Resident(SETTINGS, Loads(WeightsError("npm is missing")))
        host.load_at_once()
        assert host.state().presence is Presence.FAILED
        assert (await host.load()).presence is Presence.LOADED
        await host.close()

    play(scene)


class Forgetful(Echo):
    """Runs out of memory, or breaks for good, at a word; a new one of its kind is well."""

    broken = False
    worn: list[int] = []  # noqa: RUF012

    def synthesize(self, jobs: Sequence[Speak]) -> list[Any]:
        if any(job.text == "much" for job in jobs) and not self.worn:
            self.worn.append(1)
            raise RuntimeError("CUDA out of memory")
        self.broken = self.broken or any(job.text == "damage" for job in jobs)
        if self.broken or any(job.text == "bug" for job in jobs):
            raise ValueError("weights are nonsense")
        return [Speech(silence(1, 16000)) for _ in jobs]


def test_a_model_out_of_memory_is_loaded_anew_and_the_job_runs_again() -> None:
    async def scene() -> None:
        Forgetful.worn.clear()
        loads = Loads(kind=Forgetful)
        host = Resident(SETTINGS, loads)
        assert says(await host.run(Speak("much"), Call()))
        assert len(loads.models) == 2
        await host.close()

    play(scene)


def test_a_model_that_fails_again_and_again_is_loaded_anew() -> None:
    async def scene() -> None:
        loads = Loads(kind=Forgetful)
        host = Resident(SETTINGS, loads)
        assert isinstance((await host.run(Speak("damage"), Call())).outcome, Failed)
        for _ in range(BROKEN - 2):
            assert isinstance((await host.run(Speak("a"), Call())).outcome, Failed)
        assert says(await host.run(Speak("a"), Call()))
        assert len(loads.models) == 2
        await host.close()

    play(scene)


def test_inputs_that_meet_a_bug_do_not_keep_it_loading() -> None:
    async def scene() -> None:
        loads = Loads(kind=Forgetful)
        host = Resident(SETTINGS, loads)
        for _ in range(5 * BROKEN):
            assert isinstance((await host.run(Speak("bug"), Call())).outcome, Failed)
        assert len(loads.models) == 2
        assert says(await host.run(Speak("a"), Call()))
        await host.close()

    play(scene)


def test_the_heap_is_handed_back_a_while_after_a_job_and_not_with_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resident, "TIDY_SECONDS", 0.01)
    tidied = threading.Event()
    monkeypatch.setattr(memory, "trim", tidied.set)

    async def scene() -> None:
        host = Resident(SETTINGS, Loads())
        await host.run(Speak("a"), Call())
        await asyncio.to_thread(tidied.wait, STUCK_S)
        assert tidied.is_set()
        tidied.clear()
        await asyncio.sleep(0.05)
        assert not tidied.is_set()
        await host.run(Speak("a"), Call())
        await asyncio.to_thread(tidied.wait, STUCK_S)
        await host.close()

    play(scene)
