"""Verb stems in a nasal, in ㄵ, ㄾ or ㄺ: the endings after them begin tense (24, 25), and 읽고 keeps its
ㄹ (11.1).

The original asks a morphological analyser what is a verb. The stems are a closed class, so a list does
as well, with the endings that no noun is written with: 남다 and 남고, but not 남자.
"""

from __future__ import annotations

import re

from networks.english.tables import words

_ALWAYS = frozenset(words("앉 얹 핥 훑 젊 닮 굶 곪 삶 짊"))
_LIQUID = frozenset(words("읽 맑 밝 늙 굵 긁 붉 묽 갉 낡 얽 옭 긁"))
_ENDING = re.compile("[고다지자게기거더던도든듯습소겠죠구군세잖]")
_AFTER_LIQUID = re.compile("[고게거겠구군]|기[도만]?$")
_NOUN_AFTER = re.compile(
    "과|도$|기[다는지고를을면며]|겨|겼"
)  # 삶과, 닮기도 stays a verb; 굶기다 is another one

_SURE = re.compile(
    "다$|다[가고는면며니]|던|더[니라군]|도록|든지|듯|습니|습디|지만|죠|자마자|고서|겠|군요|거나|거든|거라|잖|게$"
)
_STEMS = {
    "신": "",
    "감": "",
    "심": "",
    "참": "",
    "안": "고",
    "남": "고지",
    "담": "고",
    "숨": "고지자",
    "넘": "고지자",
    "검": "고",
    "품": "고지",
    "뿜": "고지자",
    "옮": "고지",
    **dict.fromkeys(
        words(
            "껴안 끌어안 얼싸안 부둥켜안 휘감 되감 살아남 뛰어넘 더듬 다듬 가다듬 쓰다듬 보듬 "
            "머금 서슴"
        ),
        "고지자",
    ),
}


def ends_verb_stem(word: str, place: int) -> bool:
    """Whether the syllable at a place ends a verb stem and an ending follows it."""
    last, rest = word[place], word[place + 1 :]
    if last in _LIQUID:
        return bool(_AFTER_LIQUID.match(rest))
    if last in _ALWAYS:
        return bool(_ENDING.match(rest)) and not _NOUN_AFTER.match(rest)
    further = _STEMS.get(word[: place + 1])
    return further is not None and bool(_SURE.match(rest) or rest[:1] in tuple(further))
