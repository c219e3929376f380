"""Characters that no dictionary joins are tagged as jieba tags them, only faster."""

from __future__ import annotations

import importlib
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks.chinese.viterbi import Viterbi
from networks.chinese.words import Chinese

KNOWN, TRADITIONAL, RARE = "你好的我们上海王小明不看一了", "學習漢語這個問題裡來", "髙龘丂硛喆"


@pytest.fixture(scope="module")
def tables(chinese: Chinese) -> tuple[Any, ...]:
    """What jieba hands to its function besides the text."""
    tagger = importlib.import_module("jieba.posseg")
    return tagger.char_state_tab_P, tagger.start_P, tagger.trans_P, tagger.emit_P


@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet=KNOWN * 2 + TRADITIONAL + RARE, min_size=1, max_size=8))
def test_sums_and_states_are_those_of_jieba(text: str, tables: tuple[Any, ...]) -> None:
    original = importlib.import_module("jieba.posseg.viterbi").viterbi
    _, start, following, _ = tables
    assert Viterbi(start, following)(text, *tables) == original(text, *tables)


@pytest.mark.parametrize("text", ["髙" * 500, "髙你" * 250, "學習漢語" * 125, RARE * 100])
def test_unknown_characters_take_little_time(text: str, chinese: Chinese) -> None:
    begun = time.process_time()
    tagged = chinese.tag(text)
    assert time.process_time() - begun < 2  # seconds; jieba's own function takes five
    assert "".join(word.word for word in tagged) == text
