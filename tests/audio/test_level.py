"""A sound that comes in pieces, at one peak, or as loud as another; and silent where that is."""

from __future__ import annotations

import numpy as np
import pytest

from audio import Audio, join, silence
from audio.level import MOST, PEAK, Level, Peak, hushed

RATE = 16000


def wave(peak: float, seconds: float = 0.5) -> Audio:
    times = np.arange(round(seconds * RATE)) / RATE
    return Audio((peak * np.sin(2 * np.pi * 200 * times)).astype(np.float32), RATE)


def brought(*pieces: Audio) -> list[Audio]:
    level = Peak()
    return [level.bring(piece) for piece in pieces]


def loudest(sound: Audio) -> float:
    return float(np.abs(sound.samples).max())


@pytest.mark.parametrize("peak", [0.25, 0.97, 1.0, 2.7])
def test_the_loudest_sample_goes_to_the_peak(peak: float) -> None:
    (sound,) = brought(wave(peak))
    assert loudest(sound) == pytest.approx(PEAK, abs=1e-3)
    np.testing.assert_allclose(sound.samples * peak / PEAK, wave(peak).samples, atol=2e-3)


def test_what_is_softer_keeps_its_distance() -> None:
    loud, soft = brought(wave(2.0), wave(0.5))
    assert loudest(loud) == pytest.approx(PEAK, abs=1e-3)
    assert loudest(soft) == pytest.approx(PEAK / 4, abs=1e-3)


def test_what_is_louder_bends_and_lowers_all_that_follows_without_a_step() -> None:
    soft, loud, again = brought(wave(0.5), wave(1.0), wave(0.5))
    assert loudest(soft) == pytest.approx(PEAK, abs=1e-3)
    assert PEAK / 2 < loudest(loud) <= 1.0
    assert loudest(again) == pytest.approx(PEAK / 2, abs=1e-3)
    # Twice 200 Hz at full scale, before it is bent, moves by no more from one sample to the next.
    whole = join([soft, loud, again], RATE)
    assert np.abs(np.diff(whole.samples)).max() < 2 * 2 * np.pi * 200 / RATE


def test_a_whisper_is_raised_no_further_than_12_db() -> None:
    (sound,) = brought(wave(0.01))
    assert loudest(sound) == pytest.approx(0.01 * MOST, rel=1e-3)


def test_silence_sets_no_level() -> None:
    quiet, sound = brought(silence(0.2, RATE), wave(0.5))
    assert not quiet.samples.any()
    assert loudest(sound) == pytest.approx(PEAK, abs=1e-3)
    assert brought(silence(0, RATE))[0].duration == 0


# Next to nothing, of which no level is learned


def hiss(level: float, seconds: float, seed: int = 0) -> Audio:
    drawn = level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return Audio(drawn.astype(np.float32), RATE)


def energy(*sounds: Audio) -> float:
    return sum(float(np.square(sound.samples, dtype=np.float64).sum()) for sound in sounds)


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize(("level", "seconds"), [(0.001, 3.0), (0.003, 0.001), (0.2, 0.019)])
def test_what_is_made_of_no_speech_is_no_louder(left: bool, level: float, seconds: float) -> None:
    source, made = hiss(level, seconds), hiss(0.5, seconds, seed=1)
    said = Level(left=left).match(made, source.samples)
    assert energy(said) == pytest.approx(energy(source), rel=1e-3)


def test_what_is_made_of_no_speech_is_raised_no_further_than_12_db_or_not_at_all() -> None:
    source, made = hiss(0.002, 1), hiss(0.0001, 1, seed=1)
    raised = Level().match(made, source.samples).samples
    np.testing.assert_allclose(raised, MOST * made.samples, rtol=1e-5)
    left = Level(left=True).match(made, source.samples).samples
    np.testing.assert_array_equal(left, made.samples)


def test_a_piece_that_is_suddenly_loud_is_no_louder_from_its_beginning_on() -> None:
    level, faint = Level(left=True), hiss(0.001, 2)
    first = level.match(faint, faint.samples)
    loud = level.match(hiss(0.5, 2, seed=1), faint.samples)
    again = level.match(faint, faint.samples)
    np.testing.assert_array_equal(first.samples, faint.samples)
    assert energy(loud) <= 2 * energy(faint)
    assert energy(again) <= energy(faint)


def test_what_is_made_of_digital_silence_is_silent_and_teaches_nothing() -> None:
    level, faint = Level(), hiss(0.001, 1)
    assert not level.match(hiss(0.1, 1), np.zeros(RATE, dtype=np.float32)).samples.any()
    level = Level()
    level.match(silence(1, RATE), np.zeros(RATE, dtype=np.float32))
    said = level.match(faint, faint.samples).samples
    np.testing.assert_allclose(said, faint.samples, rtol=1e-6)


def test_speech_has_the_level_of_speech_whatever_came_before() -> None:
    level, faint = Level(), hiss(0.001, 1)
    level.match(hiss(0.5, 1, seed=1), faint.samples)
    said = level.match(wave(0.4), wave(0.2).samples)
    np.testing.assert_allclose(said.samples, wave(0.2).samples, atol=1e-6)


# Silent where the source is


@pytest.mark.parametrize("frames", range(1, 30))
def test_a_short_sound_is_heard_where_its_source_is(frames: int) -> None:
    step = RATE // 100
    for place in range(frames):
        sound = np.zeros(step * frames, dtype=np.float32)
        sound[step * place : step * (place + 1)] = 0.5
        np.testing.assert_array_equal(hushed(sound, Audio(sound, RATE), step), sound)
        humming = hushed(np.ones_like(sound), Audio(sound, RATE), step)
        heard = np.flatnonzero(humming[step // 2 :: step] == 1)
        wanted = np.arange(max(place - 5, 0), min(place + 6, frames))
        np.testing.assert_array_equal(heard, wanted)
