"""English to the phonemes that OpenVoice V1 was trained on."""

from __future__ import annotations

import re

from networks.english.tacotron import Style
from networks.english.transliteration import transliterate
from networks.openvoice.ipa import WordsToIpa

_STYLE = Style({"$": ("dollar", "dollars", "cent", "cents")}, between=", ")
_VOWELS = "aeiouæɑɔəɛɪʊ"
# An l that no vowel of its word follows is dark.
_DARK_L = re.compile(f"l([^{_VOWELS} ]*(?: |$))")
_TO_SYMBOLS = (("r", "ɹ"), ("ʤ", "dʒ"), ("ʧ", "tʃ"), ("...", "…"))


def to_ipa(text: str, transcribe: WordsToIpa) -> str:
    """English in any writing to phonemes with punctuation."""
    words = _STYLE.expand(transliterate(text)).lower()
    spoken = transcribe(
        words.replace("p.m.", "pm")
    )  # which the dictionary has, unlike "am" for a.m.
    spoken = _DARK_L.sub(r"ɫ\1", spoken)
    for sound, symbol in _TO_SYMBOLS:
        spoken = spoken.replace(sound, symbol)
    return spoken
