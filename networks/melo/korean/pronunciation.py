"""How a written Korean word sounds: the rules of Standard Korean pronunciation (표준 발음법), within a
word.

A word is read syllable by syllable; where two meet, the coda of the first and the onset of the second
change each other. The numbers in comments are the articles of the standard. Where the phonemizer that
MeloTTS was trained with (g2pkk) departs from the standard, we depart with it, because the networks know
its sounds.
"""

from __future__ import annotations

from collections.abc import Sequence

from networks.melo.korean.exceptions import TENSED_ENDINGS, respell
from networks.melo.korean.hangul import Syllable, is_syllable, syllable
from networks.melo.korean.stems import ends_verb_stem

_SOUNDS_K, _SOUNDS_T, _SOUNDS_P = "ㄱㄲㄳㄺㅋ", "ㄷㅅㅆㅈㅊㅌㅎ", "ㅂㅄㄿㅍ"
# A coda alone or before a consonant (9, 10, 11).
_PLAIN = {
    **dict.fromkeys(_SOUNDS_K, "ㄱ"),
    **dict.fromkeys(_SOUNDS_T, "ㄷ"),
    **dict.fromkeys(_SOUNDS_P, "ㅂ"),
    **dict.fromkeys("ㄵㄶ", "ㄴ"),
    **dict.fromkeys("ㄼㄽㄾㅀ", "ㄹ"),
    "ㄻ": "ㅁ",
}
_NASAL = {"ㄱ": "ㅇ", "ㄷ": "ㄴ", "ㅂ": "ㅁ"}  # of a stop before a nasal (18)
_TENSE = dict(zip("ㄱㄷㅂㅅㅈ", "ㄲㄸㅃㅆㅉ", strict=True))
_ASPIRATED = dict(zip("ㄱㄷㅂㅈ", "ㅋㅌㅍㅊ", strict=True))
# Before ㅎ: the coda that stays and the aspirated onset (12.1).
_BEFORE_H = {
    **dict.fromkeys("ㄱㄲㄳㅋ", ("", "ㅋ")),
    **dict.fromkeys("ㄷㅅㅆㅊㅌ", ("", "ㅌ")),
    **dict.fromkeys("ㅂㅍ", ("", "ㅍ")),
    **dict.fromkeys("ㄿㅄ", ("ㅂ", "ㅍ")),
    "ㅈ": ("", "ㅊ"),
    "ㄺ": ("ㄹ", "ㅋ"),
    "ㄼ": ("ㄹ", "ㅍ"),
    "ㄵ": ("ㄴ", "ㅊ"),
    "ㅎ": ("", "ㅎ"),
}
# Before a vowel: the coda that stays and the onset that moves over (13, 14, 12.4).
_MOVES = {
    "ㄳ": ("ㄱ", "ㅆ"),
    "ㄵ": ("ㄴ", "ㅈ"),
    "ㄶ": ("", "ㄴ"),
    "ㄺ": ("ㄹ", "ㄱ"),
    "ㄻ": ("ㄹ", "ㅁ"),
    "ㄼ": ("ㄹ", "ㅂ"),
    "ㄽ": ("ㄹ", "ㅆ"),
    "ㄾ": ("ㄹ", "ㅌ"),
    "ㄿ": ("ㄹ", "ㅍ"),
    "ㅀ": ("", "ㄹ"),
    "ㅄ": ("ㅂ", "ㅆ"),
    "ㅎ": ("", "ㅇ"),
}
# After the vowel ㅡ the original moves these codas as the standard asks only for names of letters (16).
_MOVES_AFTER_EU = {**dict.fromkeys("ㄷㅈㅊㅌㅎ", "ㅅ"), "ㅋ": "ㄱ", "ㅍ": "ㅂ"}
_PALATAL = {"ㄷ": ("", "ㅈ"), "ㅌ": ("", "ㅊ"), "ㄾ": ("ㄹ", "ㅊ")}  # before 이 and 여 (17)


def pronounce(word: str) -> str:
    """The sounds of a word as conjoining jamo; characters that are no syllables stay as they are."""
    word = respell(word)
    read = [syllable(char) if is_syllable(char) else char for char in word]
    _change_vowels(read)
    for place, (first, second) in enumerate(zip(read, [*read[1:], ""], strict=True)):
        if not isinstance(first, Syllable):
            continue
        if isinstance(second, Syllable):
            _meet(first, second, stem=ends_verb_stem(word, place), before=word[place + 1 :])
        else:
            first.coda = _alone(first)
    return "".join(part.jamo if isinstance(part, Syllable) else part for part in read)


