"""Harmony Speech V1's text front end: English to the characters that the synthesizer was trained on.

text ─ clean ─▶ "it costs five dollars." ─ ids ─▶ 36 47 65 … 61 1

No phonemes and no pieces: the network reads letters, and as many as it is given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from networks.english.tables import pairs
from networks.english.tacotron import Style
from networks.english.transliteration import transliterate
from networks.unreadable import UnreadableText

PAD, END = "_", "~"
CHARACTERS = f"{PAD}{END}ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!'\"(),-.:;? "

_STYLE = Style(
    {"$": ("dollar", "dollars", "cent", "cents")},
    between=", ",
    digits_from=2,
    abbreviations=pairs(
        "mk mark, jan january, feb february, mar march, apr april, aug august, sept september, "
        "oct october, nov november, dec december"
    ),
)
_PLACES: Mapping[str, int] = {
    character: place for place, character in enumerate(CHARACTERS) if character not in (PAD, END)
}
_FOREIGN = re.compile(f"[^{re.escape(''.join(_PLACES))}]+([,.;:!?)])?")
# {HH AW1 S}: phonemes of the training texts' dictionary, for which the table has no characters
_ARPABET = re.compile(r"\{(?:[A-Z]{1,2}[0-2]?\s*)*\}")


def clean(text: str) -> str:
    """What the network is asked to say, in characters that it knows; empty where nothing is said."""
    words = _STYLE.expand(transliterate(_ARPABET.sub(" ", text))).lower()
    known = _FOREIGN.sub(lambda found: found[1] or " ", words)
    return " ".join(known.split())


def ids(text: str) -> list[int]:
    """The characters of a text as numbers, the end among them, or UnreadableText if nothing is said."""
    spoken = clean(text)
    if not any(map(str.isalpha, spoken)):
        raise UnreadableText("nothing in this text can be spoken")
    return [*(_PLACES[character] for character in spoken), CHARACTERS.index(END)]
