"""What Korean texts need before the original's rules: whatever these would lose, garble or raise for.

Numbers that a counting noun follows stay as they are, for the original reads them well; others become
words, as do amounts, times, dates, signs and lone letters. What no Korean reader could say becomes a
space or, when it is invisible, nothing.
"""

from __future__ import annotations

import re
import unicodedata

from networks.english.tables import words
from networks.melo.korean.hangul import is_syllable
from networks.melo.korean.numbers import is_counted, native, one_by_one, sino
from networks.melo.korean.words import PHRASES, WORDS, spell

_INVISIBLE = frozenset(("Cf", "Cc", "Cs", "Co", "Cn", "Me", "Mn"))
_FOLDED = str.maketrans(
    {
        **dict.fromkeys("“”„‟「」『』«»", '"'),
        **dict.fromkeys("‘’‚‛′`´＇", "'"),
        **dict.fromkeys(";；、，", ","),
        **dict.fromkeys("—―–‐‑−", "-"),
        **dict.fromkeys("～〜∼", "~"),
        **dict.fromkeys("。．", "."),
        "：": ":",
        "…": "…",
        "№": "#",
    }
)
# Chinese characters: they are dropped later, as the original drops them.
IDEOGRAPH = re.compile(
    "[\u2e80-\u2fd5\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4db5\u4e00-\u9fff\uf900-\ufad9]"
)
_SIGNS = {
    "%": "퍼센트",
    "‰": "퍼밀",
    "&": "앤드",
    "+": "플러스",
    "=": "는",
    "×": "곱하기",
    "÷": "나누기",
    "±": "플러스마이너스",
    "@": "골뱅이",
    "#": "샵",
    "°": "도",
    "℃": "도",
    "℉": "화씨도",
    "$": "달러",
    "€": "유로",
    "£": "파운드",
    "¥": "엔",
    "₩": "원",
    "½": "이분의일",
    "¼": "사분의일",
    "¾": "사분의삼",
    "²": "제곱",
    "³": "세제곱",
}
_CURRENCIES = "$€£¥₩"
_KEPT = frozenset("!?…,.'-\"()~:/+ ")
_KEPT_WHOLE = frozenset(_SIGNS) | {"…"}
# Letters that stand alone: laughter is read, tears are silent, the others have names.
_LAUGHTER = re.compile("(ㅋ|ㅎ){1,3}(?:ㅋ|ㅎ)*")
_TEARS = re.compile("[ㅠㅜㅡ]{2,}")
_CONSONANTS = dict(
    zip(
        "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ",
        words(
            "기역 쌍기역 니은 디귿 쌍디귿 리을 미음 비읍 쌍비읍 시옷 쌍시옷 이응 지읒 쌍지읒 치읓 "
            "키읔 티읕 피읖 히읗"
        ),
        strict=True,
    )
)
_FIRST_VOWEL, _LAST_VOWEL = "ㅏ", "ㅣ"

# Nouns that the original's analyser does not take for counting.
_COUNTED_NATIVELY = words(
    "시간 잔 병 사람 군데 송이 그릇 접시 컵 알 달 곳 줄 쌍 상자 박스 묶음 조각 방울"
)

_PARAGRAPH = re.compile(r"(?<=[^\s.,!?…])[ \t]*\n\s*\n\s*")
_N = r"\d+(?:\.\d+)?"
_COMMAS = re.compile(r"(?<![\d,.])\d{1,3}(?:,\d{3})+(?![\d,])")
_DAY = re.compile(r"(?<!\d)(\d{1,2})[·‧・](\d{1,2})(?!\d)")  # 6·25, 3·1절
_MIDDLE_DOT = re.compile("[·‧・]")
_MONEY = re.compile(rf"(?<!\d)([{_CURRENCIES}])\s?({_N})")
_SIGN_INSIDE = re.compile(rf"(?<=\d)[{_CURRENCIES}](?=\d)")  # 5€50
_DATE = re.compile(r"(?<![\d.-])(\d{4})[-./](\d{1,2})[-./](\d{1,2})(?![\d-])")
_TIME = re.compile(r"(?<![\d:])(\d{1,2}):(\d{2})(?![\d:])")
_FRACTION = re.compile(r"(?<![\d/])(\d{1,3})/(\d{1,3})(?![\d/])")
_MINUS = re.compile(r"(?<![\w.)-])-(?=\d)")
_VERSION = re.compile(r"(?<![\d.])\d+(?:\.\d+){2,}(?!\d)")
_DECIMAL = re.compile(r"(?<![\d.])(\d+)\.(\d+)(?!\d)")
# Not a telephone number, a name like mp3 or G7, or one that counts.
_NUMBER = re.compile(r"(?<![\dA-Za-z-])[1-9]\d*(?![\d-])\S*")
_ACRONYM = re.compile(r"(?<![A-Za-z])[A-Z]{2,3}(?![A-Za-z])")
_PHRASE = re.compile(f"({'|'.join(map(re.escape, PHRASES))})")
_DOT_INSIDE = re.compile(r"(?<=[A-Za-z])\.(?=[A-Za-z])")


