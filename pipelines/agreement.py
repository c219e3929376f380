"""Which words of a text that is still being heard will stay.

A model hears a sentence anew each time that a little more of it was said, and changes its mind about the
latest words. What two hypotheses in a row agree on is rarely taken back, so that much is told; the last
word of a hypothesis is left out, because it may be half a word and bears a full stop that is none.
(Local agreement: Liu et al., "Low-Latency Sequence-to-Sequence Speech Recognition and Translation by
Partial Hypothesis Selection", 2020.)
"""

from __future__ import annotations

import re
from itertools import takewhile

# Scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, kana, Han. Each character counts.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
WORD = re.compile(rf"\s*(?:[{UNSPACED}]|[^\s{UNSPACED}]+)")


class Agreement:
    """What has been told of one stretch of speech, and what may be told next."""

    def __init__(self) -> None:
        self._told: list[str] = []
        self._previous: list[str] = []

    @property
    def told(self) -> str:
        return "".join(self._told)

    def hear(self, hypothesis: str) -> str:
        """The words that a new hypothesis confirms and that were not told before."""
        words = WORD.findall(hypothesis)[:-1]
        agreed = _common_beginning(self._previous, words)
        self._previous = words
        return self._beyond(agreed)

    def settle(self, text: str) -> str:
        """What is left to tell of the final text; nothing if it contradicts what was told."""
        return self._beyond(WORD.findall(text))

    def _beyond(self, words: list[str]) -> str:
        """The words after those told. Another capital or comma is no reason to fall silent."""
        count = len(self._told)
        if [_bare(word) for word in words[:count]] != [_bare(word) for word in self._told]:
            return ""
        self._told += words[count:]
        return "".join(words[count:])


def _bare(word: str) -> str:
    letters = "".join(filter(str.isalnum, word.casefold()))
    return letters or word.strip()


def _common_beginning(one: list[str], other: list[str]) -> list[str]:
    pairs = zip(one, other, strict=False)
    return [word for word, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
