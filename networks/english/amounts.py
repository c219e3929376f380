"""Money, measures, percentages, fractions, ranges and plain numbers, as they are read aloud."""

from __future__ import annotations

import re

from networks.english import numerals
from networks.english.alphabet import Dialect
from networks.english.tables import pairs

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+"
_SCALE_WORDS = pairs(
    "k thousand, m million, mn million, b billion, bn billion, t trillion, tn trillion"
)
_TO = r"(?:-|–| – )"
_SCALES = r"thousand|million|billion|trillion"
# Whole units and their hundredths, each as one and as many.
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
}
_CODES = {"USD": "$", "GBP": "£", "EUR": "€", "JPY": "¥", "INR": "₹"}
# As one; the plural goes on the first word, unless it is given after a slash.
_UNITS = pairs(
    "km/h kilometer per hour, kph kilometer per hour, mph mile per hour, m/s meter per second, "
    "km kilometer, m meter, cm centimeter, mm millimeter, nm nanometer, mi mile, ft foot/feet, "
    "yd yard, kg kilogram, g gram, mg milligram, lb pound, lbs pound, oz ounce, L liter, l liter, "
    "ml milliliter, mL milliliter, Hz hertz/hertz, kHz kilohertz/kilohertz, MHz megahertz/megahertz, "
    "GHz gigahertz/gigahertz, B byte, KB kilobyte, kB kilobyte, MB megabyte, GB gigabyte, "
    "TB terabyte, kbps kilobit per second, Mbps megabit per second, Gbps gigabit per second, "
    "dB decibel, W watt, kW kilowatt, MW megawatt, kWh kilowatt hour/kilowatt hours, V volt, "
    "kV kilovolt, mV millivolt, mA milliamp, mAh milliamp hour/milliamp hours, h hour, hr hour, "
    "hrs hour, min minute, mins minute, s second, sec second, secs second, ms millisecond, "
    "px pixel, °C degree Celsius, °F degree Fahrenheit, ° degree, microm micrometer, "
    "microg microgram, micros microsecond, microL microliter, microl microliter"
)
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
# Never read as halves and the like.
_SPOKEN_SIDE_BY_SIDE = frozenset(("24/7", "9/11", "50/50"))

MONEY = re.compile(
    rf"(?P<minus>(?<![\w)])-)?(?:US|A|C|NZ|HK)?(?P<sign>[$£€¥₹]) ?(?P<minus_inside>-)?"
    rf"(?P<amount>{_NUMBER})(?:{_TO}[$£€¥₹]?(?P<high>{_NUMBER}))?"
    rf"(?:(?P<letter>[kKmMbBtT]n?)\b| (?P<scale>{_SCALES})\b)?"
)
MONEY_BY_CODE = re.compile(
    rf"(?<![\w.,])(?P<amount>{_NUMBER}) ?(?P<code>{'|'.join(_CODES)}|€|£|₹|¥)(?!\w)"
)
PERCENTAGES = re.compile(rf"(?<=\d%){_TO}(?=\d)")
PERCENT = re.compile(r"(?<=\d) ?%")
MEASURE = re.compile(
    # Neither seconds nor bytes without a space: iPhone 5s, 221B, 7B.
    rf"(?<![\w.,])(?![\d,]+s\b)(?:(?P<low>{_NUMBER}){_TO}|(?P<minus>-))?(?P<amount>{_NUMBER})"
    rf"(?P<gap>[ -]?)(?!(?<! )B\b)(?P<unit>{_UNIT})(?![\w°]|/\w)"
)
HUNDREDS = re.compile(r"(?<![\w.,$£€¥₹])(?<!\d[-–])1(?:00|(?P<thousands>,?000))s\b")
FEET_AND_INCHES = re.compile(r"(?<![\w.,])(\d{1,2})' ?(\d{1,2})(?:\"|'')")
FRACTION = re.compile(
    r"(?<![\w/.,])(?:(?P<whole>\d{1,4})[ -])?(?P<above>\d{1,3})/(?P<below>\d{1,3})(?![\w/]|[.,]\d)"
)
RANGE = re.compile(rf"(?<![\w.,–-])(?P<low>{_NUMBER}){_TO}(?P<high>{_NUMBER})(?![\w–-]|[.,]\d)")
DIFFERENCE = re.compile(r"(?<=\d) - (?=\d)")
QUOTIENT = re.compile(r"(?<=\d) / (?=\d)")
PRODUCT = re.compile(r"(?<=[\d)]) ?\* ?(?=[\d(])")
POWER = re.compile(r"(?<=[\w)])\^(?=[\w(-])")
RATIO = re.compile(r"(?<=\d):(?=\d)")
NEGATIVE = re.compile(r"(?<![\w)])-(?=\.?\d)")
ORDINAL = re.compile(
    r"(?<![\w.,])(\d{1,3}(?:,\d{3}){1,4}|\d{1,15})(?:st|nd|rd|th)\b", re.IGNORECASE
)
SCIENTIFIC = re.compile(rf"(?<![\w.,])({_NUMBER})[eE]([+-]?)(\d{{1,3}})\b")
GLUED = re.compile(r"(?<=[A-Za-z])-?(?=\d)|(?<=\d)-?(?=[A-Za-z])")
NUMBER = re.compile(_NUMBER)


