"""French numbers in words."""

from __future__ import annotations

from networks.english.tables import words

_SMALL = words(
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze "
    "quinze seize dix-sept dix-huit dix-neuf"
)
_TENS = words("_ _ vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt")
_MILLIONS = words("million milliard billion billiard trillion")
_MOST_DIGITS = 3 * (len(_MILLIONS) + 2)


def cardinal(digits: str) -> str:
    """A whole number in words; one too long for a name is read digit by digit."""
    if len(digits) > _MOST_DIGITS:
        return " ".join(_SMALL[int(digit)] for digit in digits)
    return _cardinal(int(digits))


def ordinal(number: int, *, feminine: bool = False) -> str:
    """First, second, third …"""
    if number == 1:
        return "première" if feminine else "premier"
    spoken = _cardinal(number)
    if spoken.endswith(("vingts", "cents", "ions", "iards")):
        spoken = spoken.removesuffix("s")
    for ending, instead in (("cinq", "cinqu"), ("neuf", "neuv")):
        if spoken.endswith(ending):
            return f"{spoken.removesuffix(ending)}{instead}ième"
    return f"{spoken.removesuffix('e')}ième"


def _cardinal(number: int) -> str:
    if number < 10**6:
        return _thousands(number)
    power = max(place for place in range(2, len(_MILLIONS) + 2) if number >= 1000**place)
    many, rest = divmod(number, 1000**power)
    name = _MILLIONS[power - 2]
    spoken = f"{_hundreds(many)} {name}{'s' if many > 1 else ''}"
    return f"{spoken} {_cardinal(rest)}" if rest else spoken


def _thousands(number: int) -> str:
    many, rest = divmod(number, 1000)
    if not many:
        return _hundreds(rest)
    # "cents" and "vingts" keep their s only at the end of a number: deux cent mille.
    before = _hundreds(many)
    if before.endswith(("cents", "vingts")):
        before = before.removesuffix("s")
    spoken = "mille" if many == 1 else f"{before} mille"
    return f"{spoken} {_hundreds(rest)}" if rest else spoken


def _hundreds(number: int) -> str:
    many, rest = divmod(number, 100)
    if not many:
        return _tens(rest)
    spoken = "cent" if many == 1 else f"{_SMALL[many]} cent"
    if rest:
        return f"{spoken} {_tens(rest)}"
    return f"{spoken}s" if many > 1 else spoken


def _tens(number: int) -> str:
    if number < len(_SMALL):
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    if tens in (7, 9):
        ones += 10
    if not ones:
        return "quatre-vingts" if tens == 8 else _TENS[tens]
    linked = " et " if ones in (1, 11) and tens < 8 else "-"
    return f"{_TENS[tens]}{linked}{_SMALL[ones]}"
