"""Which models are in memory: loaded when they are asked for, gone after their time or for others' sake.

Each runner has a `Stay`, each device with a `memory_budget` a `Room` that its stays share. Where there
is no budget nothing is asked: a runner loads what it is sent a job for. With one, a job waits until its
model fits: those unused for longest leave first, and none leaves while it has a job.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from errors import SpeechError, TimedOut, Unavailable
from settings import FOREVER, Settings
from tasks import Call, Presence, State

logger = logging.getLogger(__name__)

LONGEST_WAIT = 30.0  # seconds for others to leave; then the caller is told to come back
RETRY = 5.0
LOOK = (
    2.0  # seconds that a runner gets to say how it stands: one that hangs must not keep others out
)


class Tenant(Protocol):
    """A runner as its stay sees it."""

    async def state(self) -> State: ...
    async def load(self) -> State: ...
    async def unload(self) -> State: ...


class Stay:
    """One model's time in memory."""

    def __init__(
        self, name: str, tenant: Tenant, keep_alive: float = FOREVER, room: Room | None = None
    ) -> None:
        self.name = name
        self.users = 0
        self.last_used = 0.0
        self.present: bool | None = None  # None: nobody has asked yet
        self.memory = 0  # bytes when it was last seen in memory
        self._keep_alive = keep_alive
        self._tenant = tenant
        self._room = room
        self._leaving: asyncio.TimerHandle | None = None
        self._unloading: asyncio.Task[State] | None = None

    @asynccontextmanager
    async def used(self, call: Call) -> AsyncIterator[None]:
        """The model is in memory for the length of the block, and its keep_alive after it."""
        self.users += 1
        self._stay()
        try:
            if self._room:
                await self._room.admit(self, call.deadline)
            yield
        finally:
            self.users -= 1
            self.last_used = time.monotonic()
            self.leave_after(self._keep_alive if call.keep_alive is None else call.keep_alive)
            if self._room:
                self._room.somebody_is_idle()

    async def load(self, keep_alive: float | None = None) -> State:
        """Load now, and keep it as if it had been used."""
        async with self.used(Call(keep_alive=keep_alive)):
            return await self.fetch()

    async def fetch(self) -> State:
        """Load, with no regard to others."""
        return self.note(await self._tenant.load())

    async def unload(self) -> State:
        self._stay()
        self.present = False
        return self.note(await self._tenant.unload())

    async def ask(self, timeout: float) -> State:
        """How it stands; raises TimedOut if the runner does not say so in time."""
        try:
            async with asyncio.timeout(timeout):
                return self.note(await self._tenant.state())
        except TimeoutError:
            raise TimedOut(f"{self.name} gave no answer within {timeout} s.") from None

    def note(self, state: State) -> State:
        self.present = state.presence in (Presence.LOADED, Presence.LOADING)
        self.memory = state.memory or self.memory
        return state

    def lost(self) -> None:
        """The process died: whatever was in memory is not any more."""
        self.present = None

    def leave_after(self, seconds: float) -> None:
        self._stay()
        if seconds != FOREVER and not self.users:
            loop = asyncio.get_running_loop()
            self._leaving = loop.call_later(seconds, self._leave)

    def _stay(self) -> None:
        if self._leaving:
            self._leaving.cancel()
            self._leaving = None

    def _leave(self) -> None:
        if not self.users:
            self._unloading = asyncio.ensure_future(self.unload())
            self._unloading.add_done_callback(_logged)


class Room:
    """The memory that the models of one device share."""

    def __init__(self, device: str, budget: int) -> None:
        self.stays: list[Stay] = []
        self._device = device
        self._budget = budget
        self._turn = asyncio.Lock()  # one model comes at a time
        self._idle = asyncio.Event()

    def somebody_is_idle(self) -> None:
        self._idle.set()

    async def admit(self, stay: Stay, deadline: float | None) -> None:
        """Load the model, once it fits."""
        if stay.present:
            return
        async with self._turn:
            await self._look()
            await self._shrink(self._budget - self._wanted(stay), stay, deadline)
            if stay.present:
                return
            await stay.fetch()
            await self._look()
            await self._shrink(self._budget, stay, None)

    def _wanted(self, stay: Stay) -> int:
        return 0 if stay.present else min(stay.memory, self._budget)

    async def _look(self) -> None:
        """Models grow with use, and a runner may have been started anew."""
        await asyncio.gather(*(stay.ask(LOOK) for stay in self.stays), return_exceptions=True)

    async def _shrink(self, target: int, guest: Stay, deadline: float | None) -> None:
        """Send the longest unused away until the others take no more than `target` bytes."""
        until = time.monotonic() + LONGEST_WAIT
        if deadline is not None:
            until = min(until, time.monotonic() + deadline - time.time())
        while (used := sum(stay.memory for stay in self.stays if stay.present)) > target:
            others = [stay for stay in self.stays if stay.present and stay is not guest]
            idle = [stay for stay in others if not stay.users]
            if idle:
                longest = min(idle, key=lambda stay: stay.last_used)
                logger.info(
                    "%s leaves %s to make room for %s", longest.name, self._device, guest.name
                )
                await longest.unload()
            elif not others or guest.present:
                logger.warning(
                    "%s: models in use take %d MB, memory_budget is %d MB",
                    self._device, used // 2**20, self._budget // 2**20,
                )  # fmt: skip
                return
            else:
                await self._somebody_idle(until - time.monotonic(), guest)

    async def _somebody_idle(self, timeout: float, guest: Stay) -> None:
        self._idle.clear()
        try:
            # Not `wait_for`, which in Python 3.11 may swallow the cancellation of its caller.
            async with asyncio.timeout(max(0.0, timeout)):
                await self._idle.wait()
        except TimeoutError:
            raise Unavailable(
                f"The model '{guest.name}' does not fit: memory_budget of {self._device} is "
                f"{self._budget} bytes, and all models in it are busy.",
                code="memory_budget",
                retry_after=RETRY,
            ) from None


class Residency:
    """All stays, and the rooms that they share."""

    def __init__(self, settings: Settings) -> None:
        self._entries = {entry.name: entry for entry in settings.model_configs}
        self._rooms: Mapping[str, Room] = {
            device: Room(device, budget) for device, budget in settings.memory_budget.items()
        }

    def stay(self, name: str, tenant: Tenant) -> Stay:
        """The stay of a configured runner."""
        entry = self._entries[name]
        room = self._rooms.get(entry.device)
        stay = Stay(name, tenant, entry.keep_alive, room)
        if room:
            room.stays.append(stay)
        return stay


def _logged(task: asyncio.Task[State]) -> None:
    if not task.cancelled() and isinstance(error := task.exception(), SpeechError):
        logger.warning("a model could not be unloaded: %s", error.message)
