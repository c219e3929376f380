"""What the text front ends of all MeloTTS languages have in common.

text ─ pieces ─▶ piece ─ normalize ─▶ norm ─ tokens ─▶ groups ─ speak ─▶ phones ─ table ─▶ ids

The network hears one BERT vector for each phone, so every phone belongs to a token of the language's
BERT tokenizer: `word2ph` counts the phones of each token, those at both ends included. A language
brings three functions (`Language`); the tokenizer is handed in, and tests hand in recorded tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from networks.unreadable import UnreadableText

Tokenizer = Callable[[str], list[str]]
# Reads a group of tokens, which is a word or a mark, as phones and their tones.
Speaker = Callable[[str], tuple[Sequence[str], Sequence[int]]]

EDGE = "_"  # begins and ends every piece; also the blank, whose id is 0
BLANK = 0
CONTINUED = "##"  # how BERT tokenizers mark a token that goes on with a word


@dataclass(frozen=True, slots=True)
class Phones:
    """Phones, the tone of each, and how many of them each token has."""

    phones: tuple[str, ...] = ()
    tones: tuple[int, ...] = ()
    word2ph: tuple[int, ...] = ()

    def __add__(self, other: Phones) -> Phones:
        return Phones(
            self.phones + other.phones, self.tones + other.tones, self.word2ph + other.word2ph
        )

    @classmethod
    def joined(cls, parts: Iterable[Phones]) -> Phones:
        """Any number of them in a row, in time that grows in line with their number."""
        all_parts = list(parts)
        return cls(
            tuple(phone for part in all_parts for phone in part.phones),
            tuple(tone for part in all_parts for tone in part.tones),
            tuple(count for part in all_parts for count in part.word2ph),
        )

    def framed(self) -> Phones:
        """With the edge before and after, which the tokenizer's [CLS] and [SEP] stand for."""
        edge = Phones((EDGE,), (0,), (1,))
        return edge + self + edge


@dataclass(frozen=True, slots=True)
class Ids:
    """What the network takes, one number a position, and the positions of each token."""

    phones: list[int]
    tones: list[int]
    languages: list[int]
    word2ph: list[int]


@dataclass(frozen=True, slots=True)
class Code:
    """A language as the networks number it: its id, and where its tones begin."""

    language: int
    tone: int


CODES: Mapping[str, Code] = {
    "ZH": Code(0, 0),
    "JP": Code(1, 6),
    "EN": Code(2, 7),
    "ZH_MIX_EN": Code(3, 0),
    "KR": Code(4, 11),
    "ES": Code(5, 12),
    "SP": Code(5, 12),
    "FR": Code(6, 13),
}


class Language(Protocol):
    """What one language does in its own way; one instance serves all threads."""

    def pieces(self, text: str) -> list[str]:
        """A text of any length, cut to what the network speaks at once."""

    def normalize(self, piece: str) -> str:
        """What is spoken, in writing; the BERT model reads this as well."""

    def speak(self, norm: str, tokenize: Tokenizer) -> Phones:
        """The phones of a normalised piece, framed."""


class Table:
    """The numbers of a checkpoint's phones, tones and languages.

    The order of the symbols differs between releases, so they come from the checkpoint's own configuration.
    """

    def __init__(self, symbols: Sequence[str], code: Code, *, add_blank: bool = True) -> None:
        self._places = {symbol: place for place, symbol in enumerate(symbols)}
        self._code = code
        self._add_blank = add_blank

    def __contains__(self, phone: str) -> bool:
        return phone in self._places

    def ids(self, spoken: Phones) -> Ids:
        """Numbers for phones, or UnreadableText if the checkpoint does not know one of them."""
        unknown = [phone for phone in spoken.phones if phone not in self._places]
        if unknown:
            raise UnreadableText(
                f"this model has no symbol for {', '.join(sorted(set(unknown))[:5])}"
            )
        phones = [self._places[phone] for phone in spoken.phones]
        tones = [tone + self._code.tone for tone in spoken.tones]
        languages = [self._code.language] * len(phones)
        if not self._add_blank:
            return Ids(phones, tones, languages, list(spoken.word2ph))
        return Ids(
            interspersed(phones),
            interspersed(tones),
            interspersed(languages),
            doubled(spoken.word2ph),
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """A piece as the network gets it; `norm` is what the BERT model reads."""

    norm: str
    phones: Phones
    ids: Ids


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """A language, its tokenizer and a checkpoint's table: all that it takes to read a text."""

    language: Language
    tokenize: Tokenizer
    table: Table

    def pieces(self, text: str) -> list[str]:
        """A text of any length, cut to what the network speaks at once; none if it says nothing."""
        return self.language.pieces(text)

    def read(self, piece: str) -> Reading:
        """One piece, or UnreadableText if nothing in it can be spoken."""
        norm = self.language.normalize(piece)
        spoken = self.language.speak(norm, self.tokenize)
        if len(spoken.phones) <= 2:
            raise UnreadableText("nothing in this text can be spoken")
        return Reading(norm, spoken, self.table.ids(spoken))


def grouped(tokens: Iterable[str]) -> list[list[str]]:
    """Tokens of one word together, without the marks of continuation: [["play", "ing"], ["."]].

    A lone # is a token of its own. The original takes it for the continuation of whatever came before.
    """
    groups: list[list[str]] = []
    for token in tokens:
        if groups and token.startswith(CONTINUED) and token.strip("#"):
            groups[-1].append(token.removeprefix(CONTINUED))
        else:
            groups.append([token])
    return groups


def deal(phones: int, tokens: int) -> tuple[int, ...]:
    """How many phones each token of a word gets: evenly, the first ones one more."""
    each, rest = divmod(phones, tokens)
    return tuple(each + (place < rest) for place in range(tokens))


def speak_groups(groups: Iterable[Sequence[str]], speaker: Speaker) -> Phones:
    """Each group read by `speaker`, its phones dealt to its tokens; not framed."""
    phones: list[str] = []
    tones: list[int] = []
    word2ph: list[int] = []
    for group in groups:
        spoken, their_tones = speaker("".join(group))
        phones += spoken
        tones += their_tones
        word2ph += deal(len(spoken), len(group))
    return Phones(tuple(phones), tuple(tones), tuple(word2ph))


def interspersed(ids: Sequence[int]) -> list[int]:
    """With a blank before, between and after."""
    spaced = [BLANK] * (2 * len(ids) + 1)
    spaced[1::2] = ids
    return spaced


def doubled(word2ph: Sequence[int]) -> list[int]:
    """The counts after interspersing; the very first blank belongs to the first token."""
    counts = [2 * count for count in word2ph]
    if counts:
        counts[0] += 1
    return counts
