"""MeloTTS' Japanese: the reference rows stage by stage, the deviations, and anything at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings

from networks.extras import ExtraMissing
from networks.melo.flow import CODES, FrontEnd, Table
from networks.melo.japanese.english import to_katakana
from networks.melo.japanese.front_end import Japanese
from networks.melo.japanese.kana import kana_phones
from networks.melo.japanese.numbers import clock, in_kanji
from networks.melo.japanese.readings import Readings
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

ENGLISH = {"hello": "HH AH0 L OW1", "python": "P AY1 TH AA0 N"}


def english(word: str) -> Sequence[str] | None:
    return ENGLISH[word].split() if word in ENGLISH else None


@pytest.fixture(scope="module")
def readings() -> Readings:
    try:
        return Readings.load()
    except ExtraMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def japanese(readings: Readings) -> Japanese:
    return Japanese(readings, english)


@pytest.fixture(scope="module")
def faithful(readings: Readings) -> Japanese:
    return Japanese(readings, faithful=True)


@pytest.fixture(scope="module")
def front_end(japanese: Japanese) -> FrontEnd:
    return FrontEnd(japanese, word_pieces, Table(symbols(), CODES["JP"]))


def test_each_stage_gives_what_the_original_gave(faithful: Japanese, japanese: Japanese) -> None:
    # All of these have a ー after hiragana, where pykakasi's old interface doubles the kana instead.
    assert other_norms(faithful, "jp") == (128, {"kana", "sokuon", "onoma", "edge"})
    for language in (faithful, japanese):
        assert other_phones(language, "jp") == (135, set())
        assert ids_of(language, "jp", "JP") == 135


def test_texts_differ_from_the_original_only_as_listed(japanese: Japanese) -> None:
    assert compare_texts(japanese, "jp") == 13


def test_without_marks_most_texts_are_the_originals(readings: Readings) -> None:
    unmarked = Japanese(readings, marks=False)
    path = Path(__file__).with_name("deviations_jp.json")
    texts = json.loads(path.read_text(encoding="utf-8"))["punctuation marks are kept"]
    same = 0
    for row in golden_rows("melotts_jp"):
        norms = [unmarked.normalize(piece) for piece in unmarked.pieces(row["text"])]
        same += row["text"] in texts and norms == [part["norm"] for part in row.get("flow", [row])]
    assert (same, len(texts)) == (40, 40)


def test_long_texts_are_cut_where_the_original_cuts(faithful: Japanese, japanese: Japanese) -> None:
    assert compare_splits(faithful, "JP") == (12, 12)
    # The others have ？, which the original makes a full stop of, numbers with commas, or brackets.
    assert compare_splits(japanese, "JP") == (7, 12)


@pytest.mark.parametrize(
    ("written", "norm"),
    [
        ("時々、人々。", "トキドキ、ヒトビト。"),
        ("らーめん、にゃー", "ラーメン、ニャー"),
        ("髙橋と山﨑", "タカハシトヤマザキ"),
        ("はい、「そうです」。", "ハイ、ソウデス。"),
        ("本当？", "ホントウ?"),
        ("NHKとPython", "エヌエイチケートパイサン"),
        ("abcd", "エービーシーディー"),
        ("50%、5kg、23℃", "ゴジュウパーセント、ゴキログラム、ニジュウサンド"),
        ("7:05と19:00", "シチジゴフントジュウクジ"),
        ("2024-02-29", "ニセンニジュウシネンニガツニジュウキュウニチ"),
        ("1/2", "ニブンノイチ"),
        ("03-1234-5678", "ゼロサンノイチニサンヨンノゴロクナナハチ"),
        ("-5度", "マイナスゴド"),
        ("10〜20人", "ジュウカラニジュウニン"),
        ("1,234.5円", "センニヒャクサンジュウシテンゴエン"),
        ("一行目\n二行目", "イチギョウメ。ニギョウメ"),
        ("#タグ", "タグ"),
        ("ｶﾞﾗｽ", "ガラス"),
        ("さゝやか", "ササヤカ"),
        ("a\u202eは🎉", "エーハ"),
        ("平成17(2005)年", "ヘイセイジュウシチニセンゴネン"),
        ("第３（４）回", "ダイサンシカイ"),
        ("「1」「2」", "イチニ"),
        ("5'30", "ゴサンジュウ"),
        ("99%と81と88", "キュウジュウキュウパーセントトハチジュウイチトハチジュウハチ"),
        ("1981年、103円、2006", "センキュウヒャクハチジュウイチネン、ヒャクサンエン、ニセンロク"),
        ("4月1日と10月10日", "シガツツイタチトジュウガツトウカ"),
        ("19時、10時間、2024時点", "ジュウクジ、ジュウジカン、ニセンニジュウシジテン"),
        ("5-3、9-9", "ゴサン、キュウキュウ"),
        ("1/3", "サンブンノイチ"),
        ("12歳と18歳、100歳", "ジュウニサイトジュウハッサイ、ヒャクサイ"),
        ("21日と14日、10日、20日", "ニジュウイチニチトジュウヨッカ、トウカ、ハツカ"),
        ("45000と8005000", "ヨンマンゴセントハッピャクマンゴセン"),
        ("21人、2人、20002", "ニジュウイチニン、フタリ、ニマンニ"),
        ("17£38、5€50", "ジュウシチポンドサンジュウハチ、ゴユーロゴジュウ"),
        ("café、naïve", "シーエーエフイー、エヌエーアイブイイー"),
    ],
)
def test_what_the_original_loses_is_read(japanese: Japanese, written: str, norm: str) -> None:
    assert "".join(map(japanese.normalize, japanese.pieces(written))) == norm


def test_marks_sound_as_pauses(japanese: Japanese) -> None:
    spoken = japanese.speak("", lambda _: ["ア", "、", "[UNK]", "！", "。"])
    assert spoken.phones == ("_", "a", ",", "_", "!", ".", "_")


def test_a_character_that_no_table_knows_is_silent_unless_faithful(
    japanese: Japanese, faithful: Japanese
) -> None:
    assert japanese.speak("", lambda _: ["你ア"]).phones == ("_", "a", "_")
    assert faithful.speak("", lambda _: ["你ア"]).phones == ("_", "你", "a", "_")


def test_a_character_without_a_reading_leaves_its_neighbours_alone(readings: Readings) -> None:
    assert readings.katakana("你好世界") == "你コウセカイ"
    assert readings.katakana("琦玉") == "琦タマ"


@pytest.mark.parametrize(
    ("kana", "phones"),
    [("キャット", "ky a q t o"), ("カァ", "k a:"), ("ラーメン", "r a m e N"), ("ヴォ", "b o")],
)
def test_kana_are_phones(kana: str, phones: str) -> None:
    assert list(kana_phones(kana)) == phones.split()


@pytest.mark.parametrize(
    ("number", "kanji"),
    [
        ("0", "零"),
        ("10000", "一万"),
        ("1234567", "百二十三万四千五百六十七"),
        ("3.05", "三点零五"),
        ("1" + "0" * 20, "一垓"),
        ("9" * 25, "九" * 25),
    ],
)
def test_numbers_are_written_in_kanji(number: str, kanji: str) -> None:
    assert in_kanji(number) == kanji


@pytest.mark.parametrize(
    ("hour", "minute", "kana"),
    [
        (0, 0, "ゼロジ"),
        (4, 10, "ヨジジュップン"),
        (14, 30, "ジュウヨジサンジュップン"),
        (20, 41, "ニジュウジヨンジュウイップン"),
    ],
)
def test_times_are_read(hour: int, minute: int, kana: str) -> None:
    assert clock(hour, minute) == kana


@pytest.mark.parametrize(
    ("phonemes", "kana"),
    [
        ("K AH0 M P Y UW1 T ER0", "カンピューター"),
        ("M Y UW1 Z IH0 K", "ミュージック"),
        ("S T R IY1 T", "ストリート"),
        ("K IH1 NG", "キング"),
        ("?", ""),
    ],
)
def test_english_sounds_are_katakana(phonemes: str, kana: str) -> None:
    assert to_katakana(phonemes.split()) == kana


def test_a_long_text_without_marks_is_cut(japanese: Japanese) -> None:
    pieces = japanese.pieces("今日は朝から公園を散歩しました" * 60)
    assert "".join(pieces) == "今日は朝から公園を散歩しました" * 60
    assert max(map(len, pieces)) <= 160


def test_a_text_without_words_has_no_pieces(japanese: Japanese) -> None:
    for text in ("", " \n", "。", "…", "🎉", "안녕", "\u200f", "ー", "「」"):
        assert japanese.pieces(text) == []


@settings(max_examples=150, deadline=None)
@given(ANYTHING)
def test_anything_is_read_or_left_out(front_end: FrontEnd, text: str) -> None:
    read_all(front_end, text)
    read_all(FrontEnd(front_end.language, whole_words, front_end.table), text)


@pytest.mark.parametrize(
    "unit", ["9", "a", "日", "ー", "々", "你", "1.", "$", " -", "1/", "\n\n", "ん"]
)
def test_long_texts_of_one_kind_are_read(front_end: FrontEnd, unit: str) -> None:
    read_all(front_end, unit * 4000)
