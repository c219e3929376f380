"""English to the phonemes that OpenVoice V1 was trained on."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import anyascii

from networks.english.tacotron import Style
from networks.openvoice.ipa import WordsToIpa

_STYLE = Style({"$": ("dollar", "dollars", "cent", "cents")}, between=", ")
_SPOKEN_SIGNS = frozenset("£€¥₹°")
# Where the tables of anyascii say less than a reader needs, or more.
_READINGS = {
    **dict.fromkeys("‘’‚‛ʼ′`´", "'"),
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("—―⸺", "--"),
    **dict.fromkeys("–‒‐‑−", "-"),
    **dict.fromkeys("®©™", " "),
    "￥": "¥",
    "…": "...",
    "。": ". ",
    "，": ", ",
    "、": ", ",
}
_SOFT_SPACE = "\x1f"  # after a Chinese character, unless a pause follows
_BEFORE_PAUSE = re.compile(f"{_SOFT_SPACE}(?=[.,;:!?])")
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


def transliterate(text: str) -> str:
    """Text in ASCII, except for £ € ¥ ₹ °: other scripts in Latin letters, pictures left out."""
    latin = "".join(map(_transliterated, text))
    return _BEFORE_PAUSE.sub("", latin).replace(_SOFT_SPACE, " ")


@lru_cache(maxsize=4096)
def _transliterated(char: str) -> str:
    if char in _READINGS:
        return _READINGS[char]
    if (char.isascii() and char.isprintable()) or char in _SPOKEN_SIGNS:
        return char
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    if category in ("Cc", "Cf", "Cs", "Co", "Cn", "So", "Sk", "Me"):
        return ""
    if category == "Nd":
        return str(unicodedata.digit(char))
    latin = anyascii.anyascii(char)
    is_ideograph = unicodedata.name(char, "").startswith("CJK")
    return f"{latin}{_SOFT_SPACE}" if is_ideograph else latin
