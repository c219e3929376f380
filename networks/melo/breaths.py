"""Long readings in parts that the network says in one breath.

Attention over the frames of a flow grows with their square, and the networks were trained on sentences. A
text is cut where its tokens allow: behind a mark, else between words, else between tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from networks.melo.flow import CONTINUED, Phones

Breath = tuple[Phones, tuple[str, ...]]


def breaths(spoken: Phones, tokens: Sequence[str], most: int) -> Iterator[Breath]:
    """Parts of a framed reading and their tokens, each framed and with at most `most` phones between.

    A single token of more phones stays whole.
    """
    if len(spoken.phones) <= most + 2:
        yield spoken, tuple(tokens)
        return
    counts = spoken.word2ph[1:-1]
    first, at = 0, 1  # token, phone
    while first < len(tokens):
        last = _end(tokens, counts, first, most)
        phones = sum(counts[first:last])
        part = Phones(
            spoken.phones[at : at + phones], spoken.tones[at : at + phones], counts[first:last]
        )
        if part.phones:
            yield part.framed(), tuple(tokens[first:last])
        first, at = last, at + phones


def _end(tokens: Sequence[str], counts: Sequence[int], first: int, most: int) -> int:
    """Behind the last token of the part that begins with `first`."""
    last, phones = first, 0
    while last < len(tokens) and (last == first or phones + counts[last] <= most):
        phones += counts[last]
        last += 1
    if last == len(tokens):
        return last
    later_half = range(last, (first + last) // 2, -1)
    behind_marks = (place for place in later_half if _is_mark(tokens[place - 1]))
    between_words = (
        place for place in range(last, first, -1) if not tokens[place].startswith(CONTINUED)
    )
    return next(behind_marks, None) or next(between_words, last)


def _is_mark(token: str) -> bool:
    return not any(map(str.isalnum, token))
