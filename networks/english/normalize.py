"""From written to spoken English: what is not a word yet becomes words.

The rules stand in one table and run in its order, most specific first: a date must be taken before
its parts look like a range, and a range before they look like numbers. Each is a pattern and what
to read for it. The patterns are bounded, so that time grows in line with the text.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Protocol

from networks.english import abbreviations, addresses, amounts, moments
from networks.english.alphabet import Dialect
from networks.english.cleaning import fold, pair_quotes
from networks.english.tables import pairs


class Reading(Protocol):
    """Says in words what a rule has found."""

    def __call__(self, found: re.Match[str], dialect: Dialect) -> str: ...


def _say(words: str) -> Reading:
    def reading(found: re.Match[str], dialect: Dialect) -> str:
        return f" {words} "

    return reading


_RULES: tuple[tuple[re.Pattern[str], Reading], ...] = (
    (addresses.MAIL, addresses.read_mail),
    (addresses.WEB, addresses.read_web),
    (addresses.PHONE, addresses.read_phone),
    (moments.ISO_DATE, moments.read_iso_date),
    (moments.SLASHED_DATE, moments.read_slashed_date),
    (moments.MONTH_FIRST, moments.read_month_first),
    (moments.DAY_FIRST, moments.read_day_first),
    (moments.MONTH_AND_YEAR, moments.read_month_and_year),
    (moments.TIME, moments.read_time),
    (moments.HOUR, moments.read_hour),
    (amounts.HUNDREDS, amounts.read_hundreds),
    (moments.DECADE, moments.read_decade),
    (addresses.VERSION, addresses.read_version),
    (abbreviations.STREET, abbreviations.read_street),
    (abbreviations.TITLE, abbreviations.read_title),
    (abbreviations.ENDING, abbreviations.read_ending),
    (abbreviations.ANYWHERE, abbreviations.read_anywhere),
    (abbreviations.INITIAL, abbreviations.read_initial),
    (abbreviations.ROMAN, abbreviations.read_roman),
    (abbreviations.NUMBER_SIGN, _say("number")),
    (abbreviations.HASHTAG, _say("hashtag")),
    (amounts.MONEY, amounts.read_money),
    (amounts.MONEY_BY_CODE, amounts.read_money_by_code),
    (amounts.MEASURE, amounts.read_measure),
    (amounts.PERCENTAGES, _say("to")),
    (amounts.PERCENT, _say("percent")),
    (amounts.FRACTION, amounts.read_fraction),
    (amounts.RANGE, amounts.read_range),
    (amounts.DIFFERENCE, _say("minus")),
    (amounts.QUOTIENT, _say("divided by")),
    (amounts.PRODUCT, _say("times")),
    (amounts.POWER, _say("to the power of")),
    (amounts.RATIO, _say("to")),
    (amounts.ORDINAL, amounts.read_ordinal),
    (amounts.SCIENTIFIC, amounts.read_scientific),
    (amounts.GLUED, _say("")),
    (amounts.NEGATIVE, _say("minus")),
    (amounts.NUMBER, amounts.read_number),
)

_SYMBOLS = pairs(
    "& and, @ at, + plus, = equals, % percent, ° degrees, $ dollars, £ pounds, € euros, ¥ yen, "
    "₹ rupees"
)
_SYMBOL = re.compile("[&@+=%°$£€¥₹]")
_DASH = re.compile(r"(?<=\S)(?: -{1,3} |-{2,}| ?– ?)")
_JOINED_BY_DOT = re.compile(r"(?<=[A-Za-z]{2})\.(?=[a-z]{2})")
_NO_SPACE_AFTER_PAUSE = re.compile(r"(?<=[a-z”)][,;:!?])(?=[A-Za-z])|(?<=[a-z”)]\.)(?=[A-Z][a-z])")
_STRAY = re.compile(r"(?<![A-Za-z])-+|-+(?![A-Za-z])|[^A-Za-z' .,;:!?—…“”()-]+")
_PADDING = re.compile(r" +(?=[;:,.!?…)”])|(?<=[(“]) +")


def normalize(text: str, dialect: Dialect = "us") -> str:
    """Text of letters, apostrophes, hyphens inside words, spaces and ;:,.!?—…“”() only."""
    # Marks of feet and inches are no quotation marks, and those are plainest before anything moves.
    text = amounts.FEET_AND_INCHES.sub(
        partial(amounts.read_feet_and_inches, dialect=dialect), fold(text)
    )
    text = pair_quotes(text)
    for pattern, reading in _RULES:
        text = pattern.sub(partial(reading, dialect=dialect), text)
    text = _SYMBOL.sub(lambda found: f" {_SYMBOLS[found.group()]} ", text)
    text = _JOINED_BY_DOT.sub(" dot ", text)
    text = _STRAY.sub(" ", _DASH.sub(" — ", text))
    text = _NO_SPACE_AFTER_PAUSE.sub(" ", text)
    return _PADDING.sub("", " ".join(text.split()))
