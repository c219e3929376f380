"""Kokoro on real weights: its voices, its pace, and texts longer than its memory."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from audio import Audio
from errors import InvalidInput, SettingsError
from runners.kokoro import BEST, LANGUAGES, LONGEST, RATE, Kokoro, pieces
from tasks import Speak
from tests.runners.conftest import Load, load_changed

pytestmark = pytest.mark.weights

NAME = "kokoro"
TEXT = "The birds are singing."


@pytest.fixture(scope="module")
def kokoro(loaded: Load) -> Kokoro:
    model = loaded(NAME).model
    assert isinstance(model, Kokoro)
    return model


def said(kokoro: Kokoro, text: str, voice: str | None = None, speed: float = 1.0) -> Audio:
    (speech,) = kokoro.synthesize([Speak(text, voice, speed=speed)])
    return speech.audio


def loudness_db(audio: Audio) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(np.square(audio.samples)))))


@pytest.mark.parametrize("voice", ["af_heart", "bm_george"])
def test_a_sentence_is_as_long_and_as_loud_as_speech(kokoro: Kokoro, voice: str) -> None:
    audio = said(kokoro, TEXT, voice)
    assert audio.rate == kokoro.card.rate == RATE
    assert 0.8 < audio.duration < 4
    assert np.isfinite(audio.samples).all()
    assert np.abs(audio.samples).max() <= 1
    assert -40 < loudness_db(audio) < -10


def test_speed_scales_the_duration(kokoro: Kokoro) -> None:
    # The silence around a sentence is not spoken, so it does not scale.
    slow, plain, fast = (said(kokoro, TEXT, speed=speed).duration for speed in (0.5, 1.0, 2.0))
    assert 1.6 < slow / plain < 2.2
    assert 0.4 < fast / plain < 0.7


def test_voices_differ(kokoro: Kokoro) -> None:
    one, other = said(kokoro, TEXT, "af_heart"), said(kokoro, TEXT, "am_michael")
    length = min(len(one.samples), len(other.samples))
    assert not np.allclose(one.samples[:length], other.samples[:length], atol=0.05)


def test_no_voice_means_the_default_one(kokoro: Kokoro) -> None:
    assert kokoro.card.default_voice == BEST
    assert np.array_equal(said(kokoro, TEXT).samples, said(kokoro, TEXT, BEST).samples)


def test_an_unknown_voice_is_told_the_known_ones(kokoro: Kokoro) -> None:
    with pytest.raises(InvalidInput) as caught:
        said(kokoro, TEXT, "af_nobody")
    assert caught.value.param == "voice"
    assert "'af_nobody'" in caught.value.message
    assert all(voice.name in caught.value.message for voice in kokoro.card.voices)


def test_an_unknown_language_is_told_the_known_ones(kokoro: Kokoro) -> None:
    with pytest.raises(InvalidInput) as caught:
        kokoro.synthesize([Speak(TEXT, language="ja")])
    assert caught.value.param == "language"
    assert all(language in caught.value.message for language in kokoro.card.languages)


@pytest.mark.parametrize("language", ["en", "en-US", "EN-us"])
def test_a_language_may_be_said_in_short(kokoro: Kokoro, language: str) -> None:
    (speech,) = kokoro.synthesize([Speak(TEXT, language=language)])
    assert np.array_equal(speech.audio.samples, said(kokoro, TEXT).samples)


def test_only_voices_whose_language_can_be_phonemized_are_offered(kokoro: Kokoro) -> None:
    extra = importlib.util.find_spec("piper") is not None
    wanted = {"en-US", "en-GB"} | ({"es", "fr", "hi", "it", "pt-BR"} if extra else set())
    assert set(kokoro.card.languages) == wanted
    for voice in kokoro.card.voices:
        assert voice.language == LANGUAGES[voice.name[0]]
        assert voice.language in wanted
    assert not [v.name for v in kokoro.card.voices if v.name[0] in "jz"]


@pytest.mark.parametrize("text", ["", " \n ", "…", "!?!", "* * *", "。"])
def test_a_text_without_anything_to_say_is_no_sound(kokoro: Kokoro, text: str) -> None:
    audio = said(kokoro, text)
    assert (len(audio.samples), audio.rate) == (0, RATE)


def test_a_text_longer_than_the_network_s_memory_is_spoken_whole(kokoro: Kokoro) -> None:
    sentence = "One two three four five six seven eight nine ten, "
    audio = said(kokoro, sentence * 10, speed=4.0)
    assert audio.duration > 7.5 * said(kokoro, sentence, speed=4.0).duration
    quarter = audio.cut(audio.duration * 0.75, audio.duration)
    assert loudness_db(quarter) > -40


# Settings


def test_offered_voices_can_be_chosen() -> None:
    chosen = load_changed(NAME, voices=("bm_george", "am_adam"), options={}).model
    assert [voice.name for voice in chosen.card.voices] == ["am_adam", "bm_george"]
    assert chosen.card.default_voice == "am_adam"
    assert set(chosen.card.languages) == {"en-US", "en-GB"}


@pytest.mark.parametrize("voice", ["af_nobody", "jf_alpha"])
def test_a_chosen_voice_that_cannot_be_offered_is_refused(voice: str) -> None:
    with pytest.raises(SettingsError, match=f"kokoro: voices {voice} cannot be offered.*en-US"):
        load_changed(NAME, voices=("af_heart", voice))


def test_a_default_voice_that_is_not_offered_is_refused() -> None:
    with pytest.raises(SettingsError, match="default_voice af_heart is not one of am_adam"):
        load_changed(NAME, voices=("am_adam",), options={"default_voice": "af_heart"})


# Pieces


phonemes = st.text("abcɹ ˈ.,!?;:—…", max_size=120)


@profile(derandomize=True, deadline=None, max_examples=300)
@given(text=phonemes, longest=st.integers(1, 30))
@example(text=" " * 40, longest=10)
def test_pieces_lose_nothing_but_space_and_none_is_too_long(text: str, longest: int) -> None:
    found = list(pieces(text, longest))
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(0 < len(piece) <= longest and piece == piece.strip() for piece in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc", ["abc"]),
        ("one two, three four", ["one two,", "three four"]),
        ("one two three", ["one two", "three"]),
        ("abcdefghijklm", ["abcdefghij", "klm"]),
        ("a. b. c. d. e.", ["a. b. c.", "d. e."]),
    ],
    ids=["short", "pause", "space", "anywhere", "last pause"],
)
def test_pieces_end_at_the_last_pause_that_fits(text: str, expected: list[str]) -> None:
    assert list(pieces(text, 10)) == expected


def test_the_longest_piece_is_what_the_network_s_positions_hold() -> None:
    assert LONGEST == 512 - 2
