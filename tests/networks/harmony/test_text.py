"""Harmony Speech V1's text: the reference rows, what the original garbles, and anything at all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks.harmony.text import CHARACTERS, clean, ids
from networks.unreadable import UnreadableText
from tests.conftest import BUNDLE
from tests.golden import golden, golden_rows, read_json

# Why our readings differ from the reference rows, by text, and what they are instead. The reasons are the
# rows of the table of deviations in docs/text.md.
DEVIATIONS: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_name("deviations.json").read_text("utf-8")
)
MEANT = {text: ours for texts in DEVIATIONS.values() for text, ours in texts.items()}


def _reference() -> Iterator[tuple[str, list[int]]]:
    """Texts and their ids, the end among them."""
    yield from ((row["text"], row["ids"]) for row in golden_rows("harmony_v1_en"))
    cases = read_json(golden("harmonyspeech_synthesizer"), "text_to_ids.json")["cases"]
    yield from ((case["text"], case["ids"]) for case in cases)


def test_the_characters_are_the_original_s() -> None:
    told = read_json(golden("text"), "symbols_harmony_v1.json")
    assert list(CHARACTERS) == told["symbols"]
    assert CHARACTERS.index("~") == told["eos_id"]


def test_the_reference_rows_match_stage_by_stage() -> None:
    cleaned = 0
    for row in golden_rows("harmony_v1_en"):
        if row["text"] in MEANT or row["clean"] is None:
            continue
        assert clean(row["text"]) == row["clean"], row
        cleaned += 1
    assert cleaned == 68
    same = 0
    for text, known in _reference():
        spoken = [CHARACTERS[place] for place in known[:-1]]
        if text in MEANT:
            assert clean(text) == MEANT[text] != "".join(spoken)
        elif any(map(str.isalpha, spoken)):
            assert ids(text) == known
            same += 1
        else:
            assert clean(text) == "".join(spoken)
    assert same == 82
    assert MEANT.keys() <= {text for text, _ in _reference()}


def test_every_deviation_is_told() -> None:
    told = (BUNDLE / "docs" / "text.md").read_text("utf-8")
    _, _, section = told.partition("### English for Harmony Speech V1")
    section = section.partition("\n### ")[0]
    for reason in DEVIATIONS:
        assert f"| {reason} |" in section


READINGS = {
    "and/or, either|or": "and or, either or",
    "Say {hello} twice.": "say hello twice.",
    "Say {HH AH0 L OW1} twice.": "say twice.",
    "[square], <angle>.": "square, angle.",
    "It is 0.05 mm, or 12.5.": "it is zero point zero five millimeters, or twelve point five.",
    "Dec. 24 at 9 a.m.": "december twenty-four at nine a.m.",
    "It was in May. Mar. was cold.": "it was in may. march was cold.",
    "$5m for 1,500 of 1500": "five million dollars for one thousand, five hundred of fifteen hundred",
    "你好, Привет": "ni hao, privet",
    "₹20": "twenty rupees",
}


@pytest.mark.parametrize(("text", "spoken"), READINGS.items())
def test_a_text_is_read(text: str, spoken: str) -> None:
    assert clean(text) == spoken


@pytest.mark.parametrize("text", ["", " ", "?!", "...", "❤️", "{AH0}", "_~", "\x00", "— –"])
def test_a_text_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(UnreadableText, match="nothing in this text can be spoken"):
        ids(text)


HOSTILE = st.text(max_size=120) | st.text(
    alphabet="aZé'-. ,!?…—{HH AW1}5$£¥€%&@#:/\n\t\x00\x1b\u200f\u202e\ufeff🎉❤️你好の한Привет٣①½ﬁ*`~^_",
    max_size=120,
)


@settings(max_examples=300, deadline=None)
@given(text=HOSTILE)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = ids(text)
    except UnreadableText:
        return
    assert read[-1] == 1
    assert all(1 < place < len(CHARACTERS) for place in read[:-1])


LONG: dict[str, Callable[[], str]] = {
    "a very long word": lambda: "supercalifragilistic" * 2000,
    "a very long number": lambda: "4" * 40_000,
    "open braces": lambda: "{HH " * 10_000,
    "only braces": lambda: "{" * 40_000,
    "only signs": lambda: "|~_<" * 10_000,
    "abbreviations": lambda: "jan." * 10_000,
}


@pytest.mark.parametrize("text", [pytest.param(make(), id=name) for name, make in LONG.items()])
def test_time_grows_in_line_with_the_text(text: str) -> None:
    begun = time.perf_counter()
    clean(text)
    assert time.perf_counter() - begun < 60  # seconds; a quadratic one would take far longer
