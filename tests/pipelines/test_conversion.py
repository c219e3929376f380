"""Conversion: windows that equal the whole, the source's level and silence, and never for nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import aclosing

import attrs
import numpy as np
import pytest

from audio import Audio, join, silence
from audio.level import Level
from errors import Failed, InvalidInput, Unavailable
from pipelines.conversion import (
    FIRST,
    LONGEST,
    WINDOWS_AHEAD,
    Chain,
    Conversion,
    convert,
    windows,
)
from pipelines.embedding import Listeners
from tasks import Call, Card, Convert, Embed, Embedding, Grid, Reference, Speech
from tests.fakes import BANDS, FakeConverter, FakeDetector, FakeEmbedder, Hold, by_pitch, tone
from tests.pipelines.conftest import play

RATE, STEP, CONTEXT = 8000, 100, 750  # the context is no multiple of the step
ME, YOU = (Embedding(np.array([n], dtype=np.float32), "numbers") for n in (1, 2))
CARD = Card(rate=RATE, space="numbers", grid=Grid(STEP, CONTEXT))
KERNEL = np.random.default_rng(1).normal(size=2 * CONTEXT + 1).astype(np.float32) / 40


def smear(job: Convert) -> Audio:
    """Each sample hears CONTEXT samples on both sides, and some noise that belongs to its place."""
    (sound,) = job.sound.blocks(RATE, 1e6)
    heard = np.convolve(sound.samples, KERNEL, "same")[: len(sound.samples)]
    places = (np.arange(len(heard)) + job.offset).astype(np.float64)
    noise = np.sin(places * (1 + (job.seed or 0) % 1000)) * 0.01
    return Audio((heard + noise).astype(np.float32), RATE)


@attrs.define(eq=False)
class Smearer:
    """A converter with a context, that remembers what it was asked."""

    say: Callable[[Convert], Audio] = smear
    offers: Card = CARD
    heard: list[tuple[Convert, Call]] = attrs.Factory(list)

    async def card(self) -> Card:
        return self.offers

    async def convert(self, job: Convert, call: Call) -> Speech:
        self.heard.append((job, call))
        return Speech(self.say(job))

    @property
    def lengths(self) -> list[float]:
        return [job.sound.duration for job, _ in self.heard if isinstance(job.sound, Audio)]


def noise(seconds: float, seed: int = 0) -> Audio:
    samples = np.random.default_rng(seed).normal(size=round(seconds * RATE)) * 0.1
    return Audio(samples.astype(np.float32), RATE)


def converted(sound: Audio, converter: Smearer, call: Call | None = None) -> Audio:
    """What the windows of a sound become, joined; nothing is said about its level."""

    async def scene() -> Audio:
        job = Convert(sound, ME, YOU, seed=7)
        parts = [part async for part in windows(job, converter, call or Call())]
        assert np.array_equal(np.concatenate([p.source for p in parts]), sound.samples)
        return join([part.audio for part in parts], RATE)

    return play(scene())


def through(sound: Audio, converter: Smearer | FakeConverter, **more: object) -> list[Audio]:
    async def scene() -> list[Audio]:
        chain = Chain(converter, None, Listeners())
        job = attrs.evolve(Conversion(sound, YOU, ME), **more)  # type: ignore[arg-type]
        return [audio async for audio in convert(job, chain, Call())]

    return play(scene())


@pytest.mark.parametrize(
    "seconds", [0.001, 0.5, 1.0, 1.05, 1.2, 3.0, 3.001, 7.9, 15.0123, 40.0], ids=str
)
def test_windows_end_to_end_are_what_the_whole_would_be(seconds: float) -> None:
    sound, converter = noise(seconds), Smearer()
    steps = np.pad(sound.samples, (0, -len(sound.samples) % STEP))
    whole = smear(Convert(Audio(steps, RATE), ME, YOU, seed=7)).samples[: len(sound.samples)]
    made = converted(sound, converter)
    assert len(made.samples) == len(sound.samples)
    np.testing.assert_allclose(made.samples, whole, atol=1e-5)
    context = 2 * (CONTEXT + STEP) / RATE
    assert max(converter.lengths) <= LONGEST + 2 * context


def test_every_window_begins_on_the_grid_and_shares_its_chance() -> None:
    converter = Smearer()
    through(noise(40.0), converter)
    offsets = [job.offset for job, _ in converter.heard]
    assert len(offsets) > 4 and all(offset % STEP == 0 for offset in offsets)
    assert all(length * RATE % STEP == 0 for length in converter.lengths)
    assert len({job.seed for job, _ in converter.heard}) == 1


def test_two_requests_do_not_share_their_chance() -> None:
    seeds = set()
    for _ in range(2):
        converter = Smearer()
        through(noise(1.0), converter)
        seeds.add(converter.heard[0][0].seed)
    assert len(seeds) == 2


@pytest.mark.parametrize(("asked", "meant"), [(None, 5), (9, 9), (0, 0)])
def test_the_converter_s_own_seed_serves_those_who_name_none(asked: int | None, meant: int) -> None:
    converter = Smearer()

    async def scene() -> None:
        chain = Chain(converter, None, Listeners(), seed=5)
        async for _ in convert(Conversion(noise(3), YOU, ME, seed=asked), chain, Call()):
            pass

    play(scene())
    assert {job.seed for job, _ in converter.heard} == {meant}


def test_the_first_window_is_short_and_more_urgent_than_the_others() -> None:
    converter = Smearer()
    converted(noise(20.0), converter, Call(priority=3))
    assert converter.lengths[0] < FIRST + 2 * CONTEXT / RATE
    assert [call.priority for _, call in converter.heard][:3] == [3, 4, 4]


def test_a_long_source_is_read_as_it_is_needed() -> None:
    read: list[int] = []

    class Endless:
        def digest(self) -> str:
            raise AssertionError("nobody asked who speaks")

        def blocks(self, rate: int, seconds: float) -> Iterator[Audio]:
            while True:
                read.append(1)
                yield noise(seconds, seed=len(read))

    async def scene() -> None:
        chain = Chain(Smearer(), None, Listeners())
        async with aclosing(convert(Conversion(Endless(), YOU, ME), chain, Call())) as parts:
            heard = 0.0
            while heard < 120.0:
                heard += (await anext(parts)).duration
                assert 10.0 * len(read) < heard + 20.0 + (WINDOWS_AHEAD + 1) * LONGEST

    play(scene())


# Level and silence


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.square(samples, dtype=np.float64).mean()))


@pytest.mark.parametrize("factor", [0.3, 1.0, 3.0])
def test_what_is_heard_is_as_loud_as_its_source(factor: float) -> None:
    def quieter(job: Convert) -> Audio:
        (sound,) = job.sound.blocks(RATE, 1e6)
        return Audio(sound.samples * np.float32(factor), RATE)

    sound = noise(30.0)
    made = join(through(sound, Smearer(say=quieter)), RATE)
    np.testing.assert_allclose(made.samples, sound.samples, atol=1e-3)


def test_the_level_does_not_follow_each_window() -> None:
    """A converter that makes all equally loud is not corrected again and again: that would pump."""

    def equal(job: Convert) -> Audio:
        (sound,) = job.sound.blocks(RATE, 1e6)
        return Audio(sound.samples * np.float32(0.1 / rms(sound.samples)), RATE)

    fading = Audio(noise(60.0).samples * np.linspace(1, 0.2, 60 * RATE, dtype=np.float32), RATE)
    made = join(through(fading, Smearer(say=equal)), RATE)
    loudness = [rms(made.cut(start, start + 1).samples) for start in range(20, 60, 4)]
    assert loudness == pytest.approx([loudness[0]] * len(loudness), rel=0.3)
    assert loudness[0] == pytest.approx(rms(fading.cut(0, 10).samples), rel=0.1)


def test_a_level_that_is_still_being_learned_changes_without_a_step() -> None:
    flat = np.full(2 * RATE, 0.1, dtype=np.float32)
    level, before = Level(), None
    for factor in (1.0, 0.5, 2.0, 0.7, 1.0):
        piece = Audio(flat * np.float32(factor), RATE)
        gains = level.match(piece, flat).samples / piece.samples
        assert before is None or gains[0] == pytest.approx(before, rel=1e-3)
        before = gains[-1]


def test_nothing_is_louder_than_full_scale_and_no_wave_has_a_flat_top() -> None:
    def loud(job: Convert) -> Audio:
        (sound,) = job.sound.blocks(RATE, 1e6)
        return Audio(np.clip(sound.samples * 8, -1, 1), RATE)

    sound = Audio(
        tone(12.0, RATE).samples * np.linspace(0.02, 2, 12 * RATE, dtype=np.float32), RATE
    )
    made = join(through(sound, Smearer(say=loud)), RATE).samples
    assert np.abs(made).max() < 1


def test_silence_stays_silent_and_is_not_even_asked_for() -> None:
    def humming(job: Convert) -> Audio:
        (sound,) = job.sound.blocks(RATE, 1e6)
        return Audio(sound.samples + np.float32(0.01), RATE)

    pause = 30.0
    sound = join(
        [noise(2.0), silence(pause, RATE), noise(2.0), silence(0.5, RATE), noise(1.0)], RATE
    )
    converter = Smearer(say=humming)
    made = join(through(sound, converter), RATE)
    quiet = made.cut(2.2, 1.8 + pause).samples
    assert not quiet.any()
    assert not made.cut(4.2 + pause, 4.3 + pause).samples.any()
    assert np.abs(made.cut(0, 2).samples).mean() > 0.01
    assert sum(converter.lengths) < pause


# Whose voices they are


def test_who_speaks_is_found_out_once_for_the_whole_source() -> None:
    mask, nose = FakeConverter(), FakeEmbedder()
    target = by_pitch_of(tone(3.0, 16000, 1000.0))
    chain = Chain(mask, nose, Listeners(FakeDetector()))
    source = tone(25.0, 24000, 200.0)

    async def scene() -> list[Audio]:
        job = Conversion(source, Reference(tone(3.0, 16000, 1000.0)))
        return [audio async for audio in convert(job, chain, Call())]

    made = join(play(scene()), 24000)
    assert made.duration == source.duration
    assert pitch(made) == pytest.approx(pitch_of(target), rel=0.2)
    sources = {job.source.vector.tobytes() for job in mask.jobs}
    assert len(mask.jobs) > 3 and len(sources) == 1


def by_pitch_of(sound: Audio) -> Embedding:
    found = by_pitch(Embed(sound))
    assert isinstance(found, Embedding)
    return found


def pitch_of(voice: Embedding) -> float:
    return float(np.sqrt(BANDS[:-1] * BANDS[1:])[int(voice.vector.argmax())])


def pitch(sound: Audio) -> float:
    strength = np.abs(np.fft.rfft(sound.samples))
    return float(np.fft.rfftfreq(len(sound.samples), 1 / sound.rate)[strength.argmax()])


@pytest.mark.parametrize(
    ("job", "param"),
    [
        (Conversion(silence(9, RATE), ME), "source_audio"),
        (Conversion(tone(0.2), ME), "source_audio"),
        (Conversion(tone(3), Reference(tone(0.2), param="target_audio")), "target_audio"),
        (Conversion(tone(3), ME, Embedding(ME.vector, "letters")), "source_embedding"),
        (Conversion(tone(3), Embedding(ME.vector, "letters")), "target_embedding"),
    ],
    ids=["silence", "too short", "target too short", "other source", "other target"],
)
def test_voices_that_cannot_be_known_are_refused(job: Conversion, param: str) -> None:
    async def scene() -> None:
        chain = Chain(Smearer(), FakeEmbedder(), Listeners(FakeDetector()))
        async with aclosing(convert(job, chain, Call())) as parts:
            await anext(parts)

    with pytest.raises(InvalidInput) as refused:
        play(scene())
    assert refused.value.param == param


@pytest.mark.parametrize(
    "job", [Conversion(tone(3), ME), Conversion(tone(3), Reference(tone(3), param="source_audio"))]
)
def test_a_converter_without_an_encoder_takes_embeddings_only(job: Conversion) -> None:
    async def scene() -> None:
        chain = Chain(Smearer(), None, Listeners(FakeDetector()))
        async with aclosing(convert(job, chain, Call())) as parts:
            await anext(parts)

    with pytest.raises(InvalidInput, match="encoder") as refused:
        play(scene())
    assert refused.value.param == "source_audio"


# Failure and departure


def test_a_converter_that_fails_fails_the_sound_in_its_turn() -> None:
    mask = FakeConverter(failures={2: Unavailable("gone", retry_after=5)})
    voice = by_pitch_of(tone(3.0))

    async def scene() -> None:
        chain = Chain(mask, None, Listeners())
        async with aclosing(convert(Conversion(tone(20), voice, voice), chain, Call())) as parts:
            await anext(parts)
            await anext(parts)
            with pytest.raises(Unavailable, match="gone"):
                await anext(parts)

    play(scene())


@pytest.mark.parametrize("wrong", [Audio(np.zeros(7, np.float32), RATE), silence(3, 2 * RATE)])
def test_a_converter_that_makes_another_length_or_rate_is_broken(wrong: Audio) -> None:
    with pytest.raises(Failed, match="samples at"):
        through(noise(1), Smearer(say=lambda job: wrong))


@pytest.mark.parametrize("card", [attrs.evolve(CARD, rate=None), attrs.evolve(CARD, grid=None)])
def test_a_converter_that_does_not_say_how_it_works_is_broken(card: Card) -> None:
    with pytest.raises(Failed, match="must say"):
        through(noise(1), Smearer(offers=card))


def test_a_listener_that_leaves_stops_the_work() -> None:
    hold = Hold()
    mask, voice = FakeConverter(holds={1: hold}), by_pitch_of(tone(3.0))

    async def scene() -> None:
        chain = Chain(mask, None, Listeners())
        async with aclosing(convert(Conversion(tone(60), voice, voice), chain, Call())) as parts:
            await anext(parts)
            await hold.reached.wait()

    play(scene())
    assert hold.cancelled == 1
    assert len(mask.jobs) == WINDOWS_AHEAD
