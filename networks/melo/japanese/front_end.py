"""Japanese for MeloTTS."""

from __future__ import annotations

import re
import unicodedata

from networks.melo.flow import EDGE, Phones, Tokenizer, grouped, speak_groups
from networks.melo.japanese.kana import MARKS, PHONES, kana_phones
from networks.melo.japanese.numbers import in_kanji
from networks.melo.japanese.preparing import English, is_japanese, prepare
from networks.melo.japanese.readings import Readings
from networks.melo.lengths import cut_long
from networks.splitting import split_ideographs

_LONGEST_PIECE = 160  # characters; in katakana about 300, with room for what BERT adds
_COMMAS = re.compile(r"\d+(?:,\d+)+")
_CURRENCIES = {"$": "ドル", "¥": "円", "£": "ポンド", "€": "ユーロ"}
_MONEY = re.compile(r"([$¥£€])(\d+(?:\.\d+)?)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
# Where one number ends and another begins: 四月一日 is ワタヌキ to the dictionary, a family's name.
_BETWEEN_NUMBERS = re.compile(r"(?<=\d) (?=\d)|(?<=\d月)(?=\d)")
_PARTING = "\n"  # which no piece has
# Numbers that it knows as old words: 九十九 is ツクモ, 四万 is シマ.
_IN_OLD_WORDS = re.compile(
    "(?<=五)(?=十[二六八])|(?<=八)(?=十[一八])|(?<=九)(?=十九)"
    "|(?<=百)(?=三)|(?<=千)(?=[三六八])|(?<=[万億兆京])"
)
_MYRIADS = {"四万": "ヨンマン", "四十万": "ヨンジュウマン", "八百万": "ハッピャクマン"}
# Its ages are wrong: 十八歳 is ジュウロクサイ.
_IN_AGES = re.compile("(?<=十)(?=[一二三四五六七八九]歳)")
_JAPANESE_MARKS = str.maketrans({".": "。", ",": "、", "！": "!", "？": "?"})
_PHONES = frozenset(phone for phones in PHONES.values() for phone in phones) | set(MARKS.values())


def _spelt(_: str) -> None:
    return None


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", text)
    text = _COMMAS.sub(lambda found: found[0].replace(",", ""), text)
    return _MONEY.sub(lambda found: found[2] + _CURRENCIES[found[1]], text)


def _parted(number: str) -> str:
    for written, spoken in _MYRIADS.items():
        number = number.replace(written, f"{spoken}{_PARTING}")
    return _IN_OLD_WORDS.sub(_PARTING, number)


def _is_spoken(char: str) -> bool:
    return char.isalnum() and char != "ー"


class Japanese:
    """Reads Japanese; `faithful` reads what the original does, losses included.

    `marks` keeps punctuation marks, which the original drops.
    """

    def __init__(
        self,
        readings: Readings,
        english: English = _spelt,
        *,
        faithful: bool = False,
        marks: bool = True,
    ) -> None:
        self._readings = readings
        self._english = english
        self._faithful = faithful
        self._marks = marks and not faithful

    @classmethod
    def load(cls, english: English = _spelt, *, faithful: bool = False) -> Japanese:
        """With pykakasi; ExtraMissing says what to install."""
        return cls(Readings.load(), english, faithful=faithful)

    def pieces(self, text: str) -> list[str]:
        """A text of any length, cut to what the network speaks at once."""
        if self._faithful:
            return split_ideographs(text, faithful=True)
        pieces = split_ideographs(prepare(text, self._english))
        pieces = cut_long(pieces, _LONGEST_PIECE, breaks="、, をはがにでとも")
        return [piece for piece in pieces if any(map(_is_spoken, piece))]

    def normalize(self, piece: str) -> str:
        """Katakana, and the marks if they are kept."""
        if self._faithful:
            return self._read(_NUMBER.sub(lambda found: in_kanji(found[0]), _plain(piece)))
        text = _BETWEEN_NUMBERS.sub(_PARTING, _plain(piece))
        text = _NUMBER.sub(lambda found: _parted(in_kanji(found[0])), text)
        return "".join(map(self._read, _IN_AGES.sub(_PARTING, text).split(_PARTING)))

    def speak(self, norm: str, tokenize: Tokenizer) -> Phones:
        """The phones of a normalised piece, framed."""

        def spoken(group: str) -> tuple[list[str], list[int]]:
            phones = self._phones(group)
            return phones, [0] * len(phones)

        return speak_groups(grouped(tokenize(norm)), spoken).framed()

    def _read(self, text: str) -> str:
        if self._marks:
            text = text.replace("...", "…").translate(_JAPANESE_MARKS)
        kept = "".join(char for char in text if self._keeps(char))
        return self._readings.katakana(kept)

    def _keeps(self, char: str) -> bool:
        if char == "々":
            return not self._faithful
        return is_japanese(char) or (self._marks and char in "。、!?…")

    def _phones(self, group: str) -> list[str]:
        if group == "[UNK]":
            return [EDGE]
        phones = kana_phones(group)
        return list(phones) if self._faithful else [phone for phone in phones if phone in _PHONES]
