"""Text in pieces that a synthesizer speaks in one breath.

Sentences come from `sentencex`, which knows the abbreviations of some 300 languages, English best. A sentence
too long for the models is cut at clauses. The very first piece ends at the first clause, so that the
listener hears something early. Lengths are those of Latin letters: what writes a syllable counts as three.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import sentencex

from networks.splitting import is_pause

LONGEST = 240  # letters; Kokoro remembers 510 phonemes, and its memory grows with their number
# A first piece shorter than this is not worth a join, and its melody would suffer.
SHORTEST_START = 24
LONGEST_START = 80

# A comma or a dash between digits is no pause (12,500; 10:30; 1990–95); their full-width kin always are.
CLAUSE = re.compile(r"[,;:،–]+[\"')\]”’]*\s+|[、，；：—…]+[\"')\]”’]*\s*")
SPACE = re.compile(r"\s+")
# Where a sentence of Chinese or Japanese ends, whatever stands after it.
STOP = re.compile(r"(?:[。！？｡]|……)[。！？｡…]*[」』）】》”’\"']*")
# Hangul, kana and ideographs: read aloud, each is as long as three letters.
SYLLABLES = re.compile(
    r"[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
SYLLABLE = 3
INITIALS = re.compile(r"\w\.\w+\.$")
TAIL = 240  # characters looked back for the word that a dot belongs to


def split(text: str, language: str) -> Iterator[str]:
    """Pieces no longer than LONGEST, nothing lost but white space at their ends."""
    first = True
    for sentence in _sentences(text, language):
        for piece in _cut(sentence, LONGEST):
            if first and _length(piece) > LONGEST_START:
                yield from _early(piece)
            else:
                yield piece
            first = False


def _sentences(text: str, language: str) -> Iterator[str]:
    tag = language.split("-")[0].lower()
    for line in text.splitlines():
        found = sentencex.segment(tag, line)
        for sentence in found if tag == "en" else _mended(found):
            for part in _parted(sentence):
                if stripped := part.strip():
                    yield stripped


def _parted(sentence: str) -> Iterator[str]:
    start = 0
    for match in STOP.finditer(sentence):
        yield sentence[start : match.end()]
        start = match.end()
    yield sentence[start:]


def _mended(sentences: Iterable[str]) -> Iterator[str]:
    """Sentences that were parted at a dot that ends none: M. Hugo, J.-C., A.I.の."""
    held = ""
    for sentence in sentences:
        if held and (len(held) > LONGEST or _is_end(held[-TAIL:], sentence)):
            yield held
            held = ""
        held += sentence
    if held:
        yield held


def _is_end(sentence: str, following: str) -> bool:
    bare = sentence.rstrip()
    if not bare.endswith("."):
        return True
    if bare == sentence and (following.startswith("-") or INITIALS.search(bare)):
        return False
    return is_pause(sentence + following, len(bare) - 1)


def _length(text: str) -> int:
    return len(text) + (SYLLABLE - 1) * len(SYLLABLES.findall(text))


def _fitting(text: str, longest: int) -> str:
    """The beginning of a text that is no longer than that."""
    head = text[:longest]
    while (over := _length(head) - longest) > 0:
        head = head[: -max(over // SYLLABLE, 1)]
    return head


def _early(piece: str) -> Iterator[str]:
    for match in CLAUSE.finditer(piece):
        if SHORTEST_START <= _length(piece[: match.end()]) <= LONGEST_START:
            yield piece[: match.end()].strip()
            yield piece[match.end() :].strip()
            return
    yield piece


def _cut(sentence: str, longest: int) -> Iterator[str]:
    """At the last clause that fits, else the last space, else anywhere."""
    while len(sentence) > longest or _length(sentence) > longest:
        head = _fitting(sentence, longest)
        at = (
            max((match.end() for match in CLAUSE.finditer(head)), default=0)
            or max((match.end() for match in SPACE.finditer(head)), default=0)
            or len(head)
        )
        if piece := sentence[:at].strip():
            yield piece
        sentence = sentence[at:]
    if piece := sentence.strip():
        yield piece
