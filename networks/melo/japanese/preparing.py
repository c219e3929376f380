"""What Japanese texts need before the original's rules, which drop all but kanji, kana and numbers.

Latin words, signs, times, dates and telephone numbers get a reading, repetition marks are written out,
and characters of other scripts become a space or, when they are invisible, nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

from networks.melo.japanese.english import spell, to_katakana
from networks.melo.japanese.numbers import clock, one_by_one

English = Callable[[str], Sequence[str] | None]

_INVISIBLE = frozenset(("Cf", "Cc", "Cs", "Co", "Cn", "Me"))
_VARIANTS = str.maketrans({"髙": "高", "﨑": "崎", "𠮷": "吉", "濵": "浜", "德": "徳", "〇": "零"})
_MARKS = str.maketrans(
    {
        "．": "。",
        "｡": "。",
        "､": "、",
        "；": "、",
        "：": ":",
        "•": "・",
        "―": "、",
        "—": "、",
    }
)
_SIGNS = {
    "%": "パーセント",
    "‰": "パーミル",
    "&": "アンド",
    "+": "プラス",
    "=": "イコール",
    "×": "かける",
    "÷": "わる",
    "±": "プラスマイナス",
    "@": "アットマーク",
    "#": "ナンバー",
    "°": "度",
    "№": "ナンバー",
    "$": "ドル",
    "€": "ユーロ",
    "£": "ポンド",
    "¥": "円",
}
_UNITS = {
    "km": "キロメートル",
    "cm": "センチメートル",
    "mm": "ミリメートル",
    "m": "メートル",
    "kg": "キログラム",
    "g": "グラム",
    "mg": "ミリグラム",
    "l": "リットル",
    "ml": "ミリリットル",
    "°C": "度",
    "GB": "ギガバイト",
    "MB": "メガバイト",
    "kHz": "キロヘルツ",
    "Hz": "ヘルツ",
}
_DATE = re.compile(r"(?<![\d.-])(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?![\d-])")
_TIME = re.compile(r"(?<![\d:])(\d{1,2}):(\d{2})(?![\d:])")
_FRACTION = re.compile(r"(?<![\d/])(\d{1,3})/(\d{1,3})(?![\d/])")
_TELEPHONE = re.compile(r"(?<![\d-])0\d{1,4}-\d{1,4}-\d{3,4}(?![\d-])|(?<![\d.,])0\d{2,}(?!\d)")
# The dictionary takes the hour for the noun "time": ジュウキュウトキ.
_HOUR = re.compile(r"(?<![\d.,])(\d{1,2})時(間|(?![代期点]))")
# Days above the tenth, people above two, the hundredth year: 二十一日 is ニジュウツイタチ to it.
_FOURTH_DAY = re.compile(r"(?<![\d.,])([12])4日")
_COUNTED = re.compile(r"(?<=\d)(?:(?<!(?<!\d)[12]0)(?<=\d\d)日|(?<=\d[12])人|(?<=00)歳)")
_COUNTERS = {"日": "ニチ", "人": "ニン", "歳": "サイ"}
_RANGE = re.compile(r"(?<=\d)\s?[~〜～–]\s?(?=\d)")
_MINUS = re.compile(r"(?<![\w)-])[-−](?=\d)")
_UNIT = re.compile(
    rf"(?<=\d)\s?({'|'.join(map(re.escape, sorted(_UNITS, key=len, reverse=True)))})(?![A-Za-z])"
)
_MONEY = re.compile(r"(?<!\d)([$€£¥])\s?(\d+(?:[,.]\d+)*)")
_LATIN = re.compile("[A-Za-z]+")
_REPEATED = re.compile(r"([\u3041-\u3096\u30a1-\u30fa])([ゝゞヽヾ])")
_VOICED = dict(
    zip(
        "かきくけこさしすせそたちつてとはひふへほ",
        "がぎぐげござじずぜぞだぢづでどばびぶべぼ",
        strict=True,
    )
)
_LONGEST_INITIALS = 5
_WAVE = re.compile("[~〜～]+")
_TWO_MARKS = re.compile("([。、！？!?…])[。、]+")
_LINE_END = re.compile(r"(?<=[^\s。、！？!?….,])[ \t]*\n\s*")
_BRACKETS = re.compile("[「」『』（）()【】［］\\[\\]〈〉《》<>“”‘’\"']+")
_TAG = re.compile("[#＃](?=[^\\d\\s])")


def prepare(text: str, english: English) -> str:
    """A text in kanji, kana, digits and marks, with a reading for everything else that has one."""
    text = unicodedata.normalize("NFC", text).translate(_VARIANTS).translate(_MARKS)
    text = _BRACKETS.sub(_between_numbers, _TAG.sub("", _LINE_END.sub("。", text)))
    text = _moments("".join(map(_folded, text)))
    text = _MONEY.sub(lambda found: found[2] + _SIGNS[found[1]], text)
    text = _UNIT.sub(lambda found: _UNITS[found[1]], text)
    text = _LATIN.sub(lambda found: _read_latin(found[0], english), text)
    text = _WAVE.sub("", "".join(_SIGNS.get(char, char) for char in text))
    text = _REPEATED.sub(_repeated, text)
    kept = "".join(char if _is_known(char) else " " for char in text)
    return _TWO_MARKS.sub(r"\1", re.sub(r"\s+(?=[。、])", "", " ".join(kept.split())))


def _between_numbers(brackets: re.Match[str]) -> str:
    """Nothing, but between two numbers a space keeps them from becoming one."""
    text, start, end = brackets.string, brackets.start(), brackets.end()
    return " " if text[start - 1 : start].isdecimal() and text[end : end + 1].isdecimal() else ""


def _folded(char: str) -> str:
    if char in "…・。、　":
        return char
    if char.isspace():
        return " "
    if unicodedata.category(char) in _INVISIBLE:
        return ""
    plain = unicodedata.normalize("NFD", char)[0]
    return plain if plain.isascii() and plain.isalpha() else unicodedata.normalize("NFKC", char)


def _moments(text: str) -> str:
    text = _DATE.sub(lambda found: f"{found[1]}年{int(found[2])}月{int(found[3])}日", text)
    text = _TIME.sub(_time, text)
    text = _TELEPHONE.sub(lambda found: "の".join(map(one_by_one, found[0].split("-"))), text)
    text = _HOUR.sub(lambda found: clock(int(found[1]), 0) + ("カン" if found[2] else ""), text)
    text = _FOURTH_DAY.sub(r"\g<1>0ヨッカ", text)
    text = _COUNTED.sub(lambda found: _COUNTERS[found[0]], text)
    text = _FRACTION.sub(r"\2ブンノ\1", text)
    text = _RANGE.sub("から", text)
    return _MINUS.sub("マイナス", text)


def _time(found: re.Match[str]) -> str:
    hour, minute = int(found[1]), int(found[2])
    return clock(hour, minute) if hour <= 24 and minute < 60 else found[0]


def _read_latin(word: str, english: English) -> str:
    """A word that English knows, else its letters; initials always by letters."""
    if word.isupper() and len(word) <= _LONGEST_INITIALS:
        return spell(word)
    phonemes = english(word.lower())
    return (to_katakana(phonemes) if phonemes else "") or spell(word)


def _repeated(found: re.Match[str]) -> str:
    kana, mark = found.groups()
    return kana + (_VOICED.get(kana, kana) if mark == "ゞ" else kana)


def _is_known(char: str) -> bool:
    return is_japanese(char) or char in "。、！？!?…,." or (char.isascii() and char.isdigit())


def is_japanese(char: str) -> bool:
    """Kana, kanji and the sign that repeats a kanji."""
    return (
        "\u3040" <= char <= "\u30ff"
        or "\u4e00" <= char <= "\u9fff"
        or "\u3400" <= char <= "\u4dbf"
        or "\U00020000" <= char <= "\U0002a6df"
        or char == "々"
    )
