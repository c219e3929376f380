"""From the guesser's ARPAbet to the alphabet of the lexicon, as each dialect would say it."""

from __future__ import annotations

from collections.abc import Sequence

from networks.english.alphabet import PRIMARY, SECONDARY, Dialect
from networks.english.tables import pairs

_CONSONANTS = pairs(
    "B b, CH ʧ, D d, DH ð, F f, G ɡ, HH h, JH ʤ, K k, L l, M m, N n, NG ŋ, P p, R ɹ, S s, SH ʃ, "
    "T t, TH θ, V v, W w, Y j, Z z, ZH ʒ"
)
_AMERICAN = pairs(
    "AA ɑ, AE æ, AH ʌ, AO ɔ, AW W, AY I, EH ɛ, ER ɜɹ, EY A, IH ɪ, IY i, OW O, OY Y, UH ʊ, UW u"
)
_BRITISH = _AMERICAN | pairs("AA ɒ, AE a, AO ɔː, ER ɜː, IY iː, OW Q, UW uː")
_WEAK_AMERICAN = pairs("AH ə, ER əɹ")
_WEAK_BRITISH = pairs("AH ə, ER ə, IY i")
# A vowel and the r after it, which British English drops unless another vowel follows.
_BRITISH_BEFORE_R = pairs("AA ɑː, AO ɔː, AW Wə, AY Iə, EH ɛː, IH ɪə, IY ɪə, UH ʊə, UW ʊə")
_STRESSES = {"1": PRIMARY, "2": SECONDARY}


def to_lexicon_alphabet(arpabet: Sequence[str], dialect: Dialect) -> str:
    """Spells ("HH", "AH0", "L", "OW1") as həlˈO."""
    spoken = []
    for place, phoneme in enumerate(arpabet):
        before = arpabet[place - 1] if place else ""
        after = arpabet[place + 1] if place + 1 < len(arpabet) else ""
        if phoneme == "AH0" and _is_swallowed(before, after, arpabet[place + 2 : place + 3]):
            spoken.append("ᵊ")
            continue
        if phoneme in _CONSONANTS:
            spoken.append(_consonant(phoneme, before, after, dialect))
        else:
            spoken.append(_vowel(phoneme, before, after, dialect))
    return "".join(spoken)


def _is_vowel(phoneme: str) -> bool:
    return bool(phoneme) and phoneme not in _CONSONANTS


def _consonant(phoneme: str, before: str, after: str, dialect: Dialect) -> str:
    if dialect == "gb":
        silent = phoneme == "R" and _is_vowel(before) and not _is_vowel(after)
        return "" if silent else _CONSONANTS[phoneme]
    if phoneme == "T" and (_is_vowel(before) or before == "R") and after.endswith("0"):
        return "ɾ"
    return _CONSONANTS[phoneme]


def _vowel(phoneme: str, before: str, after: str, dialect: Dialect) -> str:
    sound, mark = phoneme.rstrip("012"), _STRESSES.get(phoneme[-1], "")
    if dialect == "us":
        strong, weak = _AMERICAN, _WEAK_AMERICAN
    else:
        strong, weak = _BRITISH, _WEAK_BRITISH
    if dialect == "gb" and after == "R" and sound in _BRITISH_BEFORE_R:
        return mark + _BRITISH_BEFORE_R[sound]
    spoken = strong[sound] if mark else weak.get(sound, strong[sound])
    linked = "ɹ" if dialect == "gb" and sound == "ER" and _is_vowel(after) else ""
    return mark + spoken + linked


def _is_swallowed(before: str, after: str, next_after: Sequence[str]) -> bool:
    """Whether a schwa gives way to the l or n that closes its syllable: little, sudden."""
    closes = before in _CONSONANTS and not any(map(_is_vowel, next_after))
    return closes and (after == "L" or (after == "N" and before in ("T", "D")))
