"""The English front end with its weights, loaded the same way for every family that speaks English."""

from __future__ import annotations

from networks.english import EnglishFrontEnd
from weights import Store

LEXICON, GUESSER = "english-lexicon", "english-guesser"
SOURCES = {LEXICON: None, GUESSER: None}


def load_english(store: Store, dialect: str) -> EnglishFrontEnd:
    """The front end for `us` or `gb`."""
    return EnglishFrontEnd.load(
        lexicon=store.fetch(LEXICON),
        guesser=store.fetch(GUESSER) / "checkpoint20.npz",
        dialect=dialect,
    )
