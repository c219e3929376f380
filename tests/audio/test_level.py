"""A sound that comes in pieces, at one peak."""

from __future__ import annotations

import numpy as np
import pytest

from audio import Audio, join, silence
from audio.level import MOST, PEAK, Peak

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
