"""English text to the phonemes that Kokoro was trained on.

text ─ normalize ─▶ words ─ split ─▶ tokens ─ tag, look up, guess (right to left) ─▶ phonemes

A word's sound depends on what follows ("the end", "the start"), so a sentence is read backwards.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from networks.english.alphabet import (
    CONSONANTS,
    PAUSES,
    PRIMARY,
    PUNCTUATION,
    VOWELS,
    Dialect,
    softened,
    weight,
)
from networks.english.arpabet import to_lexicon_alphabet
from networks.english.guesser import Guesser
from networks.english.inflection import add_s
from networks.english.lexicon import Ahead, Lexicon
from networks.english.normalize import normalize
from networks.english.tagging import Sentence, Tag

_TOKEN = re.compile(
    r"(?P<gap> ?)"
    r"(?P<text>(?:[A-Za-z]\.){2,26}(?![A-Za-z])(?:'s)?|'?[A-Za-z]+(?:['-][A-Za-z]+)*'?|[^A-Za-z ])"
)
_CASE_CHANGE = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_MOST_JOINED = 6  # parts of a compound that are looked up together; keeps long chains linear
_LONGEST_WITHOUT_VOWEL = 5  # letters that are read one by one: npm, xml
_LONGEST_COMPOUND = 30  # letters
_CONTRACTIONS = {"ve": "əv", "d": "d", "ll": "ᵊl", "re": "əɹ", "m": "m"}
# Kokoro reads the flap as T, and no glottal stop.
_TO_KOKORO = str.maketrans({"ɾ": "T", "ʔ": "t"})


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a punctuation mark, and the space before it."""

    text: str
    gap: str

    @property
    def is_word(self) -> bool:
        return any(char.isalpha() for char in self.text)


class EnglishFrontEnd:
    """Phonemizes English; one instance serves all threads."""

    def __init__(self, lexicon: Lexicon, guesser: Guesser, dialect: Dialect) -> None:
        self._lexicon = lexicon
        self._guesser = guesser
        self._dialect = dialect

    @classmethod
    def load(cls, lexicon: Path, guesser: Path, dialect: Dialect) -> EnglishFrontEnd:
        """From the folder of the lexicon's JSON files and the guesser's npz file."""
        return cls(Lexicon.load(lexicon, dialect), Guesser.load(guesser), dialect)

    def phonemize(self, text: str) -> str:
        """Phonemes and punctuation of a text; empty when nothing in it can be read."""
        spoken_text = normalize(text, self._dialect)
        tokens = [Token(found["text"], found["gap"]) for found in _TOKEN.finditer(spoken_text)]
        sentence = Sentence([token.text for token in tokens])
        spoken: list[str] = []
        ahead = Ahead()
        for place in range(len(tokens) - 1, -1, -1):
            token = tokens[place]
            if token.is_word:
                phonemes = self._word(token.text, sentence.tag(place), ahead)
            else:
                phonemes = token.text if token.text in PUNCTUATION else ""
            ahead = Ahead(_starts_with_vowel(phonemes, ahead.vowel), token.text.lower() == "to")
            spoken += (phonemes, token.gap)
        phonemes = " ".join("".join(reversed(spoken)).split())
        return phonemes if set(phonemes) - PUNCTUATION - {" "} else ""

    def _word(self, word: str, tag: Tag, ahead: Ahead) -> str:
        if "." in word:
            return self._initialism(word)
        found = self._lexicon.pronounce(word, tag, ahead)
        if found is None:
            found = self._compound(_parts(word), tag, ahead)
        return found.translate(_TO_KOKORO)

    def _initialism(self, word: str) -> str:
        letters, _, _ = word.partition("'")
        spoken = self._lexicon.spell(letters)
        return spoken + "z" if letters != word else spoken

    def _compound(self, parts: Sequence[str], tag: Tag, ahead: Ahead) -> str:
        """Reads parts from the right, the longest known run first."""
        read: list[tuple[str, str]] = []
        right = len(parts)
        alone = Sentence(parts)
        while right:
            left, phonemes = self._longest_known(parts, right, tag, ahead)
            tag = alone.tag(left - 1) if left else "DEFAULT"
            read.append(("".join(parts[left:right]), phonemes))
            ahead = Ahead(_starts_with_vowel(phonemes, ahead.vowel), parts[left].lower() == "to")
            right = left
        return _balanced(read[::-1])

    def _longest_known(
        self, parts: Sequence[str], right: int, tag: Tag, ahead: Ahead
    ) -> tuple[int, str]:
        """Where the longest known run of parts that ends before `right` begins, and its sound."""
        for left in range(max(0, right - _MOST_JOINED), right):
            joined = "-".join(parts[left:right])
            if phonemes := self._lexicon.pronounce(joined, tag, ahead):
                return left, phonemes
        return right - 1, self._unknown(parts[right - 1], ahead)

    def _unknown(self, word: str, ahead: Ahead) -> str:
        stem, _, ending = word.rpartition("'")
        if stem and ending in _CONTRACTIONS:
            return self._bare(stem, ahead) + _CONTRACTIONS[ending]
        if stem and ending == "s":
            return add_s(self._bare(stem, ahead), self._dialect)
        return self._bare(word, ahead)

    def _bare(self, word: str, ahead: Ahead) -> str:
        if found := self._lexicon.pronounce(word, "DEFAULT", ahead):
            return found
        letters = word.replace("'", "")
        if len(letters) <= _LONGEST_WITHOUT_VOWEL and not set(letters.lower()) & set("aeiouy"):
            return self._lexicon.spell(letters)
        if len(letters) <= _LONGEST_COMPOUND and (halves := self._lexicon.splits(letters)):
            first, second = (
                self._lexicon.pronounce(half, "DEFAULT", ahead) or "" for half in halves
            )
            return first + softened(second)
        return to_lexicon_alphabet(self._guesser.guess(letters), self._dialect)


def _parts(word: str) -> list[str]:
    return [part for run in word.split("-") for part in _CASE_CHANGE.split(run) if part]


def _balanced(read: Sequence[tuple[str, str]]) -> str:
    """One main stress or so per compound: the lighter half of its parts is softened."""
    spoken = [phonemes for _, phonemes in read]
    if len(read) == 2 and len(read[0][0]) == 1:
        return spoken[0] + softened(spoken[1])
    order = sorted(
        (PRIMARY in phonemes, weight(phonemes), place) for place, phonemes in enumerate(spoken)
    )
    if sum(stressed for stressed, _, _ in order) > (len(order) + 1) // 2:
        for _, _, place in order[: len(order) // 2]:
            spoken[place] = softened(spoken[place])
    return "".join(spoken)


def _starts_with_vowel(phonemes: str, otherwise: bool | None) -> bool | None:
    for phoneme in phonemes:
        if phoneme in VOWELS or phoneme in CONSONANTS:
            return phoneme in VOWELS
        if phoneme in PAUSES:
            return None
    return otherwise
