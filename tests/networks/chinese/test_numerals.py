"""Numbers in Chinese characters, as the originals' library writes them."""

from __future__ import annotations

import pytest

from networks.chinese.numerals import digits, number

READINGS = {
    "0": "零", "5": "五", "10": "十", "11": "十一", "20": "二十", "100": "一百", "101": "一百零一",
    "110": "一百一十", "111": "一百一十一",
    "1001": "一千零一", "1010": "一千零一十",
    "1203": "一千二百零三",
    "10000": "一万", "10010": "一万零一十", "11000": "一万一千", "100010": "十万零一十", "110000": "十一万",
    "10000000": "一千万", "100000001": "一亿零一", "101000000": "一亿零一百万",
    "9000006910": "九十亿六千九百一十",
    "123456789": "一亿二千三百四十五万六千七百八十九", "1000000000000": "一万亿",
    "1000100010001000": "一千万一千亿一千万一千", "007": "七", "00": "零", "0.5": "零点五",
    "12.05": "十二点零五",    "10.0": "十点零", "3.14159": "三点一四一五九",
}  # fmt: skip


@pytest.mark.parametrize(("text", "spoken"), READINGS.items())
def test_a_number_is_read_as_a_quantity(text: str, spoken: str) -> None:
    assert number(text) == spoken


def test_more_digits_than_anyone_follows_are_read_one_by_one() -> None:
    assert number("1" * 40) == "一" * 40
    assert digits("1998") == "一九九八"
