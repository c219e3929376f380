"""Numbers as English words.

Written here because the one maintained permissive library for it keeps the call's state on a shared
object, so that two threads can mix up each other's numbers, and takes over a second to import.
"""

from __future__ import annotations

from networks.english.alphabet import Dialect
from networks.english.tables import pairs, words

MOST_DIGITS = 15  # longer numbers are read digit by digit: nobody follows quintillions by ear

_SMALL = words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = words("zero ten twenty thirty forty fifty sixty seventy eighty ninety")
_SCALES = ("", "thousand", "million", "billion", "trillion")
_ORDINALS = pairs(
    "one first, two second, three third, five fifth, eight eighth, nine ninth, twelve twelfth"
)
_FRACTIONS = {2: ("half", "halves"), 4: ("quarter", "quarters")}
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


def cardinal(number: int, dialect: Dialect) -> str:
    """342 → three hundred forty two; British English says "and" before the last part."""
    if number == 0:
        return _SMALL[0]
    words: list[str] = []
    for power in range(len(_SCALES) - 1, -1, -1):
        group = number // 1000**power % 1000
        if not group:
            continue
        if words and power == 0 and group < 100 and dialect == "gb":
            words.append("and")
        words.append(_below_thousand(group, dialect))
        words.append(_SCALES[power])
    return " ".join(word for word in words if word)


def ordinal(number: int, dialect: Dialect) -> str:
    """21 → twenty first."""
    head, _, last = cardinal(number, dialect).rpartition(" ")
    return f"{head} {ordinal_of(last)}".strip()


def year(number: int, dialect: Dialect) -> str:
    """1984 → nineteen eighty four, 1905 → nineteen oh five, 2005 → two thousand five."""
    century, rest = divmod(number, 100)
    if century % 10 == 0 and rest < 10:
        return cardinal(number, dialect)
    if rest == 0:
        return f"{cardinal(century, dialect)} hundred"
    between = " oh " if rest < 10 else " "
    return f"{cardinal(century, dialect)}{between}{cardinal(rest, dialect)}"


def digits(text: str) -> str:
    """Reads the digits of a text one by one."""
    return " ".join(_SMALL[int(char)] for char in text if char.isdigit())


def number(text: str, dialect: Dialect) -> str:
    """Reads what matches `\\d[\\d,]*(\\.\\d+)?` or `\\.\\d+`: 1,250 or 3.75 or 007."""
    whole, point, fraction = text.replace(",", "").partition(".")
    if len(whole) > MOST_DIGITS or (len(whole) > 1 and whole[0] == "0"):
        spoken = digits(whole)
    else:
        spoken = cardinal(int(whole), dialect) if whole else ""
    if point and fraction:
        spoken = f"{spoken} point {digits(fraction)}"
    return spoken.strip()


def fraction(above: int, below: int, dialect: Dialect) -> str:
    """1, 2 → one half; 7, 9 → seven ninths."""
    singular, plural = _FRACTIONS.get(below) or (
        ordinal(below, dialect),
        f"{ordinal(below, dialect)}s",
    )
    return f"{cardinal(above, dialect)} {singular if above == 1 else plural}"


def roman(text: str) -> int:
    """XIV → 14; expects letters of I, V, X, L and C only."""
    values = [_ROMAN[letter] for letter in text]
    following = [*values[1:], 0]
    return sum(
        -here if here < after else here for here, after in zip(values, following, strict=True)
    )


def _below_thousand(group: int, dialect: Dialect) -> str:
    hundreds, rest = divmod(group, 100)
    words = [_SMALL[hundreds], "hundred"] if hundreds else []
    if hundreds and rest and dialect == "gb":
        words.append("and")
    if rest >= 20:
        words.append(_TENS[rest // 10])
        rest %= 10
    if rest:
        words.append(_SMALL[rest])
    return " ".join(words)


def ordinal_of(word: str) -> str:
    if word in _ORDINALS:
        return _ORDINALS[word]
    return f"{word[:-1]}ieth" if word.endswith("y") else f"{word}th"
