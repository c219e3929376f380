"""The phoneme alphabet that Kokoro was trained on, and how stress moves within a word.

One capital stands for a diphthong (A as in "day", I "my", W "now", O "go", Q its British form,
Y "boy"), ʤ and ʧ for an affricate, T for the American flap in "city", ᵊ for a schwa that hardly
sounds. A stress mark stands directly before its vowel, not before the syllable.
"""

from __future__ import annotations

from typing import Literal

Dialect = Literal["us", "gb"]

PRIMARY = "ˈ"
SECONDARY = "ˌ"
# ɐ ("a", "an") is missing on purpose: the data Kokoro learned from looks through it when it decides
# whether "to" stands before a vowel.
VOWELS = frozenset("AIOQWYaiuæɑɒɔəɛɜɪʊʌᵻ")
CONSONANTS = frozenset("bdfhjklmnpstvwzðŋɡɹɾʃʒʤʧθ")
PAUSES = frozenset(";:,.!?—…")
PUNCTUATION = PAUSES | frozenset('"“”()')
SYMBOLS = VOWELS | CONSONANTS | PUNCTUATION | frozenset(f"T ᵊɐː{PRIMARY}{SECONDARY}")

_LONG_SOUNDS = frozenset("AIOQWYʤʧ")


def weight(phonemes: str) -> int:
    """How much there is to say, where a diphthong or an affricate counts twice."""
    return len(phonemes) + sum(phoneme in _LONG_SOUNDS for phoneme in phonemes)


def unstressed(phonemes: str) -> str:
    """Without any stress mark."""
    return phonemes.replace(PRIMARY, "").replace(SECONDARY, "")


def softened(phonemes: str) -> str:
    """With its main stress turned into the only, secondary one."""
    if PRIMARY not in phonemes:
        return phonemes
    return phonemes.replace(SECONDARY, "").replace(PRIMARY, SECONDARY)


def lifted(phonemes: str) -> str:
    """With a secondary stress where the word had none."""
    return phonemes if _is_stressed(phonemes) else _marked(phonemes, SECONDARY)


def emphasised(phonemes: str) -> str:
    """With a primary stress in any case."""
    if PRIMARY in phonemes:
        return phonemes
    if SECONDARY in phonemes:
        return phonemes.replace(SECONDARY, PRIMARY)
    return _marked(phonemes, PRIMARY)


def _is_stressed(phonemes: str) -> bool:
    return PRIMARY in phonemes or SECONDARY in phonemes


def _marked(phonemes: str, mark: str) -> str:
    for place, phoneme in enumerate(phonemes):
        if phoneme in VOWELS:
            return phonemes[:place] + mark + phonemes[place:]
    return phonemes
