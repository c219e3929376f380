"""OpenVoice V1's text front end, English and Chinese: text to pieces, phonemes and symbol ids.

text ─ pieces ─▶ piece ─ clean ─▶ "hɛˈloʊ wəɹɫd." ─ symbols ─▶ ids ─ blanks ─▶ 0 16 0 41 …

Each stretch of a piece between two language marks, [EN]…[EN] or [ZH]…[ZH], is read in that language. A piece
gets the marks of its front end's language; nobody has to write any.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from networks.chinese.words import load_chinese
from networks.english.cmudict import load_cmudict
from networks.openvoice import bopomofo, english
from networks.openvoice.ipa import WordsToIpa
from networks.splitting import spaced_at_capitals, split_ideographs, split_words
from networks.unreadable import UnreadableText

LANGUAGES = ("EN", "ZH")
# A sentence has an end, or the network does not know that it is over.
_ENDS = tuple(".,!?-…~")
_MARK = re.compile(r"\[(?:EN|ZH)\]", re.IGNORECASE)
_BLANK = 0

ToIpa = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Cleaner:
    """Marked text to phonemes: the `cjke_cleaners2` of the published configurations."""

    converters: Mapping[str, ToIpa]

    def __call__(self, marked: str) -> str:
        for mark, convert in self.converters.items():
            marked = re.sub(
                rf"\[{mark}\](.*?)\[{mark}\]",
                lambda found, convert=convert: convert(found[1]) + " ",  # type: ignore[misc]
                marked,
            )
        clean = marked.rstrip()
        return clean + "." if clean and not clean.endswith(_ENDS) else clean


class FrontEnd:
    """Reads texts of one language for one checkpoint; one instance serves all threads."""

    def __init__(
        self, language: str, clean: Cleaner, symbols: Sequence[str], *, add_blank: bool
    ) -> None:
        self._language = language
        self.clean = clean
        self._places = {symbol: place for place, symbol in enumerate(symbols)}
        self._add_blank = add_blank
        self._split = split_words if language == "EN" else split_ideographs

    def pieces(self, text: str) -> list[str]:
        """A text of any length, cut to pieces of ten words or characters, or a few more."""
        return self._split(_MARK.sub(" ", text))

    def phonemes(self, piece: str) -> str:
        """What the network is asked to say; empty for a piece that says nothing."""
        mark = f"[{self._language}]"
        plain = " ".join(_MARK.sub(" ", piece).split())
        spaced = spaced_at_capitals(plain, reads_units=self._language == "EN")
        return self.clean(f"{mark}{spaced}{mark}")

    def ids(self, piece: str) -> list[int]:
        """The symbols of one piece as numbers, or UnreadableText if nothing in it can be spoken."""
        known = [symbol for symbol in self.phonemes(piece) if symbol in self._places]
        if not any(map(str.isalpha, known)):
            raise UnreadableText("nothing in this text can be spoken")
        ids = [self._places[symbol] for symbol in known]
        if not self._add_blank:
            return ids
        spaced = [_BLANK] * (2 * len(ids) + 1)
        spaced[1::2] = ids
        return spaced


def load_front_end(
    language: str, symbols: Sequence[str], *, add_blank: bool, dictionary: Path | None = None
) -> FrontEnd:
    """The front end for EN, which needs the folder of CMUdict, or ZH, which needs the Chinese extra.

    `symbols` and `add_blank` come from the checkpoint's own configuration.
    """
    if language not in LANGUAGES:
        raise ValueError(f"OpenVoice V1 reads {', '.join(LANGUAGES)}, not {language!r}")
    converters: dict[str, ToIpa] = {}
    if language == "ZH":
        chinese = load_chinese()
        converters["ZH"] = lambda text: bopomofo.to_ipa(text, chinese)
    if language == "EN" and dictionary is None:
        raise ValueError("English needs the folder of the CMU dictionary")
    if dictionary is not None:
        transcribe = WordsToIpa(load_cmudict(dictionary))
        converters["EN"] = lambda text: english.to_ipa(text, transcribe)
    return FrontEnd(language, Cleaner(converters), symbols, add_blank=add_blank)
