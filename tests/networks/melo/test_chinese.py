"""MeloTTS' plain Chinese: the reference rows stage by stage, the deviations, and anything at all."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks.melo.chinese import Mandarin, Syllables
from networks.melo.flow import CODES, FrontEnd, Table
from networks.unreadable import UnreadableText
from tests.networks.melo.rows import compare_norms, compare_phones
from tests.networks.melo.test_flow import melo_symbols


@pytest.fixture(scope="module")
def mandarin(syllables: Syllables) -> Mandarin:
    return Mandarin(syllables)


@pytest.fixture(scope="module")
def front_end(mandarin: Mandarin) -> FrontEnd:
    return FrontEnd(mandarin, list, Table(melo_symbols(), CODES["ZH"]))


def test_texts_normalise_as_in_the_original_or_as_meant(mandarin: Mandarin) -> None:
    assert compare_norms(mandarin, "melotts_zh") == 166


def test_characters_become_the_phones_of_the_original(mandarin: Mandarin) -> None:
    assert compare_phones(mandarin, "melotts_zh", except_for=frozenset()) == 185


@pytest.mark.parametrize(
    ("written", "norm"),
    [
        ("NBA和CCTV", "恩比诶和西西提维"),
        ("Ａ１", "诶一"),
        ("他说：“好”。", "他说,'好'."),
        ("嗯…呣！", "恩…母!"),
        ("日本語のひらがな", "日本語"),
        ("100元/斤", "一百元每斤"),
        ("二〇二四年", "二零二四年"),
        ("138-1234-5678", "一三八一二三四五六七八"),
        ("🎂快乐\u200f", "快乐"),
    ],
)
def test_chinese_is_normalised(mandarin: Mandarin, written: str, norm: str) -> None:
    assert mandarin.normalize(written) == norm


# Tones after sandhi, and the reading they stand for.
TONES = {
    "不对": (2, 4),  # 不 before a fourth tone
    "看不懂": (4, 5, 3),  # in the middle of three
    "一定": (2, 4),
    "一天": (4, 1),
    "第一次": (4, 1, 4),
    "看一看": (4, 5, 4),
    "看一看想一想": (4, 5, 4, 3, 5, 3),  # the original gives up at the second one
    "妈妈": (1, 5),
    "你好": (2, 3),
    "展览馆": (2, 2, 3),
    "纸老虎": (3, 2, 3),
    "三个": (1, 5),
    "舒舒服服": (1, 1, 2, 5),
    "花儿": (1, 2),
}


@pytest.mark.parametrize(("text", "tones"), TONES.items())
def test_tones_change_beside_others(mandarin: Mandarin, text: str, tones: tuple[int, ...]) -> None:
    spoken = mandarin.speak(text)
    assert spoken.tones[1:-1:2] == tones
    assert spoken.tones[2:-1:2] == tones


def test_a_text_that_says_nothing_is_refused(front_end: FrontEnd) -> None:
    for text in ("❤️", "ひらがな", "한국어", "", " \t"):
        with pytest.raises(UnreadableText, match="nothing in this text"):
            front_end.read(text)


HOSTILE = st.text(max_size=100) | st.text(
    alphabet="我你不一儿个子的上来看好啊嗯〇龘丏、。！？…aZé'-. ,5$￥%&@#:/+=℃\n\x00\u202e\ufeff🎉の한٣①½",
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
        assert len(reading.phones.word2ph) == len(reading.norm) + 2
        assert sum(reading.ids.word2ph) == len(reading.ids.phones) == len(reading.ids.tones)
        assert all(0 <= tone <= 5 for tone in reading.phones.tones)


@settings(max_examples=100, deadline=None)
@given(
    text=st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), max_size=30)
)
def test_every_character_has_a_count(text: str, mandarin: Mandarin) -> None:
    assert len(mandarin.speak(text).word2ph) == len(text) + 2


@pytest.mark.parametrize("unit", ["我", "我们", "4", "。", "一", "不", "儿", "a", "看一", "1:00"])
def test_time_grows_in_line_with_the_text(unit: str, front_end: FrontEnd) -> None:
    begun = time.perf_counter()
    for piece in front_end.pieces(unit * 2000):
        with suppress(UnreadableText):
            front_end.read(piece)
    assert time.perf_counter() - begun < 60  # seconds; a quadratic one would take far longer
