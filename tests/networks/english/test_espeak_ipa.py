"""Kokoro's alphabet rewritten as espeak-ng writes American English."""

from __future__ import annotations

import pytest

from networks.english import to_espeak_ipa
from networks.english.alphabet import SYMBOLS

SAME_WORDS = {
    "kˈɛTᵊl": "kˈɛɾəl",
    "fˈOldᵻd": "fˈoʊldᵻd",
    "mˈI": "mˈaɪ",
    "dˈA": "dˈeɪ",
    "nˈW": "nˈaʊ",
    "bˈY": "bˈɔɪ",
    "ʧˈɜɹʧ": "tʃˈɜːtʃ",
    "ʤˈʌʤ": "dʒˈʌdʒ",
    "wˈɔɹm": "wˈɔːɹm",
    "hˈɑɹbəɹ": "hˈɑːɹbɚ",
    "lˈɛTəɹ ɪz": "lˈɛɾɚɹ ɪz",
    "wˈɜɹi": "wˈɜːɹi",
    "sˈi": "sˈiː",
    "ʃi": "ʃiː",
    "sˈɪTi": "sˈɪɾi",
    "sˈɪTiz": "sˈɪɾiz",
    "blˈu": "blˈuː",
    "bˈʌtn": "bˈʌʔn̩",
    "əbˈWt": "ɐbˈaʊt",
    "lˈɔst": "lˈɔst",
    "ˈɔl": "ˈɔːl",
    "ɡˈQ": "ɡˈəʊ",
    "kˈɑː": "kˈɑː",
}
# The symbols that a Piper voice of espeak-ng's alphabet was trained on.
PIPER_SYMBOLS = frozenset(
    " !'(),-.:;?abcdefhijklmnopqrstuvwxyzæçðøħŋœɐɑɒɓɔɕɖɗɘəɚɛɜɞɟɠɡɢɣɤɥɦɧɨɪɫɬɭɮɯɰɱɲɳɴɵɶɸɹɺɻɽɾʀʁʂʃʄʈ"
    'ʉʊʋʌʍʎʏʐʑʒʔʕʘʙʛʜʝʟʡʢʲˈˌːˑ˞βθχᵻⱱ\u0329\u032a\u0303ʰˤε"#'
)


@pytest.mark.parametrize(("kokoro", "espeak"), SAME_WORDS.items())
def test_a_word_is_written_as_espeak_writes_it(kokoro: str, espeak: str) -> None:
    assert to_espeak_ipa(kokoro) == espeak


def test_pauses_stay_and_quotation_marks_go() -> None:
    assert to_espeak_ipa("“wˈAt—nˈO… jˈɛs,” (hˌi) sˈɛd!") == "wˈeɪt, nˈoʊ. jˈɛs, hˌiː sˈɛd!"


def test_a_piper_voice_knows_every_symbol() -> None:
    for before in sorted(SYMBOLS):
        for after in sorted(SYMBOLS):
            assert set(to_espeak_ipa(f"t{before}{after}n")) <= PIPER_SYMBOLS