def _change_vowels(read: Sequence[Syllable | str]) -> None:
    for part in read:
        if not isinstance(part, Syllable):
            continue
        if part.vowel == "ㅕ" and part.onset in "ㅈㅉㅊ":  # 5.1
            part.vowel = "ㅓ"
        elif part.vowel == "ㅢ" and part.onset != "ㅇ":  # 5.3
            part.vowel = "ㅣ"


def _alone(last: Syllable) -> str:
    if last.coda == "ㄼ" and _is_balb(last):
        return "ㅂ"
    return _PLAIN.get(last.coda, last.coda)


def _is_balb(part: Syllable) -> bool:
    return (part.onset, part.vowel) == ("ㅂ", "ㅏ")


def _meet(first: Syllable, second: Syllable, *, stem: bool, before: str) -> None:
    """What the coda of one syllable and the onset of the next do to each other."""
    if not first.coda:
        return
    if second.onset == "ㅇ":
        _link(first, second)
    elif second.onset == "ㅎ":
        _aspirate(first, second)
    elif first.coda in "ㅎㄶㅀ":
        _weaken(first, second)
    else:
        _stop(first, second, stem=stem, before=before)


def _link(first: Syllable, second: Syllable) -> None:
    coda = first.coda
    if coda == "ㅇ":
        return
    if first.vowel == "ㅡ" and coda in _MOVES_AFTER_EU:
        first.coda, second.onset = "", _MOVES_AFTER_EU[coda]
    elif coda in _PALATAL and second.vowel in "ㅣㅕ":
        first.coda, second.onset = _PALATAL[coda]
    else:
        first.coda, second.onset = _MOVES.get(coda, ("", coda))


def _aspirate(first: Syllable, second: Syllable) -> None:
    if first.coda == "ㄷ" and second.vowel == "ㅣ":  # 굳히다
        first.coda, second.onset = "", "ㅊ"
    elif first.coda in _BEFORE_H:
        first.coda, second.onset = _BEFORE_H[first.coda]
    else:
        first.coda = _PLAIN.get(first.coda, first.coda)


def _weaken(first: Syllable, second: Syllable) -> None:
    """ㅎ, ㄶ and ㅀ before a consonant (12)."""
    stays = {"ㅎ": "", "ㄶ": "ㄴ", "ㅀ": "ㄹ"}[first.coda]
    if second.onset == "ㄴ" and first.coda == "ㅎ":
        stays = "ㄴ"
    elif second.onset in "ㄱㄷㅈ":
        second.onset = _ASPIRATED[second.onset]
    elif second.onset == "ㅅ":
        second.onset = "ㅆ"
    first.coda = stays
    _assimilate(first, second)


def _stop(first: Syllable, second: Syllable, *, stem: bool, before: str) -> None:
    """A coda before a consonant: tense (23 to 27), nasal (18, 19) or liquid (20)."""
    coda = first.coda
    tensed = coda in _SOUNDS_K + _SOUNDS_T + _SOUNDS_P + "ㄼㄽ" or (stem and second.onset != "ㅂ")
    if stem and coda == "ㄺ" and second.onset in "ㄱㄲ":  # 11.1: 읽고
        first.coda = "ㄹ"
    elif (coda == "ㄼ" and (_is_balb(first) or _is_neolb(first, second))) or (
        coda == "ㄼ" and second.onset in "ㄴㅁ"
    ):  # 10.1
        first.coda = "ㅂ"
    else:
        first.coda = _PLAIN.get(coda, coda)
    if tensed or (coda == "ㄹ" and before.startswith(TENSED_ENDINGS)):
        second.onset = _TENSE.get(second.onset, second.onset)
    _assimilate(first, second)


def _is_neolb(first: Syllable, second: Syllable) -> bool:
    """넓 before 죽 and 둥."""
    is_neol = (first.onset, first.vowel) == ("ㄴ", "ㅓ")
    return is_neol and second.vowel == "ㅜ" and second.onset in "ㄷㄸㅈㅉ"


def _assimilate(first: Syllable, second: Syllable) -> None:
    if second.onset in "ㄴㅁ":
        first.coda = _NASAL.get(first.coda, first.coda)
        if (first.coda, second.onset) == ("ㄹ", "ㄴ"):
            second.onset = "ㄹ"
    elif second.onset == "ㄹ":
        if first.coda == "ㄴ":
            first.coda = "ㄹ"
        elif first.coda and first.coda != "ㄹ":
            first.coda = _NASAL.get(first.coda, first.coda)
            second.onset = "ㄴ"
