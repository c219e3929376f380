"""Whisper's tokens become times, and no token is lost on the way."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from networks.whisper import (
    LONGEST_MEDIAN,
    TICK,
    TimedTokens,
    TimedWord,
    share_out,
    split_at_timestamps,
    tame,
)

BEGIN = 1000  # where timestamps begin, in these tests

repeatable = profile(derandomize=True, deadline=None)
text_tokens = st.integers(0, BEGIN - 1)
timestamps = st.integers(BEGIN, BEGIN + 1500)


def at(seconds: float) -> int:
    return BEGIN + round(seconds / TICK)


def word(start: float, end: float, text: str = " a", tokens: int = 1) -> TimedWord:
    return TimedWord(start, end, text, 0.9, tokens)


def times(words: Sequence[TimedWord]) -> list[tuple[float, float]]:
    return [(w.start, w.end) for w in words]


# Segments


@repeatable
@given(tokens=st.lists(text_tokens | timestamps, max_size=60), duration=st.floats(0, 30))
def test_no_token_is_lost_and_time_never_runs_backwards(tokens: list[int], duration: float) -> None:
    found = split_at_timestamps(tokens, BEGIN, duration)
    assert [t for part in found for t in part.tokens] == [t for t in tokens if t < BEGIN]
    edges = [edge for part in found for edge in (part.start, part.end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= duration for edge in edges)
    assert all(part.tokens for part in found)


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ([], []),
        ([at(0), at(2)], []),
        ([at(0), 5, 6, at(1.2)], [(0, 1.2, (5, 6))]),
        ([at(0), 5, at(1.2), at(1.2), 6, at(2.4)], [(0, 1.2, (5,)), (1.2, 2.4, (6,))]),
        ([at(0.5), 5, at(1), at(3), 6, at(4)], [(0.5, 1, (5,)), (3, 4, (6,))]),
        ([5, 6], [(0, 9, (5, 6))]),
        ([at(1), 5, at(2), 6], [(1, 2, (5,)), (2, 9, (6,))]),
        ([at(1), 5, at(29)], [(1, 9, (5,))]),
        ([at(3), 5, at(1), 6, at(2)], [(3, 3, (5,)), (3, 3, (6,))]),
    ],
    ids=[
        "nothing",
        "no text",
        "one",
        "two",
        "a pause",
        "no times",
        "open end",
        "late",
        "backwards",
    ],
)
def test_text_lies_between_its_timestamps(
    tokens: list[int], expected: list[tuple[float, float, tuple[int, ...]]]
) -> None:
    found = split_at_timestamps(tokens, BEGIN, 9.0)
    assert [part.tokens for part in found] == [said for _, _, said in expected]
    edges = [edge for part in found for edge in (part.start, part.end)]
    assert edges == pytest.approx([edge for start, end, _ in expected for edge in (start, end)])


# Words


@repeatable
@given(
    lengths=st.lists(st.floats(0, 10), max_size=30),
    texts=st.lists(st.sampled_from([" a", " b.", " c?", "。"]), min_size=30, max_size=30),
)
def test_taming_only_ever_shortens_a_word_inside_its_own_time(
    lengths: list[float], texts: list[str]
) -> None:
    edges = [0.0, *itertools.accumulate(lengths)]
    words = [
        word(start, end, text)
        for (start, end), text in zip(itertools.pairwise(edges), texts, strict=False)
    ]
    tamed = tame(words)
    assert [w.text for w in tamed] == [w.text for w in words]
    for before, after in zip(words, tamed, strict=True):
        assert before.start <= after.start <= after.end <= before.end
        assert before == after or after.end - after.start <= 2 * LONGEST_MEDIAN + 1e-9


def test_a_word_stretched_over_the_pause_before_speech_keeps_its_end() -> None:
    words = [word(0, 5), word(5, 5.3), word(5.3, 5.6), word(5.6, 5.9)]
    assert times(tame(words)) == [pytest.approx((4.4, 5)), *times(words[1:])]


def test_a_word_stretched_over_the_pause_after_a_sentence_keeps_its_start() -> None:
    words = [word(0, 0.3), word(0.3, 5, " b."), word(5, 5.3), word(5.3, 5.6)]
    assert times(tame(words))[1] == pytest.approx((0.3, 0.9))


def test_a_long_word_in_mid_sentence_is_left_alone() -> None:
    words = [word(0, 0.3), word(0.3, 3), word(3, 3.3)]
    assert tame(words) == words


def test_where_all_words_are_long_none_may_last_longer_than_speech_can() -> None:
    (only,) = tame([word(0, 20)])
    assert only.end - only.start == pytest.approx(2 * LONGEST_MEDIAN)


def test_no_words_are_none() -> None:
    assert tame([]) == []
    assert tame([word(1, 1)]) == [word(1, 1)]


@repeatable
@given(st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=6), max_size=8))
def test_each_segment_gets_the_words_that_its_tokens_make(counts: list[list[int]]) -> None:
    numbers = itertools.count()
    wanted = [
        tuple(word(0, 1, f" {next(numbers)}", tokens) for tokens in segment) for segment in counts
    ]
    segments = [TimedTokens(0, 1, (7,) * sum(segment)) for segment in counts]
    assert share_out([w for segment in wanted for w in segment], segments) == wanted


def test_punctuation_that_joined_its_word_is_no_word_but_still_counts() -> None:
    """faster-whisper leaves an empty word where it moved a comma; its tokens moved along."""
    words = [word(0, 1, " a,", 2), word(1, 1, "", 0), word(1, 2, " b", 1)]
    first, second = share_out(words, [TimedTokens(0, 1, (1, 2)), TimedTokens(1, 2, (3,))])
    assert ([w.text for w in first], [w.text for w in second]) == ([" a,"], [" b"])


def test_a_segment_without_words_has_none() -> None:
    assert share_out([], [TimedTokens(0, 1, (1, 2))]) == [()]
    assert share_out([word(0, 1)], []) == []
