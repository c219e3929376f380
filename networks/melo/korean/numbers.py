"""Korean numbers in Hangul: Sino-Korean, and native ones before the nouns that count things."""

from __future__ import annotations

import re

from networks.english.tables import words

DIGITS = "영일이삼사오육칠팔구"
_NATIVE_ONES = ("", *words("한 두 세 네 다섯 여섯 일곱 여덟 아홉"))
_NATIVE_TENS = ("", *words("열 스물 서른 마흔 쉰 예순 일흔 여든 아흔"))
_PLACES = ("", "십", "백", "천")
_MYRIADS = ("", "만", "억", "조", "경")
_MOST_DIGITS = 4 * len(_MYRIADS)

# What the original's analyser takes for a noun that counts, so that the number before it is read as a whole.
_NATIVE_COUNTERS = words("개 대 번 살 시 마리 권 그루 벌 켤레 채 척 통 정 모금")
_SINO_COUNTERS = words(
    "명 년 월 일 분 초 원 세 도 킬로미터 센티미터 그램 킬로그램 퍼센트 달러 유로 엔 위안 "
    "호 회 차 개월 주 주일 가지 편 등 위 점 쪽 단계 교시 동 평 톤 리터 밀리리터 인치 마일 "
    "도씨 만 주년 번지 건 종 칸 끼 봉지 포기 다발 바퀴"
)
# Longer words that begin like a counter and are none; the original reads the digits before them one by one.
_NO_COUNTERS = words("시간 대의 동안 종류 만에서 개인 일반 도시 도로 살아 통계 번호 세기 세대")
# The longest counter wins: 개월 is not 개.
_COUNTERS = {
    **dict.fromkeys(_NATIVE_COUNTERS, True),
    **dict.fromkeys(("개월", "번지"), False),
    **dict.fromkeys(_SINO_COUNTERS, False),
}
_COUNTED = re.compile(
    rf"(\d+)(?!{'|'.join(_NO_COUNTERS)})"
    rf"(?=({'|'.join(sorted(_COUNTERS, key=len, reverse=True))}))"
)


def sino(digits: str) -> str:
    """A whole number; one too long for a name is read digit by digit."""
    digits = digits.lstrip("0")
    if not digits:
        return DIGITS[0]
    if len(digits) > _MOST_DIGITS:
        return one_by_one(digits)
    spoken = ""
    for power in range((len(digits) - 1) // 4, -1, -1):
        end = len(digits) - 4 * power
        group = int(digits[max(0, end - 4) : end])
        if not group:
            continue
        # 10000 is 만, but 110000000 is 일억.
        one_alone = group == 1 and power == 1 and not spoken
        spoken += ("" if one_alone else _below_myriad(group)) + _MYRIADS[power]
    return spoken


def native(digits: str) -> str:
    """A number before a noun: the tens and ones are native, what is above them Sino-Korean."""
    number = digits.lstrip("0")
    if number == "20":
        return "스무"
    hundreds, rest = sino(f"{number[:-2]}00") if len(number) > 2 else "", int(number[-2:] or "0")
    tens, ones = divmod(rest, 10)
    return (hundreds + _NATIVE_TENS[tens] + _NATIVE_ONES[ones]) or DIGITS[0]


def one_by_one(digits: str) -> str:
    """Each digit by its own name, as telephone numbers are read."""
    return "".join(DIGITS[int(digit)] for digit in digits)


def spell_numbers(word: str) -> str:
    """A word with its digits in Hangul: whole before a noun that counts, else digit by digit."""

    def counted(found: re.Match[str]) -> str:
        return (native if _COUNTERS[found[2]] else sino)(found[1])

    word = _COUNTED.sub(counted, word)
    return re.sub(r"\d+", lambda found: one_by_one(found[0]), word)


def is_counted(word: str) -> bool:
    """Whether a word begins with a number that is read as a whole."""
    return _COUNTED.match(word) is not None


def _below_myriad(number: int) -> str:
    spoken = ""
    for place, digit in enumerate(reversed(str(number))):
        if digit != "0":
            one = "" if digit == "1" and place else DIGITS[int(digit)]
            spoken = one + _PLACES[place] + spoken
    return spoken
