"""What may be told of a text that is still being heard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.agreement import Agreement


def told(*hypotheses: str) -> list[str]:
    agreement = Agreement()
    return [agreement.hear(hypothesis) for hypothesis in hypotheses]


def test_one_hypothesis_alone_tells_nothing() -> None:
    assert told(" The quick brown fox") == [""]


def test_what_two_hypotheses_agree_on_is_told_but_for_the_last_word() -> None:
    assert told(" The quick brown", " The quick brown fox jumps") == ["", " The quick"]


def test_only_what_is_new_is_told() -> None:
    assert told(" one two three", " one two three four", " one two three four five")[1:] == [
        " one two",
        " three",
    ]


def test_a_full_stop_that_was_none_is_never_told() -> None:
    assert told(" Hello there.", " Hello there.", " Hello there my friend") == ["", " Hello", ""]


def test_nothing_more_is_told_while_hypotheses_contradict_what_was() -> None:
    agreement = Agreement()
    for hypothesis in (" one two three four", " one two three four five"):
        agreement.hear(hypothesis)
    assert agreement.hear(" won too three four five six") == ""
    assert agreement.hear(" won too three four five six") == ""
    assert agreement.told == " one two three"


def test_the_final_text_tells_the_rest() -> None:
    agreement = Agreement()
    agreement.hear(" one two three")
    agreement.hear(" one two three four")
    assert agreement.settle(" one two three four.") == " three four."


def test_a_final_text_that_contradicts_tells_nothing() -> None:
    agreement = Agreement()
    agreement.hear(" one two three")
    agreement.hear(" one two three four")
    assert agreement.settle(" won two three") == ""


def test_another_capital_or_comma_does_not_stop_the_telling() -> None:
    agreement = Agreement()
    for hypothesis in (" the lake on tuesday and", " the lake on tuesday and so"):
        agreement.hear(hypothesis)
    assert agreement.settle(" The lake, on Tuesday and so on.") == " and so on."
    assert agreement.told == " the lake on tuesday and so on."


@pytest.mark.parametrize(
    ("first", "second", "agreed"),
    [
        ("今日は天気", "今日は天気がいい", "今日は天"),
        ("สวัสดี", "สวัสดีครับ", "สวัสด"),
        ("我用 Python 写", "我用 Python 写代码", "我用 Python"),
    ],
)
def test_where_no_spaces_part_words_each_character_counts(
    first: str, second: str, agreed: str
) -> None:
    assert told(first, second) == ["", agreed]


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c"]), max_size=6), max_size=6))
def test_what_is_told_only_grows(hypotheses: list[list[str]]) -> None:
    agreement, joined = Agreement(), ""
    for words in hypotheses:
        joined += agreement.hear("".join(f" {word}" for word in words))
        assert agreement.told == joined
