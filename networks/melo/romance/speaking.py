"""From tokens to phones, where each word is looked up by itself: Spanish and French alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from networks.melo.flow import Phones, Tokenizer, grouped, speak_groups

UNKNOWN = "UNK"  # the symbol for a word that the tokenizer cannot spell
_MARKS = frozenset(';:,.!?¡¿—…"«»“”')
_RUNS = re.compile(r"[;:,.!?¡¿—…\"«»“”]|[^;:,.!?¡¿—…\"«»“”]+")
# gruut's alphabet has the typewriter's g, the networks have that of the IPA; and no network knows its ɟ.
_TO_SYMBOLS = str.maketrans({"g": "ɡ", "ɟ": "ʝ"})

Pronounce = Callable[[str], str]


def speak(norm: str, tokenize: Tokenizer, pronounce: Pronounce) -> Phones:
    """Phones of a normalised piece: words as `pronounce` reads them, marks as themselves."""

    def spoken(group: str) -> tuple[list[str], list[int]]:
        phones = [UNKNOWN] if group == "[UNK]" else _phones(group, pronounce)
        return phones, [0] * len(phones)

    return speak_groups(grouped(tokenize(norm)), spoken).framed()


def _phones(group: str, pronounce: Pronounce) -> list[str]:
    phones: list[str] = []
    for run in _RUNS.findall(unicodedata.normalize("NFC", group)):
        phones += run if run in _MARKS else pronounce(run).translate(_TO_SYMBOLS)
    return phones
