"""MeloTTS' Korean: the reference rows stage by stage, the deviations, and anything at all."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import given, settings

from networks.melo.flow import CODES, FrontEnd, Table
from networks.melo.korean.english import to_hangul
from networks.melo.korean.front_end import Korean
from networks.melo.korean.numbers import native, sino
from networks.melo.korean.pronunciation import pronounce
from networks.unreadable import UnreadableText
from tests.golden import golden_rows
from tests.networks.melo.anything import ANYTHING, read_all, whole_words, word_pieces
from tests.networks.melo.reference import (
    compare_splits,
    compare_texts,
    ids_of,
    other_norms,
    other_phones,
    symbols,
)

# As CMUdict has them.
ENGLISH = {
    "python": "P AY1 TH AA0 N",
    "computer": "K AH0 M P Y UW1 T ER0",
    "hello": "HH AH0 L OW1",
    "x": "EH1 K S",
    "y": "W AY1",
    "z": "Z IY1",
}


def english(word: str) -> Sequence[str] | None:
    return ENGLISH[word].split() if word in ENGLISH else None


@pytest.fixture(scope="module")
def korean() -> Korean:
    return Korean(english)


@pytest.fixture(scope="module")
def faithful() -> Korean:
    return Korean(english, faithful=True)


@pytest.fixture(scope="module")
def front_end(korean: Korean) -> FrontEnd:
    return FrontEnd(korean, word_pieces, Table(symbols(), CODES["KR"]))


def sounds(word: str) -> str:
    return unicodedata.normalize("NFC", pronounce(word))


def test_each_stage_gives_what_the_original_gave(faithful: Korean) -> None:
    assert other_norms(faithful, "kr") == (123, set())
    # "15,000원", twice: the original reads 000 as nothing.
    assert other_phones(faithful, "kr") == (120, {"money"})
    assert ids_of(faithful, "kr", "KR") == 112


def test_what_the_original_raises_for_is_left_out(korean: Korean) -> None:
    assert other_norms(korean, "kr") == (123, set())
    same, others = other_phones(korean, "kr")
    raising = {row["kind"] for row in golden_rows("melotts_kr") if "error" in row}
    # "abc", which the original gives as the phones a, b and c, is of kind edge.
    assert (same, others) == (111, {"money", "punct", "jamo", "mixed", "emoji", "edge"})
    assert others - raising == set()
    assert ids_of(korean, "kr", "KR") == 111


def test_texts_differ_from_the_original_only_as_listed(korean: Korean) -> None:
    assert compare_texts(korean, "kr") == 51


def test_long_texts_are_cut_where_the_original_cuts(faithful: Korean, korean: Korean) -> None:
    assert compare_splits(faithful, "KR") == (12, 12)
    # The others have nothing but Chinese characters, 、 or numbers with commas.
    assert compare_splits(korean, "KR") == (8, 12)


@pytest.mark.parametrize(
    ("written", "norm"),
    [
        ("1,234,567명", "1234567명"),
        ("15,000원", "15000원"),
        ("$20, €3.5", "20달러, 삼 점 오유로"),
        ("36.5도", "삼십육 점 오도"),
        ("50%", "오십퍼센트"),
        ("100", "백"),
        ("010-1234-5678", "010-1234-5678"),
        ("3:30과 19:00", "3시 30분과 19시"),
        ("2024-02-29", "2024년 2월 29일"),
        ("1/2", "이분의 일"),
        ("12시간", "열두시간"),
        ("6·25와 3·1절", "육이오와 삼일절"),
        ("서울·부산", "서울, 부산"),
        ("‘작은’ “큰”; 끝", "'작은' \"큰\", 끝"),
        ("ㅋㅋㅋㅋㅋ 좋아 ㅠㅠ", "크크크 좋아"),
        ("NHK와 CCTV", "엔에이치케이와 씨씨티비"),
        ("-5도", "마이너스 5도"),
        ("#1 노래", "샵 1 노래"),
        ("축하해요🎉\u200f", "축하해요"),
        ("a.com", "a 점 com"),
        ("17£38와 5€50", "십칠파운드 삼십팔와 5유로 오십"),
        ("café, naïve", "cafe, naive"),
        ("100m, 128GB, 50km/h", "백 m, 백이십팔 지비, 오십 km/h"),
        ("3D, G7, mp3", "3디, 지7, mp3"),
        ("한\u1161", "한"),
        ("\u1112\u1161\u11ab", "한"),
        ("제목\n\n본문", "제목. 본문"),
    ],
)
def test_what_the_original_loses_is_read(korean: Korean, written: str, norm: str) -> None:
    assert " ".join(map(korean.normalize, korean.pieces(written))) == norm


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("국물", "궁물"),
        ("독립", "동닙"),
        ("신라", "실라"),
        ("칼날", "칼랄"),
        ("좋다", "조타"),
        ("많지", "만치"),
        ("싫어요", "시러요"),
        ("굳이", "구지"),
        ("같이", "가치"),
        ("닫히다", "다치다"),
        ("읽다", "익따"),
        ("읽고", "일꼬"),
        ("넓다", "널따"),
        ("밟는", "밤는"),
        ("넓죽하다", "넙쭈카다"),
        ("닭을", "달글"),
        ("값이", "갑씨"),
        ("희망", "히망"),
        ("가져", "가저"),
        ("꽃잎", "꼰닙"),
        ("할수록", "할쑤록"),
        ("신다", "신따"),
        ("앉고", "안꼬"),
        ("남자", "남자"),
        ("늦어", "느서"),  # as the published networks learned it
    ],
)
def test_sounds_follow_the_standard(written: str, heard: str) -> None:
    assert sounds(written) == heard


def test_an_unknown_english_word_is_spelt(korean: Korean, faithful: Korean) -> None:
    spelt = korean.speak("", lambda _: ["abc"]).phones
    assert unicodedata.normalize("NFC", "".join(spelt)) == "_에이비씨_"
    assert faithful.speak("", lambda _: ["abc"]).phones == ("_", "a", "b", "c", "_")


def test_syllables_that_a_tokenizer_took_apart_are_put_together(korean: Korean) -> None:
    apart = unicodedata.normalize("NFD", "국물")
    assert korean.speak("", lambda _: [apart]).phones == korean.speak("", lambda _: ["국물"]).phones


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("0", "영"),
        ("10000", "만"),
        ("110000000", "일억천만"),
        ("15000", "만오천"),
        ("1" + "0" * 16, "일경"),
        ("1" * 21, "일" * 21),
    ],
)
def test_numbers_are_read(digits: str, words: str) -> None:
    assert sino(digits) == words


def test_what_is_counted_has_native_numbers() -> None:
    assert [native(digits) for digits in ("1", "20", "21", "120", "0")] == [
        "한", "스무", "스물한", "백스물", "영",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("phonemes", "hangul"),
    [
        ("K AH0 M P Y UW1 T ER0", "컴프유터"),
        ("F IH1 L M", "필름"),
        ("K W IY1 N", "퀸"),
        ("T W IH1 N", "트윈"),
        ("SH AA1 P", "샤프"),
        ("K EH1 R", "케어"),
        ("?", ""),
    ],
)
def test_english_sounds_are_hangul(phonemes: str, hangul: str) -> None:
    assert to_hangul(phonemes.split()) == hangul


def test_a_text_without_words_has_no_pieces(korean: Korean) -> None:
    for text in ("", " \n", ".", "...", "🎉", "大韓民國", "こんにちは", "\u200f", "ㅠㅠ"):
        assert korean.pieces(text) == []


def test_a_piece_that_says_nothing_is_refused(front_end: FrontEnd) -> None:
    with pytest.raises(UnreadableText, match="nothing in this text"):
        front_end.read("大韓民國")


@settings(max_examples=150, deadline=None)
@given(ANYTHING)
def test_anything_is_read_or_left_out(front_end: FrontEnd, text: str) -> None:
    read_all(front_end, text)
    read_all(FrontEnd(front_end.language, whole_words, front_end.table), text)


@pytest.mark.parametrize(
    "unit", ["9", "a", "가", "ㅋ", "ㅏ", "1.", "1,", "$", " -", "1/", "\n\n", "닭"]
)
def test_long_texts_of_one_kind_are_read(front_end: FrontEnd, unit: str) -> None:
    read_all(front_end, unit * 4000)
