"""Stand-ins for runners: they satisfy the Protocols of `runners/base.py` and need no weights.

Each remembers what it was asked, fails where it is told to, and can be held up: a held one waits until
it is cancelled or let go, so tests of disconnects need no clock.

    FakeSynthesizer, FakeTranscriber, FakeDetector, FakeEmbedder,
    FakeConverter, FakeComposer, FakeVocoder,
    FakeRestorer, FakeAnalyser               what a pipeline is given
    WordTranscriber                          hears the words of `said`, each by its loudness
    FakeService                              what BentoML puts before a runner; wants a RunnerHandle
    Speaks, Transcribes, Detects, Embeds, Converts,
    Composes, Vocodes, Restores, Analyses    what `model_type` names: tests.fakes:Speaks
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import attrs
import numpy as np

from audio import Audio, join, silence
from errors import InvalidInput, SpeechError
from runners.base import CAPABILITY_OF
from tasks import (
    Activity,
    Analyse,
    Answer,
    Call,
    Capability,
    Card,
    Compose,
    Convert,
    Detect,
    Embed,
    Embedding,
    Features,
    Grid,
    Job,
    Knob,
    Presence,
    Restore,
    Segment,
    Span,
    Speak,
    Speech,
    State,
    Transcribe,
    Transcript,
    Vocode,
    Voice,
    Word,
)

RATE = 24000
SECONDS_PER_CHARACTER = 0.05
BANDS = np.geomspace(80, 4000, 24)  # Hz; by these the fake embedder tells voices apart
LOUD = 0.01  # amplitude that the fake detector takes for speech


def tone(seconds: float, rate: int = RATE, pitch: float = 200.0) -> Audio:
    """A sound that is not silence: a tone of `pitch` Hz at half of full scale."""
    times = np.arange(round(seconds * rate), dtype=np.float32) / np.float32(rate)
    return Audio((0.5 * np.sin(2 * np.pi * pitch * times)).astype(np.float32), rate)


@attrs.define
class Hold:
    """A door that work can be kept waiting at."""

    reached: asyncio.Event = attrs.field(factory=asyncio.Event)
    opened: asyncio.Event = attrs.field(factory=asyncio.Event)
    cancelled: int = 0

    async def wait(self) -> None:
        self.reached.set()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


@attrs.define(eq=False)
class _Fake:
    """`failures` and `holds` count jobs from 0, in the order in which they arrive."""

    failures: Mapping[int, Exception] = attrs.field(factory=dict)
    holds: Mapping[int, Hold] = attrs.field(factory=dict)
    jobs: list[Any] = attrs.field(factory=list)
    calls: list[Call] = attrs.field(factory=list)

    async def _arrive(self, job: Job, call: Call) -> int:
        number = len(self.jobs)
        self.jobs.append(job)
        self.calls.append(call)
        if number in self.holds:
            await self.holds[number].wait()
        if number in self.failures:
            raise self.failures[number]
        return number


SPEAKER = Card(
    languages=("en-US", "es"),
    voices=(Voice("ann", "en-US"), Voice("bob", "en-US"), Voice("carmen", "es")),
    default_voice="ann",
    rate=RATE,
)
LISTENER = Card(languages=("en", "de"), rate=16000)
WATCHER = Card(rate=16000)
NOSE = Card(rate=16000, same_speaker=0.7, space="pitch")
MASK = Card(rate=RATE, space="pitch", grid=Grid(step=240, context=2400))
HOP = 240  # samples of a frame that the fake composer makes
MELODY = (Knob("pitch", 0.25, 4.0, 1.0), Knob("energy", 0.25, 4.0, 1.0))
WRITER = Card(languages=("en",), rate=RATE, space="pitch", knobs=MELODY)
CLEANER, HEARER = Card(rate=RATE), Card(rate=RATE, space="notes", modes=3)
SINGER = Card(rate=RATE, space="notes", grid=Grid(step=HOP, context=2 * HOP))


@attrs.define
class FakeSynthesizer(_Fake):
    """Says a tone as long as the text has letters and digits; nothing for a text without any."""

    offers: Card = SPEAKER

    async def card(self) -> Card:
        return self.offers

    async def synthesize(self, job: Speak, call: Call) -> Speech:
        await self._arrive(job, call)
        if job.language is not None and job.language not in self.offers.languages:
            raise InvalidInput(f"unknown language {job.language!r}", param="language")
        said = sum(character.isalnum() for character in job.text)
        return Speech(tone(said * SECONDS_PER_CHARACTER / job.speed))


@attrs.define
class FakeTranscriber(_Fake):
    """Hears in each window the next of `texts`, from its beginning to its end."""

    offers: Card = LISTENER
    texts: Sequence[str] = (" Hello there.",)

    async def card(self) -> Card:
        return self.offers

    async def transcribe(self, job: Transcribe, call: Call) -> Transcript:
        number = await self._arrive(job, call)
        heard = join(list(job.sound.blocks(16000, 60.0)), 16000).duration
        text = self.texts[min(number, len(self.texts) - 1)]
        segment = Segment(
            0.0, heard, text, (50364, 2425), 0.0, -0.25, 0.8, 0.01, _words(text, heard)
        )
        return Transcript((segment,), job.language or "en", heard)


WORDS = (
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett",
    "kilo", "lima", "mike", "november", "oscar",
)  # fmt: skip
WORD_SECONDS, GAP_SECONDS = 0.3, 0.1


def said(words: Sequence[str], rate: int = 24000) -> Audio:
    """A sound of these WORDS: each a tone whose loudness tells which it is, and a gap after it."""
    pieces = [
        piece
        for word in words
        for piece in (
            Audio(tone(WORD_SECONDS, rate).samples * np.float32(_loudness(word) / 0.5), rate),
            silence(GAP_SECONDS, rate),
        )
    ]
    return join(pieces, rate)


def _loudness(word: str) -> float:
    return 0.1 + 0.05 * WORDS.index(word)


@attrs.define
class WordTranscriber(_Fake):
    """Hears the words of `said`, and only half of one whose end is cut off."""

    offers: Card = LISTENER

    async def card(self) -> Card:
        return self.offers

    async def transcribe(self, job: Transcribe, call: Call) -> Transcript:
        await self._arrive(job, call)
        sound = join(list(job.sound.blocks(16000, 60.0)), 16000)
        heard = [
            word if duration > 0.8 * WORD_SECONDS else word[:2] for word, duration in _tones(sound)
        ]
        text = "".join(f" {word}" for word in heard)
        return Transcript(
            (Segment(0.0, sound.duration, text),) if text else (),
            job.language or "en",
            sound.duration,
        )


def _tones(sound: Audio) -> list[tuple[str, float]]:
    """The word and the duration of each tone."""
    frames = sound.samples[: len(sound.samples) // 160 * 160].reshape(-1, 160)
    peaks = np.abs(frames).max(axis=1)
    found, begun = [], None
    for index, loud in enumerate([*(peaks > LOUD).tolist(), False]):
        if loud and begun is None:
            begun = index
        elif not loud and begun is not None:
            loudness = float(np.median(peaks[begun:index]))
            found.append((WORDS[round((loudness - 0.1) / 0.05)], (index - begun) / 100))
            begun = None
    return found


@attrs.define
class FakeDetector(_Fake):
    """Takes what is loud for speech, to a hundredth of a second."""

    offers: Card = WATCHER

    async def card(self) -> Card:
        return self.offers

    async def detect(self, job: Detect, call: Call) -> Activity:
        await self._arrive(job, call)
        sound = join(list(job.sound.blocks(16000, 60.0)), 16000)
        frames = sound.samples[: len(sound.samples) // 160 * 160].reshape(-1, 160)
        loud = np.concatenate([[0], np.abs(frames).max(axis=1) > LOUD, [0]]).astype(int)
        starts, ends = np.flatnonzero(np.diff(loud) > 0), np.flatnonzero(np.diff(loud) < 0)
        spans = tuple(Span(s / 100, e / 100) for s, e in zip(starts, ends, strict=True))
        return Activity(spans, sound.duration)


@attrs.define(eq=False)  # a runner is itself, as the real one's handle is
class FakeEmbedder(_Fake):
    """Tells voices by their pitch."""

    offers: Card = NOSE
    at_work: int = 0
    most_at_work: int = 0

    async def card(self) -> Card:
        return self.offers

    async def embed(self, job: Embed, call: Call) -> Embedding:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            await self._arrive(job, call)
            await asyncio.sleep(0)
        finally:
            self.at_work -= 1
        found = by_pitch(job)
        if isinstance(found, InvalidInput):
            raise found
        return found


def by_pitch(job: Embed) -> Embedding | InvalidInput:
    """How much of a sound lies in which band."""
    sound = join(list(job.sound.blocks(16000, 60.0)), 16000)
    strength = np.abs(np.fft.rfft(sound.samples))
    pitches = np.fft.rfftfreq(len(sound.samples), 1 / 16000)
    bands, _ = np.histogram(pitches, BANDS, weights=strength**2)
    if not bands.sum() > LOUD:
        return InvalidInput("there is no voice in this sound")
    return Embedding(np.sqrt(bands).astype(np.float32), "pitch")


@attrs.define
class FakeConverter(_Fake):
    """Says the same on the target's pitch, as loud as the source at each moment."""

    offers: Card = MASK

    async def card(self) -> Card:
        return self.offers

    async def convert(self, job: Convert, call: Call) -> Speech:
        await self._arrive(job, call)
        for voice in (job.source, job.target):
            if voice.space != self.offers.space:
                raise InvalidInput(f"an embedding of {voice.space}")
        sound = join(list(job.sound.blocks(RATE, 60.0)), RATE)
        times = (np.arange(len(sound.samples)) + job.offset) / RATE
        pitch = np.sqrt(BANDS[:-1] * BANDS[1:])[int(job.target.vector.argmax())]
        sung = np.abs(sound.samples) * np.sin(2 * np.pi * pitch * times)
        return Speech(Audio(sung.astype(np.float32), RATE))


