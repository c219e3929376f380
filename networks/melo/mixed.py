"""Chinese with English words for MeloTTS: what its published Chinese weights were made for, language id 3."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from networks.chinese.normalize import read_numbers
from networks.english.cleaning import fold
from networks.melo.chinese import IDEOGRAPHS, MARKS, Syllables, same_marks
from networks.melo.english import EnglishWords
from networks.melo.flow import CODES, Phones, Tokenizer
from networks.splitting import spaced_at_capitals, split_ideographs

_INTERJECTIONS = str.maketrans("嗯呣", "恩母")
# Signs without a reading, which keep the words on either side apart.
_DROPPED = "_/#|\\^*<>{}"
_BETWEEN = re.compile(f"[{re.escape(_DROPPED)}]+")
_OTHER = re.compile(rf"[^{IDEOGRAPHS}A-Za-z\s{MARKS}]+")
_SPACE = re.compile(r"\s+")
_AFTER_MARK = re.compile(rf"(?<=[{MARKS}])\s*")
_ENGLISH = re.compile(r"([A-Za-z\s]+)")


@dataclass(frozen=True, slots=True)
class MandarinWithEnglish:
    """Chinese segments by their characters, English ones by the tokens of a multilingual BERT."""

    syllables: Syllables = field(repr=False)
    words: EnglishWords = field(repr=False)

    def pieces(self, text: str) -> list[str]:
        """Pieces of some ten characters or more."""
        return [spaced_at_capitals(piece) for piece in split_ideographs(text)]

    def normalize(self, piece: str) -> str:
        """Characters, Latin letters without accents, marks and single spaces."""
        text = read_numbers(_without_accents(piece).strip(_DROPPED))
        text = same_marks(text.translate(_INTERJECTIONS))
        return _SPACE.sub(" ", _OTHER.sub("", _BETWEEN.sub(" ", text)))

    def speak(self, norm: str, tokenize: Tokenizer) -> Phones:
        """Sandhi never crosses an English segment; its tones come after the Chinese ones."""
        segments = (
            segment
            for part in _AFTER_MARK.split(norm)
            for segment in _ENGLISH.split(part)
            if segment.strip()
        )
        return Phones.joined(self._speak(segment, tokenize) for segment in segments).framed()

    def _speak(self, segment: str, tokenize: Tokenizer) -> Phones:
        if _ENGLISH.fullmatch(segment):
            return _raised(self.words.speak(tokenize(segment)))
        return self.syllables.speak(segment)


def _raised(english: Phones) -> Phones:
    offset = CODES["EN"].tone
    return Phones(english.phones, tuple(tone + offset for tone in english.tones), english.word2ph)


def _without_accents(text: str) -> str:
    """Latin letters as ASCII has them: é → e, ß → ss; everything else stays as it is."""
    return "".join(_bare(char) for char in text)


def _bare(char: str) -> str:
    folded = "" if char.isascii() or not char.isalpha() else fold(char)
    return folded or char
