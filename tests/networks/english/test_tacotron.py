"""Numbers, money and abbreviations as the Tacotron family learned them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks.english.tacotron import Style, cardinal, ordinal, year

DOLLARS = Style({"$": ("dollar", "dollars", "cent", "cents")}, between=", ")

CARDINALS = {
    "0": "zero", "007": "seven", "21": "twenty-one", "101": "one hundred one", "3001": "three thousand one",
    "1100": "one thousand, one hundred", "12345": "twelve thousand, three hundred forty-five",
    "1000001": "one million one", "1250000": "one million, two hundred fifty thousand",
    "1000000000005": "one trillion five", "1" * 40: " ".join(["one"] * 40),
}  # fmt: skip
ORDINALS = {
    "1": "first", "12": "twelfth", "20": "twentieth", "21": "twenty-first", "112": "one hundred and twelfth",
    "1000": "one thousandth", "48708": "forty-eight thousand, seven hundred and eighth",
    "1000001": "one million and first",
}  # fmt: skip
YEARS = {
    "1000": "one thousand", "1001": "ten oh one", "1887": "eighteen eighty-seven", "1900": "nineteen hundred",
    "2000": "two thousand", "2006": "two thousand six", "2010": "twenty ten",
    "2999": "twenty-nine ninety-nine",    "3000": "three thousand",
}  # fmt: skip
EXPANSIONS = {
    "Dr. Hale met Mrs. Ortiz": "doctor Hale met misess Ortiz",
    "$249.99 and $1": "two hundred forty-nine dollars, ninety-nine cents and one dollar",
    "$0.01 and $0.00": "one cent and zero dollars",
    "$3.5": "three dollars, fifty cents",
    "$1,999": "one thousand, nine hundred ninety-nine dollars",
    "$5m": "five million dollars",
    "€15, £1 and ¥3000": "fifteen euros, one pound and three thousand yen",
    "1,500 in 1984": "one thousand, five hundred in nineteen eighty-four",
    "3.75, 0.05 and 3.14159": "three point seventy-five, zero point zero five and "
    "three point one four one five nine",
    "10,000,000.5": "ten million point five",
    "the 21st": "the twenty-first",
    "5-6 of -8": "five to six of minus eight",
    "-3.5, -12.5% or -1,000.5": "minus three point five, minus twelve point five percent or "
    "minus one thousand point five",
    "\u22123.5 and \u22125°C": "minus three point five and minus five degrees Celsius",
    "30%-40% or 10\u201320%": "thirty percent to forty percent or ten to twenty percent",
    "50% & @ #1 #tag": "fifty percent and at number one hashtag tag",
    "in his 20s, in the 80s, 100s of people": "in his twenties, in the eighties, hundreds of people",
    "an iPhone 5s, 1.5s, 20-30s and 5 s": "an iPhone five s, one point five seconds, "
    "twenty to thirty seconds and five seconds",
    "221B or 1.5B of 5 B and 2GB": "two hundred twenty-one B or one point five B of five bytes and "
    "two gigabytes",
    "zip 02134 or 0800, 007 and 1,012": "zip zero two one three four or zero eight zero zero, "
    "seven and one thousand twelve",
    "2024-02-29": "February twenty ninth, twenty twenty four",
    "MP3": "MP three",
    "no numbers here": "no numbers here",
}


@pytest.mark.parametrize(("digits", "spoken"), CARDINALS.items())
def test_quantities_have_hyphens_and_commas(digits: str, spoken: str) -> None:
    assert cardinal(digits) == spoken


@pytest.mark.parametrize(("digits", "spoken"), ORDINALS.items())
def test_ranks_keep_their_and(digits: str, spoken: str) -> None:
    assert ordinal(digits) == spoken


@pytest.mark.parametrize(("digits", "spoken"), YEARS.items())
def test_four_digits_are_read_as_a_year(digits: str, spoken: str) -> None:
    assert year(digits) == spoken


@pytest.mark.parametrize(("written", "spoken"), EXPANSIONS.items())
def test_everything_becomes_words(written: str, spoken: str) -> None:
    assert DOLLARS.expand(written).strip() == spoken


@given(st.text(alphabet="0123456789.,-/:%$£€stndrh amp#&@+= A٣②", max_size=60) | st.text())
def test_no_ascii_digit_is_left(text: str) -> None:
    assert not any(char.isascii() and char.isdigit() for char in DOLLARS.expand(text))


@pytest.mark.parametrize(
    "unit", ["1", "1,", "1.", "1-", "$", "$1", "a.", "1:00 ", "1st", "#", "@a.b"]
)
def test_time_grows_in_line_with_the_text(unit: str) -> None:
    begun = time.perf_counter()
    DOLLARS.expand(unit * 10_000)
    assert time.perf_counter() - begun < 20  # seconds; a quadratic one would take minutes