@attrs.define
class FakeComposer(_Fake):
    """Notes [loudness and Hz, frames] for a text's letters and digits, on the voice's pitch."""

    offers: Card = WRITER

    async def card(self) -> Card:
        return self.offers

    async def compose(self, job: Compose, call: Call) -> Features:
        await self._arrive(job, call)
        if job.voice.space != self.offers.space:
            raise InvalidInput(f"an embedding of {job.voice.space}")
        said = sum(character.isalnum() for character in job.text)
        frames = round(said * SECONDS_PER_CHARACTER / job.speed * RATE / HOP)
        pitch = np.sqrt(BANDS[:-1] * BANDS[1:])[int(job.voice.vector.argmax())] * job.pitch
        note = np.array([[0.5 * job.energy], [pitch]], dtype=np.float32)
        return Features(np.repeat(note, frames, axis=1), "notes")


@attrs.define
class FakeVocoder(_Fake):
    """Sings notes, each part from the beginning of a wave."""

    offers: Card = SINGER

    async def card(self) -> Card:
        return self.offers

    async def vocode(self, job: Vocode, call: Call) -> Speech:
        await self._arrive(job, call)
        if job.features.space != self.offers.space:
            raise InvalidInput(f"features of {job.features.space}")
        loudness, pitches = np.repeat(job.features.mel.astype(np.float64), HOP, axis=1)
        sung = loudness * np.sin(2 * np.pi * np.cumsum(pitches) / RATE)
        return Speech(Audio(sung.astype(np.float32), RATE))


