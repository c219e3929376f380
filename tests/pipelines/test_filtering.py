"""Filters one after the other: in order, as the sound comes, and with nothing left behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import attrs
import numpy as np
import pytest

from audio import Audio, join, silence
from audio.filters import Fade, Filter, HighPass, Loudness, RemoveDC, Resample, Speed, Trim
from errors import Failed, InvalidInput, TimedOut, TooLarge, Unavailable
from pipelines.conversion import Chain
from pipelines.embedding import Listeners
from pipelines.filtering import Converting, Plain, Restoring, Step, filtered, prepared
from pipelines.restoration import Rebuilding
from runners import steps
from tasks import Call, Embed
from tests.fakes import (
    RATE,
    FakeAnalyser,
    FakeConverter,
    FakeDetector,
    FakeEmbedder,
    FakeRestorer,
    FakeVocoder,
    by_pitch,
    tone,
)

CALL = Call()
PARAM = "post_generation_filters"


@attrs.define
class Source:
    """A sound that comes in pieces, and remembers how far it was read and whether it was closed."""

    sound: Audio
    piece: float = 0.5
    given: int = 0
    closed: bool = False

    async def parts(self) -> AsyncGenerator[Audio, None]:
        try:
            for block in self.sound.blocks(self.sound.rate, self.piece):
                self.given += 1
                yield block
        finally:
            self.closed = True


async def collected(sound: AsyncGenerator[Audio, None]) -> Audio:
    parts = [part async for part in sound]
    return join(parts, parts[0].rate)


def chained(sound: Audio, *wanted: Step) -> Audio:
    return asyncio.run(collected(filtered(Source(sound).parts(), wanted, CALL, PARAM)))


def plain(wanted: Filter) -> Plain:
    return Plain(type(wanted).__name__.lower(), wanted)


def hissing(seconds: float, rate: int = RATE) -> Audio:
    """A tone with quiet noise, which the fake restorer takes away."""
    drawn = np.random.default_rng(0).uniform(-0.05, 0.05, round(seconds * rate))
    return Audio((tone(seconds, rate).samples + drawn).astype(np.float32), rate)


def test_steps_act_in_their_order() -> None:
    sound = join([silence(1, RATE), tone(1), silence(1, RATE)], RATE)
    cut_first = chained(sound, plain(Trim(-50, 0)), plain(Fade(0.5, 0.5)))
    faded_first = chained(sound, plain(Fade(0.5, 0.5)), plain(Trim(-50, 0)))
    assert cut_first.duration == pytest.approx(faded_first.duration, abs=0.02)
    assert cut_first.samples.std() < 0.8 * faded_first.samples.std()


def test_the_rate_is_that_of_the_last_step() -> None:
    made = chained(tone(1), plain(Resample(16000)), plain(HighPass(50)))
    assert (made.rate, made.duration) == (16000, 1.0)


def test_restorers_stand_among_filters() -> None:
    made = chained(hissing(2, 48000), Restoring(FakeRestorer()), plain(Resample(16000)))
    assert (made.rate, made.duration) == (16000, 2.0)


def test_two_models_that_restore_together_are_one_step() -> None:
    by = Rebuilding(FakeAnalyser(), FakeVocoder())
    made = chained(tone(3), Restoring(by, mode=1, seed=4))
    assert made.duration == pytest.approx(3, abs=0.05)
    assert isinstance(by.analyser, FakeAnalyser)
    assert {(job.mode, job.seed) for job in by.analyser.jobs} == {(1, 4)}


def test_a_converter_gives_it_another_voice() -> None:
    target = by_pitch(Embed(tone(2, pitch=1500)))
    assert not isinstance(target, InvalidInput)
    chain = Chain(FakeConverter(), FakeEmbedder(), Listeners(FakeDetector()))
    made = chained(tone(6), Converting(chain, target))
    strength = np.abs(np.fft.rfft(made.samples))
    pitch = np.fft.rfftfreq(len(made.samples), 1 / made.rate)[strength.argmax()]
    assert made.duration == pytest.approx(6, abs=0.1)
    assert pitch == pytest.approx(1500, rel=0.1)


@pytest.mark.parametrize(
    "wanted",
    [HighPass(80), Resample(16000), Speed(0.8), Fade(0.1, 0.1), Trim(-50, 0.1)],
    ids=repr,
)
def test_a_sound_is_heard_while_it_is_still_made(wanted: Filter) -> None:
    source = Source(tone(30))

    async def scene() -> None:
        async with aclosing(filtered(source.parts(), [plain(wanted)], CALL, PARAM)) as parts:
            await anext(parts)
            assert source.given <= 2

    asyncio.run(scene())


def test_restoration_does_not_wait_for_the_end_either() -> None:
    source = Source(tone(60))

    async def scene() -> None:
        made = filtered(source.parts(), [Restoring(FakeRestorer())], CALL, PARAM)
        async with aclosing(made) as parts:
            await anext(parts)
            assert source.given < 110

    asyncio.run(scene())


@pytest.mark.parametrize("wanted", [Loudness(-20), RemoveDC()], ids=repr)
def test_what_must_know_it_all_waits_for_the_end(wanted: Filter) -> None:
    source = Source(tone(5))

    async def scene() -> None:
        async with aclosing(filtered(source.parts(), [plain(wanted)], CALL, PARAM)) as parts:
            await anext(parts)
            assert source.given == 10

    asyncio.run(scene())


def test_a_restored_stream_is_what_the_recording_would_be() -> None:
    sound = hissing(40)
    (step,) = steps_of = [Restoring(FakeRestorer())]
    arriving = chained(sound, step)

    async def at_once() -> Audio:
        with await prepared(sound, steps_of, CALL, PARAM) as reel:
            return join(list(reel.parts()), reel.rate)

    np.testing.assert_allclose(arriving.samples, asyncio.run(at_once()).samples, atol=1e-5)


@pytest.mark.parametrize(
    "wanted",
    [[plain(Loudness(-20))], [Restoring(FakeRestorer())], [plain(Trim(-50, 0)), plain(Speed(1.2))]],
)
def test_who_stops_listening_closes_everything(wanted: Sequence[Step]) -> None:
    source = Source(tone(60))

    async def scene() -> None:
        async with aclosing(filtered(source.parts(), wanted, CALL, PARAM)) as parts:
            await anext(parts)

    asyncio.run(scene())
    assert source.closed


@pytest.mark.parametrize("failure", [Unavailable("full"), Failed("a bug"), InvalidInput("no")])
def test_a_step_that_fails_fails_it_all(failure: Exception) -> None:
    source = Source(tone(60))
    wanted: list[Step] = [
        plain(HighPass(80)), Restoring(FakeRestorer(failures={0: failure})),
    ]  # fmt: skip

    async def scene() -> None:
        with pytest.raises(type(failure)):
            await collected(filtered(source.parts(), wanted, CALL, PARAM))

    asyncio.run(scene())
    assert source.closed


def test_filters_that_leave_nothing_are_named() -> None:
    with pytest.raises(InvalidInput, match="leave nothing") as caught:
        chained(silence(3, RATE), plain(Trim()), Restoring(FakeRestorer()), plain(Loudness()))
    assert caught.value.param == PARAM


@pytest.mark.parametrize("wanted", [[plain(Speed(0.5)), plain(Loudness())], [plain(HighPass(80))]])
def test_no_step_makes_more_than_is_allowed(wanted: list[Step]) -> None:
    source = Source(tone(60))

    async def scene() -> None:
        with pytest.raises(TooLarge, match="max_audio_seconds") as caught:
            await collected(filtered(source.parts(), wanted, CALL, PARAM, longest=10))
        assert caught.value.param == PARAM

    asyncio.run(scene())
    assert source.closed and source.given < 30


def test_no_step_works_beyond_the_deadline() -> None:
    source, late = Source(tone(60)), Call(deadline=time.time() - 1)

    async def scene() -> None:
        with pytest.raises(TimedOut):
            await collected(filtered(source.parts(), [plain(HighPass(80))], late, PARAM))

    asyncio.run(scene())
    assert source.closed and source.given == 1


def test_each_step_is_told_by_its_name() -> None:
    async def scene() -> str:
        noted = steps.begin()
        wanted = [Plain("highpass", HighPass()), Plain("loudness", Loudness())]
        await collected(filtered(Source(tone(2)).parts(), wanted, CALL, PARAM))
        return noted.server_timing()

    told = asyncio.run(scene())
    assert told.index("highpass;dur=") < told.index("loudness;dur=")


@pytest.mark.parametrize(
    ("first", "rate"),
    [
        (Plain("dc", RemoveDC()), 48000),
        (Restoring(FakeRestorer()), RATE),
        (Restoring(Rebuilding(FakeAnalyser(), FakeVocoder())), RATE),
    ],
)
def test_a_recording_is_read_at_what_the_first_step_hears(first: Step, rate: int) -> None:
    async def scene() -> int:
        with await prepared(tone(1, 8000), [first], CALL, PARAM) as reel:
            assert reel.duration == pytest.approx(1, abs=0.05)
            return reel.rate

    assert asyncio.run(scene()) == rate


def test_equal_sounds_have_equal_digests_after_filters() -> None:
    async def scene(sound: Audio) -> str:
        with await prepared(sound, [Plain("loudness", Loudness())], CALL, PARAM) as reel:
            return reel.digest()

    assert asyncio.run(scene(tone(2))) == asyncio.run(scene(tone(2)))
    assert asyncio.run(scene(tone(2))) != asyncio.run(scene(tone(2, pitch=300)))
