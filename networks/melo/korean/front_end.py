"""Korean for MeloTTS."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache

from networks.melo.flow import EDGE, Phones, Tokenizer, grouped, speak_groups
from networks.melo.korean.english import to_hangul
from networks.melo.korean.exceptions import respell
from networks.melo.korean.hangul import is_syllable
from networks.melo.korean.numbers import spell_numbers
from networks.melo.korean.preparing import IDEOGRAPH, prepare
from networks.melo.korean.pronunciation import pronounce
from networks.melo.korean.words import PHRASES, read_capitals, spell
from networks.melo.lengths import cut_long
from networks.splitting import split_ideographs

# ARPAbet phonemes of an English word in small letters, or nothing for one that is not known.
English = Callable[[str], Sequence[str] | None]

_MARKS = frozenset("!?…,.'-¿¡")
_PHONES = _MARKS | frozenset('"()~:/')  # besides the letters of Hangul
_LATIN = re.compile("[A-Za-z']+")
_WORDS_KEPT = 8192
_LONGEST_PIECE = 200  # characters


def _spelt(_: str) -> None:
    return None


def _is_phone(char: str) -> bool:
    return "\u1100" <= char <= "\u11ff" or char in _PHONES


def _is_spoken(char: str) -> bool:
    return is_syllable(char) or (char.isascii() and char.isalnum())


class Korean:
    """Reads Korean; `faithful` reads what the original does, errors included."""

    def __init__(self, english: English = _spelt, *, faithful: bool = False) -> None:
        """`english` knows English words; those that it does not know are spelt, letter by letter."""
        self._english = english
        self._faithful = faithful
        self._pronounce = lru_cache(_WORDS_KEPT)(self._read)

    def pieces(self, text: str) -> list[str]:
        """A text of any length, cut to what the network speaks at once."""
        if self._faithful:
            return split_ideographs(text, faithful=True)
        pieces = cut_long(split_ideographs(prepare(text)), _LONGEST_PIECE, breaks=" ,")
        return [piece for piece in pieces if any(map(_is_spoken, piece))]

    def normalize(self, piece: str) -> str:
        """Without Chinese characters, in small letters, with the capitals that everybody knows in Hangul."""
        text = IDEOGRAPH.sub("", piece.strip())
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
        if group in _MARKS:
            return [group]
        # Some tokenizers take syllables apart.
        phones = self._pronounce(unicodedata.normalize("NFC", group))
        return [phone for phone in phones if self._faithful or _is_phone(phone)]

    def _read(self, word: str) -> str:
        word = respell(read_capitals(word).lower())
        word = _LATIN.sub(self._read_english, word)
        return pronounce(spell_numbers(word))

    def _read_english(self, found: re.Match[str]) -> str:
        phonemes = self._english(found[0])
        if phonemes and (hangul := to_hangul(phonemes)):
            return hangul
        return found[0] if self._faithful else spell(found[0])