@attrs.define
class FakeRestorer(_Fake):
    """Takes away all that is quieter than a tenth."""

    offers: Card = CLEANER

    async def card(self) -> Card:
        return self.offers

    async def restore(self, job: Restore, call: Call) -> Speech:
        await self._arrive(job, call)
        sound = join(list(job.sound.blocks(RATE, 60.0)), RATE)
        return Speech(Audio(np.where(np.abs(sound.samples) < 0.1, 0, sound.samples), RATE))


@attrs.define
class FakeAnalyser(_Fake):
    """Hears notes [loudness and Hz, frames] of the loudest pitch; mode 1 an octave higher."""

    offers: Card = HEARER

    async def card(self) -> Card:
        return self.offers

    async def analyse(self, job: Analyse, call: Call) -> Features:
        await self._arrive(job, call)
        sound = join(list(job.sound.blocks(RATE, 60.0)), RATE).samples
        pitch = np.abs(np.fft.rfft(sound)).argmax() * RATE / max(len(sound), 1) * (1 + job.mode)
        note = np.array([[np.abs(sound).max(initial=0)], [pitch]], dtype=np.float32)
        return Features(np.repeat(note, len(sound) // HOP, axis=1), "notes")


Fake = (
    FakeSynthesizer
    | FakeTranscriber
    | WordTranscriber
    | FakeDetector
    | FakeEmbedder
    | FakeConverter
    | FakeComposer
    | FakeVocoder
    | FakeRestorer
    | FakeAnalyser
)


@attrs.define
class FakeService:
    """A runner's process as its handle sees it; `broken` is what asking it raises, `mute` never answers."""

    fake: Fake
    broken: Exception | None = None
    mute: bool = False
    presence: Presence = Presence.LOADED
    problem: SpeechError | None = None

    async def card(self) -> Card:
        await self._reach()
        return await self.fake.card()

    async def state(self) -> State:
        await self._reach()
        memory = 1024 if self.presence is Presence.LOADED else 0
        return State(self.presence, memory, self.fake.offers, self.problem)

    async def load(self) -> State:
        await self._reach()
        self.presence = Presence.FAILED if self.problem else Presence.LOADED
        return await self.state()

    async def unload(self) -> State:
        await self._reach()
        self.presence = Presence.UNLOADED
        return await self.state()

    async def run(self, job: Job, call: Call) -> Answer:
        await self._reach()
        try:
            return Answer(await getattr(self.fake, CAPABILITY_OF[type(job)].value)(job, call))
        except SpeechError as error:
            return Answer(error)

    async def _reach(self) -> None:
        if self.mute:
            await asyncio.Event().wait()
        if self.broken is not None:
            raise self.broken


@attrs.frozen
class NoOptions:
    pass


class Speaks:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.SPEAK,)
    options: ClassVar[type] = NoOptions


class Transcribes:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.TRANSCRIBE,)
    options: ClassVar[type] = NoOptions