def prepare(text: str) -> str:
    """A text in Hangul, Latin letters, digits and the marks that the networks know."""
    text = _DAY.sub(lambda found: one_by_one(found[1] + found[2]), text)
    text = _PARAGRAPH.sub(". ", text)
    text = _MIDDLE_DOT.sub(",", text).translate(_FOLDED)
    text = "".join(map(_folded, unicodedata.normalize("NFC", text)))
    text = _lone_letters(text)
    text = _moments_and_amounts(text)
    text = _DOT_INSIDE.sub(" 점 ", text)
    text = _ACRONYM.sub(lambda found: WORDS.get(found[0]) or spell(found[0]), text)
    text = "".join(map(_with_signs, _PHRASE.split(_joined_signs(text))))
    kept = " ".join("".join(map(_known, text)).split())
    return re.sub(r"(?<=[,.!?])\s*,+", "", kept)


def _folded(char: str) -> str:
    if char in _KEPT_WHOLE or _is_letter(char):
        return char
    if char.isspace():
        return " "
    if unicodedata.category(char) in _INVISIBLE:
        return ""
    plain = unicodedata.normalize("NFD", char)[0]
    return plain if plain.isascii() and plain.isalpha() else unicodedata.normalize("NFKC", char)


def _is_letter(char: str) -> bool:
    """A Hangul letter that stands by itself (ㅋ), which compatibility folding would take apart."""
    return "\u3131" <= char <= "\u3163"


def _known(char: str) -> str:
    known = is_syllable(char) or char in _KEPT or (char.isascii() and char.isalnum())
    return char if known or IDEOGRAPH.match(char) else " "


def _with_signs(part: str) -> str:
    """Signs in words, save for those in phrases that have a reading of their own."""
    if part in PHRASES:
        return part
    return "".join(f" {_SIGNS[char]} " if char in _SIGNS else char for char in part)


def _lone_letters(text: str) -> str:
    text = _TEARS.sub(" ", text)
    text = _LAUGHTER.sub(lambda found: _laughter(found[0]), text)
    return "".join(_named(char) if _is_letter(char) else char for char in text)


def _laughter(letters: str) -> str:
    return letters[:3].replace("ㅋ", "크").replace("ㅎ", "흐")


def _named(letter: str) -> str:
    if _FIRST_VOWEL <= letter <= _LAST_VOWEL:
        return chr(0xAC00 + (11 * 21 + ord(letter) - ord(_FIRST_VOWEL)) * 28)
    return _CONSONANTS.get(letter, "")


def _moments_and_amounts(text: str) -> str:
    text = _COMMAS.sub(lambda found: found[0].replace(",", ""), text)
    text = _MONEY.sub(lambda found: f"{found[2]}{_SIGNS[found[1]]}", text)
    text = _SIGN_INSIDE.sub(lambda found: f"{_SIGNS[found[0]]} ", text)
    text = _DATE.sub(lambda found: f"{found[1]}년 {int(found[2])}월 {int(found[3])}일", text)
    text = _TIME.sub(_time, text)
    text = _FRACTION.sub(lambda found: f"{sino(found[2])}분의 {sino(found[1])}", text)
    text = _MINUS.sub("마이너스 ", text)
    text = _VERSION.sub(lambda found: " 점 ".join(map(sino, found[0].split("."))), text)
    text = _DECIMAL.sub(lambda found: f"{sino(found[1])} 점 {one_by_one(found[2])}", text)
    return _NUMBER.sub(_number, text)


def _time(found: re.Match[str]) -> str:
    hour, minute = int(found[1]), int(found[2])
    if hour > 24 or minute > 59:
        return found[0]
    return f"{hour}시 {minute}분" if minute else f"{hour}시"


def _number(found: re.Match[str]) -> str:
    """A number alone in words; one that counts something stays for the counting noun to decide."""
    word = found[0]
    if is_counted(word):
        return word
    digits = re.match(r"\d+", word)
    assert digits is not None
    noun = word[digits.end() :]
    if len(digits[0]) == 1 and not noun.startswith(_COUNTED_NATIVELY):
        return word
    if noun[:1].isascii() and noun[:1].isalpha():
        noun = f" {noun}"  # a unit's letters begin a word: 백 엠, not 배겜
    return (native if noun.startswith(_COUNTED_NATIVELY) else sino)(digits[0]) + noun


def _joined_signs(text: str) -> str:
    """Signs right after a number belong to it: 50% is one word."""
    return re.sub(rf"(?<=[\w])[ ]?([%‰°℃℉{_CURRENCIES}])", lambda found: _SIGNS[found[1]], text)
