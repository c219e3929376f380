"""Silence at the ends is cut, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from audio import Audio, join, silence, trim

RATE = 16000


def tone(seconds: float, level: float = 0.5) -> Audio:
    times = np.arange(round(seconds * RATE)) / RATE
    return Audio((level * np.sin(2 * np.pi * 220 * times)).astype(np.float32), RATE)


def test_silence_at_both_ends_goes_but_for_what_is_kept() -> None:
    sound = join([silence(0.7, RATE), tone(1.0), silence(0.9, RATE)], RATE)
    assert trim(sound, keep=0.03).duration == pytest.approx(1.06, abs=0.02)


def test_a_pause_inside_stays() -> None:
    sound = join([tone(0.5), silence(1.0, RATE), tone(0.5)], RATE)
    assert trim(sound, keep=0.0).duration == pytest.approx(2.0, abs=0.02)


def test_a_quiet_ending_is_not_silence() -> None:
    sound = join([tone(0.5), tone(0.5, level=0.01), silence(0.5, RATE)], RATE)
    assert trim(sound, keep=0.0).duration == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("sound", [silence(0, RATE), silence(0.004, RATE), silence(2, RATE)])
def test_nothing_but_silence_leaves_nothing(sound: Audio) -> None:
    assert trim(sound, keep=0.1).duration == 0


def test_the_edges_fade_so_that_they_do_not_click() -> None:
    trimmed = trim(tone(1.0), keep=0.0).samples
    assert abs(trimmed[0]) < 1e-3
    assert abs(trimmed[-1]) < 1e-3


def test_the_given_sound_is_not_changed() -> None:
    sound = tone(0.5)
    before = sound.samples.copy()
    trim(sound, keep=0.0)
    np.testing.assert_array_equal(sound.samples, before)
