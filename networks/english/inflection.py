"""How the endings -s, -ed and -ing sound after a stem, and which stems a spelling may hide."""

from __future__ import annotations

import re
from collections.abc import Iterator

from networks.english.alphabet import Dialect

# Stems may be empty: a guess can be. Hence the slices, which never fail.
_VOICELESS_BEFORE_S = frozenset("ptkfθ")
_SIBILANTS = frozenset("szʃʒʧʤ")
_VOICELESS_BEFORE_D = frozenset("pkfθʃsʧ")
_FLAPPING = frozenset("AIOWYiuæɑəɛɪɹʊʌ")  # American sounds after which a t before a vowel is a flap
_DOUBLED = re.compile(r"([bcdgklmnprstvxz])\1ing$|cking$")


def add_s(stem: str, dialect: Dialect) -> str:
    """The plural, possessive or third person of a stem's phonemes."""
    if stem[-1:] in _VOICELESS_BEFORE_S:
        return stem + "s"
    if stem[-1:] in _SIBILANTS:
        return stem + _weak_i(dialect) + "z"
    return stem + "z"


def add_ed(stem: str, dialect: Dialect) -> str:
    """The past of a stem's phonemes."""
    if stem[-1:] in _VOICELESS_BEFORE_D:
        return stem + "t"
    if stem[-1:] == "d":
        return stem + _weak_i(dialect) + "d"
    if stem[-1:] == "t":
        return _flapped(stem, dialect) + _weak_i(dialect) + "d"
    return stem + "d"


def add_ing(stem: str, spelling: str, dialect: Dialect) -> str:
    """The present participle; a British stem spelt with a final r gets that r back."""
    if dialect == "gb" and stem[-1:] in ("ə", "ː") and spelling.rstrip("e").endswith("r"):
        return stem + "ɹɪŋ"
    return _flapped(stem, dialect) + "ɪŋ"


def stems_of_s(word: str) -> Iterator[str]:
    """Spellings that may lie under a word in -s."""
    if len(word) < 3 or not word.endswith("s"):
        return
    if not word.endswith("ss"):
        yield word[:-1]
    is_long = len(word) > 4
    if word.endswith("'s") or (is_long and word.endswith("es") and not word.endswith("ies")):
        yield word[:-2]
    if is_long and word.endswith("ies"):
        yield word[:-3] + "y"


def stems_of_ed(word: str) -> Iterator[str]:
    """Spellings that may lie under a word in -ed."""
    if len(word) < 4 or not word.endswith("d"):
        return
    if not word.endswith("dd"):
        yield word[:-1]
    if len(word) > 4 and word.endswith("ed") and not word.endswith("eed"):
        yield word[:-2]


def stems_of_ing(word: str) -> Iterator[str]:
    """Spellings that may lie under a word in -ing."""
    if len(word) < 5 or not word.endswith("ing"):
        return
    if len(word) > 5:
        yield word[:-3]
    yield word[:-3] + "e"
    if len(word) > 5 and _DOUBLED.search(word):
        yield word[:-4]


def _weak_i(dialect: Dialect) -> str:
    return "ᵻ" if dialect == "us" else "ɪ"


def _flapped(stem: str, dialect: Dialect) -> str:
    if dialect == "us" and len(stem) > 1 and stem[-1:] == "t" and stem[-2] in _FLAPPING:
        return stem[:-1] + "ɾ"
    return stem
