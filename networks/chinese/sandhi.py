"""Tone sandhi of Mandarin: how syllables change their tones beside others.

The rules and word lists are those of PaddleSpeech's front end (Apache-2.0), which MeloTTS learned from. Words
are merged first, because sandhi happens inside a word (`merged`); then each word's finals are changed
(`changed`). A final carries its tone as a digit at its end, 5 being the neutral one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from networks.chinese.neutral_words import NEUTRAL, NOT_NEUTRAL
from networks.chinese.words import Chinese, Tagged

_NOT, _ONE, _COUNTER, _ER = "不", "一", "个", "儿"
_PUNCTUATION = frozenset("：，；。？！“”‘’':,;.?!")
_PARTICLES = frozenset("吧呢啊呐噻嘛吖嗨哦哒额滴哩哟喽啰耶喔诶")
_STRUCTURAL = frozenset("的地得")
_DIRECTIONS = frozenset("上下进出回过起开")
_COUNTED = frozenset("几有两半多各整每做是")
_MOST_JOINED = 3  # characters of two words that are all in the third tone

Finals = list[str]
Joins = Callable[[Tagged, Tagged], bool]


def merged(words: Sequence[Tagged], chinese: Chinese) -> list[Tagged]:
    """Words joined to those that sandhi treats as one."""
    joined = _merge_not(words)
    joined = _merge_one(joined)
    joined = _merge_repeated(joined)
    joined = _merge_third_tones(joined, chinese, _are_all_third)
    joined = _merge_third_tones(joined, chinese, _meet_in_third)
    return _merge_er(joined)


def changed(word: Tagged, finals: Sequence[str], chinese: Chinese) -> Finals:
    """The finals of a word, one a character, as they are spoken."""
    spoken = list(finals)
    _change_not(word.word, spoken)
    _change_one(word.word, spoken)
    _change_neutral(word, spoken, chinese)
    _change_third(word.word, spoken, chinese)
    return spoken


def _merge_not(words: Sequence[Tagged]) -> list[Tagged]:
    """不 with the following word, which keeps its tag."""
    joined: list[Tagged] = []
    is_pending = False
    for word in words:
        if is_pending:
            joined.append(Tagged(_NOT + word.word, word.tag))
            is_pending = False
        elif word.word == _NOT:
            is_pending = True
        else:
            joined.append(word)
    return [*joined, Tagged(_NOT, "d")] if is_pending else joined


def _merge_one(words: Sequence[Tagged]) -> list[Tagged]:
    """看 一 看 into one word; then 一 with the following word."""
    doubled: list[Tagged] = []
    place = 0
    while place < len(words):
        word = words[place]
        around = words[place : place + 3]
        if (
            len(around) == 3
            and word.tag == "v"
            and around[1].word == _ONE
            and around[2].word == word.word
        ):
            doubled.append(Tagged(word.word + _ONE + word.word, word.tag))
            place += 3
        else:
            doubled.append(word)
            place += 1
    joined: list[Tagged] = []
    for word in doubled:
        if joined and joined[-1].word == _ONE:
            joined[-1] = Tagged(_ONE + word.word, joined[-1].tag)
        else:
            joined.append(word)
    return joined


def _merge_repeated(words: Sequence[Tagged]) -> list[Tagged]:
    joined: list[Tagged] = []
    for word in words:
        if joined and joined[-1].word == word.word:
            joined[-1] = Tagged(joined[-1].word + word.word, joined[-1].tag)
        else:
            joined.append(word)
    return joined


def _are_all_third(before: Sequence[str], after: Sequence[str]) -> bool:
    return _all_third(before) and _all_third(after)


def _meet_in_third(before: Sequence[str], after: Sequence[str]) -> bool:
    return before[-1].endswith("3") and after[0].endswith("3")


def _merge_third_tones(
    words: Sequence[Tagged],
    chinese: Chinese,
    meets: Callable[[Sequence[str], Sequence[str]], bool],
) -> list[Tagged]:
    finals = [chinese.finals(word.word) for word in words]
    joined: list[Tagged] = []
    just_joined = False
    for place, word in enumerate(words):
        before = words[place - 1] if place else None
        if (
            before
            and meets(finals[place - 1], finals[place])
            and not just_joined
            and not _is_doubled(before.word)
            and len(before.word) + len(word.word) <= _MOST_JOINED
        ):
            joined[-1] = Tagged(joined[-1].word + word.word, joined[-1].tag)
            just_joined = True
        else:
            joined.append(word)
            just_joined = False
    return joined


def _merge_er(words: Sequence[Tagged]) -> list[Tagged]:
    joined: list[Tagged] = []
    for word in words:
        if joined and word.word == _ER:
            joined[-1] = Tagged(joined[-1].word + _ER, joined[-1].tag)
        else:
            joined.append(word)
    return joined


def _change_not(word: str, finals: Finals) -> None:
    if len(word) == 3 and word[1] == _NOT:
        _set_tone(finals, 1, 5)
        return
    for place, char in enumerate(word[:-1]):
        if char == _NOT and finals[place + 1].endswith("4"):
            _set_tone(finals, place, 2)


def _change_one(word: str, finals: Finals) -> None:
    if _ONE not in word or all(char.isnumeric() for char in word if char != _ONE):
        return
    if len(word) == 3 and word[1] == _ONE and word[0] == word[2]:
        _set_tone(finals, 1, 5)
    elif word.startswith("第一"):
        _set_tone(finals, 1, 1)
    else:
        for place, char in enumerate(word[:-1]):
            if char != _ONE:
                continue
            if finals[place + 1].endswith("4"):
                _set_tone(finals, place, 2)
            elif word[place + 1] not in _PUNCTUATION:
                _set_tone(finals, place, 4)


def _change_neutral(word: Tagged, finals: Finals, chinese: Chinese) -> None:
    text = word.word
    if word.tag[:1] in ("n", "v", "a") and text not in NOT_NEUTRAL:
        for place in range(1, len(text)):
            if text[place] == text[place - 1]:
                _set_tone(finals, place, 5)
    counter = text.find(_COUNTER)
    if _ends_neutral(word):
        _set_tone(finals, -1, 5)
    elif text == _COUNTER or (
        counter >= 1 and (text[counter - 1].isnumeric() or text[counter - 1] in _COUNTED)
    ):
        _set_tone(finals, counter, 5)
    elif _is_neutral(text):
        _set_tone(finals, -1, 5)
    first, second = _halves(text, chinese)
    for part, place in ((first, len(first) - 1), (second, -1)):
        if _is_neutral(part):
            _set_tone(finals, place, 5)


def _ends_neutral(word: Tagged) -> bool:
    text, tag = word.word, word.tag
    last = text[-1]
    if last in _PARTICLES or last in _STRUCTURAL:
        return True
    if len(text) == 1:
        return False
    return (
        (last in "们子" and tag in ("r", "n") and text not in NOT_NEUTRAL)
        or (last in "上下里" and tag in ("s", "l", "f"))
        or (last in "来去" and text[-2] in _DIRECTIONS)
    )


def _change_third(word: str, finals: Finals, chinese: Chinese) -> None:
    if len(word) == 2 and _all_third(finals):
        _set_tone(finals, 0, 2)
    elif len(word) == 3:
        head = len(_halves(word, chinese)[0])
        if _all_third(finals):
            _set_tone(finals, 1, 2)
            if head == 2:
                _set_tone(finals, 0, 2)
            return
        for start, end in ((0, head), (head, 3)):
            if end - start == 2 and _all_third(finals[start:end]):
                _set_tone(finals, start, 2)
            elif start and _continues_third(finals[:start], finals[start:end]):
                _set_tone(finals, start - 1, 2)
    elif len(word) == 4:
        for start in (0, 2):
            if _all_third(finals[start : start + 2]):
                _set_tone(finals, start, 2)


def _continues_third(before: Sequence[str], part: Sequence[str]) -> bool:
    return bool(part) and not _all_third(part) and _meet_in_third(before, part)


def _halves(word: str, chinese: Chinese) -> tuple[str, str]:
    """A word in two, one of them the shortest of the words in it.

    One from the middle counts as the second half: 舒服 in 舒舒服服, whose end is neutral as its own is.
    """
    shortest = min(chinese.search(word), key=len)
    if word.startswith(shortest):
        return shortest, word[len(shortest) :]
    return word[: -len(shortest)], shortest


def _is_neutral(word: str) -> bool:
    return word in NEUTRAL or word[-2:] in NEUTRAL


def _is_doubled(word: str) -> bool:
    return len(word) == 2 and word[0] == word[1]


def _all_third(finals: Sequence[str]) -> bool:
    return all(final.endswith("3") for final in finals)


def _set_tone(finals: Finals, place: int, tone: int) -> None:
    finals[place] = finals[place][:-1] + str(tone)
