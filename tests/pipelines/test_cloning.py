"""Clones: each sentence converted in its turn, away from a tone that does not depend on the request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import attrs
import numpy as np
import pytest

from audio import Audio, join
from errors import InvalidInput, Unavailable
from pipelines.base_voices import Speaker
from pipelines.cloning import clone
from pipelines.conversion import Chain
from pipelines.embedding import Listeners
from pipelines.passages import PASSAGES
from pipelines.tts import SENTENCE_PAUSE, SENTENCES_AHEAD
from tasks import Call, Card, Convert, Embedding, Speak, Speech, Voice
from tests.fakes import FakeConverter, FakeEmbedder, FakeSynthesizer, Hold, tone
from tests.pipelines.conftest import play
from tests.pipelines.test_conversion import by_pitch_of, pitch

TEXT = "The first one. The second one. The third one. The fourth one."
TARGET = by_pitch_of(tone(3.0, 24000, 1500.0))
OWN = Embedding(TARGET.vector[::-1].copy(), "pitch")


@attrs.define(eq=False)
class Known(FakeSynthesizer):
    """Says with its speech whose voice it is."""

    tone: Embedding = OWN

    async def synthesize(self, job: Speak, call: Call) -> Speech:
        return Speech((await FakeSynthesizer.synthesize(self, job, call)).audio, self.tone)


@attrs.define(eq=False)
class Studio:
    """A voice, a converter, an encoder, and what is remembered between requests."""

    synthesizer: FakeSynthesizer = attrs.Factory(FakeSynthesizer)
    converter: FakeConverter = attrs.Factory(FakeConverter)
    encoder: FakeEmbedder | None = attrs.Factory(FakeEmbedder)
    listeners: Listeners = attrs.Factory(Listeners)

    def speak(self, job: Speak, call: Call | None = None, name: str = "joe") -> list[Audio]:
        async def scene() -> list[Audio]:
            return [audio async for audio in self.stream(job, call, name)]

        return play(scene())

    def stream(self, job: Speak, call: Call | None = None, name: str = "joe"):  # type: ignore[no-untyped-def]
        chain = Chain(self.converter, self.encoder, self.listeners)
        return clone(job, TARGET, Speaker(name, self.synthesizer), chain, call or Call())

    @property
    def texts(self) -> list[str]:
        return [job.text for job in self.synthesizer.jobs]

    @property
    def measured(self) -> list[str]:
        """What was said to find out whose voice it is."""
        return [text for text in self.texts if text not in TEXT]


def test_each_sentence_is_heard_in_its_turn_and_after_its_pause() -> None:
    parts = Studio().speak(Speak("The first one. No. Right now!"))
    assert [part.duration for part in parts] == pytest.approx(
        [0.55, 0.1 + SENTENCE_PAUSE, 0.4 + SENTENCE_PAUSE], abs=0.02
    )
    assert pitch(join(parts, 24000)) == pytest.approx(1500, rel=0.1)


def test_the_tone_that_comes_with_the_speech_is_taken() -> None:
    studio = Studio(Known(), encoder=None)
    studio.speak(Speak(TEXT))
    assert not studio.measured
    assert all(job.source is OWN for job in studio.converter.jobs)


def test_a_tone_of_another_family_is_not_taken() -> None:
    studio = Studio(Known(tone=attrs.evolve(OWN, space="letters")))
    studio.speak(Speak(TEXT))
    assert studio.measured
    assert all(job.source.space == "pitch" for job in studio.converter.jobs)


def test_a_voice_is_measured_once_by_the_passage_of_its_language() -> None:
    studio = Studio()
    for job in (Speak("Yes."), Speak(TEXT), Speak(TEXT, voice="ann", language="en-US")):
        studio.speak(job)
    assert " ".join(text for text in studio.texts if text in PASSAGES["en"]) in PASSAGES["en"]
    assert sum(text in PASSAGES["en"] for text in studio.texts) < 5
    sources = {job.source.vector.tobytes() for job in studio.converter.jobs}
    assert len(sources) == 1


@pytest.mark.parametrize(
    ("job", "name"),
    [
        (Speak("Yes.", voice="bob"), "joe"),
        (Speak("Yes.", voice="carmen"), "joe"),
        (Speak("Yes.", language="es"), "joe"),
        (Speak("Yes."), "jim"),
    ],
    ids=["voice", "its language", "language", "model"],
)
def test_every_voice_is_measured_by_itself(job: Speak, name: str) -> None:
    studio = Studio()
    studio.speak(Speak("Yes."))
    before = len(studio.measured)
    studio.speak(job, name=name)
    assert len(studio.measured) > before
    if "es" in (job.language, "es" if job.voice == "carmen" else ""):
        assert studio.measured[-1] in PASSAGES["es"]


def test_neither_speed_nor_seed_nor_text_changes_how_a_voice_is_measured() -> None:
    studio = Studio()
    studio.speak(Speak("Yes.", speed=2.0, seed=7))
    said = [job for job in studio.synthesizer.jobs if job.text in PASSAGES["en"]]
    assert said and {(job.speed, job.seed) for job in said} == {(1.0, 0)}
    assert {job.speed for job in studio.synthesizer.jobs if job.text == "Yes."} == {2.0}


def test_a_language_without_a_passage_is_measured_by_what_is_said() -> None:
    card = Card(("fi",), (Voice("aino", "fi"),), "aino", 24000)
    studio = Studio(FakeSynthesizer(offers=card))
    studio.speak(Speak("Kyllä."))
    assert set(studio.texts) == {"Kyllä."}
    assert len(studio.texts) > 10  # two words tell no voice: it is said again and again


def test_requests_that_come_together_measure_once() -> None:
    studio = Studio()

    async def scene() -> None:
        async def one() -> None:
            async with aclosing(studio.stream(Speak("Yes."))) as parts:
                async for _ in parts:
                    pass

        await asyncio.gather(*(one() for _ in range(5)))

    play(scene())
    assert sum(text in PASSAGES["en"] for text in studio.texts) == len(
        set(studio.measured) - {"Yes."}
    )


def test_an_unknown_voice_needs_an_encoder() -> None:
    with pytest.raises(InvalidInput, match="encoder") as refused:
        Studio(encoder=None).speak(Speak(TEXT))
    assert refused.value.param == "model"


def test_every_sentence_shares_the_seed_and_the_first_is_most_urgent() -> None:
    studio = Studio(Known())
    studio.speak(Speak(TEXT, seed=3), Call(priority=2))
    assert {job.seed for job in studio.converter.jobs} == {3}
    # Two are under way at once, so the second may arrive first.
    assert sorted(call.priority for call in studio.converter.calls) == [2, 3, 3, 3]
    assert 2 in [call.priority for call in studio.converter.calls[:SENTENCES_AHEAD]]


def test_the_level_is_that_of_the_model_and_does_not_jump_between_sentences() -> None:
    @attrs.define(eq=False)
    class Quiet(FakeConverter):
        async def convert(self, job, call):  # type: ignore[no-untyped-def]
            made = await FakeConverter.convert(self, job, call)
            return Speech(Audio(made.audio.samples * np.float32(0.4), made.audio.rate))

    plain, quiet = Studio(Known()), Studio(Known(), Quiet())
    one, other = (join(studio.speak(Speak(TEXT)), 24000) for studio in (plain, quiet))
    np.testing.assert_allclose(one.samples, other.samples, atol=0.01)


@pytest.mark.parametrize("held", ["synthesizer", "converter"])
def test_a_listener_that_leaves_stops_the_work(held: str) -> None:
    hold = Hold()
    makers: dict[str, Callable[..., FakeSynthesizer | FakeConverter]] = {
        "synthesizer": Known, "converter": FakeConverter,
    }  # fmt: skip
    fakes = {name: make(holds={2: hold} if name == held else {}) for name, make in makers.items()}
    studio = Studio(**fakes)  # type: ignore[arg-type]

    async def scene() -> None:
        async with aclosing(studio.stream(Speak(TEXT))) as parts:
            await anext(parts)
            following = asyncio.ensure_future(anext(parts))
            await hold.reached.wait()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    play(scene())
    assert hold.cancelled == 1
    assert len(studio.synthesizer.jobs) <= 2 * SENTENCES_AHEAD


def test_the_next_sentence_is_spoken_while_one_is_converted() -> None:
    hold = Hold()
    studio = Studio(Known(), FakeConverter(holds={0: hold}))

    async def scene() -> None:
        async with aclosing(studio.stream(Speak(TEXT))) as parts:
            first = asyncio.ensure_future(anext(parts))
            await hold.reached.wait()
            while len(studio.synthesizer.jobs) < SENTENCES_AHEAD:
                await asyncio.sleep(0)
            hold.opened.set()
            assert (await first).duration

    play(scene())


@attrs.define(eq=False)
class FailsAtLength(FakeConverter):
    """Refuses what is longer than the others; which of two pieces comes first is left to threads."""

    async def convert(self, job: Convert, call: Call) -> Speech:
        if isinstance(job.sound, Audio) and job.sound.duration > 1.5:
            raise Unavailable("gone")
        return await FakeConverter.convert(self, job, call)


def test_a_converter_that_fails_fails_the_speech_in_its_turn() -> None:
    studio = Studio(Known(), FailsAtLength())
    text = "The first one. The second one. The third one is longer than all of the other ones. No."

    async def scene() -> None:
        async with aclosing(studio.stream(Speak(text))) as parts:
            await anext(parts)
            await anext(parts)
            with pytest.raises(Unavailable, match="gone"):
                await anext(parts)

    play(scene())


def test_passages_are_long_enough_to_know_a_voice_by() -> None:
    for language, passage in PASSAGES.items():
        # A character of Chinese, Japanese or Korean takes about as long as two or three letters.
        weight = sum(3 if ord(c) > 0x2E80 else 1 for c in passage if not c.isspace())
        assert weight > 130, language
