"""Who stays in memory: kept for a time, sent away for others, never while in use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import attrs
import pytest

import settings
from errors import TimedOut, Unavailable
from runners import residency
from runners.residency import Residency, Stay
from tasks import Call, Presence, State

STUCK_S = 20.0


@attrs.define
class Guest:
    """A runner that takes `size` bytes when it is loaded."""

    size: int = 40
    present: bool = False
    told: list[str] = attrs.field(factory=list)

    async def state(self) -> State:
        return self._state()

    async def load(self) -> State:
        self.told.append("load")
        self.present = True
        return self._state()

    async def unload(self) -> State:
        self.told.append("unload")
        self.present = False
        return self._state()

    def _state(self) -> State:
        presence = Presence.LOADED if self.present else Presence.UNLOADED
        return State(presence, self.size if self.present else 0)


def house(count: int, budget: int | None = 100, **entry: Any) -> tuple[list[Guest], list[Stay]]:
    """Guests a, b, … on one device, each 40 bytes."""
    names = "abcdefgh"[:count]
    tree: dict[str, Any] = {
        "model_configs": [
            {"name": n, "model": "none", "model_type": "none", **entry} for n in names
        ]
    }
    if budget is not None:
        tree["memory_budget"] = {"cpu": budget}
    rooms = Residency(settings.parse(tree))
    guests = [Guest() for _ in names]
    return guests, [rooms.stay(name, guest) for name, guest in zip(names, guests, strict=True)]


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), STUCK_S))


async def use(stay: Stay, **call: Any) -> None:
    async with stay.used(Call(**call)):
        pass


def test_without_a_budget_nobody_is_asked() -> None:
    async def scene() -> None:
        (guest,), (stay,) = house(1, budget=None)
        await use(stay)
        assert guest.told == []

    play(scene)


def test_the_longest_unused_leaves_for_another() -> None:
    async def scene() -> None:
        guests, (a, b, c) = house(3)
        for stay in (a, b, a, c):
            await use(stay)
        assert [guest.present for guest in guests] == [True, False, True]
        await use(b)
        assert [guest.present for guest in guests] == [False, True, True]

    play(scene)


def test_who_is_in_use_stays_and_the_next_waits_for_it() -> None:
    async def scene() -> None:
        guests, (a, b, c) = house(3)
        await use(c)  # what a model takes is known once it was in memory
        await c.unload()
        async with a.used(Call()):
            async with b.used(Call()):
                waiting = asyncio.ensure_future(use(c))
                for _ in range(20):
                    await asyncio.sleep(0)
                assert not waiting.done() and not guests[2].present
            await waiting
            assert [guest.present for guest in guests] == [True, False, True]

    play(scene)


def test_who_cannot_wait_any_longer_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residency, "LONGEST_WAIT", 0.0)

    async def scene() -> None:
        _, (a, b, c) = house(3)
        # What a model takes is known once it was in memory.
        await use(c)
        await c.unload()
        async with a.used(Call()), b.used(Call()):
            with pytest.raises(Unavailable, match="memory_budget of cpu is 100 bytes") as caught:
                await use(c)
        assert caught.value.code == "memory_budget"

    play(scene)


def test_a_model_that_grew_makes_others_leave_when_it_is_seen() -> None:
    async def scene() -> None:
        guests, (a, b, c) = house(3, budget=130)
        for stay in (a, b):
            await use(stay)
        guests[1].size = 80
        await use(c)
        assert [guest.present for guest in guests] == [False, True, True] or guests[2].present
        assert sum(guest.size for guest in guests if guest.present) <= 130

    play(scene)


def test_models_that_were_loaded_at_the_start_count() -> None:
    async def scene() -> None:
        guests, stays = house(4)
        for guest in guests:
            guest.present = True
        await use(stays[3])
        assert guests[3].present
        assert sum(guest.present for guest in guests) == 2

    play(scene)


def test_one_that_is_larger_than_the_budget_is_served_alone() -> None:
    async def scene() -> None:
        guests, (a, b) = house(2)
        guests[1].size = 500
        await use(a)
        await use(b)
        assert [guest.present for guest in guests] == [False, True]

    play(scene)


def test_a_runner_that_was_started_anew_is_loaded_with_regard_to_others() -> None:
    async def scene() -> None:
        guests, (a, _) = house(2)
        await use(a)
        guests[0].present = False
        a.lost()
        await use(a)
        assert guests[0].told == ["load", "load"]

    play(scene)


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.001)


def test_keep_alive_ends_when_it_was_not_used_for_so_long() -> None:
    async def scene() -> None:
        (guest,), (stay,) = house(1, budget=None, keep_alive="10ms")
        guest.present = True
        async with stay.used(Call()):
            await asyncio.sleep(0.03)
            assert guest.told == []
        await until(lambda: guest.told == ["unload"])

    play(scene)


def test_a_use_starts_the_time_anew() -> None:
    async def scene() -> None:
        _, (stay,) = house(1, budget=None, keep_alive=3600)
        await use(stay)
        first = stay._leaving
        await use(stay)
        assert first is not None and first.cancelled()
        assert stay._leaving is not None and not stay._leaving.cancelled()

    play(scene)


@pytest.mark.parametrize(("asked", "leaves"), [(0.0, True), (-1.0, False), (None, False)])
def test_a_request_s_own_keep_alive_counts(asked: float | None, leaves: bool) -> None:
    async def scene() -> None:
        (guest,), (stay,) = house(1, budget=None)
        guest.present = True
        await use(stay, keep_alive=asked)
        for _ in range(5):
            await asyncio.sleep(0)
        if leaves:
            await until(lambda: guest.told == ["unload"])
        assert guest.present is not leaves

    play(scene)


def test_loading_by_hand_respects_the_budget_and_the_time() -> None:
    async def scene() -> None:
        guests, (a, b, c) = house(3)
        for stay in (a, b, c):
            state = await stay.load(3600)
            assert state.presence is Presence.LOADED
            assert stay._leaving is not None
        assert [guest.present for guest in guests] == [False, True, True]

    play(scene)


def test_a_runner_that_hangs_keeps_no_other_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residency, "LOOK", 0.01)

    class Hangs(Guest):
        async def state(self) -> State:
            await asyncio.Event().wait()
            raise AssertionError

    async def scene() -> None:
        guests, (a, b) = house(2)
        b._tenant = Hangs()
        with pytest.raises(TimedOut):
            await b.ask(0.01)
        await use(a)
        assert guests[0].present

    play(scene)
