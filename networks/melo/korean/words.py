"""Letters, English words and phrases that Korean texts carry, in Hangul."""

from __future__ import annotations

import re

from networks.english.tables import words

LETTERS = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        words(
            "에이 비 씨 디 이 에프 지 에이치 아이 제이 케이 엘 엠 엔 오 피 큐 알 에스 티 유 브이 "
            "더블유 엑스 와이 제트"
        ),
        strict=True,
    )
)
# Read only where they stand in capitals.
WORDS = {
    "KOREA": "코리아",
    "IDOL": "아이돌",
    "IT": "아이티",
    "IQ": "아이큐",
    "UP": "업",
    "DOWN": "다운",
    "PC": "피씨",
    "CCTV": "씨씨티비",
    "SNS": "에스엔에스",
    "AI": "에이아이",
    "CEO": "씨이오",
    **LETTERS,
}
PHRASES = {"1+1": "원플러스원", "2+1": "투플러스원"}
_LATIN = re.compile("[A-Za-z]+")


def read_capitals(text: str) -> str:
    """Words of the table and single capitals in Hangul."""
    return _LATIN.sub(lambda found: WORDS.get(found[0], found[0]), text)


def spell(word: str) -> str:
    """An English word by the names of its letters."""
    return "".join(LETTERS.get(letter.upper(), "") for letter in word)
