"""RNNoise with its real weights: what it takes away, what it leaves, and that no sound hears another."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from audio import Audio, Samples, resample
from errors import SettingsError, WeightsError
from runners.rnnoise import RATE, RNNoise
from tasks import Restore
from tests.runners.conftest import Load, Say, load_changed

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def model(loaded: Load) -> RNNoise:
    found = loaded("rnnoise").model
    assert isinstance(found, RNNoise)
    return found


@pytest.fixture(scope="module")
def speech(say: Say) -> Audio:
    return resample(say("The birds are singing in the old apple tree."), RATE)


def cleaned(model: RNNoise, *sounds: Audio) -> Sequence[Samples]:
    return [done.audio.samples for done in model.restore([Restore(sound) for sound in sounds])]


def noisy(sound: Audio, decibels: float, seed: int = 0) -> Audio:
    """The sound with white noise so far below it."""
    drawn = np.random.default_rng(seed).standard_normal(len(sound.samples))
    noise = drawn * sound.samples.std() * 10 ** (-decibels / 20)
    return Audio((sound.samples + noise).astype(np.float32), sound.rate)


def ratio(made: Samples, sound: Audio) -> float:
    """Of the energies of the sound and of what differs from it, in dB."""
    return float(20 * np.log10(sound.samples.std() / (made - sound.samples).std()))


@pytest.mark.parametrize("decibels", [0, 5, 10])
def test_noise_goes_and_speech_stays(model: RNNoise, speech: Audio, decibels: float) -> None:
    (made,) = cleaned(model, noisy(speech, decibels))
    assert ratio(made, speech) > decibels + 5


def test_what_is_clean_hardly_changes(model: RNNoise, speech: Audio) -> None:
    (made,) = cleaned(model, speech)
    assert np.corrcoef(made, speech.samples)[0, 1] > 0.98


def test_noise_alone_becomes_all_but_silence(model: RNNoise) -> None:
    drawn = 0.05 * np.random.default_rng(0).standard_normal(3 * RATE)
    (made,) = cleaned(model, Audio(drawn.astype(np.float32), RATE))
    assert made[RATE:].std() < 0.05 / 30


def test_everything_stays_in_its_place(model: RNNoise, speech: Audio) -> None:
    (made,) = cleaned(model, speech)
    assert len(made) == len(speech.samples)
    # Of the curvature, in which the low tones do not hide a shift of a sample.
    given, found = np.diff(speech.samples, 2), np.diff(made, 2)
    likeness = {
        shift: float(np.dot(given[2000:-2000], np.roll(found, -shift)[2000:-2000]))
        for shift in range(-1000, 1001)
    }
    assert max(likeness, key=likeness.__getitem__) == 0


@pytest.mark.parametrize("count", [0, 1, 479, 480, 481, 48000])
def test_every_length_stays(model: RNNoise, count: int) -> None:
    (made,) = cleaned(model, Audio(np.full(count, 0.1, dtype=np.float32), RATE))
    assert len(made) == count
    assert np.isfinite(made).all()


def test_silence_is_silent(model: RNNoise) -> None:
    assert not cleaned(model, Audio(np.zeros(RATE, dtype=np.float32), RATE))[0].any()


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_other_rates_come_back_at_48_khz(model: RNNoise, speech: Audio, rate: int) -> None:
    (done,) = model.restore([Restore(resample(speech, rate))])
    assert done.audio.rate == RATE
    assert done.audio.duration == pytest.approx(speech.duration, abs=0.001)


def test_no_sound_hears_another(model: RNNoise, speech: Audio) -> None:
    loud = Audio(np.full(RATE, 0.9, dtype=np.float32), RATE)
    (alone,) = cleaned(model, noisy(speech, 5))
    _, after, _ = cleaned(model, loud, noisy(speech, 5), loud)
    np.testing.assert_array_equal(after, alone)


def test_sounds_side_by_side_are_those_one_after_the_other(model: RNNoise, speech: Audio) -> None:
    sounds = [noisy(speech, 5, seed) for seed in range(4)]
    wanted = [cleaned(model, sound)[0] for sound in sounds]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda sound: cleaned(model, sound)[0], sounds))
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)


def test_numbers_that_are_none_spoil_nothing(model: RNNoise, speech: Audio) -> None:
    damaged = speech.samples.copy()
    damaged[1000:1010] = np.nan
    damaged[5000] = np.inf
    (made,) = cleaned(model, Audio(damaged, RATE))
    assert np.isfinite(made).all()
    assert np.abs(made).max() < 2


def test_code_from_the_hub_is_refused() -> None:
    with pytest.raises(SettingsError, match="code from elsewhere"):
        load_changed("rnnoise", model="somebody/rnnoise")


def test_what_is_no_library_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "librnnoise.so").write_bytes(b"\x7fELF" + bytes(100))
    with pytest.raises(WeightsError, match="no RNNoise"):
        load_changed("rnnoise", model=str(tmp_path))


def test_another_library_is_refused(tmp_path: Path) -> None:
    import _ctypes

    (tmp_path / "librnnoise.so").symlink_to(_ctypes.__file__)
    with pytest.raises(WeightsError, match="no RNNoise"):
        load_changed("rnnoise", model=str(tmp_path))
