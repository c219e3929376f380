"""MeloTTS' English: the reference rows stage by stage, the deviations, and anything at all."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks.melo.english import English, EnglishWords
from networks.melo.flow import CODES, FrontEnd, Table
from networks.unreadable import UnreadableText
from tests.networks.melo.basic_tokens import basic_tokens
from tests.networks.melo.rows import compare_norms, compare_phones
from tests.networks.melo.test_flow import melo_symbols

# The original gives phones of the word before to a lone number sign.
NUMBER_SIGNS = frozenset(
    (
        "fifty% of users pay & the rest don't; contact me @ home #one.",
        "we tagged it #travel and #food.",
    )
)


@pytest.fixture(scope="module")
def english(english_words: EnglishWords) -> English:
    return English(english_words)


@pytest.fixture(scope="module")
def front_end(english: English) -> FrontEnd:
    return FrontEnd(english, basic_tokens, Table(melo_symbols(), CODES["EN"]))


def test_texts_normalise_as_in_the_original_or_as_meant(english: English) -> None:
    assert compare_norms(english, "melotts_en") == 97


def test_tokens_become_the_phones_of_the_original(english: English) -> None:
    assert compare_phones(english, "melotts_en", except_for=NUMBER_SIGNS) == 112


def test_a_number_sign_takes_no_phones_from_the_word_before(english: English) -> None:
    spoken = english.speak("", lambda _: ["home", "#", "one"])
    assert spoken.phones == ("_", "hh", "ow", "m", "w", "ah", "n", "_")
    assert spoken.word2ph == (1, 3, 0, 3, 1)


READINGS = {
    "Dr. Hale paid $2.50": "doctor hale paid two dollars fifty cents",
    "£12.50, €15 and ¥3000": "twelve pounds sterling fifty pence, fifteen euros and three thousand yen",
    "at 13:00 and 0:15": "at one p m and twelve fifteen a m",
    "7:05 and 11:59 p.m. sharp": "seven oh five a m and eleven fifty-nine p m sharp",
    "3pm": "three p m",
    "4:06:08": "four oh six and eight seconds a m",
    "24:00": "twelve a m",
    "5-6 on 2024-02-29": "five to six on february twenty ninth, twenty twenty four",
    "#1 & 50%": "number one and fifty percent",
    "1,500 in 1984": "one thousand, five hundred in nineteen eighty-four",
    "10,000,000.50": "ten million point fifty",
}


@pytest.mark.parametrize(("written", "norm"), READINGS.items())
def test_english_is_normalised(english: English, written: str, norm: str) -> None:
    assert english.normalize(written) == norm


PREPARED = {
    "Add 2½ cups.": "add two and a half cups.",
    "Mix 1½ cups at 3×5 cm": "mix one and a half cups at three times five centimeters",
    "3 ÷ 4 ≥ ¼, x² ± 1": "three divided by four at least one quarter, x squared plus or minus one",
    "ＡＢＣ ﬁne Straße Ærø": "abc fine strasse aero",
    "№ 5, 5㎏, 2 µm, 3‰": "number five, five kilograms, two micrometers, three per thousand",
    "10⁶ and 10⁻³": "ten to the power of six and ten to the power of minus three",
    "1② H₂O": "one two h two o",
    "naïve cafés in São Paulo": "naive cafes in sao paulo",
    "“It’s — well…”": "it's — well…",
    "Great job 😀👍! ❤️": "great job !",
    "Acme™ 日本 Привет hello\u202e": "acme hello",
}


@pytest.mark.parametrize(("written", "norm"), PREPARED.items())
def test_what_the_tokenizer_does_not_know_is_read_or_dropped(
    front_end: FrontEnd, written: str, norm: str
) -> None:
    (piece,) = front_end.pieces(written)
    assert front_end.read(piece).norm == norm


def test_units_with_capitals_are_read(english: English) -> None:
    (piece,) = english.pieces("500 mL at 10 kHz, 5 kWh, 5 mA, 10 mV, 5 mAh, 10 kW and 90dB")
    assert english.normalize(piece) == (
        "five hundred milliliters at ten kilohertz, five kilowatt hours, five milliamps, "
        "ten millivolts, five milliamp hours, ten kilowatts and ninety decibels"
    )


def test_a_word_comes_from_the_dictionary_its_additions_or_a_guess(
    english_words: EnglishWords,
) -> None:
    assert english_words.read("kettle") == (["k", "eh", "t", "ah", "l"], [0, 2, 0, 1, 0])
    assert english_words.read("prefixes")[0][-1] == "z"
    assert english_words.read("vlindersk")[0] == ["V", "l", "ih", "n", "d", "er", "s", "k"]
    assert english_words.read("[UNK]")[0] == ["ah", "ng", "k"]
    assert english_words.read("café")[0] == ["k", "ah", "f", "ey"]
    assert english_words.read("?") == (["?"], [0])
    assert english_words.read("好") == ([], [])


def test_a_text_that_says_nothing_is_refused(front_end: FrontEnd) -> None:
    assert front_end.pieces("?! ...") == front_end.pieces("❤️") == []
    for text in ("❤️", "Привет", "你好"):
        with pytest.raises(UnreadableText, match="nothing in this text"):
            front_end.read(text)


def test_a_piece_is_read_to_its_ids(front_end: FrontEnd) -> None:
    reading = front_end.read(front_end.pieces("OpenVoice costs $3.")[0])
    assert reading.norm == "open voice costs three dollars."
    assert len(reading.ids.phones) == 2 * len(reading.phones.phones) + 1
    assert sum(reading.ids.word2ph) == len(reading.ids.phones)
    assert set(reading.ids.languages) == {0, 2}


HOSTILE = st.text(max_size=120) | st.text(
    alphabet="aZé'-. ,!?…—5$£¥€%&@#:/[]\n\t\x00\x1b\u200f\u202e\ufeff🎉❤️你好の한Привет٣①½ﬁ*`~^",
    max_size=120,
)


@settings(max_examples=300, deadline=None)
@given(text=HOSTILE)
def test_any_text_is_read_or_refused(text: str, front_end: FrontEnd) -> None:
    for piece in front_end.pieces(text):
        try:
            reading = front_end.read(piece)
        except UnreadableText:
            continue
        assert len(reading.phones.word2ph) == len(basic_tokens(reading.norm)) + 2
        assert sum(reading.ids.word2ph) == len(reading.ids.phones) == len(reading.ids.tones)


@pytest.mark.parametrize(
    "unit", ["supercalifragilistic", "4", ".,!?;", "a-", "aB", "a.", "#", "1:00 "]
)
def test_time_grows_in_line_with_the_text(unit: str, front_end: FrontEnd) -> None:
    begun = time.perf_counter()
    for piece in front_end.pieces(unit * (40_000 // len(unit))):
        with suppress(UnreadableText):
            front_end.read(piece)
    assert time.perf_counter() - begun < 60  # seconds; a quadratic one would take far longer
