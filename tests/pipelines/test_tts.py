"""Text to speech: sentence by sentence, one ahead, and never for nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import attrs
import pytest

from audio import Audio, join, silence
from errors import InvalidInput, Unavailable
from pipelines.tts import (
    CLAUSE_PAUSE,
    KEPT_SILENCE,
    SENTENCE_PAUSE,
    SENTENCES_AHEAD,
    speak,
)
from tasks import Call, Card, Speak, Speech, Voice
from tests.pipelines.conftest import marked, play

CARD = Card(
    languages=("en-US", "fr"),
    voices=(Voice("joe", "en-US"), Voice("marie", "fr")),
    default_voice="joe",
    rate=16000,
)
TEXT = "One. Two. Three. Four. Five."


def loud(job: Speak) -> Audio:
    return marked(len(job.text) / 10)


@attrs.define(eq=False)
class Speaker:
    """Says a tenth of a second a character, once it may, and remembers what it was asked."""

    say: Callable[[Speak], Audio] = loud
    described: Card = CARD
    open: bool = True
    heard: list[tuple[Speak, Call]] = attrs.Factory(list)
    cancelled: list[str] = attrs.Factory(list)
    _news: asyncio.Event = attrs.Factory(asyncio.Event)

    async def card(self) -> Card:
        return self.described

    async def synthesize(self, job: Speak, call: Call) -> Speech:
        self.heard.append((job, call))
        self._news.set()
        try:
            if not self.open:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.append(job.text)
            raise
        return Speech(self.say(job))

    @property
    def texts(self) -> list[str]:
        return [job.text for job, _ in self.heard]

    async def until_asked(self, count: int) -> None:
        while len(self.heard) < count:
            self._news.clear()
            await self._news.wait()


def spoken(job: Speak, speaker: Speaker) -> list[Audio]:
    async def scene() -> list[Audio]:
        return [audio async for audio in speak(job, speaker, Call())]

    return play(scene())


def test_each_sentence_is_spoken_in_its_turn() -> None:
    speaker = Speaker()
    durations = [audio.duration for audio in spoken(Speak("Hi there. No. Right now!"), speaker)]
    assert speaker.texts == ["Hi there.", "No.", "Right now!"]
    assert durations == pytest.approx([0.9, 0.3 + SENTENCE_PAUSE, 1.0 + SENTENCE_PAUSE])


def test_a_clause_is_followed_by_a_shorter_pause_and_a_fast_reader_pauses_less() -> None:
    early = (
        "The early piece ends where its first clause ends, and all the rest of it comes after that."
    )
    _, rest = spoken(Speak(early, speed=2.0), Speaker())
    text = early.partition(", ")[2]
    assert rest.duration == pytest.approx(len(text) / 10 + CLAUSE_PAUSE / 2)


def test_the_silence_that_a_model_adds_is_cut() -> None:
    def slow_starter(job: Speak) -> Audio:
        return join([silence(0.5, 16000), loud(job), silence(0.8, 16000)], 16000)

    (only,) = spoken(Speak("Hi there."), Speaker(say=slow_starter))
    assert only.duration == pytest.approx(0.9 + 2 * KEPT_SILENCE, abs=0.02)


def test_every_sentence_is_asked_as_the_whole_was() -> None:
    speaker, call = Speaker(), Call(priority=3, deadline=1e10)
    job = Speak("One. Two.", voice="marie", language="fr", speed=1.5)

    async def scene() -> None:
        async for _ in speak(job, speaker, call):
            pass

    play(scene())
    assert speaker.heard == [
        (attrs.evolve(job, text="One."), call),
        (attrs.evolve(job, text="Two."), attrs.evolve(call, priority=4)),  # not heard yet
    ]


@pytest.mark.parametrize(
    ("job", "card", "sentences"),
    [
        (Speak("Das ist z.B. gut.", language="de"), CARD, 1),
        (Speak("Das ist z.B. gut.", voice="a"), Card(voices=(Voice("a", "de-DE"),)), 1),
        (Speak("Das ist z.B. gut."), Card(("de",)), 1),
        (Speak("Hello. You."), Card(), 2),
    ],
    ids=["asked", "of the voice", "of the model", "english"],
)
def test_sentences_end_by_the_rules_of_the_language(job: Speak, card: Card, sentences: int) -> None:
    speaker = Speaker(described=card)
    spoken(job, speaker)
    assert len(speaker.heard) == sentences


def test_a_model_is_left_to_choose_its_language_itself() -> None:
    speaker = Speaker()
    spoken(Speak("One."), speaker)
    assert speaker.heard[0][0].language is None


@pytest.mark.parametrize("text", ["", "  \n ", "…", "!?", "😀"])
def test_a_text_that_gives_no_sound_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        spoken(Speak(text), Speaker(say=lambda job: silence(0, 16000)))
    assert caught.value.param == "input"


def test_a_sentence_without_sound_is_left_out() -> None:
    speaker = Speaker(say=lambda job: silence(0, 16000) if job.text == "…" else loud(job))
    assert len(spoken(Speak("One.\n…\nTwo."), speaker)) == 2
    assert speaker.texts == ["One.", "…", "Two."]


def test_the_next_sentence_is_made_while_one_is_heard_and_no_more() -> None:
    async def scene() -> None:
        speaker = Speaker()
        async with aclosing(speak(Speak(TEXT), speaker, Call())) as stream:
            for heard in range(1, 4):
                await anext(stream)
                await speaker.until_asked(heard + 1)
                assert len(speaker.heard) <= heard - 1 + SENTENCES_AHEAD

    play(scene())


def test_two_sentences_are_under_way_at_once() -> None:
    async def scene() -> None:
        speaker = Speaker(open=False)
        stream = speak(Speak(TEXT), speaker, Call())
        reading = asyncio.ensure_future(anext(stream))
        await speaker.until_asked(SENTENCES_AHEAD)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert speaker.texts == ["One.", "Two."]
        assert sorted(speaker.cancelled) == ["One.", "Two."]

    play(scene())


def test_a_listener_that_leaves_stops_the_work() -> None:
    async def scene() -> None:
        speaker = Speaker()
        async with aclosing(speak(Speak(TEXT), speaker, Call())) as stream:
            await anext(stream)
            speaker.open = False
            await speaker.until_asked(2)
        assert len(speaker.heard) <= SENTENCES_AHEAD

    play(scene())


def test_a_runner_that_fails_fails_the_speech_in_its_turn() -> None:
    def say(job: Speak) -> Audio:
        if job.text == "Two.":
            raise Unavailable("gone", retry_after=5)
        return loud(job)

    async def scene() -> None:
        async with aclosing(speak(Speak(TEXT), Speaker(say=say), Call())) as stream:
            await anext(stream)
            with pytest.raises(Unavailable, match="gone"):
                await anext(stream)

    play(scene())


def test_the_beginning_is_more_urgent_than_what_is_not_heard_yet() -> None:
    async def scene() -> None:
        speaker = Speaker()
        async with aclosing(speak(Speak(TEXT), speaker, Call(priority=3))) as sounds:
            async for _ in sounds:
                pass
        assert [call.priority for _, call in speaker.heard] == [3, 4, 4, 4, 4]

    play(scene())
