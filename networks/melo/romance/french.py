"""French for MeloTTS."""

from __future__ import annotations

import re

from networks.melo.flow import Phones, Tokenizer
from networks.melo.romance.french_abbreviations import expand_all
from networks.melo.romance.french_numbers import cardinal
from networks.melo.romance.french_words import WORDING
from networks.melo.romance.normalizing import LATIN_MARKS, finished, replaced
from networks.melo.romance.preparing import prepare
from networks.melo.romance.pronouncing import Pronouncer
from networks.melo.romance.speaking import speak
from networks.splitting import split_latin

_MARKS = {**LATIN_MARKS, **dict.fromkeys("“”‘’（）()《》【】[]「」—¿¡", "")}
# Parts of numbers that end in a mute consonant, which sounds before a vowel.
_LINKS = {"cent": "t", "vingt": "t", "dix": "z"}
_LINKED = ("un", "et", "huit")
_STUTTER = re.compile("t{3,}")


class French:
    """Reads French; `faithful` reads what the original does, errors included."""

    def __init__(self, pronouncer: Pronouncer, *, faithful: bool = False) -> None:
        self._pronouncer = pronouncer
        self._faithful = faithful

    @classmethod
    def load(cls, *, faithful: bool = False) -> French:
        """With gruut's dictionary; ExtraMissing says what to install."""
        return cls(Pronouncer.load("gruut_lang_fr", "french"), faithful=faithful)

    def repaired(self) -> French:
        """The same dictionary for reading without the original's errors."""
        return French(self._pronouncer)

    def pieces(self, text: str) -> list[str]:
        """A text of any length, cut to what the network speaks at once."""
        if self._faithful:
            return split_latin(text, faithful=True)
        pieces = split_latin(prepare(text, WORDING), decimal_comma=True)
        return [piece for piece in pieces if any(map(str.isalnum, piece))]

    def normalize(self, piece: str) -> str:
        """Only the marks that the network knows; capitals stay."""
        text = replaced(expand_all(piece) if self._faithful else piece, _MARKS)
        text = re.sub("[;:]", ",", text).replace("-", " ").replace("&", " et ")
        return finished(re.sub('[<>()\\[\\]"«»]', "", text))

    def speak(self, norm: str, tokenize: Tokenizer) -> Phones:
        """The phones of a normalised piece, framed."""
        return speak(norm, tokenize, self._pronounce)

    def _pronounce(self, word: str) -> str:
        if word in ("'", "#"):
            return ""
        if word.isascii() and word.isdigit():
            return self._number(word)
        return _STUTTER.sub("", self._pronouncer.pronounce(word))

    def _number(self, digits: str) -> str:
        """A number in words; the only place where the original makes a liaison: cent‿un, dix‿huit."""
        words = cardinal(digits).replace("-", " ").split()
        phonemes = [self._pronouncer.pronounce(word) for word in words]
        for place, following in enumerate(words[1:]):
            phonemes[place] += _LINKS.get(words[place], "") if following in _LINKED else ""
        return "".join(phonemes)
