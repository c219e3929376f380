"""French abbreviations: expanded as the original does, and so that no end of a sentence is taken for one."""

from __future__ import annotations

import re
from collections.abc import Mapping

# With a dot, in any case, at the start of a word, one after the other; a dot inside stands for any character.
_ORIGINAL = (
    ("M", "monsieur"),
    ("Mlle", "mademoiselle"),
    ("Mlles", "mesdemoiselles"),
    ("Mme", "Madame"),
    ("Mmes", "Mesdames"),
    ("N.B", "nota bene"),
    ("p.c.q", "parce que"),
    ("Pr", "professeur"),
    ("qqch", "quelque chose"),
    ("rdv", "rendez-vous"),
    ("max", "maximum"),
    ("min", "minimum"),
    ("no", "numéro"),
    ("adr", "adresse"),
    ("dr", "docteur"),
    ("st", "saint"),
    ("co", "companie"),
    ("jr", "junior"),
    ("sgt", "sergent"),
    ("capt", "capitain"),
    ("col", "colonel"),
    ("av", "avenue"),
    ("av. J.-C", "avant Jésus-Christ"),
    ("apr. J.-C", "après Jésus-Christ"),
    ("art", "article"),
    ("boul", "boulevard"),
    ("c.-à-d", "c’est-à-dire"),
    ("etc", "et cetera"),
    ("ex", "exemple"),
    ("excl", "exclusivement"),
)
# Without a dot, in this order: the first rule leaves an s behind for the second.
_ORIGINAL_BARE = (("Mlle", "mademoiselle"), ("Mme", "Madame"))

# Before a name, which begins with a capital.
_TITLES = {
    "M": "monsieur",
    "MM": "messieurs",
    "Mlle": "mademoiselle",
    "Mlles": "mesdemoiselles",
    "Mme": "madame",
    "Mmes": "mesdames",
    "Me": "maître",
    "Pr": "professeur",
    "Dr": "docteur",
    "St": "saint",
    "Ste": "sainte",
    "Sgt": "sergent",
    "Capt": "capitaine",
    "Col": "colonel",
}
_BARE_TITLES = {title: _TITLES[title] for title in ("Mlles", "Mlle", "Mmes", "Mme")}
# No word is spelt like these, so a dot that ends the sentence stays.
_PLAIN = {
    "av. J.-C": "avant Jésus-Christ",
    "apr. J.-C": "après Jésus-Christ",
    "N.B": "nota bene",
    "p.c.q": "parce que",
    "c.-à-d": "c'est-à-dire",
    "p. ex": "par exemple",
    "qqch": "quelque chose",
    "qqn": "quelqu'un",
    "rdv": "rendez-vous",
    "adr": "adresse",
    "boul": "boulevard",
    "etc": "et cetera",
    "excl": "exclusivement",
    "sgt": "sergent",
    "capt": "capitaine",
}
# Words, or the ends of sentences, unless the sentence goes on.
_AMBIGUOUS = {
    "max": "maximum",
    "min": "minimum",
    "dr": "docteur",
    "pr": "professeur",
    "st": "saint",
    "co": "compagnie",
    "jr": "junior",
    "av": "avenue",
    "art": "article",
    "ex": "exemple",
    "p": "page",
    "vol": "volume",
    "env": "environ",
}


def expand_all(text: str) -> str:
    """As the original does, which also hits the ends of sentences."""
    for written, spoken in _ORIGINAL:
        # Its patterns take their own dots for any character.
        pattern = "".join("." if char == "." else re.escape(char) for char in written)
        text = re.sub(rf"\b{pattern}\.", spoken, text, flags=re.IGNORECASE)
    for written, spoken in _ORIGINAL_BARE:
        text = re.sub(rf"\b{written}", spoken, text)
    return text


def _any_of(table: Mapping[str, str]) -> str:
    return "|".join(re.escape(written) for written in sorted(table, key=len, reverse=True))


_CAPITAL = r"(?=\s+[^\W\d_a-zà-ÿ])"
_TITLE = re.compile(rf"\b({_any_of(_TITLES)})\.{_CAPITAL}")
_BARE_TITLE = re.compile(rf"\b({_any_of(_BARE_TITLES)})\b\.?")
_ALONE = re.compile(rf"\b(?i:({_any_of(_PLAIN)}))\.(?P<end>\s*$|{_CAPITAL})?")
_INSIDE = re.compile(rf"\b(?i:({_any_of(_AMBIGUOUS)}))\.(?=\s*[,;:)]|\s+[a-zà-ÿ\d])")
_NUMBER = re.compile(r"\b(?:n[°º]|no\.|№)\s*(?=\d)", re.IGNORECASE)


def expand(text: str) -> str:
    """Abbreviations as words, where they are no ends of sentences."""
    plain = {written.lower(): spoken for written, spoken in _PLAIN.items()}
    text = _NUMBER.sub("numéro ", text)
    text = _TITLE.sub(lambda found: _TITLES[found[1]], text)
    text = _BARE_TITLE.sub(lambda found: _BARE_TITLES[found[1]], text)
    text = _ALONE.sub(
        lambda found: (
            plain[found[1].lower()] + ("" if found["end"] is None else f".{found['end']}")
        ),
        text,
    )
    return _INSIDE.sub(lambda found: _AMBIGUOUS[found[1].lower()], text)
