"""How Spanish and French words sound: gruut's dictionaries, and its models for words that they lack.

MeloTTS was trained on what gruut gives in its espeak alphabet. We read gruut's data (packages
`gruut_lang_es` and `gruut_lang_fr`, MIT) and run its models (`python-crfsuite`, MIT), and do without
gruut itself: its dictionary has no index, so a look-up takes 50 ms in Spanish; it takes what looks like
a date for one, counted from today; and its French liaison changes the dictionary that later requests
read.
"""

from __future__ import annotations

import base64
import importlib.util
import re
import sqlite3
import threading
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from networks.extras import ExtraMissing

_NO_LETTERS = re.compile(r"\W+")
_JOINT = "|"  # between phonemes of one letter
_SILENT = "_"
_CONTEXT = 3  # letters to either side that the model looks at
_LONGEST_WORD = 64  # letters that are read as one word
_WORDS_KEPT = 8192


class Dictionary:
    """Words and their phonemes in one sorted run of bytes: 20 MB for 600 000 Spanish words, not 120."""

    def __init__(self, entries: Iterable[tuple[str, str]]) -> None:
        """From words in code point order."""
        content = bytearray()
        starts = array("I")
        for word, phonemes in entries:
            starts.append(len(content))
            content += f"{word}\t{phonemes}\n".encode()
        self._content = bytes(content)
        self._starts = starts

    @classmethod
    def load(cls, path: Path) -> Dictionary:
        """From gruut's SQLite file."""
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            return cls(
                connection.execute(
                    "SELECT word, replace(phonemes, ' ', '') FROM word_phonemes"
                    " WHERE pron_order = 0 ORDER BY word"
                )
            )
        finally:
            connection.close()

    def get(self, word: str) -> str | None:
        """The phonemes of a word, written as it stands in the dictionary."""
        sought = word.encode("utf-8", "replace")
        place = bisect_left(self._starts, sought, key=lambda start: self._entry(start)[0])
        if place == len(self._starts):
            return None
        found, phonemes = self._entry(self._starts[place])
        return phonemes.decode() if found == sought else None

    def _entry(self, start: int) -> tuple[bytes, bytes]:
        found, _, phonemes = self._content[start : self._content.index(b"\n", start)].partition(
            b"\t"
        )
        return found, phonemes


class Pronouncer:
    """Phonemes of single words; one instance serves all threads."""

    def __init__(self, dictionary: Dictionary, guesser: Any) -> None:
        self._dictionary = dictionary
        self._guesser = guesser
        self._turn = threading.Lock()  # the model keeps its word in itself while it works
        self.pronounce = lru_cache(_WORDS_KEPT)(self._pronounce)

    @classmethod
    def load(cls, package: str, extra: str) -> Pronouncer:
        """From an installed package of gruut's; ExtraMissing says what to install."""
        found = importlib.util.find_spec(package)
        if found is None or found.origin is None:
            raise ExtraMissing(package, extra)
        try:
            import pycrfsuite
        except ImportError as error:
            raise ExtraMissing("python-crfsuite", extra) from error
        folder = Path(found.origin).parent / "espeak"
        guesser = pycrfsuite.Tagger()
        guesser.open(str(folder / "g2p" / "model.crf"))
        return cls(Dictionary.load(folder / "lexicon.db"), guesser)

    def _pronounce(self, word: str) -> str:
        small = word.lower()
        bare = (_NO_LETTERS.sub("", form) for form in (word, small))
        for form in (word, small, *bare):
            if form and (known := self._dictionary.get(form)) is not None:
                return known
        composed = unicodedata.normalize("NFC", small)
        return "".join(
            self._guess(composed[start : start + _LONGEST_WORD])
            for start in range(0, len(composed), _LONGEST_WORD)
        )

    def _guess(self, word: str) -> str:
        traits = [_traits(word, place) for place in range(len(word))]
        with self._turn:
            labels = self._guesser.tag(traits)
        read = (
            phoneme
            for label in labels
            for phoneme in base64.b64decode(label).decode().split(_JOINT)
            if phoneme != _SILENT
        )
        return "".join(read)


def _traits(word: str, place: int) -> dict[str, str | float | bool]:
    """What the model knows of a letter: itself, its neighbours, whether the word begins or ends there."""
    traits: dict[str, str | float | bool] = {"bias": 1.0, "grapheme": _encoded(word[place])}
    for step in range(1, _CONTEXT + 1):
        if place >= step:
            traits[f"grapheme-{step}"] = _encoded(word[place - step])
        if place + step < len(word):
            traits[f"grapheme+{step}"] = _encoded(word[place + step])
    if place == 0:
        traits["begin"] = True
    if place == len(word) - 1:
        traits["end"] = True
    return traits


def _encoded(letter: str) -> str:
    return base64.b64encode(letter.encode("utf-8", "replace")).decode("ascii")
