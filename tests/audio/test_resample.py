from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from audio import Audio, Resampler, join, resample, silence

if TYPE_CHECKING:
    from tests.audio.conftest import Pitch, Sine

RATES = [(44_100, 16_000), (24_000, 48_000), (8_000, 44_100), (22_050, 24_000), (16_000, 16_000)]


def streamed(audio: Audio, rate: int, step: int) -> Audio:
    resampler = Resampler(audio.rate, rate)
    pieces = [
        resampler.push(Audio(audio.samples[start : start + step], audio.rate))
        for start in range(0, len(audio.samples), step)
    ]
    return join([*pieces, resampler.finish()], rate)


def test_the_same_rate_is_the_same_object() -> None:
    sound = silence(1, 24_000)
    assert resample(sound, 24_000) is sound


@pytest.mark.parametrize(("source_rate", "rate"), RATES)
def test_a_sine_keeps_its_pitch_level_and_length(
    source_rate: int, rate: int, sine: Sine, pitch: Pitch
) -> None:
    sound = resample(sine(1.0, source_rate), rate)
    assert sound.rate == rate
    assert sound.samples.dtype == np.float32
    assert len(sound.samples) == pytest.approx(rate, abs=1)
    assert pitch(sound) == pytest.approx(440, abs=1)
    assert np.abs(sound.samples).max() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(("source_rate", "rate"), RATES)
@pytest.mark.parametrize("step", [7, 997, 100_000])
def test_pieces_joined_equal_the_whole(source_rate: int, rate: int, step: int) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 5_003).astype(np.float32)
    whole = resample(Audio(noise, source_rate), rate).samples
    pieces = streamed(Audio(noise, source_rate), rate, step).samples
    assert len(pieces) == len(whole)
    assert np.abs(pieces - whole).max() < 1e-5


@pytest.mark.parametrize(("source_rate", "rate"), RATES)
@pytest.mark.parametrize("count", [0, 1, 2])
def test_almost_nothing_is_resampled_too(source_rate: int, rate: int, count: int) -> None:
    sound = Audio(np.ones(count, np.float32), source_rate)
    assert len(streamed(sound, rate, 1).samples) == len(resample(sound, rate).samples)
    assert len(resample(sound, rate).samples) <= count * rate / source_rate + 1


def test_strided_and_read_only_samples_are_taken() -> None:
    samples = np.zeros(2_000, np.float32)[::2]
    samples.flags.writeable = False
    assert len(resample(Audio(samples, 8_000), 16_000).samples) == 2_000


def test_a_piece_at_another_rate_is_an_error() -> None:
    with pytest.raises(ValueError, match="8000 Hz"):
        Resampler(16_000, 24_000).push(silence(1, 8_000))
