"""Long readings are cut where the tokens allow."""

from __future__ import annotations

from networks.melo.breaths import breaths
from networks.melo.flow import Phones


def spoken(*counts: int) -> Phones:
    """A framed reading in which every phone has a name and a tone of its own."""
    total = sum(counts)
    phones = Phones(tuple(f"p{n}" for n in range(total)), tuple(range(total)), counts)
    return phones.framed()


def test_what_is_short_stays_whole() -> None:
    reading = spoken(2, 3)
    assert list(breaths(reading, ["a", "b"], 5)) == [(reading, ("a", "b"))]


def test_a_part_ends_behind_a_mark_where_there_is_one() -> None:
    tokens = ["one", "two", ",", "three", "four", "five"]
    parts = list(breaths(spoken(2, 2, 1, 2, 2, 2), tokens, 8))
    assert [part for _, part in parts] == [("one", "two", ","), ("three", "four", "five")]


def test_a_part_ends_between_words_where_there_is_no_mark() -> None:
    tokens = ["one", "two", "##s", "##es", "six"]
    parts = list(breaths(spoken(2, 2, 1, 2, 2), tokens, 5))
    assert [part for _, part in parts] == [("one",), ("two", "##s", "##es"), ("six",)]


def test_a_word_is_cut_only_where_it_is_too_long_itself() -> None:
    parts = list(breaths(spoken(3, 3, 3), ["a", "##b", "##c"], 6))
    assert [part for _, part in parts] == [("a", "##b"), ("##c",)]


def test_a_token_of_more_phones_stays_whole() -> None:
    parts = list(breaths(spoken(9, 1), ["a", "b"], 4))
    assert [part for _, part in parts] == [("a",), ("b",)]


def test_nothing_is_lost_and_every_part_is_framed() -> None:
    counts = (2, 0, 3, 1, 0, 4, 2)
    tokens = ("a", "b", ",", "c", "##d", "e", ".")
    whole = spoken(*counts)
    parts = list(breaths(whole, tokens, 5))
    assert len(parts) > 1
    for part, own in parts:
        assert (part.phones[0], part.phones[-1]) == ("_", "_")
        assert len(part.word2ph) == len(own) + 2
        assert sum(part.word2ph) == len(part.phones) == len(part.tones) <= 5 + 2
    assert sum((part.phones[1:-1] for part, _ in parts), ()) == whole.phones[1:-1]
    assert sum((part.tones[1:-1] for part, _ in parts), ()) == whole.tones[1:-1]
    assert sum((own for _, own in parts), ()) == tokens
