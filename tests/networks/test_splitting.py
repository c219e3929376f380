"""Texts are cut as the originals cut them, except inside numbers, names and abbreviations."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks.splitting import spaced_at_capitals, split_ideographs, split_latin, split_words
from tests.golden import golden_rows

LATIN = ("EN", "ES", "SP", "FR")
SPLITTERS: list[Callable[..., list[str]]] = [split_latin, split_ideographs, split_words]
# What the originals break: a mark between characters of one number, name or abbreviation.
BROKEN = re.compile(r"[A-Za-z0-9][.,，?][A-Za-z0-9]|[A-Za-z]\.[ ,]|[(<\[]")


def _splitter(system: str, language: str) -> Callable[..., list[str]]:
    if system == "openvoice_v1" and language == "EN":
        return split_words
    return split_latin if language in LATIN else split_ideographs


def _rows() -> list[tuple[str, str, str, list[str]]]:
    rows = [
        (row["system"], row["lang"], row["text"], row["pieces"])
        for row in golden_rows("sentence_split")
        if row["system"] != "kittentts"
    ]
    assert len(rows) == 110
    return rows


def test_faithful_pieces_are_those_of_the_originals() -> None:
    for system, language, text, pieces in _rows():
        assert _splitter(system, language)(text, faithful=True) == pieces


def test_pieces_differ_only_where_a_mark_stands_inside_something() -> None:
    same = 0
    for system, language, text, pieces in _rows():
        if BROKEN.search(text):
            continue
        same += 1
        assert _splitter(system, language)(text) == pieces
    assert same > 50


WHOLE = [
    "3.75", "1,250,000", "$249.99", "U.S.A", "U.S. and", "e.g. this", "p.m. or", "12.5", "v2.10.3",
    "www.example.org", "https://example.org/help?id=4,5", "info@example.org", "10:30 a.m. sharp",
]  # fmt: skip
ABBREVIATED = ["Dr. Hale", "J. Smith", "No. 5", "Fox Jr. and", "etc. are"]
TEN = "one two three four five six seven eight nine ten"


@pytest.mark.parametrize("whole", WHOLE)
def test_numbers_and_names_get_no_space_inside(whole: str) -> None:
    assert split_latin(f"It is {whole} today.") == [f"It is {whole} today."]
    assert split_latin(f"It is {whole} today.", faithful=True) != [f"It is {whole} today."]


@pytest.mark.parametrize("whole", WHOLE + ABBREVIATED)
def test_numbers_names_and_abbreviations_stay_in_one_piece(whole: str) -> None:
    text = f"{TEN} {whole} {TEN} eleven"
    assert split_words(text) == [text]
    assert len(split_words(text, faithful=True)) > 1


@pytest.mark.parametrize("ending", ["I said no.", "in the U.S.", "apples etc.", "so do I."])
def test_what_may_be_an_abbreviation_may_end_a_sentence(ending: str) -> None:
    assert split_words(f"{TEN} {ending} Then {TEN}.") == [f"{TEN} {ending}", f"Then {TEN}."]


@pytest.mark.parametrize("text", ["圆周率大约是3.14159,我记得.", "价格是15,000元,不便宜."])
def test_numbers_stay_whole_among_ideographs(text: str) -> None:
    assert any("3.14159" in piece or "15,000" in piece for piece in split_ideographs(text))


def test_a_comma_may_be_a_decimal_point() -> None:
    assert split_latin("Pesa 36,5 kilos.", decimal_comma=True) == ["Pesa 36,5 kilos."]
    assert split_latin("Pesa 36,5 kilos.") == ["Pesa 36, 5 kilos."]


def test_a_sentence_may_follow_without_a_space() -> None:
    assert split_latin("It ended.Then it began,slowly.") == ["It ended. Then it began, slowly."]
    assert split_ideographs("我们今天一起去公园。然后我们一起回家吃晚饭。") == [
        "我们今天一起去公园. 然后我们一起回家吃晚饭."
    ]


def test_what_stands_in_brackets_is_spoken_and_keeps_its_distance() -> None:
    assert split_latin("f(x) and <this> [too].") == ["f x and this too."]


def test_a_capital_begins_a_word() -> None:
    assert spaced_at_capitals("OpenVoice on a MacBook, NASA") == "Open Voice on a Mac Book, NASA"


def test_a_unit_behind_a_number_stays_whole_where_units_are_read() -> None:
    written = "500 mL, 5mAh, a 10-kHz tone, 5 iPhones, the kHz"
    assert (
        spaced_at_capitals(written, reads_units=True)
        == "500 mL, 5mAh, a 10-kHz tone, 5 i Phones, the k Hz"
    )
    assert spaced_at_capitals("500 mL") == "500 m L"


@pytest.mark.parametrize("splitter", SPLITTERS)
@given(text=st.text(alphabet='ab我。，.,!? ?;\n"(A1:/w\u200f\x00', max_size=80) | st.text())
def test_nothing_but_brackets_and_spaces_is_lost(
    splitter: Callable[..., list[str]], text: str
) -> None:
    pieces = splitter(text)
    assert all(piece.strip() == piece and piece for piece in pieces)

    def letters(of: str) -> str:
        return "".join(filter(str.isalnum, of))

    assert letters("".join(pieces)) == letters(text)


@pytest.mark.parametrize("splitter", SPLITTERS)
@pytest.mark.parametrize("unit", ["a", ".", "a.", "1,", "我", "w.w", " ", "!", "(", "www."])
def test_time_grows_in_line_with_the_text(splitter: Callable[..., list[str]], unit: str) -> None:
    begun = time.perf_counter()
    splitter(unit * 50_000)
    assert time.perf_counter() - begun < 20  # seconds; a quadratic one would take minutes
