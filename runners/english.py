"""The English front end with its weights, loaded the same way for every family that speaks English."""

from __future__ import annotations

from typing import Literal

from networks.english import EnglishFrontEnd
from weights import Store

LEXICON, GUESSER = "english-lexicon", "english-guesser"
SOURCES = {LEXICON: None, GUESSER: None}

Dialect = Literal["us", "gb"]


def load_english(store: Store, dialect: Dialect) -> EnglishFrontEnd:
    """The front end for `us` or `gb`."""
    return EnglishFrontEnd.load(
        lexicon=store.fetch(LEXICON),
        guesser=store.fetch(GUESSER) / "checkpoint20.npz",
        dialect=dialect,
    )
