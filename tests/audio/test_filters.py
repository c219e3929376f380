"""Filters against theory: what a textbook says that they do, whole and in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import numpy as np
import pyloudnorm
import pytest

from audio import Audio, join, silence
from audio.filters import (
    Fade,
    Filter,
    HighPass,
    Loudness,
    Meter,
    RemoveDC,
    Resample,
    Speed,
    Trim,
    filtered,
)

RATE = 48000
FILTERS: Sequence[Filter] = (
    Fade(0.1, 0.2),
    HighPass(80),
    Loudness(-20),
    RemoveDC(),
    Resample(16000),
    Speed(0.7),
    Speed(1.6),
    Trim(-50, 0.05),
)


def sine(hertz: float, seconds: float = 2.0, level: float = 0.5, rate: int = RATE) -> Audio:
    times = np.arange(round(seconds * rate)) / rate
    return Audio((level * np.sin(2 * np.pi * hertz * times)).astype(np.float32), rate)


def noise(seconds: float, level: float = 0.1, seed: int = 0) -> Audio:
    drawn = level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return Audio(drawn.astype(np.float32), RATE)


def decibels(sound: Audio, against: Audio) -> float:
    return float(20 * np.log10(sound.samples.std() / against.samples.std()))


def pitch(sound: Audio) -> float:
    window = np.hanning(len(sound.samples))
    return float(np.abs(np.fft.rfft(sound.samples * window)).argmax() * sound.rate / len(window))


def measured(sound: Audio) -> float:
    # Of its weightings the one that is the standard's to a thousandth; its usual one is 0.04 dB off.
    meter = pyloudnorm.Meter(sound.rate, filter_class="DeMan")
    return float(meter.integrated_loudness(sound.samples.astype(float)))


# What all of them promise


@pytest.mark.parametrize("wanted", FILTERS, ids=repr)
def test_pieces_come_out_as_the_whole_does(wanted: Filter) -> None:
    sound = join([silence(0.3, RATE), noise(1.7), silence(0.4, RATE), sine(300, 0.6)], RATE)
    whole = filtered(sound, wanted)
    drawn = np.random.default_rng(1)
    at = 0
    parts: list[Audio] = []
    with closing(wanted.start(RATE)) as run:
        while at < len(sound.samples):
            count = int(drawn.integers(0, 9000))
            parts += run.push(Audio(sound.samples[at : at + count], RATE))
            at += count
        parts += run.finish()
    pieces = join(parts, whole.rate)
    assert {part.rate for part in parts} == {whole.rate}
    assert pieces.samples.dtype == np.dtype(np.float32)
    np.testing.assert_allclose(pieces.samples, whole.samples, atol=1e-6)


@pytest.mark.parametrize("wanted", FILTERS, ids=repr)
@pytest.mark.parametrize("count", [0, 1, 7, 479, 1921])
def test_a_sound_of_hardly_any_length_passes(wanted: Filter, count: int) -> None:
    made = filtered(Audio(sine(440).samples[1 : count + 1], RATE), wanted)
    assert np.isfinite(made.samples).all()
    assert len(made.samples) <= 2 * count


@pytest.mark.parametrize("wanted", FILTERS, ids=repr)
def test_parts_without_samples_change_nothing(wanted: Filter) -> None:
    nothing, sound = silence(0, RATE), noise(1.3)
    parts = [sound.cut(0, 0.35), sound.cut(0.35, 0.9), sound.cut(0.9, 1.3)]
    among = [nothing] * 20 + [each for part in parts for each in [part, *[nothing] * 20]]
    with closing(wanted.start(RATE)) as run:
        made = [out for part in among for out in run.push(part)] + [*run.finish()]
    whole = filtered(sound, wanted)
    np.testing.assert_allclose(join(made, RATE).samples, whole.samples, atol=1e-6)


@pytest.mark.parametrize("wanted", FILTERS, ids=repr)
@pytest.mark.parametrize("count", [0, 1, 5])
def test_nothing_becomes_nothing(wanted: Filter, count: int) -> None:
    with closing(wanted.start(RATE)) as run:
        made = [out for _ in range(count) for out in run.push(silence(0, RATE))] + [*run.finish()]
    assert not any(len(part.samples) for part in made)


@pytest.mark.parametrize("wanted", FILTERS, ids=repr)
def test_silence_stays_silent(wanted: Filter) -> None:
    assert not filtered(silence(1, RATE), wanted).samples.any()


@pytest.mark.parametrize("wanted", FILTERS, ids=repr)
def test_what_is_broken_off_holds_nothing_open(wanted: Filter) -> None:
    with closing(wanted.start(RATE)) as run:
        assert all(part.rate for part in run.push(noise(90)))


# One by one


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_a_high_pass_halves_the_power_at_its_frequency(rate: int) -> None:
    def left(hertz: float) -> float:
        sound = sine(hertz, 4, rate=rate)
        made = filtered(sound, HighPass(100))
        return decibels(made.cut(2, 4), sound.cut(2, 4))

    assert left(100) == pytest.approx(-3.01, abs=0.02)
    # |H|² = 1 / (1 + 2⁴) an octave below, and 1 / (1 + 2⁻⁴) an octave above.
    assert left(50) == pytest.approx(-10 * np.log10(17), abs=0.05)
    assert left(200) == pytest.approx(-10 * np.log10(17 / 16), abs=0.05)
    assert left(1000) == pytest.approx(0, abs=0.01)


def test_a_high_pass_lets_no_dc_through() -> None:
    made = filtered(Audio(np.full(2 * RATE, 0.5, dtype=np.float32), RATE), HighPass(40))
    assert np.abs(made.samples[RATE:]).max() < 1e-6


@pytest.mark.parametrize("offset", [0.25, -0.031])
def test_dc_is_gone_to_the_last_bit(offset: float) -> None:
    sound = noise(3)
    shifted = Audio((sound.samples + np.float32(offset)).astype(np.float32), RATE)
    made = filtered(shifted, RemoveDC())
    assert abs(made.samples.mean(dtype=np.float64)) < 1e-9
    wanted = sound.samples - sound.samples.mean(dtype=np.float64)
    np.testing.assert_allclose(made.samples, wanted, atol=1e-7)


def test_a_constant_becomes_silence() -> None:
    made = filtered(Audio(np.full(RATE, 0.1, dtype=np.float32), RATE), RemoveDC())
    assert not made.samples.any()


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_a_sine_of_997_hz_is_as_loud_as_its_level(rate: int) -> None:
    # BS.1770: full scale in one channel is -3.01 LKFS.
    meter = Meter(rate)
    meter.hear(sine(997, 3, 1.0, rate).samples)
    assert meter.loudness() == pytest.approx(-3.01, abs=0.05)


def test_pauses_do_not_count() -> None:
    spoken, faint = noise(20, 0.05), noise(6, 0.001, seed=2)
    alone, among = Meter(RATE), Meter(RATE)
    alone.hear(spoken.samples)
    among.hear(join([faint, spoken, silence(5, RATE)], RATE).samples)
    # The blocks that are half of each move it a little.
    assert among.loudness() == pytest.approx(alone.loudness(), abs=0.1)


@pytest.mark.parametrize("target", [-40.0, -23.0, -16.0])
@pytest.mark.parametrize("level", [0.001, 0.05, 0.2])
def test_a_sound_becomes_as_loud_as_wanted(target: float, level: float) -> None:
    sound = join([noise(2, level), noise(2, level / 20, seed=3), noise(1, level, seed=4)], RATE)
    made = filtered(sound, Loudness(target))
    assert measured(made) == pytest.approx(target, abs=0.1)
    assert len(made.samples) == len(sound.samples)


def test_loudness_never_exceeds_full_scale() -> None:
    made = filtered(sine(300, 2, 0.9), Loudness(-1))
    assert 0.9 < np.abs(made.samples).max() <= 1


@pytest.mark.parametrize("seconds", [0.05, 0.3])
def test_what_is_shorter_than_a_block_is_measured_as_one(seconds: float) -> None:
    meter = Meter(RATE)
    meter.hear(sine(997, seconds, 1.0).samples)
    assert meter.loudness() == pytest.approx(-3.01, abs=0.3)


def test_trimming_leaves_what_is_to_be_kept() -> None:
    sound = join(
        [silence(1, RATE), noise(0.5), silence(2, RATE), noise(0.5), silence(1.5, RATE)], RATE
    )
    assert filtered(sound, Trim(-50, 0.1)).duration == pytest.approx(3.2, abs=0.02)
    assert filtered(sound, Trim(-50, 0.0)).duration == pytest.approx(3.0, abs=0.02)
    assert filtered(sound, Trim(-50, 5.0)).duration == pytest.approx(sound.duration, abs=1e-6)


def test_the_threshold_says_what_is_silence() -> None:
    sound = join([sine(200, 1, 0.01), sine(200, 1, 0.5), sine(200, 1, 0.01)], RATE)  # -40 dBFS
    assert filtered(sound, Trim(-38, 0)).duration == pytest.approx(1.0, abs=0.02)
    assert filtered(sound, Trim(-42, 0)).duration == pytest.approx(3.0, abs=0.02)


def test_nothing_but_silence_leaves_nothing() -> None:
    assert filtered(silence(2, RATE), Trim()).duration == 0


def test_a_trimmed_sound_begins_before_its_end_is_known() -> None:
    with closing(Trim(-50, 0.0).start(RATE)) as run:
        assert sum(part.duration for part in run.push(noise(2))) > 1.9


def test_fades_are_straight_lines() -> None:
    made = filtered(Audio(np.ones(RATE, dtype=np.float32), RATE), Fade(0.5, 0.25)).samples
    np.testing.assert_allclose(made[: RATE // 2], np.arange(RATE // 2) / (RATE // 2), atol=1e-6)
    np.testing.assert_array_equal(made[RATE // 2 : RATE * 3 // 4], 1)
    np.testing.assert_allclose(made[RATE * 3 // 4 :], np.linspace(1, 0, RATE // 4), atol=1e-6)


def test_a_fade_of_no_length_changes_nothing() -> None:
    sound = noise(0.5)
    np.testing.assert_array_equal(filtered(sound, Fade(0, 0)).samples, sound.samples)


def test_resampling_keeps_the_pitch() -> None:
    made = filtered(sine(1000), Resample(16000))
    assert (made.rate, len(made.samples)) == (16000, 32000)
    assert pitch(made) == pytest.approx(1000, abs=1)


@pytest.mark.parametrize("factor", [0.5, 0.75, 1.0, 1.25, 2.0])
@pytest.mark.parametrize("hertz", [90.5, 220.5, 1237.0])
def test_another_speed_keeps_the_pitch_and_scales_the_length(factor: float, hertz: float) -> None:
    sound = sine(hertz, 3)
    made = filtered(sound, Speed(factor))
    assert len(made.samples) == round(len(sound.samples) / factor)
    assert pitch(made) == pytest.approx(hertz, rel=0.005)
    assert made.samples.std() == pytest.approx(sound.samples.std(), rel=0.02)


@pytest.mark.parametrize("factor", [0.5, 0.75, 1.25, 2.0])
def test_another_speed_makes_no_clicks(factor: float) -> None:
    sound = sine(220.5, 3)
    bend = np.abs(np.diff(sound.samples, 2)).max()
    made = filtered(sound, Speed(factor))
    # A click is a jump: the second difference of a smooth wave cannot be larger than the sine's own.
    assert np.abs(np.diff(made.samples, 2)).max() < 1.1 * bend


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.3, 2.0])
@pytest.mark.parametrize("place", [100, 47900, 47999])
def test_another_speed_has_the_ends_of_the_sound_in_their_place(factor: float, place: int) -> None:
    sound = silence(1, RATE)
    sound.samples[place] = 1
    made = filtered(sound, Speed(factor)).samples
    assert made.max() > 0.9
    # The last frame goes at the sound's own speed: what is 100 samples from an end stays so.
    assert made.argmax() == pytest.approx(place / factor, abs=110)


@pytest.mark.parametrize("factor", [0.55, 0.8, 1.2, 1.9])
@pytest.mark.parametrize("surplus", [0, 333, 777, 1555])
def test_another_speed_loses_nothing_of_the_end(factor: float, surplus: int) -> None:
    sound = join([noise(1 + surplus / RATE, 0.001), sine(440, 0.02)], RATE)
    made, last = filtered(sound, Speed(factor)).samples[-480:], sound.samples[-480:]
    assert np.dot(made, last) / np.dot(last, last) > 0.75  # at worst it is still fading in


@pytest.mark.parametrize("seconds", [0.00002, 0.013, 0.03, 0.05, 4.567])
def test_a_speed_of_one_gives_the_sound_back(seconds: float) -> None:
    voice = join([sine(150, seconds / 2), noise(seconds / 2)], RATE)
    np.testing.assert_allclose(filtered(voice, Speed(1)).samples, voice.samples, atol=1e-6)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_another_speed_makes_no_long_part_of_a_long_one(factor: float) -> None:
    with closing(Speed(factor).start(8000)) as run:
        parts = [*run.push(silence(60, 8000)), *run.finish()]
    assert max(part.duration for part in parts) <= 1
    assert sum(len(part.samples) for part in parts) == round(60 * 8000 / factor)


def test_another_speed_keeps_the_order_of_things() -> None:
    sound = join([sine(300, 1), sine(900, 1), sine(2700, 1)], RATE)
    made = filtered(sound, Speed(1.5))
    third = made.duration / 3
    heard = [pitch(made.cut(n * third + 0.05, (n + 1) * third - 0.05)) for n in range(3)]
    assert heard == pytest.approx([300, 900, 2700], rel=0.02)


def test_filters_follow_each_other() -> None:
    sound = join([silence(1, RATE), noise(2)], RATE)
    made = filtered(sound, Trim(-50, 0), Resample(16000), Loudness(-20))
    assert made.rate == 16000
    assert made.duration == pytest.approx(2, abs=0.02)
    assert measured(made) == pytest.approx(-20, abs=0.1)
