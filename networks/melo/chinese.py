"""Chinese for MeloTTS: characters to the initials and finals of its network.

Every character of the normalised text is a token of the BERT model and speaks two phones, a mark one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from networks.chinese import sandhi
from networks.chinese.normalize import read_numbers
from networks.chinese.words import Chinese, Tagged, load_chinese
from networks.english.tables import pairs
from networks.melo.flow import Phones, Tokenizer
from networks.splitting import split_ideographs

FILE = "opencpop-strict.txt"
MARKS = "!?…,.'-"
IDEOGRAPHS = "\u4e00-\u9fa5"

_SAME_MARKS = {
    **dict.fromkeys("：；，·、:;", ","),
    **dict.fromkeys("。\n", "."),
    "！": "!",
    "？": "?",
    "...": "…",
    **dict.fromkeys("“”‘’（）()《》【】[]「」", "'"),
    **dict.fromkeys("—～~", "-"),
}
_SAME_MARK = re.compile("|".join(map(re.escape, sorted(_SAME_MARKS, key=len, reverse=True))))
_INTERJECTIONS = str.maketrans("嗯呣", "恩母")
# How Chinese speakers name Latin letters, in characters.
_LETTERS = pairs(
    "a 诶, b 比, c 西, d 迪, e 伊, f 艾弗, g 吉, h 艾尺, i 艾, j 杰, k 开, l 艾勒, m 艾姆, n 恩, o 欧, "
    "p 批, q 丘, r 阿尔, s 艾斯, t 提, u 优, v 维, w 达不溜, x 艾克斯, y 歪, z 贼"
)
_LETTER = re.compile("[A-Za-z]")
_OTHER = re.compile(f"[^{IDEOGRAPHS}{MARKS}]+")
_AFTER_MARK = re.compile(f"(?<=[{MARKS}])")
_WITH_INITIAL = {"uei": "ui", "iou": "iu", "uen": "un"}
_ALONE = {"ing": "ying", "i": "yi", "in": "yin", "u": "wu"}
_FIRST_ALONE = {"v": "yu", "e": "e", "i": "y", "u": "w"}


def same_marks(text: str) -> str:
    """Punctuation of either script as the few marks that the network knows."""
    return _SAME_MARK.sub(lambda found: _SAME_MARKS[found.group()], text)


@dataclass(frozen=True, slots=True)
class Syllables:
    """Chinese characters and marks to phones; what both of MeloTTS' Chinese front ends share."""

    chinese: Chinese
    # Of each pinyin syllable without its tone, two symbols.
    symbols: Mapping[str, tuple[str, ...]]

    @classmethod
    def load(cls, folder: Path) -> Syllables:
        """From the folder of the pinyin table; needs the Chinese extra."""
        lines = (folder / FILE).read_text(encoding="utf-8").splitlines()
        table = (line.split() for line in lines if line.strip())
        return cls(load_chinese(), {pinyin: tuple(symbols) for pinyin, *symbols in table})

    def speak(self, text: str) -> Phones:
        """Phones of characters and marks, one count of `word2ph` for each; not framed."""
        return Phones.joined(
            self._speak_word(word)
            for part in _AFTER_MARK.split(text)
            for word in sandhi.merged(self.chinese.tag(part), self.chinese)
        )

    def _speak_word(self, word: Tagged) -> Phones:
        initials, finals = self._pinyin(word.word)
        spoken = sandhi.changed(word, finals, self.chinese)
        phones: list[str] = []
        tones: list[int] = []
        counts: list[int] = []
        for char, initial, final in zip(word.word, initials, spoken, strict=True):
            symbols: tuple[str, ...] = (char,)
            tone = 0
            if char not in MARKS:
                symbols = self.symbols.get(_spelling(initial, final[:-1]), ())
                tone = int(final[-1]) if symbols else 0
            phones += symbols
            tones += [tone] * len(symbols)
            counts.append(len(symbols))
        return Phones(tuple(phones), tuple(tones), tuple(counts))

    def _pinyin(self, word: str) -> tuple[Sequence[str], Sequence[str]]:
        """One initial and one final a character, also where pypinyin knows none of a character."""
        initials, finals = self.chinese.initials(word), self.chinese.finals(word)
        if len(initials) == len(finals) == len(word):
            return initials, finals
        return [""] * len(word), ["?5"] * len(word)


@dataclass(frozen=True, slots=True)
class Mandarin:
    """The plain Chinese front end, language id 0: no other script is spoken."""

    syllables: Syllables = field(repr=False)

    def pieces(self, text: str) -> list[str]:
        """Pieces of some ten characters or more."""
        return split_ideographs(text)

    def normalize(self, piece: str) -> str:
        """Characters and marks only; Latin letters become the characters of their names."""
        text = same_marks(read_numbers(piece).translate(_INTERJECTIONS))
        text = _LETTER.sub(lambda found: _LETTERS[found.group().lower()], text)
        return _OTHER.sub("", text)

    def speak(self, norm: str, tokenize: Tokenizer | None = None) -> Phones:
        """The tokenizer is not asked: every character is a token."""
        return self.syllables.speak(norm).framed()


def _spelling(initial: str, final: str) -> str:
    """The pinyin as it is written: l + iou → liu, ian → yan."""
    if initial:
        return initial + _WITH_INITIAL.get(final, final)
    if final in _ALONE:
        return _ALONE[final]
    return _FIRST_ALONE.get(final[:1], final[:1]) + final[1:]
