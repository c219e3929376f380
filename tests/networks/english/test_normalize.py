"""Written English becomes words: no weights are needed for that."""

from __future__ import annotations

import re
import time

import pytest

from networks.english.alphabet import Dialect
from networks.english.normalize import normalize

AMERICAN = {
    "numbers": {
        "7 lamps and 45 matches": "seven lamps and forty five matches",
        "3,482 books": "three thousand four hundred eighty two books",
        "1,250,000 bolts": "one million two hundred fifty thousand bolts",
        "3.75 grams": "three point seven five grams",
        ".7 and 0.5": "point seven and zero point five",
        "007": "zero zero seven",
        "zip 02134 or 0800": "zip zero two one three four or zero eight zero zero",
        "-8 degrees": "minus eight degrees",
        "the 21st and 112th": "the twenty first and one hundred twelfth",
        "1" * 40: " ".join(["one"] * 40),
        "2.8e6": "two point eight times ten to the six",
        "MP3, B2B and COVID-19": "MP three, B two B and COVID nineteen",
        "a 16:9 screen": "a sixteen to nine screen",
    },
    "years and decades": {
        "in 1984": "in nineteen eighty four",
        "in 1905": "in nineteen oh five",
        "in 1900": "in nineteen hundred",
        "in 2005": "in two thousand five",
        "in 2019": "in twenty nineteen",
        "the 1980s": "the nineteen eighties",
        "the '70s": "the seventies",
        "in his mid-20s in the 1960s-70s": "in his mid-twenties in the nineteen sixties-seventies",
        "100s, 1000s and 1,000s of people": "hundreds, thousands and thousands of people",
        "the iPhone 5s": "the iPhone five s",
        "the 1900s": "the nineteen hundreds",
    },
    "money": {
        "$3.50": "three dollars and fifty cents",
        "$1": "one dollar",
        "£0.01": "one penny",
        "€15": "fifteen euros",
        "¥3000": "three thousand yen",
        "-$5": "minus five dollars",
        "$3.7M": "three point seven million dollars",
        "$5 million": "five million dollars",
        "€2bn": "two billion euros",
        "$5-10": "five to ten dollars",
        "100 USD": "one hundred dollars",
    },
    "measures": {
        "5kg": "five kilograms",
        "1 m": "one meter",
        "100 km/h": "one hundred kilometers per hour",
        "20°C": "twenty degrees Celsius",
        "20-30 km": "twenty to thirty kilometers",
        "a 5-km run": "a five kilometer run",
        "3GHz": "three gigahertz",
        "5 mA, 10 mV and 2kV": "five milliamps, ten millivolts and two kilovolts",
        "1.5s, 20-30s and 5 s": "one point five seconds, twenty to thirty seconds and five seconds",
        "221B Baker Street": "two hundred twenty one B Baker Street",
        "7B, 1.5B and a 2GB file": "seven B, one point five B and a two gigabytes file",
        "5'10\" tall": "five foot ten tall",
        "50% of 3.5%": "fifty percent of three point five percent",
        "30%-40%": "thirty percent to forty percent",
    },
    "fractions, ranges and sums": {
        "1/2": "one half",
        "3/4": "three quarters",
        "7/9": "seven ninths",
        "2 1/2 cups": "two and a half cups",
        "2½ cups": "two and a half cups",
        "10⁻⁶ or 5²": "ten to the power of minus six or five squared",
        "5 µm or 1 μg": "five micrometers or one microgram",
        "3‰ of 1②": "three per thousand of one two",
        "24/7": "twenty four seven",
        "10-20": "ten to twenty",
        "1990–1995": "nineteen ninety to nineteen ninety five",
        "5 - 3 = 2": "five minus three equals two",
        "2 + 2, 6 / 3, 3 * 3": "two plus two, six divided by three, three times three",
        "10^5": "ten to the power of five",
    },
    "dates and times": {
        "October 5, 2022": "October fifth, twenty twenty two",
        "Oct. 5": "October fifth",
        "14 July 1789": "the fourteenth of July, seventeen eighty nine",
        "the 21st of March": "the twenty first of March",
        "3/4/2021": "March fourth, twenty twenty one",
        "25/12/2021": "December twenty fifth, twenty twenty one",
        "2024-02-29": "February twenty ninth, twenty twenty four",
        "3:30 pm": "three thirty P.M.",
        "7:05 a.m. today": "seven oh five A.M. today",
        "9:00": "nine o'clock",
        "19:45": "nineteen forty five",
        "4:06:08": "four oh six and eight seconds",
        "By 3pm we": "By three P.M. we",
    },
    "addresses": {
        "https://example.org/help?id=42": "example dot org slash help question mark id equals forty two",
        "See example.com.": "See example dot com.",
        "info@example.org": "info at example dot org",
        "main.py": "main dot py",
        "555-0134": "five five five, zero one three four",
        "v1.4.39": "version one point four point thirty nine",
        "10.20.30.40": "ten dot twenty dot thirty dot forty",
        "#1 and #fun": "number one and hashtag fun",
    },
    "abbreviations": {
        "Dr. Smith": "Doctor Smith",
        "Mr. and Mrs. Lund": "Mr and Mrs Lund",
        "St. Mark lives on Mark St.": "Saint Mark lives on Mark Street.",
        "Capt. Reyes": "Captain Reyes",
        "Alan Fox Jr. left.": "Alan Fox Junior left.",
        "J. R. Smith": "J R Smith",
        "cats vs. dogs, etc. are": "cats versus dogs, etc are",
        "No. 5. No. I won't": "number five. No. I won't",
        "World War II": "World War two",
        "Henry VIII": "Henry the eighth",
        "A & B": "A and B",
    },
    "marks": {
        '"Hello," she said.': "“Hello,” she said.",
        '"5 apples"': "“five apples”",
        "'Why not?' the dogs' bowls": "“Why not?” the dogs' bowls",
        "don’t": "don't",
        "Wait -- what? a - b": "Wait — what? a — b",
        "well-known": "well-known",
        "[square] {curly}": "(square) (curly)",
        "foo_bar": "foo bar",
        "end.Start": "end. Start",
    },
    "foreign text": {
        "naïve café Zürich Straße": "naive cafe Zurich Strasse",
        "你好 hello 🎉 Привет": "hello",
        "a\u200bb\u202ec\x00d": "abcd",
        "two\nlines\tthree": "two lines three",
        "ＡＢＣ ①": "ABC one",
    },
}
BRITISH = {
    "123": "one hundred and twenty three",
    "1,005": "one thousand and five",
    "3/4/2021": "the third of April, twenty twenty one",
    "October 5": "October the fifth",
    "5 km": "five kilometres",
}
HOSTILE = {
    "one letter": "a" * 100_000,
    "digits": "1" * 100_000,
    "commas": "1," * 50_000,
    "points": "1." * 50_000,
    "hyphens": "a-" * 50_000,
    "domains": "a." * 50_000,
    "addresses": "a@b." * 25_000,
    "schemes": "http://" * 15_000,
    "signs": "$" * 100_000,
    "quotes": "'\"" * 50_000,
    "dates": "Jan 5 " * 16_000,
    "spaces": " " * 100_000,
}


@pytest.mark.parametrize(
    ("written", "spoken"), [row for rows in AMERICAN.values() for row in rows.items()]
)
def test_written_english_is_read_as_words(written: str, spoken: str) -> None:
    assert normalize(written) == spoken


@pytest.mark.parametrize(("written", "spoken"), BRITISH.items())
def test_british_english_reads_numbers_and_dates_its_own_way(written: str, spoken: str) -> None:
    assert normalize(written, "gb") == spoken


@pytest.mark.parametrize("text", ["", " ", "🎉", "你好", "\u200b", "***", "-"])
def test_nothing_to_read_leaves_nothing(text: str) -> None:
    assert normalize(text) == ""


@pytest.mark.parametrize("dialect", ["us", "gb"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hundred_thousand_characters_take_seconds_at_most(text: str, dialect: Dialect) -> None:
    started = time.perf_counter()
    spoken = normalize(text, dialect)
    # The slowest takes under a second; a rule that is quadratic in the length takes minutes.
    assert time.perf_counter() - started < 20
    assert re.fullmatch(r"[A-Za-z' .,;:!?—…“”()-]*", spoken)
