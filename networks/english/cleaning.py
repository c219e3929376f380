"""From any Unicode text to the characters that the reading rules know, and quotation marks in pairs.

What has no reading in English (other scripts, emoji, control characters) becomes a space or, when it
is invisible, nothing.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from networks.english.tables import pairs

_KEPT = frozenset("“”—…£€¥₹°")
# Compatibility folding would lose or confuse these.
_SPOKEN = pairs(
    "× times, ÷ divided by, ± plus or minus, ≈ approximately, ≠ is not equal to, ≤ at most, "
    "≥ at least, ² squared, ³ cubed, √ square root of, ∞ infinity, № No., ¢ cents, ‰ per thousand"
)
_READINGS = {
    **dict.fromkeys("‘’‚‛ʼ′`´", "'"),
    **dict.fromkeys("«„‟", "“"),
    **dict.fromkeys("»", "”"),
    **dict.fromkeys("″＂", '"'),
    **dict.fromkeys("‐‑−", "-"),
    **dict.fromkeys("–‒", "–"),
    **dict.fromkeys("―⸺", "—"),
    **dict.fromkeys("[{⟨【「", "("),
    **dict.fromkeys("]}⟩】」", ")"),
    **dict.fromkeys("®©™℠¿¡", ""),
    **{sign: f" {spoken} " for sign, spoken in _SPOKEN.items()},
    **pairs("º °, 。 ., 、 ,, ß ss, ẞ SS, æ ae, Æ Ae, œ oe, Œ Oe, ø o, Ø O, ł l, Ł L, đ d, Đ D"),
    **pairs("ð th, Ð Th, þ th, Þ Th, ı i"),
}
_INVISIBLE = frozenset(("Cf", "Cc", "Mn", "Me"))
# ² and ³ alone have names of their own.
_EXPONENT = re.compile("(?<=[0-9)])(?![²³](?![⁰¹²³⁴-⁹]))[⁺⁻]?[⁰¹²³⁴-⁹]+")
_MICRO = re.compile("(?<=[0-9])( ?)[µμ](?=[mgsLl](?![A-Za-z]))")
# Words that begin with an apostrophe, which is no quotation mark there.
_CLIPPED = re.compile(r"(?:em|tis|twas|cause|til|bout|n|round|\d\d)(?:'?s)?\b", re.IGNORECASE)
_BEFORE_QUOTES = ("", " ", "(", "—", "“", "-")
_QUOTE = re.compile("['\"]")


def fold(text: str) -> str:
    """Text in ASCII, except for “ ” — – … £ € ¥ ₹ °, with single spaces."""
    text = _EXPONENT.sub(lambda found: f"^{unicodedata.normalize('NFKC', found[0])}", text)
    text = _MICRO.sub(r"\1micro", text)
    return " ".join("".join(map(_folded, text)).split())


def pair_quotes(text: str) -> str:
    """Turns straight quotation marks into “ and ”, and leaves apostrophes."""
    pieces: list[str] = []
    end = 0
    is_open = False
    for found in _QUOTE.finditer(text):
        place = found.start()
        before, after = text[place - 1 : place], text[place + 1 : place + 2]
        if found.group() == '"':
            mark = "“" if _opens(before, after) else "”"
        else:
            mark = _single_quote(text, place, is_open)
            is_open = mark == "“" or (is_open and mark != "”")
        pieces += (text[end:place], mark)
        end = found.end()
    return "".join((*pieces, text[end:]))


@lru_cache(maxsize=4096)
def _folded(char: str) -> str:
    if char in _READINGS:
        return _READINGS[char]
    if (char.isascii() and char.isprintable()) or char in _KEPT:
        return char
    if char.isspace():
        return " "
    if unicodedata.category(char) in _INVISIBLE:
        return ""
    return _decomposed(char)


def _decomposed(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.digit(char))
    parts = unicodedata.normalize("NFKD", char).replace("\u2044", "/")
    plain = "".join(part for part in parts if part.isascii() or part in _KEPT)
    if "/" in plain:
        return f" {plain}"  # 2½ is not 21/2
    if unicodedata.decomposition(char).startswith("<circle>"):
        return f" {plain} "  # and 1② is not 12
    return plain or " "


def _opens(before: str, after: str) -> bool:
    return before in _BEFORE_QUOTES and after.strip() != ""


def _single_quote(text: str, place: int, is_open: bool) -> str:
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if after.isalnum():
        if before not in _BEFORE_QUOTES:
            return "'"
        return "'" if _CLIPPED.match(text, place + 1) else "“"
    if is_open:
        return "”"
    return "'" if before.isalnum() else " "
