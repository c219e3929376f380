"""Chinese to the phonemes that OpenVoice V1 was trained on: IPA with arrows for tones, by way of bopomofo."""

from __future__ import annotations

import re

from networks.chinese.normalize import read_numbers
from networks.chinese.words import Chinese
from networks.english.tables import pairs

_TONES = {"ˉ": "→", "ˊ": "↑", "ˇ": "↓↑", "ˋ": "↓", "˙": ""}
# In the order in which they apply.
_SOUNDS = pairs(
    "ㄅㄛ p⁼wo, ㄆㄛ pʰwo, ㄇㄛ mwo, ㄈㄛ fwo, ㄅ p⁼, ㄆ pʰ, ㄇ m, ㄈ f, ㄉ t⁼, ㄊ tʰ, ㄋ n, ㄌ l, "
    "ㄍ k⁼, ㄎ kʰ, ㄏ x, ㄐ tʃ⁼, ㄑ tʃʰ, ㄒ ʃ, ㄓ ts`⁼, ㄔ ts`ʰ, ㄕ s`, ㄖ ɹ`, ㄗ ts⁼, ㄘ tsʰ, ㄙ s, "
    "ㄚ a, ㄛ o, ㄜ ə, ㄝ ɛ, ㄞ aɪ, ㄟ eɪ, ㄠ ɑʊ, ㄡ oʊ, ㄧㄢ jɛn, ㄩㄢ ɥæn, ㄢ an, ㄧㄣ in, ㄩㄣ ɥn, "
    "ㄣ ən, ㄤ ɑŋ, ㄧㄥ iŋ, ㄨㄥ ʊŋ, ㄩㄥ jʊŋ, ㄥ əŋ, ㄦ əɻ, ㄧ i, ㄨ u, ㄩ ɥ"
)
_MARKS = {"，": ",", "。": ".", "！": "!", "？": "?", "—": "-"}
_TO_IPA = {**_SOUNDS, **_TONES, **_MARKS}
_LETTERS = pairs(
    "a ㄟˉ, b ㄅㄧˋ, c ㄙㄧˉ, d ㄉㄧˋ, e ㄧˋ, f ㄝˊㄈㄨˋ, g ㄐㄧˋ, h ㄝˇㄑㄩˋ, i ㄞˋ, j ㄐㄟˋ, "
    "k ㄎㄟˋ, l ㄝˊㄛˋ, m ㄝˊㄇㄨˋ, n ㄣˉ, o ㄡˉ, p ㄆㄧˉ, q ㄎㄧㄡˉ, r ㄚˋ, s ㄝˊㄙˋ, t ㄊㄧˋ, "
    "u ㄧㄡˉ, v ㄨㄧˉ, w ㄉㄚˋㄅㄨˋㄌㄧㄡˋ, x ㄝˉㄎㄨˋㄙˋ, y ㄨㄞˋ, z ㄗㄟˋ"
)
_LETTER = re.compile("[A-Za-z]")
_IDEOGRAPH = re.compile("[\u4e00-\u9fff]")
_WITHOUT_TONE = re.compile("[\u3105-\u3129]$")
_ENDS = "→|↓|↑| |$"
# A syllable of a retroflex or a hissing sound alone has its vowel from that sound.
_AFTER_RETROFLEX = re.compile(f"([sɹ]`[⁼ʰ]?)(?={_ENDS})")
_AFTER_HISS = re.compile(f"(s[⁼ʰ]?)(?={_ENDS})")


def to_ipa(text: str, chinese: Chinese) -> str:
    """Chinese to phonemes; what is neither Chinese nor a Latin letter stays as it is."""
    text = read_numbers(text).translate(str.maketrans("、；：", "，，，"))
    text = _spelt(text, chinese)
    text = _LETTER.sub(lambda found: _LETTERS[found.group().lower()], text)
    for sound, ipa in _TO_IPA.items():
        text = text.replace(sound, ipa)
    text = re.sub("i(?=[aoe])", "j", text)
    text = re.sub("u(?=[aoəe])", "w", text)
    text = _AFTER_RETROFLEX.sub(r"\1ɹ`", text).replace("ɻ", "ɹ`")
    return _AFTER_HISS.sub(r"\1ɹ", text)


def _spelt(text: str, chinese: Chinese) -> str:
    """Words in bopomofo, each with its tones, and a space before it."""
    spelt = ""
    for word in chinese.cut(text):
        if not _IDEOGRAPH.search(word):
            spelt += word
            continue
        syllables = (_WITHOUT_TONE.sub(r"\g<0>ˉ", sound) for sound in chinese.bopomofo(word))
        spelt += f"{' ' if spelt else ''}{''.join(syllables)}"
    return spelt
