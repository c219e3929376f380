"""Roman numbers, as centuries and kings have them."""

from __future__ import annotations

ROMAN = "X{0,3}(?:IX|IV|V?I{1,3}|V)|X{1,3}"  # 1 to 39, as a pattern
_VALUES = {"I": 1, "V": 5, "X": 10}


def value(digits: str) -> int:
    """The value of a Roman number of ones, fives and tens."""
    values = [_VALUES[digit] for digit in digits]
    following = [*values[1:], 0]
    return sum(-one if one < after else one for one, after in zip(values, following, strict=True))
