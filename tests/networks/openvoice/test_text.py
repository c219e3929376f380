"""OpenVoice V1's text: the reference rows stage by stage, the deviations, and anything at all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks.chinese.words import Chinese
from networks.openvoice.text import FrontEnd, load_front_end
from networks.unreadable import UnreadableText
from tests.golden import golden, golden_rows

SYMBOLS = "_,.!?-~…NQabdefghijklmnopstuvwxyzɑæʃʑçɯɪɔɛɹðəɫɥɸʊɾʒθβŋɦ⁼ʰ`^#*=ˈˌ→↓↑ "
# Why our readings differ from the reference rows, by text, and what they are instead. The reasons are the
# rows of the table of deviations in docs/text.md.
DEVIATIONS: dict[str, dict[str, dict[str, str]]] = json.loads(
    Path(__file__).with_name("deviations.json").read_text("utf-8")
)
# What pypinyin 0.55 reads in another way than 0.50, which the models learned and we pin.
OTHER_PINYIN = "这个API很好用"


@pytest.fixture(scope="module")
def english(cmudict: Path) -> FrontEnd:
    return load_front_end("EN", SYMBOLS, add_blank=True, dictionary=cmudict)


@pytest.fixture(scope="module")
def mandarin(chinese: Chinese) -> FrontEnd:
    return load_front_end("ZH", SYMBOLS, add_blank=True)


@pytest.fixture(scope="module")
def front_ends(english: FrontEnd, mandarin: FrontEnd) -> dict[str, FrontEnd]:
    return {"EN": english, "ZH": mandarin}


def test_the_symbols_are_those_of_the_published_configuration() -> None:
    config = json.loads((golden("openvoice_v1_synthesizer") / "config.json").read_text("utf-8"))
    assert config["symbols"] == list(SYMBOLS)


def _compare(front_end: FrontEnd, name: str, differing: dict[str, dict[str, str]]) -> int:
    meant = {text: ours for texts in differing.values() for text, ours in texts.items()}
    same = 0
    for row in golden_rows(name):
        for piece in row.get("pieces", ()):
            phonemes = front_end.phonemes(piece["text"])
            if piece["text"] in meant:
                assert phonemes == meant.pop(piece["text"])
                assert phonemes != piece["clean"]
                continue
            assert phonemes == piece["clean"], row
            same += 1
            if any(map(str.isalpha, phonemes)):
                assert front_end.ids(piece["text"]) == piece["ids_blank"], row
    assert not meant, "a deviation that no reference row shows any more"
    return same


def test_english_rows_match(english: FrontEnd) -> None:
    assert _compare(english, "openvoice_v1_en", DEVIATIONS["EN"]) == 66


def test_chinese_rows_match(mandarin: FrontEnd) -> None:
    assert _compare(mandarin, "openvoice_v1_zh", DEVIATIONS["ZH"]) == 106


def test_marked_stretches_are_read_in_their_language(cmudict: Path, chinese: Chinese) -> None:
    both = load_front_end("ZH", SYMBOLS, add_blank=True, dictionary=cmudict)
    marked = [row for row in golden_rows("openvoice_v1_en") if row["kind"] == "marks"]
    compared = 0
    for row in marked:
        # One mark inside another: English letter names of Chinese phonemes, in either alphabet.
        if (
            row["marked"].count("[EN]") + row["marked"].count("[ZH]") == 4
            and "one [ZH]" in row["marked"]
        ):
            continue
        assert both.clean(row["marked"]) == row["clean"]
        compared += 1
    assert compared == 9


def test_cases_of_the_synthesizer_match(front_ends: dict[str, FrontEnd]) -> None:
    document = json.loads(
        (golden("openvoice_v1_synthesizer") / "text_cases.json").read_text("utf-8")
    )
    same = 0
    for case in document["cases"]:
        front_end = front_ends[case["language"]]
        for piece in case["pieces"]:
            broken = "*" in piece["phonemes"] or piece["piece"] == OTHER_PINYIN
            if front_end.phonemes(piece["piece"]) == piece["phonemes"]:
                assert front_end.ids(piece["piece"]) == piece["ids_with_blanks"]
                same += 1
            else:
                assert broken, piece["piece"]
    assert same == 16


READINGS = {
    "It costs $249.99, £12.50 and 1,250,000.": "ɪt kɔsts tu ˈhənəɹd ˈfɔɹti naɪn ˈdɔləɹz, ˈnaɪnti naɪn sɛnts, "
    "twɛɫv paʊnz ənd ˈfɪfti pɛns ənd wən ˈmɪljən, tu ˈhənəɹd ˈfɪfti ˈθaʊzənd.",
    "It holds 500 mL.": "ɪt hoʊɫdz faɪv ˈhənəɹd ˈmɪləˌlitəɹz.",
    "forty-two A.I. labs": "ˈfɔɹti tu eɪ aɪ læbz.",
    "at 7 p.m. in the U.S.": "æt ˈsɛvən piɛm ɪn ðə ju ɛs.",
    "naïve “café” – yes…": 'naɪiv "kəˈfeɪ" jɛs…',
    "你好, Привет": "ni haʊ, pɹivet*.",
    "[en]unclosed": "unclosed*.",
    "kubernetes": "kubeɹnetes*.",
    "❤️": "",
}


@pytest.mark.parametrize(("text", "phonemes"), READINGS.items())
def test_english_is_read(english: FrontEnd, text: str, phonemes: str) -> None:
    assert english.phonemes(text) == phonemes


def test_a_text_stays_whole_where_a_number_has_a_comma(english: FrontEnd) -> None:
    text = "It costs $249.99, or 1,250,000 of them in the U.S. today."
    assert english.pieces(text) == [text]


def test_marks_that_a_user_writes_are_not_spelled_out(english: FrontEnd) -> None:
    assert english.pieces("[EN]Good [zh]morning.") == ["Good morning."]
    assert english.phonemes("[EN]Good morning.[EN]") == "gʊd ˈmɔɹnɪŋ."


@pytest.mark.parametrize("text", ["", " ", "?!", "...", "❤️", "\u200f", "— –", "\x00"])
def test_a_text_that_says_nothing_is_refused(front_ends: dict[str, FrontEnd], text: str) -> None:
    for front_end in front_ends.values():
        with pytest.raises(UnreadableText, match="nothing in this text can be spoken"):
            front_end.ids(text)


def test_another_script_in_chinese_is_refused_where_nothing_else_is(mandarin: FrontEnd) -> None:
    with pytest.raises(UnreadableText):
        mandarin.ids("ひらがな")


def test_without_blanks_there_is_one_id_a_symbol(cmudict: Path) -> None:
    plain = load_front_end("EN", SYMBOLS, add_blank=False, dictionary=cmudict)
    assert plain.ids("Hello world.") == [16, 41, 62, 20, 23, 48, 67, 29, 44, 42, 45, 12, 2]


def test_another_language_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="EN, ZH, not 'JP'"):
        load_front_end("JP", SYMBOLS, add_blank=True)


def test_english_wants_its_dictionary() -> None:
    with pytest.raises(ValueError, match="CMU dictionary"):
        load_front_end("EN", SYMBOLS, add_blank=True)


HOSTILE = st.text(max_size=120) | st.text(
    alphabet="aZé'-. ,!?…—[EN]ZH5$£¥€%&@#:/\n\t\x00\x1b\u200f\u202e\ufeff🎉❤️你好の한Привет٣①½ﬁ*`~^",
    max_size=120,
)


@settings(max_examples=300, deadline=None)
@given(text=HOSTILE)
def test_any_text_is_read_or_refused(text: str, front_ends: dict[str, FrontEnd]) -> None:
    for front_end in front_ends.values():
        for piece in front_end.pieces(text):
            try:
                ids = front_end.ids(piece)
            except UnreadableText:
                continue
            assert len(ids) % 2 == 1
            assert all(0 <= number < len(SYMBOLS) for number in ids)


LONG: dict[str, Callable[[], str]] = {
    "a very long word": lambda: "supercalifragilistic" * 2000,
    "a very long number": lambda: "4" * 40_000,
    "only punctuation": lambda: ".,!?;" * 8000,
    "only hyphens": lambda: "a-" * 20_000,
    "capitals by turns": lambda: "aB" * 20_000,
    "ideographs": lambda: "我们" * 20_000,
    "initials": lambda: "a." * 20_000,
    "marks": lambda: "[EN]" * 10_000,
}


@pytest.mark.parametrize("text", [pytest.param(make(), id=name) for name, make in LONG.items()])
def test_time_grows_in_line_with_the_text(text: str, front_ends: dict[str, FrontEnd]) -> None:
    begun = time.perf_counter()
    for front_end in front_ends.values():
        for piece in front_end.pieces(text):
            front_end.phonemes(piece)
    assert time.perf_counter() - begun < 60  # seconds; a quadratic one would take far longer
