"""Kanji and hiragana to katakana, as pykakasi reads them.

pykakasi is GPL-3, so it is the optional extra of this language (`requirements/japanese.txt`) and
nothing in the default installation imports it. The published networks were trained with its readings.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache
from itertools import groupby

from networks.extras import ExtraMissing

Items = list[dict[str, str]]


class Readings:
    """Katakana for any text; one instance serves all threads."""

    def __init__(self, convert: Callable[[str], Items]) -> None:
        self._convert = convert
        self._turn = threading.Lock()
        self._is_known = lru_cache(4096)(self._has_reading)

    @classmethod
    def load(cls) -> Readings:
        """With pykakasi's dictionary; ExtraMissing says what to install."""
        try:
            import pykakasi
        except ImportError as error:
            raise ExtraMissing("pykakasi", "japanese") from error
        return cls(pykakasi.kakasi().convert)

    def katakana(self, text: str) -> str:
        """The reading of a text; a character without one stays."""
        items = self._items(text)
        if all(item["kana"] for item in items) and text == "".join(item["orig"] for item in items):
            return "".join(item["kana"] for item in items)
        # One character that it does not know makes it lose or repeat the characters beside it.
        runs = [(known, "".join(run)) for known, run in groupby(text, self._is_known)]
        return "".join(self._joined(run) if known else run for known, run in runs)

    def _joined(self, text: str) -> str:
        return "".join(item["kana"] or item["orig"] for item in self._items(text))

    def _has_reading(self, char: str) -> bool:
        return any(item["kana"] for item in self._items(char))

    def _items(self, text: str) -> Items:
        with self._turn:
            return self._convert(text)
