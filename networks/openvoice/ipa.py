"""English words to the IPA that OpenVoice V1 was trained on: that of the package eng_to_ipa.

Its rules are peculiar, and the network learned their results: words of one syllable carry no stress; a mark
stands where going back from the vowel finds an onset to begin; of several pronunciations the last one in code
point order counts; a word that the dictionary lacks keeps its letters and gets an asterisk.
"""

from __future__ import annotations

import re
from functools import lru_cache

from networks.english.cmudict import Pronunciations
from networks.english.tables import pairs, words

_SOUNDS = pairs(
    "a ə, ey eɪ, aa ɑ, ae æ, ah ə, ao ɔ, aw aʊ, ay aɪ, ch ʧ, dh ð, eh ɛ, er ər, hh h, ih ɪ, jh ʤ, "
    "ng ŋ, ow oʊ, oy ɔɪ, sh ʃ, th θ, uh ʊ, uw u, zh ʒ, iy i, y j"
)
_VOWELS = frozenset(words("aa ae ah ao aw ay eh er ey ih iy ow oy uh uw"))
_STOPS = frozenset(words("b d g k p t"))
_NASALS_AND_FRICATIVES = frozenset(words("m n ng dh f s sh th v z zh"))
# Where going back from a stressed vowel ends: a syllable begins at this sound, or at the next.
_BOUNDARIES = _VOWELS | _NASALS_AND_FRICATIVES | {"w"}
_ONSETS = frozenset((("s", "p"), ("s", "t"), ("s", "k"), ("f", "r"), ("f", "l")))
# Vowels side by side that are syllables of their own.
_HIATUS = frozenset(
    (
        ("er", "iy"),
        ("iy", "ow"),
        ("uw", "ow"),
        ("iy", "ah"),
        ("iy", "ey"),
        ("uw", "eh"),
        ("er", "eh"),
    )
)
_STRESSES = {"1": "ˈ", "2": "ˌ"}
# A mark before these stands inside the sound; not at the start of a word.
_MISPLACED = (("ˈər", "əˈr"), ("ˈie", "iˈe"))
_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>/?@[\\]^_`{|}~«» "
_BEFORE = re.compile(r"[^A-Za-z0-9]+(?=[A-Za-z])")
_AFTER = re.compile(r"(?<=[A-Za-z])[^A-Za-z0-9]+$")
# Two to eight letters, each with the dot that the dictionary lists letter names under.
_INITIALISM = re.compile(r"^[^a-z0-9]*((?:[a-z]\.){2,8})([^a-z0-9]*)$")
_REMEMBERED = 8192  # words, a few hundred bytes each
_LONGEST = 40  # letters of a word that the dictionary may have

UNKNOWN = "*"


class WordsToIpa:
    """Transcribes English words; one instance serves all threads."""

    def __init__(self, dictionary: Pronunciations) -> None:
        self._dictionary = dictionary
        self._look_up = lru_cache(maxsize=_REMEMBERED)(self._transcribe)

    def __call__(self, text: str) -> str:
        """Small letters to IPA, word by word; punctuation beside a letter stays."""
        spoken = (self._with_punctuation(token) for token in text.split())
        return " ".join(word for word in spoken if word)

    def _with_punctuation(self, token: str) -> str:
        before, after = _BEFORE.match(token), _AFTER.search(token)
        core = token.strip(_PUNCTUATION)
        if dotted := _INITIALISM.search(token):  # a.m., u.s.: the dots are the word's own
            letters = " ".join(
                self._spoken(f"{letter}.") for letter in dotted[1].split(".") if letter
            )
            return f"{before.group() if before else ''}{letters}{dotted[2]}"
        return (
            (before.group() if before else "")
            + self._spoken(core)
            + (after.group() if after else "")
        )

    def _spoken(self, word: str) -> str:
        if not word or word.isdecimal():
            return word
        if len(word) <= _LONGEST and (found := self._look_up(word)):
            return found
        # Forty-two is not in the dictionary, but its parts are.
        parts = [part for part in word.split("-") if part]
        if len(parts) > 1:
            return " ".join(self._spoken(part) for part in parts)
        return word + UNKNOWN

    def _transcribe(self, word: str) -> str:
        """Empty for an unknown word."""
        return max(
            (_to_ipa(found.lower().split()) for found in self._dictionary.get(word, ())), default=""
        )


def _to_ipa(sounds: list[str]) -> str:
    marked = _stressed(sounds) if _syllables(sounds) > 1 else [_bare(sound) for sound in sounds]
    word = ""
    for sound in marked:
        mark, plain = (sound[0], sound[1:]) if sound[0] in "ˈˌ" else ("", sound)
        word += mark + _SOUNDS.get(plain, plain)
    for misplaced, corrected in _MISPLACED:
        if not word.startswith(misplaced):
            word = word.replace(misplaced, corrected)
    return word


def _bare(sound: str) -> str:
    return sound.strip("012ˈˌ")


def _syllables(sounds: list[str]) -> int:
    plain = [_bare(sound) for sound in sounds]
    return sum(
        sound in _VOWELS
        and (not place or plain[place - 1] not in _VOWELS or (plain[place - 1], sound) in _HIATUS)
        for place, sound in enumerate(plain)
    )


def _stressed(sounds: list[str]) -> list[str]:
    """Digits after vowels turned into marks before syllables."""
    marked: list[str] = []
    for sound in sounds:
        mark = _STRESSES.get(sound[-1])
        if not mark:
            marked.append(_bare(sound))
            continue
        place = _onset(marked)
        if place == len(marked):
            marked.append(mark + _bare(sound))
        else:
            marked[place] = mark + marked[place]
            marked.append(_bare(sound))
    return marked


def _onset(before: list[str]) -> int:
    """Where the syllable of a stressed vowel begins, among the sounds before it."""
    for place in range(len(before) - 1, -1, -1):
        is_nearest = place == len(before) - 1
        sound = _bare(before[place])
        # The rule that the network learned takes the word's first sound for what follows the last.
        after = _bare(before[0 if is_nearest else place + 1])
        if not (sound in _BOUNDARIES or (not is_nearest and after in _STOPS)):
            continue
        if (sound, after) in _ONSETS:
            return place
        if after not in _VOWELS and not is_nearest:
            return place + 1
        return len(before) if sound in _VOWELS else place
    return 0
