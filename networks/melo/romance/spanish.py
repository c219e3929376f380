"""Spanish for MeloTTS."""

from __future__ import annotations

import re

from networks.melo.flow import Phones, Tokenizer
from networks.melo.romance.normalizing import LATIN_MARKS, finished, replaced
from networks.melo.romance.preparing import prepare
from networks.melo.romance.pronouncing import Pronouncer
from networks.melo.romance.spanish_numbers import cardinal
from networks.melo.romance.spanish_words import WORDING
from networks.melo.romance.speaking import speak
from networks.splitting import split_latin

_MARKS = {**LATIN_MARKS, **dict.fromkeys("“”‘’（）()《》【】[]「」", "'"), "—": ""}


class Spanish:
    """Reads Spanish; `faithful` reads what the original does, errors included."""

    def __init__(self, pronouncer: Pronouncer, *, faithful: bool = False) -> None:
        self._pronouncer = pronouncer
        self._faithful = faithful

    @classmethod
    def load(cls, *, faithful: bool = False) -> Spanish:
        """With gruut's dictionary; ExtraMissing says what to install."""
        return cls(Pronouncer.load("gruut_lang_es", "spanish"), faithful=faithful)

    def repaired(self) -> Spanish:
        """The same dictionary for reading without the original's errors."""
        return Spanish(self._pronouncer)

    def pieces(self, text: str) -> list[str]:
        """A text of any length, cut to what the network speaks at once."""
        if self._faithful:
            return split_latin(text, faithful=True)
        pieces = split_latin(prepare(text, WORDING), decimal_comma=True)
        return [piece for piece in pieces if any(map(str.isalnum, piece))]

    def normalize(self, piece: str) -> str:
        """Small letters, and only the marks that the network knows."""
        text = re.sub("[;:]", ",", piece.lower()).replace("-", " ").replace("&", "y")
        text = replaced(text.replace("'", ""), _MARKS)
        return finished(re.sub("[<>()\\[\\]\"«»']", "", text))

    def speak(self, norm: str, tokenize: Tokenizer) -> Phones:
        """The phones of a normalised piece, framed."""
        return speak(norm, tokenize, self._pronounce)

    def _pronounce(self, word: str) -> str:
        if word.isascii() and word.isdigit():
            spoken = cardinal(word)
            return "".join(map(self._pronouncer.pronounce, spoken.split()))
        return self._pronouncer.pronounce(word)
