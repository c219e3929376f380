"""Text in pieces that a synthesizer speaks in one breath.

Sentences come from `sentencex`, which knows the abbreviations of some 300 languages. A sentence too long
for the models is cut at clauses. The very first piece ends at the first clause, so that the listener
hears something early.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import sentencex

LONGEST = 240  # characters; Kokoro remembers 510 phonemes, and its memory grows with their number
# A first piece shorter than this is not worth a join, and its melody would suffer.
SHORTEST_START = 24
LONGEST_START = 80

# A comma or a dash between digits is no pause (12,500; 10:30; 1990–95); their full-width kin always are.
CLAUSE = re.compile(r"[,;:،–]+[\"')\]”’]*\s+|[、，；：—…]+[\"')\]”’]*\s*")
SPACE = re.compile(r"\s+")


def split(text: str, language: str) -> Iterator[str]:
    """Pieces of at most LONGEST characters, nothing lost but white space at their ends."""
    first = True
    for sentence in _sentences(text, language):
        for piece in _cut(sentence, LONGEST):
            if first and len(piece) > LONGEST_START:
                yield from _early(piece)
            else:
                yield piece
            first = False


def _sentences(text: str, language: str) -> Iterator[str]:
    for line in text.splitlines():
        for sentence in sentencex.segment(language.split("-")[0].lower(), line):
            if stripped := sentence.strip():
                yield stripped


def _early(piece: str) -> Iterator[str]:
    for match in CLAUSE.finditer(piece):
        if SHORTEST_START <= match.end() <= LONGEST_START:
            yield piece[: match.end()].strip()
            yield piece[match.end() :].strip()
            return
    yield piece


def _cut(sentence: str, longest: int) -> Iterator[str]:
    """At the last clause that fits, else the last space, else anywhere."""
    while len(sentence) > longest:
        head = sentence[:longest]
        at = (
            max((match.end() for match in CLAUSE.finditer(head)), default=0)
            or max((match.end() for match in SPACE.finditer(head)), default=0)
            or longest
        )
        if piece := sentence[:at].strip():
            yield piece
        sentence = sentence[at:]
    if piece := sentence.strip():
        yield piece
