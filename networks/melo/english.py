"""English for MeloTTS: words to ARPAbet, as CMUdict 0.6 has them or a network guesses them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from networks.english.alphabet import Dialect
from networks.english.cleaning import fold
from networks.english.guesser import Guesser
from networks.english.numerals import cardinal
from networks.english.tacotron import Style
from networks.melo.flow import Phones, Tokenizer, grouped, speak_groups
from networks.splitting import spaced_at_capitals, split_latin

FILE = "cmudict.rep"
_HEADER = "##"
_ADDITIONS = Path(__file__).with_name("cmudict_additions.txt")
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound sterling", "pounds sterling", "penny", "pence"),
    "¥": ("yen", "yen", "sen", "sen"),
    "€": ("euro", "euros", "cent", "cents"),
}
_NOON = 12
_AMERICAN: Dialect = "us"
_UNKNOWN = "[UNK]"
_READ_FOR_UNKNOWN = "unk"
_LETTERS = re.compile("[^a-z'.,?!-]")


def _read_time(found: re.Match[str], dialect: Dialect) -> str:
    """7:05 → seven oh five a m; the half of the day is always said."""
    hour, minute = int(found["hour"]) % 24, int(found["minute"])
    stated = (found["half"] or "").strip().lower()
    half = stated[:1] or ("p" if hour >= _NOON else "a")
    parts = [cardinal((hour - 1) % _NOON + 1, dialect)]
    if minute:
        parts.append(("oh " if minute < 10 else "") + _hyphenated(minute))
    if found["second"]:
        parts.append(f"and {_hyphenated(int(found['second']))} seconds")
    return " ".join([*parts, half, "m"])


def _hyphenated(number: int) -> str:
    return cardinal(number, _AMERICAN).replace(" ", "-")


_STYLE = Style(_CURRENCIES, between=" ", read_time=_read_time)
# What the rule for "3pm" leaves.
_HALVES = re.compile(r"\b([AP])\.M\.")


@dataclass(frozen=True, slots=True)
class EnglishWords:
    """A word or a mark to phones and tones; what English and mixed Chinese share."""

    lexicon: Mapping[str, tuple[str, ...]] = field(repr=False)
    guesser: Guesser = field(repr=False)

    @classmethod
    def load(cls, lexicon: Path, guesser: Path) -> EnglishWords:
        """From the folder of MeloTTS' dictionary and the guesser's npz file."""
        return cls(_load_additions() | _load_lexicon(lexicon / FILE), Guesser.load(guesser))

    def speak(self, tokens: Sequence[str]) -> Phones:
        """Phones of the tokens of a BERT tokenizer; not framed."""
        return speak_groups(grouped(tokens), self.read)

    def read(self, word: str) -> tuple[Sequence[str], Sequence[int]]:
        """("kettle",) → ("k", "eh", "t", "ah", "l"), (0, 2, 0, 1, 0): tones are stresses."""
        sounds = self._sounds(_READ_FOR_UNKNOWN if word == _UNKNOWN else word)
        return [_symbol(sound) for sound in sounds], [_tone(sound) for sound in sounds]

    def _sounds(self, word: str) -> Sequence[str]:
        if found := self.lexicon.get(word.upper()):
            return found
        plain = _plain(word)
        if not any(map(str.isalpha, plain)):
            return plain
        if found := self.lexicon.get(plain.upper()):
            return found
        return self.guesser.guess("".join(filter(str.isalpha, plain)))


@dataclass(frozen=True, slots=True)
class English:
    """The English front end, language id 2."""

    words: EnglishWords = field(repr=False)

    def pieces(self, text: str) -> list[str]:
        """Pieces of 256 to 512 characters, without what the tokenizer would only call unknown."""
        pieces = split_latin(fold(text))
        return [spaced_at_capitals(piece, reads_units=True) for piece in pieces]

    def normalize(self, piece: str) -> str:
        """Small letters, numbers and signs as words."""
        return _HALVES.sub(r"\1 M", _STYLE.expand(piece)).lower()

    def speak(self, norm: str, tokenize: Tokenizer) -> Phones:
        """Words to phones, framed."""
        return self.words.speak(tokenize(norm)).framed()


def _load_additions() -> dict[str, tuple[str, ...]]:
    """Lines such as `kettle K EH1 T AH0 L`, below a notice."""
    lines = _ADDITIONS.read_text(encoding="utf-8").splitlines()
    entries = (line.split() for line in lines if not line.startswith("#"))
    return {word.upper(): tuple(sounds) for word, *sounds in entries}


def _load_lexicon(path: Path) -> dict[str, tuple[str, ...]]:
    """Lines such as `KETTLE  K EH1 - T AH0 L`, below a header; the first entry of a word counts."""
    entries: dict[str, tuple[str, ...]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        word, parted, sounds = line.partition("  ")
        if parted and not line.startswith(_HEADER):
            entries[word] = tuple(sound for sound in sounds.split() if sound != "-")
    return entries


def _plain(word: str) -> str:
    """Small letters and a few marks; accents are taken off, other scripts left out."""
    parts = unicodedata.normalize("NFD", word.lower())
    return _LETTERS.sub("", parts)


def _symbol(sound: str) -> str:
    symbol = sound.rstrip("012").lower()
    return "V" if symbol == "v" else symbol


def _tone(sound: str) -> int:
    return int(sound[-1]) + 1 if sound[-1].isdigit() else 0