class Detects:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.DETECT,)
    options: ClassVar[type] = NoOptions


class Embeds:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.EMBED,)
    options: ClassVar[type] = NoOptions


class Converts:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.CONVERT,)
    options: ClassVar[type] = NoOptions


class Composes:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.COMPOSE,)
    options: ClassVar[type] = NoOptions


class Vocodes:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.VOCODE,)
    options: ClassVar[type] = NoOptions


class Restores:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.RESTORE,)
    options: ClassVar[type] = NoOptions


class Analyses:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.ANALYSE,)
    options: ClassVar[type] = NoOptions


def conversation(*parts: tuple[float, float, float], rate: int = 16000) -> Audio:
    """A sound of (seconds of silence, seconds of a tone, its pitch in Hz)."""
    pieces = [
        piece
        for pause, said, pitch in parts
        for piece in (silence(pause, rate), tone(said, rate, pitch))
    ]
    return join(pieces, rate)


def spoken_sound(*parts: tuple[float, float], rate: int = 16000) -> Audio:
    """A sound of (seconds of silence, seconds of tone) pairs."""
    pieces = [piece for pause, said in parts for piece in (silence(pause, rate), tone(said, rate))]
    return join(pieces, rate)


def _words(text: str, seconds: float) -> tuple[Word, ...]:
    words = text.split()
    step = seconds / max(len(words), 1)
    return tuple(Word(i * step, (i + 1) * step, f" {word}", 0.9) for i, word in enumerate(words))
