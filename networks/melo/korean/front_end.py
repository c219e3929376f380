"""Korean for MeloTTS."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from networks.melo.flow import EDGE, Phones, Tokenizer, grouped, speak_groups
from networks.melo.korean.english import to_hangul
from networks.melo.korean.exceptions import respell
from networks.melo.korean.numbers import spell_numbers
from networks.melo.korean.preparing import prepare
from networks.melo.korean.pronunciation import pronounce
from networks.melo.korean.words import PHRASES, read_capitals, spell
from networks.splitting import split_ideographs

# ARPAbet phonemes of an English word in small letters, or nothing for one that is not known.
English = Callable[[str], Sequence[str] | None]

_MARKS = frozenset("!?…,.'-¿¡")
_IDEOGRAPHS = re.compile(
    "[\u2e80-\u2fd5\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4db5\u4e00-\u9fff\uf900-\ufad9]"
)
_LATIN = re.compile("[A-Za-z']+")
_WORDS_KEPT = 8192


def _spelt(_: str) -> None:
    return None


class Korean:
    """Reads Korean; `faithful` reads what the original does, errors included."""

    def __init__(self, english: English = _spelt, *, faithful: bool = False) -> None:
        """`english` knows English words; those that it does not know are spelt, letter by letter."""
        self._english = english
        self._faithful = faithful
        self._pronounce = lru_cache(_WORDS_KEPT)(self._read)

    def pieces(self, text: str) -> list[str]:
        """A text of any length, cut to what the network speaks at once."""
        if not self._faithful:
            text = prepare(text)
        return [
            piece
            for piece in split_ideographs(text, faithful=self._faithful)
            if self._faithful or any(map(str.isalnum, piece))
        ]

    def normalize(self, piece: str) -> str:
        """Without Chinese characters, in small letters, with the capitals that everybody knows in Hangul."""
        text = _IDEOGRAPHS.sub("", piece.strip())
        for written, spoken in PHRASES.items():
            text = text.replace(written, spoken)
        return read_capitals(text).lower()

    def speak(self, norm: str, tokenize: Tokenizer) -> Phones:
        """The phones of a normalised piece, framed."""

        def spoken(group: str) -> tuple[list[str], list[int]]:
            phones = self._phones(group)
            return phones, [0] * len(phones)

        return speak_groups(grouped(tokenize(norm)), spoken).framed()

    def _phones(self, group: str) -> list[str]:
        if group == "[UNK]":
            return [EDGE]
        return [group] if group in _MARKS else list(self._pronounce(group))

    def _read(self, word: str) -> str:
        word = respell(read_capitals(word).lower())
        word = _LATIN.sub(self._read_english, word)
        return pronounce(spell_numbers(word))

    def _read_english(self, found: re.Match[str]) -> str:
        phonemes = self._english(found[0])
        if phonemes and (hangul := to_hangul(phonemes)):
            return hangul
        return found[0] if self._faithful else spell(found[0])
