"""Numbers as Chinese characters."""

from __future__ import annotations

MOST_DIGITS = 16  # longer numbers are read digit by digit

_DIGITS = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_POINT = "点"


def digits(text: str) -> str:
    """1998 → 一九九八."""
    return "".join(_DIGITS[int(char)] for char in text)


def number(text: str) -> str:
    """Digits with at most one point: 1203 → 一千二百零三, 12.05 → 十二点零五."""
    whole, point, part = text.partition(".")
    return cardinal(whole) + (_POINT + digits(part) if point and part else "")


def cardinal(text: str) -> str:
    """Digits read as a quantity; zeros at their start say nothing."""
    if len(text.lstrip("0")) > MOST_DIGITS:
        return digits(text)
    spoken = _below(int(text), "亿", 8) if int(text) else _DIGITS[0]
    return spoken[1:] if spoken.startswith("一十") else spoken


def _below(value: int, unit: str, zeros: int) -> str:
    """Reads by parts of 10^8, then 10^4, then digit by digit; 零 stands for a gap."""
    if not unit:
        return _group(value)
    lower = ("万", 4) if unit == "亿" else ("", 0)
    head, rest = divmod(value, 10**zeros)
    spoken = _below(head, *lower) + unit if head else ""
    if head and 0 < (rest // 10**4 or rest) < 1000:
        spoken += _DIGITS[0]
    return spoken + (_below(rest, *lower) if rest else "")


def _group(value: int) -> str:
    """One to four digits."""
    spoken, gap = "", False
    for place in range(3, -1, -1):
        digit = value // 10**place % 10
        if digit:
            spoken += (_DIGITS[0] if gap else "") + _DIGITS[digit] + _PLACES[place]
        gap = not digit and bool(spoken)
    return spoken
