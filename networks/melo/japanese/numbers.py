"""Japanese numbers in kanji."""

from __future__ import annotations

from networks.english.tables import words

_DIGITS = "〇一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_MYRIADS = ("", "万", "億", "兆", "京", "垓")
_MOST_DIGITS = 4 * len(_MYRIADS)
_ZERO = "零"
_SPOKEN = words("ゼロ イチ ニ サン ヨン ゴ ロク ナナ ハチ キュウ")
_HOURS = ("", *words("イチ ニ サン ヨ ゴ ロク シチ ハチ ク"))
_MINUTES = (
    "",
    *words("イップン ニフン サンプン ヨンプン ゴフン ロップン ナナフン ハップン キュウフン"),
)


def in_kanji(number: str) -> str:
    """A whole number or a decimal: 1234.5 is 千二百三十四点五."""
    whole, _, decimals = number.partition(".")
    spoken = _whole(whole)
    return f"{spoken}点{_named(decimals)}" if decimals else spoken


def one_by_one(digits: str) -> str:
    """Digits in katakana as telephone numbers are read."""
    return "".join(_SPOKEN[int(digit)] for digit in digits)


def clock(hour: int, minute: int) -> str:
    """A time of day in katakana; written in kanji its parts have other readings too."""
    tens, ones = divmod(hour, 10)
    spoken = (_tens(tens) + _HOURS[ones] if hour else _SPOKEN[0]) + "ジ"
    if not minute:
        return spoken
    tens, ones = divmod(minute, 10)
    last = (
        f"{_tens(tens)}{_MINUTES[ones]}"
        if ones
        else f"{_SPOKEN[tens] if tens > 1 else ''}ジュップン"
    )
    return spoken + last


def _tens(tens: int) -> str:
    return f"{_SPOKEN[tens] if tens > 1 else ''}ジュウ" if tens else ""


def _named(digits: str) -> str:
    return "".join(_DIGITS[int(digit)] if digit != "0" else _ZERO for digit in digits)


def _whole(digits: str) -> str:
    digits = digits.lstrip("0")
    if not digits:
        return _ZERO
    if len(digits) > _MOST_DIGITS:
        return _named(digits)
    spoken = ""
    for power in range((len(digits) - 1) // 4, -1, -1):
        end = len(digits) - 4 * power
        if group := int(digits[max(0, end - 4) : end]):
            spoken += _below_myriad(group) + _MYRIADS[power]
    return spoken


def _below_myriad(number: int) -> str:
    spoken = ""
    for place, digit in enumerate(reversed(str(number))):
        if digit != "0":
            one = "" if digit == "1" and place else _DIGITS[int(digit)]
            spoken = one + _PLACES[place] + spoken
    return spoken
