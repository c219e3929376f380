"""Digits and signs in Chinese text become characters."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks.chinese.normalize import read_numbers

READINGS = {
    "我家有3口人，12楼1203号": "我家有三口人，十二楼一千二百零三号",
    "1998年": "一九九八年",
    "98年": "九十八年",
    "2024-02-29": "二零二四年二月二十九日",
    "2024/2/9": "二零二四年二月九日",
    "2024-22-99": "二零二四 二二 九九",
    "8:05出发，19:45到": "八点零五分出发，十九点四十五分到",
    "9:00": "九点",
    "4:06:08": "四点零六分八秒",
    "13812345678": "一三八一二三四五六七八",
    "138-1234-5678、139 1234 5678": "一三八 一二三四 五六七八、一三九 一二三四 五六七八",
    "+8613812345678或+86 138-1234-5678": "加八六一三八一二三四五六七八或加八六 一三八 一二三四 五六七八",
    "2138 1234 5678": "二千一百三十八 一千二百三十四 五千六百七十八",
    "二〇二四年的九〇后": "二零二四年的九零后",
    "010-1234-5678": "零一零 一二三四 五六七八",
    "007": "零零七",
    "￥35.5和$12": "三十五点五元和十二美元",
    "€7、£3.5": "七欧元、三点五英镑",
    "30%": "百分之三十",
    "１２３％": "百分之一百二十三",
    "-5度": "负五度",
    "25℃": "二十五摄氏度",
    "1/2个苹果": "二分之一个苹果",
    "16:9": "十六比九",
    "100元/斤": "一百元每斤",
    "A+B=C": "A加B等于C",
    "12,500元": "一万二千五百元",
    "2-3天": "二-三天",
    "加½杯或2½杯": "加二分之一杯或二又二分之一杯",
    "½½和1⁄3": "二分之一二分之一和三分之一",
    "5 × 3÷4": "五 乘 三除以四",
    "5−3，−5度": "五减三，负五度",
    "x≥5、y≤-3、±2": "x大于等于五、y小于等于负三、正负二",
    "a≠b≈c，√2＞1": "a不等于b约等于c，根号二大于一",
    "x²+y³": "x平方加y立方",
    "10⁶和10⁻¹²": "十的六次方和十的负十二次方",
    "5㎏、3㎡、2㎞、7㎐": "五千克、三平方米、二千米、七Hz",
    "5 m²，十cm³，3µm": "五平方米，十立方厘米，三微米",
    "3‰": "千分之三",
    "①②、第Ⅳ章、H₂O": "一二、第四章、H二O",
    "二〇二四年": "二零二四年",
    "№5": "编号五",
}


@pytest.mark.parametrize(("written", "spoken"), READINGS.items())
def test_written_chinese_is_read(written: str, spoken: str) -> None:
    assert read_numbers(written) == spoken


@given(st.text(alphabet="0123456789.,-/:%￥$年月A加 ١②½²⁻⁶㎡µm−ⅣↃ", max_size=60))
def test_no_ascii_digit_is_left(text: str) -> None:
    assert not any(char.isascii() and char.isdigit() for char in read_numbers(text))


@pytest.mark.parametrize(
    "unit", ["1", "1,", "1:", "1/", "-1", "￥1", "2024-1-1", "%", "1.", "½", "1²", "a−", "µ"]
)
def test_time_grows_in_line_with_the_text(unit: str) -> None:
    begun = time.perf_counter()
    read_numbers(unit * 20_000)
    assert time.perf_counter() - begun < 20  # seconds; a quadratic one would take minutes
