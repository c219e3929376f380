"""The pronouncing lexicon: words, their variants by part of speech, their inflected forms.

The data are misaki's two dictionaries for each dialect (Apache-2.0): a checked "gold" one, whose
heteronyms map a part of speech to phonemes, and a larger "silver" one. What the data cannot hold
stands here: weak forms of function words, letter names for initialisms, and stress by case
(Kokoro heard capitalised words with at least a secondary stress and shouted ones with a primary).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from networks.english import inflection
from networks.english.alphabet import (
    PRIMARY,
    SECONDARY,
    Dialect,
    emphasised,
    lifted,
    softened,
    unstressed,
)
from networks.english.tagging import Tag

Entry = str | Mapping[str, str | None]
Stress = Callable[[str], str]
T = TypeVar("T")

_FAMILIES: dict[str, str] = {"VBD": "VERB", "VBN": "VERB", "NNP": "NOUN"}
_SHORTEST_PART = 3  # letters of a word within a word
_LONGEST_UNKNOWN_INITIALISM = 5  # letters; NASDAQ is a word, not six letters


@dataclass(frozen=True, slots=True)
class Ahead:
    """What follows a word, as far as the word's own sound depends on it."""

    vowel: bool | None = None  # None: a pause or the end
    to: bool = False


class Lexicon:
    """Answers words it knows; None for the rest."""

    def __init__(
        self, gold: Mapping[str, Entry], silver: Mapping[str, str], dialect: Dialect
    ) -> None:
        self._gold = gold
        self._silver = silver
        self._dialect = dialect

    @classmethod
    def load(cls, folder: Path, dialect: Dialect) -> Lexicon:
        """Reads `{dialect}_gold.json` and `{dialect}_silver.json`."""
        gold, silver = (
            json.loads((folder / f"{dialect}_{grade}.json").read_text(encoding="utf-8"))
            for grade in ("gold", "silver")
        )
        return cls(gold, silver, dialect)

    def pronounce(self, word: str, tag: Tag, ahead: Ahead) -> str | None:
        """Phonemes of a word in its context."""
        return self._weak_form(word, tag, ahead) or self._full_form(word, tag, ahead)

    def spell(self, word: str) -> str:
        """Letter names, the last one stressed: ˌɛfbˌiˈI."""
        names = (self._gold.get(letter) for letter in word.upper() if letter.isalpha())
        spoken = lifted(softened("".join(name for name in names if isinstance(name, str))))
        head, mark, last = spoken.rpartition(SECONDARY)
        return f"{head}{PRIMARY}{last}" if mark else spoken

    def splits(self, word: str) -> tuple[str, str] | None:
        """The two common words that an unknown small word is made of, as in crashloop."""
        for cut in range(len(word) - _SHORTEST_PART, _SHORTEST_PART - 1, -1):
            if word[:cut] in self._gold and word[cut:] in self._gold:
                return word[:cut], word[cut:]
        return None

    def knows(self, word: str) -> bool:
        """Whether the word itself, not a form derived from it, has an entry."""
        return _find(self._gold, word) is not None or _find(self._silver, word) is not None

    def _weak_form(self, word: str, tag: Tag, ahead: Ahead) -> str | None:
        match word.lower():
            case "a":
                return "ɐ" if tag == "DT" else "ˈA"
            case "an":
                return "ɐn"
            case "am" if word == "am" and ahead.vowel is not None:
                return "ɐm"
            case "i" if word == "I" and tag == "PRP":
                return f"{SECONDARY}I"
            case "to" if ahead.vowel is not None:
                return "tʊ" if ahead.vowel else "tə"
            case "in":
                return f"{PRIMARY}ɪn" if ahead.vowel is None or tag != "IN" else "ɪn"
            case "the":
                return "ði" if ahead.vowel else "ðə"
            case "used" if tag == "VBD" and not ahead.to:
                return self._full_form(word, "VERB", ahead)
            case "point" if tag == "CD":
                return unstressed(self._full_form(word, tag, ahead) or "") or None
            case "vs" if tag == "IN":
                return self._full_form("versus", tag, ahead)
        return None

    def _full_form(self, word: str, tag: Tag, ahead: Ahead) -> str | None:
        stress = _stress_of_case(word)
        if self._is_lowered(word, tag):
            word = word.lower()
        for spelling in _without_apostrophe(word):
            if self._has(spelling):
                return self._look_up(spelling, tag, stress, ahead)
        return self._inflected(word.rstrip("'"), tag, stress, ahead)

    def _is_lowered(self, word: str, tag: Tag) -> bool:
        """Capitalised words count as their small forms, save short names that have none."""
        if word == word.lower() or (tag == "NNP" and len(word) <= 7) or self.knows(word):
            return False
        lowered = word.lower()
        return word in (word.upper(), word.capitalize()) and (
            self.knows(lowered) or self._inflected(lowered, tag, _as_is, Ahead()) is not None
        )

    def _has(self, word: str) -> bool:
        if self.knows(word):
            return True
        if not word.isalpha():
            return False
        return len(word) == 1 or (word.isupper() and self._is_spelt(word))

    def _is_spelt(self, word: str) -> bool:
        return _find(self._gold, word.lower()) is not None or (
            len(word) <= _LONGEST_UNKNOWN_INITIALISM or not set(word) & set("AEIOUY")
        )

    def _look_up(self, word: str, tag: Tag, stress: Stress, ahead: Ahead) -> str:
        is_name = False
        entry = _find(self._gold, word)
        if entry is None and word.isupper():
            word, is_name = word.lower(), tag == "NNP"
            entry = _find(self._gold, word)
        if entry is None and not is_name:
            entry = _find(self._silver, word)
        phonemes = entry if isinstance(entry, str) or entry is None else _variant(entry, tag, ahead)
        if phonemes is None or (is_name and PRIMARY not in phonemes):
            return self.spell(word)
        return stress(phonemes)

    def _inflected(self, word: str, tag: Tag, stress: Stress, ahead: Ahead) -> str | None:
        if stem := self._first_known(inflection.stems_of_s(word)):
            return inflection.add_s(self._look_up(stem, tag, stress, ahead), self._dialect)
        if stem := self._first_known(inflection.stems_of_ed(word)):
            return inflection.add_ed(self._look_up(stem, tag, stress, ahead), self._dialect)
        if stem := self._first_known(inflection.stems_of_ing(word)):
            stress = lifted if stress is _as_is else stress
            stem_phonemes = self._look_up(stem, tag, stress, ahead)
            return inflection.add_ing(stem_phonemes, stem, self._dialect)
        return None

    def _first_known(self, stems: Iterable[str]) -> str | None:
        return next((stem for stem in stems if self._has(stem)), None)


def _find(entries: Mapping[str, T], word: str) -> T | None:
    """The entry of the spelling itself, else of its other capitalisation."""
    found = entries.get(word)
    if found is not None or len(word) < 2:
        return found
    if word == word.lower():
        return entries.get(word.capitalize())
    return entries.get(word.lower()) if word == word.capitalize() else None


def _variant(entry: Mapping[str, str | None], tag: Tag, ahead: Ahead) -> str | None:
    if ahead.vowel is None and "None" in entry:
        return entry["None"]
    family = _FAMILIES.get(tag, tag)
    return entry.get(tag, entry.get(family, entry["DEFAULT"]))


def _without_apostrophe(word: str) -> Iterable[str]:
    yield word
    if word.endswith("s'"):
        yield word[:-2] + "'s"
    if word.endswith("'"):
        yield word[:-1]


def _as_is(phonemes: str) -> str:
    return phonemes


def _stress_of_case(word: str) -> Stress:
    if word == word.lower():
        return _as_is
    return emphasised if word == word.upper() else lifted
