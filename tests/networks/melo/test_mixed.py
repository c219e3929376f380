"""MeloTTS' Chinese with English: the reference rows stage by stage, the deviations, and anything at all."""

from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks.melo.chinese import Syllables
from networks.melo.english import EnglishWords
from networks.melo.flow import CODES, FrontEnd, Table
from networks.melo.mixed import MandarinWithEnglish
from networks.unreadable import UnreadableText
from tests.golden import golden
from tests.networks.melo.basic_tokens import basic_tokens
from tests.networks.melo.rows import compare_norms, compare_phones


@pytest.fixture(scope="module")
def mixed(syllables: Syllables, english_words: EnglishWords) -> MandarinWithEnglish:
    return MandarinWithEnglish(syllables, english_words)


@pytest.fixture(scope="module")
def front_end(mixed: MandarinWithEnglish) -> FrontEnd:
    """With the 112 symbols of the published Chinese weights."""
    tables = json.loads((golden("text") / "symbols_melotts.json").read_text(encoding="utf-8"))
    symbols = tables["checkpoint_symbols"]["zh_mix_en"]["symbols"]
    assert len(symbols) == 112
    return FrontEnd(mixed, basic_tokens, Table(symbols, CODES["ZH_MIX_EN"]))


def test_texts_normalise_as_in_the_original_or_as_meant(mixed: MandarinWithEnglish) -> None:
    assert compare_norms(mixed, "melotts_zh_mix_en") == 125


def test_segments_become_the_phones_of_the_original(mixed: MandarinWithEnglish) -> None:
    assert compare_phones(mixed, "melotts_zh_mix_en", except_for=frozenset()) == 141


@pytest.mark.parametrize(
    ("written", "norm"),
    [
        ("café拿铁", "cafe拿铁"),
        ("my_var_name", "my var name"),
        ("A/B测试、C++和C#", "A B测试,C加加和C"),
        ("a@b.cn", "a艾特b.cn"),
        ("16:9", "十六比九"),
        ("50% off", "百分之五十 off"),
        ("#topic 话题", "topic 话题"),
        ("Straße和ﬁle", "Strasse和file"),
        ("加½杯，5 × 3，x²", "加二分之一杯,五 乘 三,x平方"),
    ],
)
def test_mixed_text_is_normalised(mixed: MandarinWithEnglish, written: str, norm: str) -> None:
    assert mixed.normalize(written) == norm


def test_english_has_its_own_tones_and_the_common_language(front_end: FrontEnd) -> None:
    reading = front_end.read("开meeting。")
    assert reading.phones.phones == ("_", "k", "ai", "m", "iy", "t", "ih", "ng", ".", "_")
    assert reading.phones.tones == (0, 1, 1, 7, 9, 7, 8, 7, 0, 0)
    assert set(reading.ids.languages) == {0, 3}


def test_a_text_that_says_nothing_is_refused(front_end: FrontEnd) -> None:
    for text in ("❤️", "ひらがな", "Привет", "", " \t", "###"):
        with pytest.raises(UnreadableText, match="nothing in this text"):
            front_end.read(text)


HOSTILE = st.text(max_size=100) | st.text(
    alphabet="我你不一儿看好嗯、。！？…aZéÑ'-. ,5$￥%&@#_:/+=℃\n\x00\u200f\u202e\ufeff🎉の한П٣①½",
    max_size=100,
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


@pytest.mark.parametrize("unit", ["我a", "我们", "4", "。", "aB", "一 ", "é", "a'", "_"])
def test_time_grows_in_line_with_the_text(unit: str, front_end: FrontEnd) -> None:
    begun = time.perf_counter()
    for piece in front_end.pieces(unit * 4000):
        with suppress(UnreadableText):
            front_end.read(piece)
    assert time.perf_counter() - begun < 60  # seconds; a quadratic one would take far longer
