"""English words in katakana, from their ARPAbet phonemes; initials and unknown words by the names of
letters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from networks.english.tables import words

_LETTERS = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        words(
            "エー ビー シー ディー イー エフ ジー エイチ アイ ジェー ケー エル エム エヌ オー "
            "ピー キュー アール エス ティー ユー ブイ ダブリュー エックス ワイ ゼット"
        ),
        strict=True,
    )
)
# Of each consonant: before a, i, u, e, o, and where no vowel follows.
_ROWS = {
    sound: row.split()
    for sound, row in {
        "": "ア イ ウ エ オ ウ",
        "B": "バ ビ ブ ベ ボ ブ",
        "CH": "チャ チ チュ チェ チョ チ",
        "D": "ダ ディ ドゥ デ ド ド",
        "DH": "ザ ジ ズ ゼ ゾ ズ",
        "F": "ファ フィ フ フェ フォ フ",
        "G": "ガ ギ グ ゲ ゴ グ",
        "HH": "ハ ヒ フ ヘ ホ フ",
        "JH": "ジャ ジ ジュ ジェ ジョ ジ",
        "K": "カ キ ク ケ コ ク",
        "L": "ラ リ ル レ ロ ル",
        "M": "マ ミ ム メ モ ム",
        "N": "ナ ニ ヌ ネ ノ ン",
        "NG": "ンガ ンギ ング ンゲ ンゴ ング",
        "P": "パ ピ プ ペ ポ プ",
        "R": "ラ リ ル レ ロ ー",
        "S": "サ シ ス セ ソ ス",
        "SH": "シャ シ シュ シェ ショ シュ",
        "T": "タ ティ トゥ テ ト ト",
        "TH": "サ シ ス セ ソ ス",
        "V": "バ ビ ブ ベ ボ ブ",
        "W": "ワ ウィ ウ ウェ ウォ ウ",
        "Y": "ヤ イ ユ イェ ヨ イ",
        "Z": "ザ ジ ズ ゼ ゾ ズ",
        "ZH": "ジャ ジ ジュ ジェ ジョ ジ",
    }.items()
}
_PALATAL = {
    "K": "キ",
    "G": "ギ",
    "N": "ニ",
    "HH": "ヒ",
    "B": "ビ",
    "P": "ピ",
    "M": "ミ",
    "R": "リ",
    "L": "リ",
}
_SMALL_Y = {"a": "ャ", "u": "ュ", "o": "ョ"}
_VOWELS = {
    "AA": "a",
    "AE": "a",
    "AH": "a",
    "AO": "oー",
    "AW": "aウ",
    "AY": "aイ",
    "EH": "e",
    "ER": "aー",
    "EY": "eイ",
    "IH": "i",
    "IY": "iー",
    "OW": "oー",
    "OY": "oイ",
    "UH": "u",
    "UW": "uー",
}
_SHORT = frozenset(("AA", "AE", "AH", "EH", "IH", "UH"))
_PLACES = "aiueo"
_STRESS = re.compile(r"\d")


def spell(word: str) -> str:
    """A word by the names of its letters."""
    return "".join(_LETTERS.get(letter, "") for letter in word.upper())


def to_katakana(phonemes: Sequence[str]) -> str:
    """The katakana of an English word; "" if it has no phonemes that we know."""
    sounds = [_STRESS.sub("", phoneme) for phoneme in phonemes]
    spoken: list[str] = []
    onset, palatal, before = "", False, ""
    for place, sound in enumerate(sounds):
        after = sounds[place + 1] if place + 1 < len(sounds) else ""
        if sound in _VOWELS:
            spoken.append(_syllable(onset, _VOWELS[sound], palatal=palatal))
            onset, palatal = "", False
        elif sound == "Y" and onset in _PALATAL and after in _VOWELS:
            palatal = True
        elif sound in _ROWS:
            if onset:
                spoken.append(_alone(onset, sound))
            if before in _SHORT and sound in ("P", "T", "K") and not after:
                spoken.append("ッ")
            onset = sound
        before = sound
    return "".join(spoken) + (_alone(onset, "") if onset else "")


def _syllable(onset: str, vowel: str, *, palatal: bool) -> str:
    first, rest = vowel[0], vowel[1:]
    if palatal and first in _SMALL_Y:
        return _PALATAL[onset] + _SMALL_Y[first] + rest
    return _ROWS[onset][_PLACES.index(first)] + rest


def _alone(onset: str, following: str) -> str:
    if onset == "M" and following in ("B", "P", "M"):
        return "ン"
    if onset == "NG" and following in ("K", "G"):
        return "ン"
    return _ROWS[onset][-1]
