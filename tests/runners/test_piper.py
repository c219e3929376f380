"""A Piper voice on real weights: its pace, its knobs, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio import Audio
from errors import InvalidInput, SettingsError
from runners.piper import Piper
from tasks import Card, Speak, Voice
from tests.runners.conftest import Load, load_changed
from weights import Store

pytestmark = pytest.mark.weights

NAME = "piper-joe"
TEXT = "The weather is fine today, and the birds are singing."
STILL = {"noise_scale": 0.0, "noise_w": 0.0}


@pytest.fixture(scope="module")
def joe(loaded: Load) -> Piper:
    model = loaded(NAME).model
    assert isinstance(model, Piper)
    return model


def still(**changes: Any) -> Piper:
    """Joe without the chance that makes each reading another."""
    model = load_changed(NAME, **{"options": STILL, **changes}).model
    assert isinstance(model, Piper)
    return model


@pytest.fixture(scope="module")
def calm() -> Piper:
    return still()


def said(voice: Piper, text: str, speed: float = 1.0) -> Audio:
    (speech,) = voice.synthesize([Speak(text, speed=speed)])
    return speech.audio


def loudness_db(audio: Audio) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(np.square(audio.samples)))))


def test_a_voice_says_of_itself_what_its_config_says(joe: Piper) -> None:
    assert joe.card == Card(("en-US",), (Voice("joe", "en-US"),), "joe", 22050)


def test_a_sentence_is_as_long_and_as_loud_as_speech(joe: Piper) -> None:
    audio = said(joe, TEXT)
    assert audio.rate == joe.card.rate
    assert 1.5 < audio.duration < 6
    assert np.isfinite(audio.samples).all()
    assert np.abs(audio.samples).max() <= 1
    assert -40 < loudness_db(audio) < -10


def test_speed_scales_the_duration(calm: Piper) -> None:
    slow, plain, fast = (said(calm, TEXT, speed).duration for speed in (0.5, 1.0, 2.0))
    assert 1.6 < slow / plain < 2.1
    assert 0.45 < fast / plain < 0.7


def test_without_noise_a_text_always_sounds_the_same(calm: Piper) -> None:
    assert np.array_equal(said(calm, TEXT).samples, said(calm, TEXT).samples)


def test_each_noise_is_a_knob_of_its_own(calm: Piper) -> None:
    plain = said(calm, "Hi.").samples
    for louder in ({**STILL, "noise_scale": 1.0}, {**STILL, "noise_w": 1.0}):
        assert not np.array_equal(said(still(options=louder), "Hi.").samples, plain)


def test_an_unknown_voice_is_told_the_known_ones(joe: Piper) -> None:
    with pytest.raises(InvalidInput, match="unknown voice 'jane'; this model has joe") as caught:
        joe.synthesize([Speak(TEXT, voice="jane")])
    assert caught.value.param == "voice"


@pytest.mark.parametrize("language", ["en", "en-US", "EN-us", None])
def test_its_own_language_is_spoken(joe: Piper, language: str | None) -> None:
    (speech,) = joe.synthesize([Speak("Hi.", language=language)])
    assert speech.audio.duration


@pytest.mark.parametrize("language", ["de", "en-GB", "english"])
def test_another_language_is_refused(joe: Piper, language: str) -> None:
    with pytest.raises(InvalidInput, match="this model has en-US") as caught:
        joe.synthesize([Speak(TEXT, language=language)])
    assert caught.value.param == "language"


@pytest.mark.parametrize("text", ["", " \n ", "…", "!?!", "* * *", "。"])
def test_a_text_without_anything_to_say_is_no_sound(joe: Piper, text: str) -> None:
    audio = said(joe, text)
    assert (len(audio.samples), audio.rate) == (0, 22050)


def test_a_long_text_is_spoken_whole(calm: Piper) -> None:
    ten, one = said(calm, " ".join([TEXT] * 10), speed=4.0), said(calm, TEXT, speed=4.0)
    assert ten.duration > 8 * one.duration
    assert loudness_db(ten.cut(ten.duration * 0.8, ten.duration)) > -40


# Settings


def test_an_unknown_chosen_voice_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"piper-joe: unknown voices jane; .*onnx has joe"):
        load_changed(NAME, voices=("joe", "jane"))


def test_an_unknown_option_is_refused_with_the_right_ones() -> None:
    with pytest.raises(SettingsError, match=r"options\.noise: .*noise_scale, noise_w, phonemizer"):
        load_changed(NAME, options={"noise": 1})


@pytest.fixture
def folder(tmp_path: Path, store: Store) -> Path:
    """A copy of Joe whose config may be changed."""
    voice = next(store.fetch(NAME).rglob("*.onnx"))
    shutil.copy(voice, tmp_path)
    shutil.copy(f"{voice}.json", tmp_path)
    return tmp_path


def config_changed(folder: Path, **changes: Any) -> None:
    (file,) = folder.glob("*.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_a_voice_of_one_s_own_is_a_folder(folder: Path) -> None:
    assert load_changed(NAME, model=str(folder)).model.card.default_voice == "joe"


def test_phonemes_that_we_cannot_make_refuse_the_voice(folder: Path) -> None:
    config_changed(folder, phoneme_type="pinyin")
    with pytest.raises(SettingsError, match="wants pinyin phonemes; here are: espeak, text"):
        load_changed(NAME, model=str(folder))


def test_a_folder_of_two_voices_is_refused(folder: Path) -> None:
    shutil.copy(next(folder.glob("*.onnx")), folder / "en_US-jane-medium.onnx")
    with pytest.raises(SettingsError, match=r"expected one \.onnx voice, found 2"):
        load_changed(NAME, model=str(folder))
