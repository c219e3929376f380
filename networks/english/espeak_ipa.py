"""From Kokoro's alphabet to the IPA that espeak-ng writes for American English.

Piper's English voices were trained on espeak-ng's `en-us` output. Both alphabets name the same
sounds and set the stress mark before the vowel, but espeak writes diphthongs and affricates in two
letters, marks long vowels with ː, and has letters of its own for vowels that end in r (ɚ, ɜː).
"""

from __future__ import annotations

import re

from networks.english.tables import pairs

_VOWEL = "[ˈˌ]?[AIOQWYaiuæɐɑɒɔəɛɜɪʊʌᵊᵻ]"
_WORD_STARTS = r"(?<![^\s;:,.!?—…\"“”()])"
_WORD_ENDS = r"(?![^\s;:,.!?—…\"“”()])"
# In order: what depends on its neighbours goes before the table of single sounds.
_IN_CONTEXT = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (rf"(?<=[AIOWYiuæɑɔəɛɜɪʊʌɹnl])tᵊ?n{_WORD_ENDS}", "ʔn̩"),  # button, kitten
        (rf"{_WORD_STARTS}ə(?![ɹlk])", "ɐ"),  # about
        (rf"{_WORD_STARTS}ði{_WORD_ENDS}", "ðɪ"),
        (rf"{_WORD_STARTS}([bdfhjklmnpstvwzðŋɡɹʃʒʤʧθ]*)i{_WORD_ENDS}", r"\1iː"),  # she
        (rf"əɹ(?= ?{_VOWEL})", "ɚɹ"),  # also into the next word: letter is
        (r"əɹ", "ɚ"),
        (rf"ɜɹ(?= ?{_VOWEL})", "ɜːɹ"),
        (r"ɜɹ", "ɜː"),
        (r"ɛː", "eə"),
        (r"(?<=[ˈˌ])i(?!ː)", "iː"),
        (rf"(?<![\s;:,.!?—…\"“”()ˈˌ])i(?!ː)(?=[zd]?{_WORD_ENDS}|{_VOWEL})", "ɨ"),
        (r"i(?!ː)", "iː"),
        (rf"ɔ(?=n{_WORD_ENDS}|[fsθ])", "o"),  # on, off and lost keep a short ɔ, see the table
        (r"([uɑɔ])(?!ː)", r"\1ː"),
        (r" ?— ?", ", "),
        (r"…|\.{2,}", "."),
        (r"[“”\"()]", ""),
    )
)
_SOUNDS = str.maketrans(pairs("A eɪ, I aɪ, O oʊ, Q əʊ, W aʊ, Y ɔɪ, ʤ dʒ, ʧ tʃ, T ɾ, ᵊ ə, ɨ i, o ɔ"))


def to_espeak_ipa(phonemes: str) -> str:
    """Rewrites what `EnglishFrontEnd.phonemize` gives, for voices trained on espeak-ng."""
    for pattern, replacement in _IN_CONTEXT:
        phonemes = pattern.sub(replacement, phonemes)
    return phonemes.translate(_SOUNDS).strip()
