"""English words in Hangul, from their ARPAbet phonemes, after the rules for loan words (외래어 표기법).

Details that the rules leave open, such as python → 파이산, are those of the original's phonemizer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from networks.english.tables import words
from networks.melo.korean.hangul import Syllable

_ONSETS = dict(
    zip(
        words("B CH D DH DZ F G HH JH K L M N NG P R S SH T TH TS V Z ZH"),
        "ㅂㅊㄷㄷㅈㅍㄱㅎㅈㅋㄹㅁㄴㅇㅍㄹㅅㅅㅌㅅㅊㅂㅈㅈ",
        strict=True,
    )
)
_CODAS = {"P": "ㅂ", "T": "ㅅ", "K": "ㄱ", "M": "ㅁ", "N": "ㄴ", "NG": "ㅇ", "L": "ㄹ"}
_VOWELS = {
    "AA": "ㅏ",
    "AE": "ㅐ",
    "AH": "ㅓ",
    "AO": "ㅗ",
    "AW": "ㅏㅜ",
    "AWER": "ㅏㅝ",
    "AY": "ㅏㅣ",
    "EH": "ㅔ",
    "ER": "ㅓ",
    "EY": "ㅔㅣ",
    "IH": "ㅣ",
    "IY": "ㅣ",
    "OW": "ㅗ",
    "OY": "ㅗㅣ",
    "UH": "ㅜ",
    "UW": "ㅜ",
}
_SHORT = frozenset(("AE", "AH", "EH", "IH", "UH"))
_LIQUID_OR_NASAL = frozenset("LRMN")
_AFTER_Y = dict(zip("ㅏㅐㅓㅔㅗㅜㅣ", "ㅑㅒㅕㅖㅛㅠㅣ", strict=True))
_AFTER_W = dict(zip("ㅏㅐㅓㅗㅜㅔㅣ", "ㅘㅙㅝㅝㅜㅞㅟ", strict=True))
_GLIDES = {"Y": _AFTER_Y, "W": _AFTER_W}
_FILLED = {"SH": "ㅠ", "CH": "ㅣ", "JH": "ㅣ", "ZH": "ㅣ"}  # instead of ㅡ, before a consonant
_STRESS = re.compile(r"\d")
_END = ""


class _Hangul:
    """Syllables under construction."""

    def __init__(self) -> None:
        self.syllables: list[Syllable] = []
        self._onset = ""
        self._glide = ""

    def onset(self, letter: str) -> None:
        self.rest()
        self._onset = letter

    def glide(self, sound: str) -> None:
        self._glide = sound

    def vowels(self, letters: str) -> None:
        """One syllable a letter; the first takes the onset and the glide."""
        if self._glide == "Y" and letters == "ㅓ" and self._onset in ("ㄴ", "ㄷ", "ㄹ"):
            self.rest()
        first = _GLIDES[self._glide].get(letters[0], letters[0]) if self._glide else letters[0]
        self.syllables.append(Syllable(self._onset or "ㅇ", first))
        self.syllables += (Syllable("ㅇ", letter) for letter in letters[1:])
        self._onset = self._glide = ""

    def coda(self, letter: str) -> None:
        """Under the last syllable, or under one of its own when there is no room."""
        self.rest()
        if not self.syllables or self.syllables[-1].coda:
            self.syllables.append(Syllable("ㅇ", "ㅡ"))
        self.syllables[-1].coda = letter

    def rest(self) -> None:
        """An onset that got no vowel takes ㅡ, a glide its own sound."""
        if self._glide:
            vowel = {"Y": "ㅣ", "W": "ㅜ"}[self._glide]
            self._glide = ""
            self.vowels(vowel)
        elif self._onset:
            self.vowels("ㅡ")


def to_hangul(phonemes: Sequence[str]) -> str:
    """The Hangul of an English word; "" if it has no phonemes that we know."""
    sounds = _joined([_STRESS.sub("", phoneme) for phoneme in phonemes])
    hangul = _Hangul()
    before = _END
    for place, sound in enumerate(sounds):
        after = sounds[place + 1] if place + 1 < len(sounds) else _END
        _add(hangul, before, sound, after)
        before = sound
    hangul.rest()
    return "".join(part.written for part in hangul.syllables)


def _joined(sounds: Sequence[str]) -> list[str]:
    """With ts, dz and "our" as one sound each."""
    joined: list[str] = []
    for sound in sounds:
        if joined and (joined[-1], sound) in (("T", "S"), ("D", "Z"), ("AW", "ER")):
            joined[-1] += sound
        else:
            joined.append(sound)
    return joined


def _add(hangul: _Hangul, before: str, sound: str, after: str) -> None:
    if sound in _VOWELS:
        hangul.vowels(_VOWELS[sound])
        if sound == "ER" and after in _VOWELS:
            hangul.onset("ㄹ")
    elif sound in _GLIDES:
        hangul.glide(sound)
    elif sound in ("M", "N", "NG"):
        if sound != "NG" and (after in _VOWELS or after == "Y"):
            hangul.onset(_ONSETS[sound])
        else:
            hangul.coda(_CODAS[sound])
    elif sound == "L":
        _add_l(hangul, before, after)
    elif sound == "R":
        if after in _VOWELS or after == "Y":
            hangul.onset("ㄹ")
        elif after == _END and before in ("IH", "EH"):
            hangul.vowels("ㅓ")  # care is 케어
    elif sound in ("P", "T", "K") and _closes(before, after):
        hangul.coda(_CODAS[sound])
    elif sound in _ONSETS:
        _add_obstruent(hangul, sound, after)


def _closes(before: str, after: str) -> bool:
    """Whether p, t or k ends the syllable: after a short vowel, not before a vowel or a sonorant."""
    return before in _SHORT and after not in _VOWELS and after not in _LIQUID_OR_NASAL


def _add_l(hangul: _Hangul, before: str, after: str) -> None:
    if before == _END:
        hangul.onset("ㄹ")
    elif after in _VOWELS or after == "Y":
        if before not in ("M", "N", "NG"):
            hangul.coda("ㄹ")
        hangul.onset("ㄹ")
    else:
        hangul.coda("ㄹ")
        if after in ("M", "N"):
            hangul.onset("ㄹ")
            hangul.rest()


def _add_obstruent(hangul: _Hangul, sound: str, after: str) -> None:
    hangul.onset(_ONSETS[sound])
    if after in _VOWELS:
        if sound == "SH":
            hangul.glide("Y")
    elif after == _END and sound == "SH":
        hangul.vowels("ㅣ")
    elif after == "W" and sound in ("K", "G", "HH"):
        pass  # queen is 퀸, but twin is 트윈
    elif after != "Y" or sound in ("P", "T", "K"):
        hangul.vowels(_FILLED.get(sound, "ㅡ"))
