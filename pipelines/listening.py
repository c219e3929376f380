"""A live sound → turns, and what is said in them, told while it is still being said.

    hear() ──▶ Resampler ──▶ Tape ──▶ Turns        an item opens and closes (or commit() closes it)
                              │
    write()                   └──▶ draft of the open item, again and again: only what stays is told
                                   final text of each closed item, in their order, before any draft

Transcribing never delays hearing. At most one transcription is under way for each listener, so a busy
server makes drafts rarer, not queues longer. A stretch that later sound cannot change (speech of 30 s, or
speech followed by a long pause) is settled: its text stands and its sound is let go.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress

import attrs

from audio import Audio, Resampler, Tape, silence
from errors import InvalidInput, SpeechError, TooLarge
from pipelines import transcription
from pipelines.agreement import Agreement
from pipelines.transcription import LONGEST_PAUSE, WINDOW
from pipelines.turns import Began, Ended, Idled, Sign, TurnRule, Turns
from pipelines.vad import RATE
from runners.base import Detector, Transcriber
from tasks import Call, Detect, Transcribe, Transcript

LEAST_COMMIT = 0.1  # seconds, as at OpenAI
PIECE = 30.0  # seconds that are heard at a time, when much comes at once
DRAFT_STEP = 0.5  # seconds of new sound that are worth another draft
DRAFT_LENGTH = 45.0  # seconds of one draft: a window, and enough after it to see where it ends
# A draft that still waits after so long is of no use; whoever waits for a final text comes first.
DRAFT_PATIENCE, DRAFT_PRIORITY = 5.0, 2
LEAST_REST = 0.1  # seconds between drafts, however fast they are
LOOK_PATIENCE = 30.0  # seconds that a detector may be busy with others
KEPT_SILENCE = 1.0  # seconds of a silent stretch that may hold the beginning of a word


@attrs.frozen
class Ear:
    """How a listener listens."""

    transcriber: Transcriber
    detector: Detector | None
    turns: TurnRule | None = None  # None: only `commit` ends a turn; else there is a detector
    language: str | None = None
    candidates: tuple[str, ...] = ()
    prompt: str | None = None


@attrs.frozen
class Bounds:
    held: float  # seconds of sound that wait for a commit, and as many that wait to be written down
    patience: float  # seconds in which the text of an item must begin


# What a listener tells


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


@attrs.frozen
class Said:
    """Words of an item that will stay; those of all its `Said`, joined, are usually its text."""

    item: str
    words: str


@attrs.frozen
class Written:
    """The text of an item: this one counts."""

    item: str
    text: str
    seconds: float


@attrs.frozen
class Unwritten:
    item: str
    error: SpeechError


News = Started | Stopped | Quiet | Committed | Said | Written | Unwritten


@attrs.define(eq=False)
class _Item:
    """A turn: what was settled of it, and from where on it is still to be written down."""

    ear: Ear
    start: float  # seconds since the listener began, as all times here
    since: float = attrs.field()  # settled up to here
    end: float | None = None  # None while it is open
    sound: Audio = attrs.field(factory=lambda: silence(0.0, RATE))  # from `cut_at` on, once closed
    cut_at: float = 0.0
    id: str = attrs.field(factory=lambda: f"item_{uuid.uuid4().hex[:24]}")
    texts: list[str] = attrs.field(factory=list)
    agreement: Agreement = attrs.field(factory=Agreement)
    language: str | None = None  # of what was settled
    drafted: float = 0.0  # what the latest draft has heard
    told: bool = False

    @since.default
    def _since_its_start(self) -> float:
        return self.start


class Listener:
    """Listens to one speaker."""

    def __init__(
        self, ear: Ear, bounds: Bounds, call: Call, tell: Callable[[News], Awaitable[None]]
    ) -> None:
        self._bounds = bounds
        self._call = call
        self._tell = tell
        self._tape = Tape(RATE)
        self._resampler: Resampler | None = None
        self._floor = 0.0  # the end of what was committed
        self._open: _Item | None = None
        self._closed: deque[_Item] = deque()
        self._previous: str | None = None
        self._stirred = asyncio.Event()  # something to write
        self._eased = asyncio.Event()  # something was written
        self._draft: asyncio.Future[list[Transcript]] | None = None
        self._next_draft = 0.0  # on the loop's clock
        self._turns: Turns | None = None
        self._ear = ear
        self.listen_with(ear)

    def listen_with(self, ear: Ear) -> None:
        """Listen otherwise from now on. A turn that is open stays open."""
        if ear.turns is None or ear.detector is None:
            self._turns = None
        elif self._turns:
            self._turns.rule = ear.turns
        else:
            # Nobody told of what was held for `commit`, so turns may begin in it.
            since = self._open.since if self._open else max(self._floor, self._tape.start)
            self._open = None
            self._turns = Turns(ear.detector, ear.turns, since)
        if self._open:
            self._open.ear = ear
        self._ear = ear

    async def hear(self, audio: Audio) -> None:
        """Take in what comes next; waits while too much is still to be written down."""
        for piece in audio.blocks(audio.rate, PIECE):
            while sum(item.sound.duration for item in self._closed) > self._bounds.held:
                self._eased.clear()
                await self._eased.wait()
            self._tape.record(self._at_rate(piece))
            if self._turns:
                for sign in await self._turns.follow(self._tape, self._within(LOOK_PATIENCE)):
                    await self._obey(sign)
            elif self._open is None:
                self._open = self._new_item(max(self._floor, self._tape.start))
            self._let_go()
            self._stirred.set()

    async def commit(self) -> None:
        """End the turn here, whoever is still speaking."""
        self._flush()
        item = self._open or self._new_item(max(self._floor, self._tape.start))
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
        self._drop_draft()
        self._open = None
        self._restart()

    async def write(self) -> None:
        """Write down what is heard, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._stirred.clear()
            if self._closed:
                await self._finish(self._closed[0])
                self._closed.popleft()
                self._eased.set()
            elif self._open is None or self._undrafted(self._open) < DRAFT_STEP:
                await self._stirred.wait()
            elif (pause := self._next_draft - loop.time()) > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stirred.wait(), pause)
            else:
                await self._sketch(self._open)

    async def _obey(self, sign: Sign) -> None:
        match sign:
            case Began(at):
                self._open = self._new_item(at)
                await self._tell(Started(self._open.id, at))
            case Ended(at):
                assert self._open is not None
                await self._tell(Stopped(self._open.id, at))
                await self._close(self._open, at)
            case Idled(since, at):
                item = self._new_item(since)
                await self._tell(Quiet(item.id, since, at))
                await self._close(item, at)

    def _new_item(self, start: float) -> _Item:
        return _Item(self._ear, start)

    async def _close(self, item: _Item, end: float) -> None:
        self._drop_draft()
        self._open = None
        item.sound, item.cut_at, item.end = self._tape.cut(item.since, end), item.since, end
        self._floor = end
        previous, self._previous = self._previous, item.id
        await self._tell(Committed(item.id, previous))
        self._closed.append(item)
        self._stirred.set()

    def _restart(self) -> None:
        self._floor = self._tape.end
        if self._turns:
            self._turns.restart(self._floor)

    def _let_go(self) -> None:
        """Forget sound that nobody will ask for, and all of it if there is too much."""
        if self._open:
            self._tape.forget(self._open.since)
        elif self._turns:
            self._tape.forget(self._turns.needed)
        held = self._tape.end - (self._open.since if self._open else self._floor)
        if self._open and held > self._bounds.held:
            self.clear()
            raise TooLarge(
                f"The input audio buffer held more than {self._bounds.held:g} s of sound that nobody "
                "committed; it was cleared.",
                code="input_audio_buffer_full",
            )

    # Writing

    def _undrafted(self, item: _Item) -> float:
        return self._tape.end - max(item.since, item.drafted)

    def _drop_draft(self) -> None:
        if self._draft:
            self._draft.cancel()

    async def _sketch(self, item: _Item) -> None:
        """One draft of the open item; that there is no room for it only makes the next one wait."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        until = min(self._tape.end, item.since + DRAFT_LENGTH)
        sound, item.drafted = self._tape.cut(item.since, until), until
        call = attrs.evolve(self._within(DRAFT_PATIENCE), priority=DRAFT_PRIORITY)
        self._draft = asyncio.ensure_future(self._windows(item, sound, call))
        try:
            await asyncio.wait({self._draft})
            if not self._draft.cancelled():
                with suppress(SpeechError):
                    await self._learn(item, self._draft.result(), sound.duration)
        finally:
            self._draft.cancel()
            self._draft = None
            # As long a rest as it took: half of a lane at most, and less of a server that is busy.
            now = loop.time()
            self._next_draft = now + max(now - began, LEAST_REST)

    async def _windows(self, item: _Item, sound: Audio, call: Call) -> list[Transcript]:
        async with aclosing(self._transcripts(item, sound, call)) as found:
            *windows, _ = [window async for window in found]
            return windows

    async def _learn(self, item: _Item, windows: list[Transcript], looked: float) -> None:
        """Settle what later sound cannot change, and tell what stays of the rest."""
        if item is not self._open and item.end is None:
            return  # cleared meanwhile
        live = windows.pop() if windows and windows[-1].duration > looked - LONGEST_PAUSE else None
        began = item.since
        for window in windows:
            await self._settle(item, window)
        if windows:
            item.since = began + windows[-1].duration
        else:
            # At most one window, which ends near the end of the sound: before it there is silence.
            unclear = KEPT_SILENCE + (WINDOW + LONGEST_PAUSE if live else 0.0)
            item.since = began + max(looked - unclear, 0.0)
        if live:
            await self._say(item, item.agreement.hear(_text(live)))

    async def _finish(self, item: _Item) -> None:
        """The text of a closed item."""
        rest = item.sound.cut(item.since - item.cut_at, item.sound.duration)
        found = self._transcripts(item, rest, self._within(self._bounds.patience))
        try:
            async with aclosing(found) as windows:
                async for window in windows:
                    await self._settle(item, window)
        except SpeechError as error:
            await self._tell(Unwritten(item.id, error))
            return
        assert item.end is not None
        await self._tell(Written(item.id, "".join(item.texts).strip(), item.end - item.start))

    def _transcripts(
        self, item: _Item, sound: Audio, call: Call
    ) -> AsyncGenerator[Transcript, None]:
        ear = item.ear
        job = Transcribe(
            sound,
            language=ear.language or item.language,
            candidates=ear.candidates,
            prompt=ear.prompt,
            chunking=Detect(sound, threshold=ear.turns.threshold) if ear.turns else None,
        )
        return transcription.transcribe(job, ear.transcriber, ear.detector, call)

    async def _settle(self, item: _Item, window: Transcript) -> None:
        text = _text(window)
        await self._say(item, item.agreement.settle(text))
        item.agreement = Agreement()
        item.texts.append(text)
        item.language = item.language or window.language or None

    async def _say(self, item: _Item, words: str) -> None:
        words = words if item.told else words.lstrip()
        if words:
            item.told = True
            await self._tell(Said(item.id, words))

    def _within(self, seconds: float) -> Call:
        return attrs.evolve(self._call, deadline=time.time() + seconds)

    # Sound

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


def _text(window: Transcript) -> str:
    """With the space before it that parts it from the window before, in languages that have one."""
    return "".join(segment.text for segment in window.segments).rstrip()
