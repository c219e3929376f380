"""Restoration: segments that join without a seam, as long, as loud and as silent as what was damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import aclosing

import attrs
import numpy as np
import pytest

from audio import Audio, join, silence
from errors import Failed, InvalidInput, Unavailable
from pipelines.restoration import (
    BLOCK,
    CONTEXT,
    FADE,
    SEGMENT,
    SEGMENTS_AHEAD,
    Rebuilding,
    restore,
    segments,
)
from tasks import Analyse, Call, Card, Features, Grid, Restore, Speech, Vocode
from tests.fakes import FakeAnalyser, FakeRestorer, FakeVocoder, Hold, tone
from tests.pipelines.conftest import play

RATE, STEP = 8000, 80
REACH = 750  # samples that the smearing restorer hears on both sides
CARD = Card(rate=RATE)
KERNEL = np.random.default_rng(1).normal(size=2 * REACH + 1).astype(np.float32) / 40


def noise(seconds: float, seed: int = 0) -> Audio:
    samples = np.random.default_rng(seed).normal(size=round(seconds * RATE)) * 0.1
    return Audio(samples.astype(np.float32), RATE)


def heard(job: Restore | Analyse) -> np.ndarray:
    (sound,) = job.sound.blocks(RATE, 1e6)
    return sound.samples


def smear(samples: np.ndarray) -> np.ndarray:
    return np.convolve(samples, KERNEL, "full")[REACH:-REACH].astype(np.float32)


@attrs.define(eq=False)
class Cleaner:
    """A restorer that remembers what it was asked."""

    say: Callable[[np.ndarray], np.ndarray] = lambda samples: samples
    offers: Card = CARD
    rate: int = RATE
    jobs: list[tuple[Restore, Call]] = attrs.Factory(list)

    async def card(self) -> Card:
        return self.offers

    async def restore(self, job: Restore, call: Call) -> Speech:
        self.jobs.append((job, call))
        return Speech(Audio(self.say(heard(job)), self.rate))

    @property
    def lengths(self) -> list[float]:
        return [len(heard(job)) / RATE for job, _ in self.jobs]


@attrs.define(eq=False)
class Copyist:
    """An analyser whose features are the samples, and the vocoder of them, with silence on both sides."""

    before: int = 3 * STEP
    after: int = 2 * STEP
    short: int = 0  # samples that are lost at the end
    uneven: bool = False  # how much there is behind depends on the length
    factor: float = 1.0
    rate: int = RATE  # the analyser's
    jobs: list[Analyse] = attrs.Factory(list)

    async def card(self) -> Card:
        return Card(rate=self.rate, space="samples", modes=3)

    async def analyse(self, job: Analyse, call: Call) -> Features:
        self.jobs.append(job)
        return Features(heard(job)[None], "samples")

    @property
    def pair(self) -> Rebuilding:
        return Rebuilding(self, _Voice(self))


@attrs.define(eq=False)
class _Voice:
    copyist: Copyist

    async def card(self) -> Card:
        return Card(rate=RATE, space="samples", modes=3, grid=Grid(STEP, 0))

    async def vocode(self, job: Vocode, call: Call) -> Speech:
        known = self.copyist
        samples = job.features.mel[0] * np.float32(known.factor)
        kept = samples[: len(samples) - known.short]
        more = 10 * (len(kept) % 97) if known.uneven else 0
        return Speech(Audio(np.pad(kept, (known.before, known.after + more)), RATE))


def raw(sound: Audio, by: Cleaner | Rebuilding, **how: int) -> Audio:
    """What the segments become, joined; nothing is done about their level."""

    async def scene() -> Audio:
        parts = [part async for part in segments(sound, by, Call(), **how)]
        assert np.array_equal(np.concatenate([part.source for part in parts]), sound.samples)
        return join([part.audio for part in parts], RATE)

    return play(scene())


def restored(sound: Audio, by: object, **how: int) -> Audio:
    async def scene() -> Audio:
        parts = [part async for part in restore(sound, by, Call(), **how)]  # type: ignore[arg-type]
        return join(parts, parts[0].rate if parts else RATE)

    return play(scene())


LENGTHS = [0.001, 0.5, SEGMENT, SEGMENT + CONTEXT, SEGMENT + CONTEXT + FADE, 16.2, 33.0, 60.0123]


@pytest.mark.parametrize("seconds", LENGTHS, ids=str)
def test_who_says_how_far_it_hears_makes_what_it_would_make_of_the_whole(seconds: float) -> None:
    sound = noise(seconds)
    cleaner = Cleaner(smear, Card(rate=RATE, grid=Grid(STEP, REACH)))
    np.testing.assert_allclose(raw(sound, cleaner).samples, smear(sound.samples), atol=1e-5)
    assert max(cleaner.lengths) <= SEGMENT + 2 * (REACH + 2 * STEP) / RATE + 2 * FADE


@pytest.mark.parametrize("seconds", LENGTHS, ids=str)
@pytest.mark.parametrize("copyist", [Copyist(), Copyist(0, 0), Copyist(0, 0, STEP - 1)])
def test_what_is_rebuilt_is_as_long_as_it_was_and_in_its_place(
    seconds: float, copyist: Copyist
) -> None:
    sound = noise(seconds)
    made = raw(sound, copyist.pair).samples
    lost = (copyist.before + copyist.after) // 2 - copyist.before
    wanted = np.roll(np.pad(sound.samples, STEP), -lost)[STEP:-STEP]
    alike = slice(0, max(len(wanted) - STEP, 0))  # what is lost at the end is silent
    np.testing.assert_allclose(made[alike], wanted[alike], atol=1e-6)
    assert len(made) == len(sound.samples)


def test_all_segments_are_cut_as_the_first_is() -> None:
    """The surplus that a sound has on both sides depends on its length; where it is put does not."""
    sound = noise(40.0123)
    made = raw(sound, Copyist(0, 0, uneven=True).pair).samples
    (shift,) = {
        lag for lag in range(1000) if np.allclose(made[:9000], sound.samples[lag : lag + 9000])
    }
    whole = np.pad(sound.samples[shift:], (0, shift))
    np.testing.assert_allclose(made, whole, atol=1e-6)


def test_segments_that_differ_fade_into_each_other() -> None:
    """The worst case: each segment has another level, and a step between them would click."""
    factors = iter([1.0, 0.2, 0.9, 0.1])
    cleaner = Cleaner(lambda samples: samples * np.float32(next(factors)))
    flat = Audio(np.full(round(50 * RATE), 0.5, dtype=np.float32), RATE)
    steps = np.abs(np.diff(raw(flat, cleaner).samples))
    assert len(cleaner.jobs) > 2
    assert steps.max() < 0.5 * np.pi / (2 * FADE * RATE) * 1.01


def test_every_segment_begins_on_the_grid_and_only_the_first_is_urgent() -> None:
    cleaner = Cleaner(offers=Card(rate=RATE, grid=Grid(STEP, REACH)))
    rising = np.arange(1, 50 * RATE + 1, dtype=np.float64) / (50 * RATE)
    sound = Audio(rising.astype(np.float32), RATE)

    async def scene() -> None:
        async for _ in segments(sound, cleaner, Call(priority=3)):
            pass

    play(scene())
    places = [round(float(heard(job)[0]) * 50 * RATE) - 1 for job, _ in cleaner.jobs]
    assert len(places) > 2 and all(place % STEP == 0 for place in places)
    assert [call.priority for _, call in cleaner.jobs] == [3] + [4] * (len(places) - 1)


def test_a_long_recording_is_read_as_it_is_needed() -> None:
    read: list[int] = []

    class Endless:
        def digest(self) -> str:
            raise AssertionError("nobody asked")

        def blocks(self, rate: int, seconds: float) -> Iterator[Audio]:
            while True:
                read.append(1)
                yield noise(seconds, seed=len(read))

    async def scene() -> None:
        async with aclosing(restore(Endless(), Cleaner(), Call())) as parts:
            done = 0.0
            while done < 200.0:
                done += (await anext(parts)).duration
                held = BLOCK * len(read) - done
                assert held < (SEGMENTS_AHEAD + 1) * (SEGMENT + CONTEXT) + 2 * BLOCK

    play(scene())


def test_a_mode_and_a_seed_reach_the_analyser() -> None:
    copyist = Copyist()
    restored(noise(20.0), copyist.pair, mode=2, seed=7)
    assert [(job.mode, job.seed) for job in copyist.jobs] == [(2, 7)] * 2
    with pytest.raises(InvalidInput, match="mode 0") as refused:
        restored(noise(1.0), Cleaner(), mode=1)
    assert refused.value.param == "mode"


# Level and silence


@pytest.mark.parametrize("factor", [0.3, 1.0, 3.0])
def test_what_is_rebuilt_is_as_loud_as_it_was(factor: float) -> None:
    sound = noise(40.0)
    made = restored(sound, Copyist(0, 0, factor=factor).pair)
    np.testing.assert_allclose(made.samples, sound.samples, atol=1e-3)


def test_what_was_taken_away_is_not_made_up_for() -> None:
    """Loud noise for 20 s, speech for 10: what is left is as loud as the speech was."""
    sound = join([noise(20.0), Audio(tone(10.0, RATE).samples, RATE)], RATE)
    bare = np.concatenate([noise(20.0).samples * np.float32(1e-3), sound.samples[20 * RATE :]])
    place = iter([slice(0, None), slice(round((SEGMENT - CONTEXT - FADE) * RATE), None)])
    cleaner = Cleaner(lambda samples: bare[next(place)][: len(samples)].astype(np.float32))
    made = restored(sound, cleaner)
    np.testing.assert_allclose(made.samples, bare, atol=1e-2)


def test_nothing_is_louder_than_full_scale() -> None:
    def spiky(samples: np.ndarray) -> np.ndarray:
        return samples * np.where(np.arange(len(samples)) % RATE, 1, 20).astype(np.float32)

    made = restored(noise(30.0), Cleaner(spiky)).samples
    assert 0.9 < np.abs(made).max() <= 1


def test_silence_stays_silent_and_is_not_even_asked_for() -> None:
    sound = join([noise(2.0), silence(60.0, RATE), noise(2.0)], RATE)
    cleaner = Cleaner(lambda samples: samples + np.float32(0.01))
    made = restored(sound, cleaner)
    assert not made.cut(2.2, 61.8).samples.any()
    assert made.cut(0, 2).samples.any() and made.cut(62, 64).samples.any()
    assert sum(cleaner.lengths) < 45


# With the fakes that everybody uses


@pytest.mark.parametrize("seconds", [0.01, 3.0, 40.0])
def test_the_fakes_restore_to_the_same_length(seconds: float) -> None:
    sound = tone(seconds)
    for by in (FakeRestorer(), Rebuilding(FakeAnalyser(), FakeVocoder())):
        made = restored(sound, by)
        assert (len(made.samples), made.rate) == (len(sound.samples), sound.rate)
        assert np.isfinite(made.samples).all()


# Failure and departure


@pytest.mark.parametrize(
    ("by", "says"),
    [
        (Cleaner(lambda samples: samples[:-1]), "samples at"),
        (Cleaner(rate=2 * RATE), "samples at"),
        (Cleaner(offers=Card()), "at what rate"),
        (Copyist(0, 0, STEP).pair, "made"),
        (Copyist(rate=2 * RATE).pair, "different rates"),
        (Rebuilding(FakeAnalyser(), FakeVocoder(offers=Card(rate=RATE, space="notes"))), "rates"),
    ],
)
def test_models_that_do_not_fit_or_lose_samples_are_broken(by: object, says: str) -> None:
    with pytest.raises(Failed, match=says):
        restored(noise(2.0), by)


def test_a_model_that_fails_fails_the_sound_in_its_turn() -> None:
    by = FakeRestorer(failures={1: Unavailable("gone", retry_after=5)})

    async def scene() -> None:
        async with aclosing(restore(tone(40.0), by, Call())) as parts:
            await anext(parts)
            with pytest.raises(Unavailable, match="gone"):
                await anext(parts)

    play(scene())


def test_a_listener_that_leaves_stops_the_work() -> None:
    hold = Hold()
    by = Rebuilding(FakeAnalyser(holds={1: hold}), FakeVocoder())

    async def scene() -> None:
        async with aclosing(restore(tone(90.0), by, Call())) as parts:
            await anext(parts)
            await hold.reached.wait()

    play(scene())
    assert hold.cancelled == 1
