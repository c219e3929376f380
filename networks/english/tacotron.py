"""Numbers, money and abbreviations as the models that descend from Tacotron's example code learned them.

OpenVoice, MeloTTS and Harmony Speech heard "one million, two hundred fifty thousand" with its hyphens and
commas, "ten oh one" for 1001 and "mister" for Mr., so numbers and titles are written that way here. What
those models' own front ends garble or drop (addresses, dates, ranges, signs, units) is read by the rules of
this package.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from networks.english import addresses, amounts, moments, numerals
from networks.english.abbreviations import HASHTAG, NUMBER_SIGN
from networks.english.alphabet import Dialect
from networks.english.tables import pairs

# A unit of money and its hundredth, each as one and as many.
Units = tuple[str, str, str, str]
Rule = tuple[re.Pattern[str], Callable[[re.Match[str], Dialect], str]]

_AMERICAN: Dialect = "us"
_ABBREVIATIONS = pairs(
    "mrs misess, mr mister, dr doctor, st saint, co company, jr junior, maj major, gen general, "
    "drs doctors, rev reverend, lt lieutenant, hon honorable, sgt sergeant, capt captain, "
    "esq esquire, ltd limited, col colonel, ft fort"
)
_SIGNS = pairs(
    "& and, @ at, + plus, = equals, % percent, ° degrees, $ dollars, £ pounds, € euros, ¥ yen, "
    "₹ rupees"
)
_SIGN = re.compile("[&@+=%°$£€¥₹]")
_SCALES = ("", "thousand", "million", "billion", "trillion")
_WHOLE = r"\d{1,3}(?:,\d{3})++(?!\d)|\d++"
# Never tried again inside a number, so that time grows in line with the text.
_START = r"(?<!\d)(?<!\d,)"
_DECIMAL = re.compile(rf"(?:{_START}({_WHOLE}))?\.(\d+)(?=([A-Za-z])?)")
# A postal code or a telephone; 01, 00 and 007 are numbers in the originals' own rows.
_CODE = re.compile(r"0(?!07$|0+$)\d{2,}")
_ORDINAL = re.compile(rf"{_START}({_WHOLE})(?:st|nd|rd|th)\b", re.IGNORECASE)
_NUMBER = re.compile(_WHOLE)
_MINUS_SIGN = "\u2212"
_LAST_WORD = re.compile(r"[a-z]+$")
_PADDING = re.compile(r"(?<=\S) {2,}(?=\S)")


def _say(words: str) -> Callable[[re.Match[str], Dialect], str]:
    return lambda found, dialect: f" {words} "


# Most specific first, as in `normalize`.
_ADDRESSES: tuple[Rule, ...] = (
    (addresses.MAIL, addresses.read_mail),
    (addresses.WEB, addresses.read_web),
    (addresses.PHONE, addresses.read_phone),
    (moments.ISO_DATE, moments.read_iso_date),
    (moments.SLASHED_DATE, moments.read_slashed_date),
)
_MOMENTS: tuple[Rule, ...] = (
    (moments.HOUR, moments.read_hour),
    (amounts.HUNDREDS, amounts.read_hundreds),
    (moments.DECADE, moments.read_decade),
    (addresses.VERSION, addresses.read_version),
    (NUMBER_SIGN, _say("number")),
    (HASHTAG, _say("hashtag")),
)
_AMOUNTS: tuple[Rule, ...] = (
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
    (amounts.SCIENTIFIC, amounts.read_scientific),
    # Before decimals are words, or nothing would follow their minus that it looks for.
    (amounts.NEGATIVE, _say("minus")),
)


class Style:
    """In what these models differ: currencies, abbreviations, and how they say the time of day."""

    def __init__(
        self,
        currencies: Mapping[str, Units],
        between: str,
        read_time: Callable[[re.Match[str], Dialect], str] = moments.read_time,
        *,
        digits_from: int = 3,
        abbreviations: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._currencies = currencies
        self._between = between  # dollars and cents
        self._digits_from = digits_from  # behind a point; fewer are read as a number
        self._time: Rule = (moments.TIME, read_time)
        self._abbreviations = {**_ABBREVIATIONS, **abbreviations}
        self._abbreviation = re.compile(rf"\b({'|'.join(self._abbreviations)})\.", re.IGNORECASE)

    def expand(self, text: str) -> str:
        """Text in which every number, sign and abbreviation is a word; case is left alone."""
        spoken = self._spoken(text.replace(_MINUS_SIGN, "-"))
        # Spaces around a word that was read are the rules' own.
        spoken = spoken if text[:1].isspace() else spoken.lstrip(" ")
        return spoken if text[-1:].isspace() else spoken.rstrip(" ")

    def _spoken(self, text: str) -> str:
        money: Rule = (amounts.MONEY, self._read_money)
        text = _read(text, (*_ADDRESSES, self._time, *_MOMENTS, money, *_AMOUNTS))
        text = _DECIMAL.sub(self._read_decimal, text)
        text = _ORDINAL.sub(lambda found: ordinal(_plain(found[1])), text)
        text = amounts.GLUED.sub(" ", text)
        text = _NUMBER.sub(_read_number, text)
        text = _SIGN.sub(lambda found: f" {_SIGNS[found.group()]} ", text)
        text = self._abbreviation.sub(lambda found: self._abbreviations[found[1].lower()], text)
        return _PADDING.sub(" ", text)

    def _read_money(self, found: re.Match[str], dialect: Dialect) -> str:
        units = self._currencies.get(found["sign"])
        whole, _, part = found["amount"].partition(".")
        special = ("minus", "minus_inside", "high", "letter", "scale")
        if not units or len(part) > 2 or any(found[name] for name in special):
            return amounts.read_money(found, dialect)
        spoken = []
        cents = int(part.ljust(2, "0")) if part else 0
        if _plain(whole).strip("0") or not cents:
            spoken.append(_count(_plain(whole), units[:2]))
        if cents:
            spoken.append(_count(str(cents), units[2:]))
        return self._between.join(spoken)

    def _read_decimal(self, found: re.Match[str]) -> str:
        """0.05 and 3.14159 digit by digit, or they would be other numbers; 3.75 as the style has it."""
        part = found[2]
        in_digits = len(part) >= self._digits_from or part[0] == "0"
        spoken = numerals.digits(part) if in_digits else cardinal(part)
        spoken = f"{cardinal(_plain(found[1])) if found[1] else ''} point {spoken}".strip()
        return f"{spoken} " if found[3] else spoken


def cardinal(digits: str) -> str:
    """1250000 → one million, two hundred fifty thousand."""
    if len(digits) > numerals.MOST_DIGITS:
        return numerals.digits(digits)
    return _words(int(digits), "")


def ordinal(digits: str) -> str:
    """112 → one hundred and twelfth."""
    if len(digits) > numerals.MOST_DIGITS:
        return numerals.digits(digits)
    words = _words(int(digits), "and ")
    last = _LAST_WORD.search(words)
    assert last  # there is no number without a word
    return words[: last.start()] + numerals.ordinal_of(last.group())


def year(digits: str) -> str:
    """Numbers from 1001 to 2999 in the style of years; others as they are counted."""
    number = int(digits) if len(digits) <= numerals.MOST_DIGITS else 0
    century, rest = divmod(number, 100)
    if not 1000 < number < 3000 or number == 2000:
        return cardinal(digits)
    if 2000 < number < 2010:
        return f"two thousand {_words(rest, '')}"
    if rest == 0:
        return f"{_words(century, '')} hundred"
    return f"{_words(century, '')} {'oh ' if rest < 10 else ''}{_words(rest, '')}"


def _read(text: str, rules: Iterable[Rule]) -> str:
    for pattern, reading in rules:
        text = pattern.sub(lambda found, read=reading: read(found, _AMERICAN), text)  # type: ignore[misc]
    return text


def _words(number: int, conjunction: str) -> str:
    """With hyphens, commas between the thousands, and `conjunction` before the last two digits."""
    if number == 0:
        return "zero"
    groups = [
        (number // 1000**power % 1000, scale) for power, scale in reversed([*enumerate(_SCALES)])
    ]
    spoken = ""
    for group, scale in groups:
        if not group:
            continue
        hundreds, rest = divmod(group, 100)
        is_tail = not scale and not hundreds
        if spoken:
            spoken += f" {conjunction}" if is_tail else ", "
        if hundreds:
            spoken += f"{_below_hundred(hundreds)} hundred" + (f" {conjunction}" if rest else "")
        spoken += _below_hundred(rest) if rest else ""
        spoken += f" {scale}" if scale else ""
    return spoken


def _below_hundred(number: int) -> str:
    return numerals.cardinal(number, _AMERICAN).replace(" ", "-")


def _plain(digits: str) -> str:
    return digits.replace(",", "")


def _count(digits: str, names: tuple[str, ...]) -> str:
    return f"{cardinal(digits)} {names[0] if digits.lstrip('0') == '1' else names[1]}"


def _read_number(found: re.Match[str]) -> str:
    """Four digits without a comma read as a year does, also where they count; a code by its digits."""
    if _CODE.fullmatch(found.group()):
        return numerals.digits(found.group())
    return cardinal(_plain(found.group())) if "," in found.group() else year(found.group())
