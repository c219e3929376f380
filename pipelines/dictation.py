"""Turns → what is said in them, told while it is still being said.

    the open item      draft, draft, draft …     of each only what will stay is told
    closed items       the final text            in their order, and before any draft

At most one transcription is under way, so a busy server makes drafts rarer, not queues longer. A stretch
that later sound cannot change (a window of speech, or speech followed by a long pause) is settled: its text
stands and its sound is let go.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress

import attrs

from audio import Audio, Tape, silence
from errors import SpeechError
from pipelines import transcription
from pipelines.agreement import Agreement
from pipelines.transcription import LONGEST_PAUSE, WINDOW
from pipelines.turns import TurnRule
from pipelines.vad import RATE
from runners.base import Detector, Transcriber
from tasks import Call, Detect, Transcribe, Transcript

DRAFT_STEP = 0.5  # seconds of new sound that are worth another draft
DRAFT_LENGTH = 45.0  # seconds of one draft: a window, and enough after it to see where it ends
# A draft that still waits after so long is of no use; whoever waits for a final text comes first.
DRAFT_PATIENCE, DRAFT_PRIORITY = 5.0, 2
LEAST_REST = 0.1  # seconds between drafts, however fast they are
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


Text = Said | Written | Unwritten


@attrs.define(eq=False)
class Item:
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


@attrs.frozen
class _Sketch:
    """What one look at the open item gave."""

    final: tuple[Transcript, ...]
    settled: float  # seconds of the sound that `final` is the text of
    live: Transcript | None  # a draft of what comes after


class Dictation:
    """Writes down the items of one tape; a text must begin within `patience` seconds."""

    def __init__(
        self, tape: Tape, call: Call, patience: float, tell: Callable[[Text], Awaitable[None]]
    ) -> None:
        self._tape = tape
        self._call = call
        self._patience = patience
        self._tell = tell
        self._open: Item | None = None
        self._closed: deque[Item] = deque()
        self._stirred = asyncio.Event()  # something to write
        self._eased = asyncio.Event()  # something was written
        self._draft: asyncio.Future[_Sketch] | None = None
        self._next_draft = 0.0  # on the loop's clock

    @property
    def open(self) -> Item | None:
        return self._open

    def begin(self, item: Item) -> None:
        """Draft this item from now on."""
        self._open = item

    def close(self, item: Item, end: float) -> None:
        """The item is whole: write it down."""
        self.drop()
        item.sound, item.cut_at, item.end = self._tape.cut(item.since, end), item.since, end
        self._closed.append(item)
        self._stirred.set()

    def drop(self) -> None:
        """Forget the open item."""
        self._open = None
        if self._draft:
            self._draft.cancel()

    def stir(self) -> None:
        """There is more on the tape."""
        self._stirred.set()

    async def room(self, seconds: float) -> None:
        """Wait until at most so much closed sound is still to be written down."""
        while sum(item.sound.duration for item in self._closed) > seconds:
            self._eased.clear()
            await self._eased.wait()

    async def write(self) -> None:
        """Write down what there is, until cancelled."""
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
                    # Not `wait_for`, which in Python 3.11 may swallow the cancellation of its caller.
                    async with asyncio.timeout(pause):
                        await self._stirred.wait()
            else:
                await self._sketch(self._open)

    def _undrafted(self, item: Item) -> float:
        return self._tape.end - max(item.since, item.drafted)

    async def _sketch(self, item: Item) -> None:
        """One draft of the open item; that there is no room for it only makes the next one wait."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        until = min(self._tape.end, item.since + DRAFT_LENGTH)
        sound, item.drafted = self._tape.cut(item.since, until), until
        self._draft = asyncio.ensure_future(self._look(item, sound))
        try:
            await asyncio.wait({self._draft})
            if not self._draft.cancelled():
                with suppress(SpeechError):
                    await self._learn(item, self._draft.result())
        finally:
            self._draft.cancel()
            self._draft = None
            # As long a rest as it took: half of a lane at most, and less of a server that is busy.
            now = loop.time()
            self._next_draft = now + max(now - began, LEAST_REST)

    async def _look(self, item: Item, sound: Audio) -> _Sketch:
        """Draft a sound, and write down for good what later sound cannot change of it."""
        call = attrs.evolve(self._within(DRAFT_PATIENCE), priority=DRAFT_PRIORITY)
        drafts = await _all(self._transcripts(item, sound, call, draft=True))
        live = drafts.pop() if drafts and _reaches_end(drafts[-1], sound) else None
        if not drafts:
            # At most one window, which ends near the end of the sound: before it there is silence.
            unclear = KEPT_SILENCE + (WINDOW + LONGEST_PAUSE if live else 0.0)
            return _Sketch((), max(sound.duration - unclear, 0.0), live)
        settled = drafts[-1].duration
        call = attrs.evolve(self._within(self._patience), priority=DRAFT_PRIORITY)
        final = await _all(self._transcripts(item, sound.cut(0.0, settled), call))
        return _Sketch(tuple(final), settled, live)

    async def _learn(self, item: Item, sketch: _Sketch) -> None:
        if item is not self._open and item.end is None:
            return  # cleared meanwhile
        for window in sketch.final:
            await self._settle(item, window)
        item.since += sketch.settled
        if sketch.live:
            await self._say(item, item.agreement.hear(_text(sketch.live)))

    async def _finish(self, item: Item) -> None:
        """The text of a closed item."""
        rest = item.sound.cut(item.since - item.cut_at, item.sound.duration)
        found = self._transcripts(item, rest, self._within(self._patience))
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
        self, item: Item, sound: Audio, call: Call, draft: bool = False
    ) -> AsyncGenerator[Transcript, None]:
        ear = item.ear
        job = Transcribe(
            sound,
            language=ear.language or item.language,
            candidates=ear.candidates,
            prompt=ear.prompt,
            draft=draft,
            chunking=Detect(sound, threshold=ear.turns.threshold) if ear.turns else None,
        )
        return transcription.transcribe(job, ear.transcriber, ear.detector, call)

    async def _settle(self, item: Item, window: Transcript) -> None:
        text = _text(window)
        await self._say(item, item.agreement.settle(text))
        item.agreement = Agreement()
        item.texts.append(text)
        item.language = item.language or window.language or None

    async def _say(self, item: Item, words: str) -> None:
        words = words if item.told else words.lstrip()
        if words:
            item.told = True
            await self._tell(Said(item.id, words))

    def _within(self, seconds: float) -> Call:
        return attrs.evolve(self._call, deadline=time.time() + seconds)


async def _all(transcripts: AsyncGenerator[Transcript, None]) -> list[Transcript]:
    """One for each window; the one after the last only tells how long the sound was."""
    async with aclosing(transcripts) as found:
        *windows, _ = [window async for window in found]
        return windows


def _reaches_end(window: Transcript, sound: Audio) -> bool:
    """Whether what comes next may belong to this window, for all that is known."""
    return window.duration > sound.duration - LONGEST_PAUSE


def _text(window: Transcript) -> str:
    """With the space before it that parts it from the window before, in languages that have one."""
    return "".join(segment.text for segment in window.segments).rstrip()
