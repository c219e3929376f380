"""From any Unicode text to ASCII that English front ends can read: other scripts in Latin letters."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import anyascii

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