def read_money(found: re.Match[str], dialect: Dialect) -> str:
    """$3.50 → three dollars and fifty cents; £5m → five million pounds."""
    names = _CURRENCIES[found["sign"]]
    minus = "minus " if found["minus"] or found["minus_inside"] else ""
    if found["high"]:
        minus += f"{numerals.number(found['amount'], dialect)} to "
    amount = found["high"] or found["amount"]
    scale = found["scale"] or _SCALE_WORDS.get((found["letter"] or "").lower())
    if scale:
        return f"{minus}{numerals.number(amount, dialect)} {scale} {names[1]}"
    return minus + _money(amount, names, dialect)


def read_money_by_code(found: re.Match[str], dialect: Dialect) -> str:
    """100 USD or 5 €."""
    sign = _CODES.get(found["code"], found["code"])
    return _money(found["amount"], _CURRENCIES[sign], dialect)


def read_measure(found: re.Match[str], dialect: Dialect) -> str:
    """5kg → five kilograms; a 5-kg bag is left in the singular."""
    one, _, many = _UNITS[found["unit"]].partition("/")
    is_one = found["amount"] == "1" or found["gap"] == "-"
    unit = one if is_one else many or re.sub(r"^\w+", r"\g<0>s", one)
    if dialect == "gb":
        unit = unit.replace("meter", "metre").replace("liter", "litre")
    start = "minus " if found["minus"] else ""
    if found["low"]:
        start = f"{numerals.number(found['low'], dialect)} to "
    return f"{start}{numerals.number(found['amount'], dialect)} {unit}"


def read_hundreds(found: re.Match[str], dialect: Dialect) -> str:
    """100s of people → hundreds; 1000s → thousands."""
    return "thousands" if found["thousands"] else "hundreds"


def read_feet_and_inches(found: re.Match[str], dialect: Dialect) -> str:
    """5'10" → five foot ten."""
    feet, inches = (numerals.cardinal(int(part), dialect) for part in found.groups())
    return f"{feet} foot {inches}"


def read_fraction(found: re.Match[str], dialect: Dialect) -> str:
    """1/2 → one half, 2 3/4 → two and three quarters; 24/7 and 31/12 side by side."""
    above, below = int(found["above"]), int(found["below"])
    whole = f"{numerals.number(found['whole'], dialect)} " if found["whole"] else ""
    if f"{above}/{below}" in _SPOKEN_SIDE_BY_SIDE or not 0 < above < below:
        return f"{whole}{numerals.cardinal(above, dialect)} {numerals.cardinal(below, dialect)}"
    part = numerals.fraction(above, below, dialect)
    return f"{whole}and {part.replace('one ', 'a ', 1)}" if whole else part


def read_range(found: re.Match[str], dialect: Dialect) -> str:
    """10-20 → ten to twenty."""
    return f"{_plain(found['low'], dialect)} to {_plain(found['high'], dialect)}"


def read_ordinal(found: re.Match[str], dialect: Dialect) -> str:
    """21st → twenty first."""
    return numerals.ordinal(int(found[1].replace(",", "")), dialect)


def read_scientific(found: re.Match[str], dialect: Dialect) -> str:
    """2.8e6 → two point eight times ten to the six."""
    exponent = numerals.cardinal(int(found[3]), dialect)
    minus = "minus " if found[2] == "-" else ""
    return f"{numerals.number(found[1], dialect)} times ten to the {minus}{exponent}"


def read_number(found: re.Match[str], dialect: Dialect) -> str:
    """Any number that no other rule has taken."""
    return f" {_plain(found.group(), dialect)} "


def _plain(text: str, dialect: Dialect) -> str:
    """Four digits without a comma read as a year does, also where they count: fifteen hundred."""
    if len(text) == 4 and text.isdigit() and text[0] != "0":
        return numerals.year(int(text), dialect)
    return numerals.number(text, dialect)


def _money(amount: str, names: tuple[str, str, str, str], dialect: Dialect) -> str:
    whole, _, part = amount.replace(",", "").partition(".")
    if len(part) > 2 or len(whole) > numerals.MOST_DIGITS:
        return f"{numerals.number(amount, dialect)} {names[1]}"
    units, cents = int(whole or 0), int(part.ljust(2, "0")) if part else 0
    spoken = []
    if units or not cents:
        spoken.append(f"{numerals.cardinal(units, dialect)} {names[0] if units == 1 else names[1]}")
    if cents:
        spoken.append(f"{numerals.cardinal(cents, dialect)} {names[2] if cents == 1 else names[3]}")
    return " and ".join(spoken)
