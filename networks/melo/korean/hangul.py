"""Hangul syllables and the letters in them: onset, vowel, coda."""

from __future__ import annotations

from dataclasses import dataclass

ONSETS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
CODAS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_FIRST, _LAST = 0xAC00, 0xD7A3
_FIRST_ONSET, _FIRST_VOWEL, _BEFORE_FIRST_CODA = 0x1100, 0x1161, 0x11A7


@dataclass(slots=True)
class Syllable:
    """A syllable in letters; the onset ㅇ is silent, the coda may be empty."""

    onset: str
    vowel: str
    coda: str = ""

    @property
    def jamo(self) -> str:
        """The letters as the networks know them: code points that tell an onset from a coda."""
        onset = chr(_FIRST_ONSET + ONSETS.index(self.onset))
        vowel = chr(_FIRST_VOWEL + VOWELS.index(self.vowel))
        coda = chr(_BEFORE_FIRST_CODA + CODAS.index(self.coda)) if self.coda else ""
        return onset + vowel + coda

    @property
    def written(self) -> str:
        """The syllable as one character."""
        places = (ONSETS.index(self.onset), VOWELS.index(self.vowel), CODAS.index(self.coda))
        return chr(_FIRST + (places[0] * len(VOWELS) + places[1]) * len(CODAS) + places[2])


def is_syllable(char: str) -> bool:
    """Whether a character is a whole Hangul syllable."""
    return _FIRST <= ord(char) <= _LAST


def syllable(char: str) -> Syllable:
    """The letters of a whole syllable."""
    rest, coda = divmod(ord(char) - _FIRST, len(CODAS))
    onset, vowel = divmod(rest, len(VOWELS))
    return Syllable(ONSETS[onset], VOWELS[vowel], CODAS[coda])
