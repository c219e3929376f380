"""URLs, e-mail addresses, telephone numbers, IP addresses and version numbers, part by part."""

from __future__ import annotations

import re

from networks.english import numerals
from networks.english.alphabet import Dialect
from networks.english.tables import pairs

# Bounded everywhere: a hundred thousand characters without a space must not be tried at each start.
_LABELS = r"(?:[A-Za-z0-9_-]{1,63}\.){1,6}"
_TOP = r"(?:com|org|net|edu|gov|io|co|uk|de|fr|eu|us|ca|au|dev|ai|app|info|tv|me)"
WEB = re.compile(
    rf"(?<![\w@.-])(?:https?://[^\s\"“”()<>]{{1,2000}}|www\.[^\s\"“”()<>]{{1,2000}}|"
    rf"{_LABELS}{_TOP}\b(?!\.?[\w@])(?:/[^\s\"“”()<>]{{0,2000}})?)"
)
MAIL = re.compile(rf"(?<![\w.+-])[\w.+-]{{1,64}}@{_LABELS}[A-Za-z]{{2,24}}\b")
PHONE = re.compile(
    r"(?<![\w.-])(?:\+\d{1,3}[ -]|1-)?(?:\(\d{3}\) ?|\d{3}[ .-])?\d{3}-\d{4}(?![\w-]|\.\d)"
    r"|(?<![\w.])\+\d{1,3}(?:[ -]\d{2,5}){2,5}(?![\w-])"
)
VERSION = re.compile(r"(?<![\w.])[vV]?\d{1,4}(?:\.\d{1,4}){2,5}(?![\w]|\.\d)|(?<![\w.])[vV](?=\d)")

_SIGNS = pairs(
    ". dot, / slash, - dash, _ underscore, ? question mark, = equals, & and, # hash, @ at, : colon, "
    "% percent, + plus, ~ tilde, * star"
)
_PART = re.compile(r"[A-Za-z']+|\d+|.", re.DOTALL)


def read_web(found: re.Match[str], dialect: Dialect) -> str:
    """https://example.org/a → example dot org slash a; the scheme goes without saying."""
    address = found.group()
    kept = address.rstrip(".,;:!?'")
    spoken = _read_parts(kept.partition("://")[2].rstrip("/") if "://" in kept else kept, dialect)
    return spoken.replace("www dot", "W.W.W. dot") + address[len(kept) :]


def read_mail(found: re.Match[str], dialect: Dialect) -> str:
    """info@example.org → info at example dot org."""
    return _read_parts(found.group(), dialect)


def read_phone(found: re.Match[str], dialect: Dialect) -> str:
    """555-0134 → five five five, zero one three four."""
    groups = re.findall(r"\d+", found.group())
    plus = "plus " if found.group().startswith("+") else ""
    return plus + ", ".join(numerals.digits(group) for group in groups)


def read_version(found: re.Match[str], dialect: Dialect) -> str:
    """v1.4.39 → version one point four point thirty nine; four parts are an IP address."""
    text = found.group()
    parts = text.lstrip("vV").split(".")
    between = " dot " if len(parts) == 4 else " point "
    name = "version " if text[0] in "vV" else ""
    return name + between.join(numerals.number(part, dialect) for part in parts if part)


def _read_parts(address: str, dialect: Dialect) -> str:
    words = []
    for part in _PART.findall(address):
        if part.isdigit():
            words.append(numerals.number(part, dialect))
        else:
            words.append(_SIGNS.get(part, part))
    return " ".join(words)
