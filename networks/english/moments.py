"""Dates, times of day and decades, as they are read aloud."""

from __future__ import annotations

import re

from networks.english import numerals
from networks.english.alphabet import Dialect
from networks.english.tables import words

_MONTHS = words(
    "January February March April May June July August September October November December"
)
_MONTH = (
    r"(?P<month>Jan(?:uary|\.)|Feb(?:ruary|\.)|March|Mar\.|April|Apr\.|May|June|Jun\.|July|Jul\.|"
    r"August|Aug\.|Sept?(?:ember|\.)|Oct(?:ober|\.)|Nov(?:ember|\.)|Dec(?:ember|\.)|"
    r"(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)(?= \d))"
)
_DAY = r"(?P<day>[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>[12]\d{3})"

MONTH_FIRST = re.compile(rf"\b{_MONTH} {_DAY}(?![\d:/.%]\d)\b(?:,? {_YEAR}\b(?![:.]\d))?")
DAY_FIRST = re.compile(
    rf"(?<![\w:/.,$£€-])(?:the )?{_DAY}(?: of)? {_MONTH}(?:,? {_YEAR}\b(?![:.]\d))?"
)
MONTH_AND_YEAR = re.compile(rf"\b{_MONTH} {_YEAR}\b")
ISO_DATE = re.compile(r"(?<![\d-])(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?![\d-])")
SLASHED_DATE = re.compile(
    r"(?<![\w/.])(\d{1,2})(?:(/)(\d{1,2})/(\d{4}|\d\d)|\.(\d{1,2})\.(\d{4}))(?![\d/]|\.\d)"
)
TIME = re.compile(
    r"(?<![\d:.])(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?![\d:])"
    r"(?P<half> ?(?:[ap]\.m\.|[AP]\.M\.|[ap]m\b|[AP]M\b))?"
)
HOUR = re.compile(r"(?<![\d:.,])(?P<hour>\d{1,2}) ?(?P<half>[ap]\.m\.|[AP]\.M\.|[ap]m\b|[AP]M\b)")
DECADE = re.compile(
    r"(?:(?<!\w)(?:(?P<century>1\d|20)|')|(?<![\w.,$£€¥₹])(?<!\d[-–]))(?P<decade>\d0)(?:'?s)\b"
)


def read_month_first(found: re.Match[str], dialect: Dialect) -> str:
    """October 5, 2022 → October fifth, twenty twenty two."""
    day = numerals.ordinal(int(found["day"]), dialect)
    article = "the " if dialect == "gb" else ""
    return f"{_month(found)} {article}{day}{_year(found['year'], dialect)}"


def read_day_first(found: re.Match[str], dialect: Dialect) -> str:
    """14 July 1789 → the fourteenth of July, seventeen eighty nine."""
    day = numerals.ordinal(int(found["day"]), dialect)
    return f"the {day} of {_month(found)}{_year(found['year'], dialect)}"


def read_month_and_year(found: re.Match[str], dialect: Dialect) -> str:
    """October 2022 → October twenty twenty two."""
    return f"{_month(found)} {numerals.year(int(found['year']), dialect)}"


def read_iso_date(found: re.Match[str], dialect: Dialect) -> str:
    """2024-02-29 → February twenty ninth, twenty twenty four."""
    month, day = int(found["month"]), int(found["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return f" {numerals.digits(found.group())} "
    return _date(_MONTHS[month - 1], day, found["year"], dialect)


def read_slashed_date(found: re.Match[str], dialect: Dialect) -> str:
    """3/4/2021: the month comes first in American English, unless it cannot be one."""
    first, second = int(found[1]), int(found[3] or found[5])
    stated_year = found[4] or found[6]
    month, day = (first, second) if dialect == "us" and found[2] else (second, first)
    if month > 12:
        month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        parts = (first, second, int(stated_year))
        return " ".join(numerals.cardinal(part, dialect) for part in parts)
    return _date(_MONTHS[month - 1], day, stated_year, dialect)


def read_time(found: re.Match[str], dialect: Dialect) -> str:
    """7:05 am → seven oh five A.M.; 9:00 → nine o'clock; 4:06:08 with its seconds."""
    hour, minute = int(found["hour"]), int(found["minute"])
    spoken = numerals.cardinal(hour, dialect)
    if minute or found["second"]:
        between = " oh " if minute < 10 else " "
        spoken += between + numerals.cardinal(minute, dialect)
    elif not found["half"]:
        spoken += " o'clock" if 1 <= hour <= 12 else " hundred"
    if found["second"]:
        spoken += f" and {numerals.cardinal(int(found['second']), dialect)} seconds"
    return spoken + _half_of_day(found)


def read_hour(found: re.Match[str], dialect: Dialect) -> str:
    """3pm → three P.M."""
    return numerals.cardinal(int(found["hour"]), dialect) + _half_of_day(found)


def read_decade(found: re.Match[str], dialect: Dialect) -> str:
    """1980s → nineteen eighties; '70s and 70s → seventies."""
    century, decade = found["century"], int(found["decade"])
    if decade == 0:
        start = f"{century or 20}00"
        return f"{numerals.year(int(start), dialect)}s"
    tens = f"{numerals.cardinal(decade, dialect).rstrip('y')}ies" if decade > 10 else "tens"
    return f"{numerals.cardinal(int(century), dialect)} {tens}" if century else tens


def _date(month: str, day: int, stated_year: str, dialect: Dialect) -> str:
    spoken_day = numerals.ordinal(day, dialect)
    spoken = f"{month} {spoken_day}" if dialect == "us" else f"the {spoken_day} of {month}"
    return spoken + _year(stated_year, dialect)


def _month(found: re.Match[str]) -> str:
    return next(name for name in _MONTHS if name.startswith(found["month"][:3]))


def _year(stated: str | None, dialect: Dialect) -> str:
    if not stated:
        return ""
    read = numerals.year if len(stated) == 4 else numerals.cardinal
    return f", {read(int(stated), dialect)}"


def _half_of_day(found: re.Match[str]) -> str:
    half = found["half"]
    if not half:
        return ""
    # Dotted capitals are read letter by letter further on.
    return " A.M." if half.strip()[0] in "aA" else " P.M."
