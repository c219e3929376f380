"""From written to spoken Chinese: numbers, dates, amounts and signs in characters.

The originals read every number as a quantity and lose most signs, so that 1998年 is "one thousand nine
hundred ninety-eight year" and 30% is thirty. Here years, telephone numbers and codes are read digit by digit,
and signs are said. Everything else is read as the originals read it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from networks.chinese.numerals import digits, number
from networks.english.tables import pairs

Reading = Callable[[re.Match[str]], str]

# Never tried again inside a number, so that time grows in line with the text.
_N = r"(?<!\d)\d++(?:\.\d++)?+"
_CURRENCIES = {"￥": "元", "¥": "元", "$": "美元", "€": "欧元", "£": "英镑"}
_PREFIXES = {"": "", "k": "千", "d": "分", "c": "厘", "m": "毫", "n": "纳", "µ": "微", "μ": "微"}
_UNITS = {"m": "米", "g": "克", "s": "秒", "l": "升", "L": "升"}
_POWERS = {"": "", "2": "平方", "3": "立方"}
_UNIT = r"(?P<prefix>[kdcmnµμ]?)(?P<unit>[mgslL])(?P<power>[23²³]?)(?![A-Za-z])"
# Circled, raised, Roman and other numbers of one character each.
_NUMERALS = "²³¹⁰⁴-⁹₀-₉Ⅰ-ↈ①-⒛⓪-⓿❶-➓〇〡-〩㈠-㈩㉑-㉟㊀-㊉㊱-㊿"
_DEGREES = {"℃": "摄氏度", "°C": "摄氏度", "℉": "华氏度", "°F": "华氏度", "°": "度"}
# Full-width letters, digits and signs of calculation; punctuation has its own tables.
_HALF_WIDTH = {
    code: code - 0xFEE0
    for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
} | str.maketrans("％＋－＝＠＃／⁄", "%+-=@#//")


def _read_date(found: re.Match[str]) -> str:
    year, month, day = found[1], int(found[2]), int(found[3])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return " ".join(map(digits, (year, found[2], found[3])))
    return f"{digits(year)}年{number(str(month))}月{number(str(day))}日"


def _read_time(found: re.Match[str]) -> str:
    hour, minute, second = found[1], found[2], found[3]
    spoken = f"{number(hour)}点"
    if int(minute) or second:
        spoken += f"{'零' if minute[0] == '0' and int(minute) else ''}{number(minute)}分"
    return spoken + (f"{number(second)}秒" if second else "")


def _read_fraction(found: re.Match[str]) -> str:
    return f"{number(found[2])}分之{number(found[1])}"


def _read_one_character_fraction(found: re.Match[str]) -> str:
    above, _, below = unicodedata.normalize("NFKC", found[2]).partition("⁄")
    return f"{'' if found[1] is None else '又'}{number(below)}分之{number(above)}"


def _read_unit(found: re.Match[str]) -> str:
    power = unicodedata.normalize("NFKC", found["power"])
    return _POWERS[power] + _PREFIXES[found["prefix"]] + _UNITS[found["unit"]]


def _read_square(found: re.Match[str]) -> str:
    """㎏ → 千克; rarer units stay Latin letters."""
    return re.sub(f"^{_UNIT}$", _read_unit, unicodedata.normalize("NFKC", found[0]))


def _read_power(found: re.Match[str]) -> str:
    exponent = unicodedata.normalize("NFKC", found[0]).lstrip("+")
    if exponent in _POWERS:
        return _POWERS[exponent]
    minus = "负" if exponent[0] == "−" else ""
    return f"的{minus}{number(exponent.lstrip('−'))}次方"


def _read_numeral(found: re.Match[str]) -> str:
    value = unicodedata.numeric(found[0], None)
    return "" if value is None else number(str(int(value)))


def _read_number(found: re.Match[str]) -> str:
    text = found.group()
    # A code or a room: 007, 0123.
    is_code = len(text) > 1 and text[0] == "0" and "." not in text
    return digits(text) if is_code and text.strip("0") else number(text)


# Most specific first. Bounded, so that time grows in line with the text.
_RULES: tuple[tuple[re.Pattern[str], Reading], ...] = (
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), lambda found: ""),
    (re.compile("[㎀-㏟]"), _read_square),
    (re.compile(r"((?<=\d) ?)?([¼-¾⅐-⅞])"), _read_one_character_fraction),
    (re.compile(rf"(?<=[\d\u4e00-\u9fa5]) ?(?=[kdcmn]?m[²³]|[µμ]){_UNIT}"), _read_unit),
    (re.compile(r"(?<=[A-Za-z\d)])[⁺⁻]?[²³¹⁰⁴-⁹]++"), _read_power),
    (re.compile(f"[{_NUMERALS}]"), _read_numeral),
    (re.compile(r"(?<=[A-Za-z\d)]) ?− ?(?=[A-Za-z\d(])"), lambda found: "减"),
    (re.compile(r"−(?=[A-Za-z\d(])"), lambda found: "负"),
    (re.compile(rf"({_N}) ?‰"), lambda found: f"千分之{number(found[1])}"),
    (re.compile(r"(?<![\d.-])(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?![\d/-])"), _read_date),
    (
        # A mobile telephone.
        re.compile(r"(?<![\d.])(?<!\d-)(?:86[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}(?!-?\d)"),
        lambda found: " ".join(map(digits, re.split("[ -]", found.group()))),
    ),
    (
        re.compile(r"(?<![\d-])(0\d{2,3}|400|800)-(\d{3,4})-?(\d{3,4})(?![\d-])"),
        lambda found: " ".join(map(digits, found.groups())),
    ),
    (re.compile(r"(?<!\d)\d{4}(?=年)"), lambda found: digits(found.group())),
    (
        re.compile(r"(?<![\d:])([01]?\d|2[0-4])[:：]([0-5]\d)(?:[:：]([0-5]\d))?(?![\d:])"),
        _read_time,
    ),
    (re.compile(rf"([￥¥$€£]) ?({_N})"), lambda found: number(found[2]) + _CURRENCIES[found[1]]),
    (re.compile(rf"({_N}) ?%"), lambda found: f"百分之{number(found[1])}"),
    (re.compile(r"(?<![\d./])(\d{1,4})/(\d{1,4})(?![\d/.])"), _read_fraction),
    (re.compile(r"(?<=\d)[:：](?=\d)"), lambda found: "比"),
    (re.compile(r"(?<![\w.])-(?=\d)"), lambda found: "负"),
    (re.compile(r"(?<=\d) ?(℃|℉|°[CF]?)"), lambda found: _DEGREES[found[1]]),
    (re.compile(r"(?<=[\w)])[*×](?=[\w(])"), lambda found: "乘"),
    (re.compile(r"(?<=[\u4e00-\u9fa5])/(?=[\u4e00-\u9fa5]|k?g|m?l)"), lambda found: "每"),
    (re.compile(_N), _read_number),
)
_SIGNS = pairs(
    "% 百分号, ‰ 千分号, + 加, × 乘, ÷ 除以, = 等于, ≠ 不等于, ≈ 约等于, ± 正负, ≤ 小于等于, ≥ 大于等于, "
    "＜ 小于, ＞ 大于, √ 根号, ∞ 无穷大, & 和, @ 艾特, ℃ 摄氏度, № 编号"
)
_SIGN = re.compile(f"[{''.join(_SIGNS)}]")


def fold(text: str) -> str:
    """Full-width letters, digits and signs as narrow ones."""
    return text.translate(_HALF_WIDTH)


def read_numbers(text: str) -> str:
    """Text without digits, its signs as words."""
    text = fold(text).replace("〇", "零")
    for pattern, reading in _RULES:
        text = pattern.sub(reading, text)
    return _SIGN.sub(lambda found: _SIGNS[found.group()], text)
