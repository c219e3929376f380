"""Sound to text: windows at pauses, each at most what Whisper hears at once, nothing spoken lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import pairwise

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from audio import Audio
from errors import Unavailable
from pipelines.transcription import (
    LONGEST_PAUSE,
    WINDOW,
    WINDOWS_AHEAD,
    collect,
    transcribe,
    windows_of,
)
from pipelines.vad import Stretch
from tasks import Call, Detect, Segment, Span, Transcribe, Transcript
from tests.pipelines.conftest import RATE, ExactDetector, Scribe, marked, place, play


def texts(job: Transcribe, scribe: Scribe, detector: ExactDetector | None) -> list[Transcript]:
    async def scene() -> list[Transcript]:
        return [text async for text in transcribe(job, scribe, detector, Call())]

    return play(scene())


def whole(job: Transcribe, scribe: Scribe, detector: ExactDetector | None) -> Transcript:
    return play(collect(transcribe(job, scribe, detector, Call())))


def spans(*pairs: tuple[float, float]) -> tuple[Span, ...]:
    return tuple(Span(start, end) for start, end in pairs)


# With a detector


@profile(derandomize=True, deadline=None, max_examples=15)
@given(st.lists(st.integers(1, 400) | st.integers(400, 1500), min_size=1, max_size=12))
def test_everything_spoken_is_transcribed_once_in_its_place(turns: list[int]) -> None:
    edges = np.cumsum(turns) / 10
    speech = [(float(a), float(b)) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    sound, scribe = marked(float(edges[-1]), speech), Scribe()
    text = whole(Transcribe(sound), scribe, ExactDetector())
    assert all(window.duration <= WINDOW for window in scribe.windows)
    heard = np.concatenate(
        [w.samples[w.samples > 0] for w in scribe.windows] or [sound.samples[:0]]
    )
    assert np.array_equal(heard, sound.samples[sound.samples > 0])
    # Each segment says where its window began; so must its times, and those of its words.
    for segment in text.segments:
        assert segment.start == pytest.approx(float(segment.text), abs=0.001)
        assert (segment.words[0].start, segment.words[0].end) == (segment.start, segment.end)
    assert text.duration == pytest.approx(sound.duration)


@profile(derandomize=True, deadline=None, max_examples=50)
@given(st.lists(st.floats(0.1, 40), min_size=1, max_size=12))
def test_windows_hold_neighbouring_speech_and_no_long_pause(turns: list[float]) -> None:
    edges = np.cumsum(turns).tolist()
    found = spans(*zip(edges[::2], edges[1::2], strict=False))
    sound = Audio(np.zeros(round(edges[-1] * RATE), dtype=np.float32), RATE)
    windows = list(windows_of(Stretch(100.0, sound, found)))
    borders = [(w.offset - 100, w.offset - 100 + w.audio.duration) for w in windows]
    assert all(b - a <= WINDOW + 1 / RATE for a, b in borders)
    for before, after in pairwise(found):
        if after.start - before.end > LONGEST_PAUSE:
            assert not any(a < before.end and after.start < b for a, b in borders)
    spoken_for = sum(span.end - span.start for span in found)
    assert sum(b - a for a, b in borders) >= spoken_for - 0.001


def test_short_speech_is_packed_together() -> None:
    sound = marked(60)
    packed = list(windows_of(Stretch(0, sound, spans((1, 10), (11, 20), (22, 30), (32, 40)))))
    assert [(w.offset, w.offset + w.audio.duration) for w in packed] == [(1, 30), (32, 40)]


def test_a_long_pause_ends_a_window() -> None:
    windows = list(windows_of(Stretch(0, marked(60), spans((1, 2), (8, 9), (13, 14)))))
    assert [w.offset for w in windows] == [1, 8]


def test_speech_longer_than_a_window_is_cut_whatever_the_detector_did() -> None:
    windows = list(windows_of(Stretch(0, marked(100), spans((5, 80)))))
    assert [(w.offset, w.audio.duration) for w in windows] == [(5, 30), (35, 30), (65, 15)]


def test_silence_is_an_empty_transcript_and_no_work() -> None:
    scribe = Scribe()
    assert whole(Transcribe(marked(40)), scribe, ExactDetector()) == Transcript((), "en", 40.0)
    assert not scribe.heard


def test_no_sound_is_an_empty_transcript_and_no_work() -> None:
    scribe, detector = Scribe(), ExactDetector()
    assert texts(Transcribe(marked(0)), scribe, detector) == [Transcript((), "en", 0.0)]
    assert texts(Transcribe(marked(0)), scribe, None) == [Transcript((), "en", 0.0)]
    assert not scribe.heard
    assert not detector.heard


def test_the_last_transcript_tells_the_duration_of_it_all() -> None:
    *_, last = texts(Transcribe(marked(700, [(1, 2)])), Scribe(), ExactDetector())
    assert (last.segments, last.language) == ((), "en")
    assert last.duration == pytest.approx(700)


def test_the_detector_is_asked_for_speech_that_fits_a_window() -> None:
    detector, sound = ExactDetector(), marked(5, [(1, 2)])
    chunking = Detect(marked(0), threshold=0.3, min_silence=0.2, padding_before=0.3)
    whole(Transcribe(sound, chunking=chunking), Scribe(), detector)
    whole(Transcribe(sound), Scribe(), detector)
    asked, plain = detector.heard
    assert attrs.evolve(asked, sound=chunking.sound) == attrs.evolve(chunking, max_speech=WINDOW)
    assert attrs.evolve(plain, sound=sound) == Detect(sound, max_speech=WINDOW)


def test_every_window_is_asked_as_the_whole_was() -> None:
    scribe = Scribe(("en", "de"))
    job = Transcribe(
        marked(99, [(1, 20), (30, 50), (60, 80)]),
        language="de",
        translate=True,
        prompt="Harmony",
        temperature=0.3,
        words=True,
        chunking=Detect(marked(0)),
    )
    whole(job, scribe, ExactDetector())
    assert len(scribe.heard) == 3
    for heard in scribe.heard:
        assert attrs.evolve(heard, sound=job.sound, chunking=job.chunking) == job
        assert heard.chunking is None


# Languages

THREE = [(1.0, 20.0), (30.0, 50.0), (60.0, 80.0)]


@pytest.mark.parametrize("detector", [ExactDetector(), None], ids=["detector", "none"])
def test_the_first_window_tells_the_language_of_all(detector: ExactDetector | None) -> None:
    scribe = Scribe(("en", "fr", "de"))
    text = whole(Transcribe(marked(99, THREE), candidates=("fr", "de")), scribe, detector)
    languages = [job.language for job in scribe.heard]
    assert languages == [None] + ["de"] * (len(languages) - 1)
    assert len(languages) >= 3
    assert {job.candidates for job in scribe.heard} == {("fr", "de")}
    assert text.language == "de"


@pytest.mark.parametrize(
    ("languages", "asked", "told"),
    [(("en",), None, "en"), (("en", "de"), "en", "en"), (("en",), "de", "de")],
)
def test_a_language_that_is_known_is_never_guessed(
    languages: tuple[str, ...], asked: str | None, told: str
) -> None:
    scribe = Scribe(languages)
    whole(Transcribe(marked(99, THREE), language=asked), scribe, ExactDetector())
    assert [job.language for job in scribe.heard] == [told] * 3


def test_silence_in_an_unknown_language_has_none() -> None:
    text = whole(Transcribe(marked(40)), Scribe(("en", "de")), ExactDetector())
    assert text == Transcript((), "", 40.0)


# Without a detector


@pytest.mark.parametrize("seconds", [0.01, 29.9, 30, 30.1, 61, 299, 301, 640])
def test_without_a_detector_everything_is_transcribed_once(seconds: float) -> None:
    sound, scribe = marked(seconds), Scribe()
    text = whole(Transcribe(sound), scribe, None)
    assert np.array_equal(np.concatenate([w.samples for w in scribe.windows]), sound.samples)
    assert all(window.duration <= WINDOW for window in scribe.windows)
    assert [s.start for s in text.segments] == pytest.approx([place(w) for w in scribe.windows])
    assert text.duration == pytest.approx(seconds)


def test_without_a_detector_windows_are_cut_where_it_is_quiet() -> None:
    samples = np.ones(65 * RATE, dtype=np.float32)
    quiet = [(27.0, 27.2), (48.0, 48.2)]
    for start, end in quiet:
        samples[round(start * RATE) : round(end * RATE)] = 0.01
    scribe = Scribe()
    text = whole(Transcribe(Audio(samples, RATE)), scribe, None)
    _, second, third = (segment.start for segment in text.segments)
    assert quiet[0][0] < second < quiet[0][1]
    assert quiet[1][0] < third < quiet[1][1]


# The stream


def test_transcripts_come_in_order_and_side_by_side() -> None:
    @attrs.define(eq=False)
    class Turned(Scribe):
        """Answers the later window first."""

        second: asyncio.Event = attrs.Factory(asyncio.Event)

        async def transcribe(self, job: Transcribe, call: Call) -> Transcript:
            assert isinstance(job.sound, Audio)
            if place(job.sound) < 25:
                await self.second.wait()
            self.second.set()
            return await super().transcribe(job, call)

    scribe = Turned()
    text = whole(Transcribe(marked(99, THREE)), scribe, ExactDetector())
    assert [place(w) for w in scribe.windows] != sorted(place(w) for w in scribe.windows)
    assert [segment.start for segment in text.segments] == [1, 30, 60]


def test_few_windows_are_under_way_at_once() -> None:
    @attrs.define(eq=False)
    class Counting(Scribe):
        inside: int = 0
        peak: int = 0

        async def transcribe(self, job: Transcribe, call: Call) -> Transcript:
            self.inside += 1
            self.peak = max(self.peak, self.inside)
            for _ in range(50):
                await asyncio.sleep(0)  # turns of the loop, in which others may begin
            self.inside -= 1
            return await super().transcribe(job, call)

    scribe = Counting()
    speech = [(float(start), start + 1.0) for start in range(0, 280, 7)]
    whole(Transcribe(marked(290, speech)), scribe, ExactDetector())
    assert len(scribe.heard) == len(speech)
    assert scribe.peak == WINDOWS_AHEAD


def test_a_caller_that_leaves_stops_the_work() -> None:
    @attrs.define(eq=False)
    class Slow(Scribe):
        cancelled: int = 0
        begun: asyncio.Event = attrs.Factory(asyncio.Event)

        async def transcribe(self, job: Transcribe, call: Call) -> Transcript:
            assert isinstance(job.sound, Audio)
            if place(job.sound) < 25:
                return await super().transcribe(job, call)
            self.begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            raise AssertionError

    async def scene() -> None:
        scribe, detector = Slow(), ExactDetector()
        stream = transcribe(Transcribe(marked(900, THREE)), scribe, detector, Call())
        async with aclosing(stream):
            reading = asyncio.ensure_future(collect(stream))
            await scribe.begun.wait()
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        assert scribe.cancelled >= 1

    play(scene())


def test_a_window_that_fails_fails_the_transcription_in_its_turn() -> None:
    @attrs.define(eq=False)
    class Failing(Scribe):
        async def transcribe(self, job: Transcribe, call: Call) -> Transcript:
            assert isinstance(job.sound, Audio)
            if place(job.sound) > 25:
                raise Unavailable("full", retry_after=2)
            return await super().transcribe(job, call)

    async def scene() -> list[Transcript]:
        read = []
        stream = transcribe(Transcribe(marked(99, THREE)), Failing(), ExactDetector(), Call())
        async with aclosing(stream):
            with pytest.raises(Unavailable, match="full"):
                async for text in stream:
                    read.append(text)
        return read

    assert [text.segments[0].start for text in play(scene())] == [1]


def test_a_transcript_is_collected_from_its_parts() -> None:
    async def scene() -> Transcript:
        async def parts() -> AsyncGenerator[Transcript, None]:
            yield Transcript((Segment(0, 1, " One."),), "en", 1.0)
            yield Transcript((Segment(2, 3, " Two."),), "de", 3.0)
            yield Transcript((), "", 9.0)

        return await collect(parts())

    text = play(scene())
    assert (text.text, text.language, text.duration) == ("One. Two.", "en", 9.0)
