"""A live sound → turns, and their texts.

    hear() ──▶ Resampler ──▶ Tape ──▶ Turns       when an item opens and closes; or commit() closes it
                              │
    write()                   └──▶ Dictation      what is said in it

Transcribing never delays hearing, unless more sound waits for it than memory is meant to hold.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import attrs

from audio import Audio, Resampler, Tape
from errors import InvalidInput, TooLarge
from pipelines.dictation import Dictation, Ear, Item, Text
from pipelines.turns import Began, Ended, Idled, Sign, Turns
from pipelines.vad import RATE
from tasks import Call

LEAST_COMMIT = 0.1  # seconds, as at OpenAI
PIECE = 30.0  # seconds that are heard at a time, when much comes at once
LOOK_PATIENCE = 30.0  # seconds that a detector may be busy with others


@attrs.frozen
class Bounds:
    held: float  # seconds of sound that wait for a commit, and as many that wait to be written down
    patience: float  # seconds in which the text of an item must begin


# What a listener tells, beside texts


@attrs.frozen
class Started:
    item: str
    at: float


@attrs.frozen
class Stopped:
    item: str
    at: float


@attrs.frozen
class Quiet:
    item: str
    start: float
    end: float


@attrs.frozen
class Committed:
    item: str
    previous: str | None


News = Started | Stopped | Quiet | Committed | Text


class Listener:
    """Listens to one speaker."""

    def __init__(
        self, ear: Ear, bounds: Bounds, call: Call, tell: Callable[[News], Awaitable[None]]
    ) -> None:
        self._bounds = bounds
        self._call = call
        self._tell = tell
        self._tape = Tape(RATE)
        self._dictation = Dictation(self._tape, call, bounds.patience, tell)
        self._resampler: Resampler | None = None
        self._floor = 0.0  # the end of what was committed
        self._previous: str | None = None
        self._turns: Turns | None = None
        self._ear = ear
        self.listen_with(ear)

    def listen_with(self, ear: Ear) -> None:
        """Listen otherwise from now on. A turn that is open stays open."""
        item = self._dictation.open
        if ear.turns is None or ear.detector is None:
            self._turns = None
        elif self._turns:
            self._turns.rule = ear.turns
        else:
            # Nobody was told of what is held for `commit`, so turns may begin in it.
            self._dictation.drop()
            self._turns = Turns(ear.detector, ear.turns, item.since if item else self._held_from)
        if item:
            item.ear = ear
        self._ear = ear

    async def hear(self, audio: Audio) -> None:
        """Take in what comes next; waits while too much is still to be written down."""
        for piece in audio.blocks(audio.rate, PIECE):
            await self._dictation.room(self._bounds.held)
            self._tape.record(self._at_rate(piece))
            if self._turns:
                await self._take_turns(self._turns)
            elif self._dictation.open is None:
                self._dictation.begin(Item(self._ear, self._held_from))
            self._let_go()
            self._dictation.stir()

    async def commit(self) -> None:
        """End the turn here, whoever is still speaking."""
        self._flush()
        item = self._dictation.open or Item(self._ear, self._held_from)
        seconds = self._tape.end - item.start
        if seconds < LEAST_COMMIT:
            raise InvalidInput(
                f"The input audio buffer holds {seconds * 1000:.0f} ms of sound; "
                f"at least {LEAST_COMMIT * 1000:.0f} ms can be committed.",
                code="input_audio_buffer_commit_empty",
            )
        await self._close(item, self._tape.end)
        self._restart()

    def clear(self) -> None:
        """Forget what was not committed."""
        self._flush()
        self._dictation.drop()
        self._restart()

    async def write(self) -> None:
        """Write down what is heard, until cancelled."""
        await self._dictation.write()

    @property
    def _held_from(self) -> float:
        return max(self._floor, self._tape.start)

    async def _take_turns(self, turns: Turns) -> None:
        call = attrs.evolve(self._call, deadline=time.time() + LOOK_PATIENCE)
        async with aclosing(turns.follow(self._tape, call)) as signs:
            async for sign in signs:
                await self._obey(sign)

    async def _obey(self, sign: Sign) -> None:
        match sign:
            case Began(at):
                item = Item(self._ear, at)
                self._dictation.begin(item)
                await self._tell(Started(item.id, at))
            case Ended(at):
                ended = self._dictation.open
                assert ended is not None
                await self._tell(Stopped(ended.id, at))
                await self._close(ended, at)
            case Idled(since, at):
                item = Item(self._ear, since)
                await self._tell(Quiet(item.id, since, at))
                await self._close(item, at)

    async def _close(self, item: Item, end: float) -> None:
        self._floor = end
        previous, self._previous = self._previous, item.id
        self._dictation.drop()
        await self._tell(Committed(item.id, previous))
        self._dictation.close(item, end)

    def _restart(self) -> None:
        self._floor = self._tape.end
        if self._turns:
            self._turns.restart(self._floor)

    def _let_go(self) -> None:
        """Forget sound that nobody will ask for, and all of it if there is too much."""
        item = self._dictation.open
        if item:
            self._tape.forget(item.since)
        elif self._turns:
            self._tape.forget(self._turns.needed)
        if item and self._tape.end - item.since > self._bounds.held:
            self.clear()
            raise TooLarge(
                f"The input audio buffer held more than {self._bounds.held:g} s of sound that nobody "
                "committed; it was cleared.",
                code="input_audio_buffer_full",
            )

    def _at_rate(self, audio: Audio) -> Audio:
        if self._resampler is None or self._resampler.source_rate != audio.rate:
            self._flush()
            self._resampler = Resampler(audio.rate, RATE)
        return self._resampler.push(audio)

    def _flush(self) -> None:
        """Record what the filter still holds: what comes next is another sound."""
        if self._resampler:
            self._tape.record(self._resampler.finish())
            self._resampler = None
