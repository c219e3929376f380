"""From Whisper's token stream to times: segments between timestamp tokens, words from alignment.

A window's tokens read  <|0.00|> Hello there. <|1.20|><|1.20|> How are you? <|2.40|>  where a
timestamp token stands for a multiple of 0.02 s.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

TICK = 0.02  # seconds per timestamp token
LONGEST_MEDIAN = 0.7  # seconds: no language speaks so slowly that half of its words last longer


@attrs.frozen
class TimedTokens:
    start: float
    end: float
    tokens: tuple[int, ...]


@attrs.frozen
class TimedWord:
    start: float
    end: float
    text: str
    probability: float
    tokens: int  # how many tokens it is made of


def split_at_timestamps(
    tokens: Sequence[int], timestamp_begin: int, duration: float
) -> list[TimedTokens]:
    """The text tokens between timestamps, none lost: what follows the last one ends with the window."""
    found: list[TimedTokens] = []
    text: list[int] = []
    start = 0.0
    for token in tokens:
        if token < timestamp_begin:
            text.append(token)
            continue
        now = min((token - timestamp_begin) * TICK, duration)
        if text:
            found.append(TimedTokens(start, max(now, start), tuple(text)))
            text = []
        start = max(now, start)
    if text:
        found.append(TimedTokens(start, max(duration, start), tuple(text)))
    return found


def tame(words: Sequence[TimedWord]) -> list[TimedWord]:
    """Words with times that speech can have.

    Alignment stretches a word over the pause next to it. So a word that lasts over twice the median,
    where speech starts anew or a sentence ends, keeps its end or its start and is cut to that length.
    """
    lengths = [word.end - word.start for word in words if word.end > word.start]
    longest = 2 * min(LONGEST_MEDIAN, float(np.median(lengths))) if lengths else 0.0
    tamed: list[TimedWord] = []
    for index, word in enumerate(words):
        starts = index == 0 or words[index - 1].text.rstrip().endswith(
            (".", "。", "!", "！", "?", "？")
        )
        ends = index == len(words) - 1 or word.text.rstrip().endswith(
            (".", "。", "!", "！", "?", "？")
        )
        if word.end - word.start > longest > 0 and starts:
            word = attrs.evolve(word, start=word.end - longest)
        elif word.end - word.start > longest > 0 and ends:
            word = attrs.evolve(word, end=word.start + longest)
        tamed.append(word)
    return tamed


def share_out(
    words: Sequence[TimedWord], segments: Sequence[TimedTokens]
) -> list[tuple[TimedWord, ...]]:
    """The words of each segment, told by the number of tokens that both count."""
    shares: list[tuple[TimedWord, ...]] = []
    position = 0
    for segment in segments:
        first, taken = position, 0
        while position < len(words) and taken < len(segment.tokens):
            taken += words[position].tokens
            position += 1
        shares.append(tuple(word for word in words[first:position] if word.text))
    return shares
