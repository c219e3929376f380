"""How MeloTTS and OpenVoice cut a text into pieces that their networks speak at once.

The originals cut (or put a space) after every full stop and comma, also inside 3.75, 1,250,000, U.S. and
example.org, whose parts are then read as sentences of their own. Here a mark inside such a thing is no
place to cut. `faithful=True` does what the originals do, for comparison with what they gave.

Pieces follow one another without loss, save for brackets and quotation marks, which nobody speaks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

_FULL_WIDTH = str.maketrans("。！？；，", "....,")
_CURLY = str.maketrans("“”‘’", "\"\"''")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
# Units of networks/english/amounts.py with a small letter first and a capital behind it.
_UNIT_OR_CAPITAL = re.compile(
    rf"(?<=\d)[ -]?(?:m(?:L|Ah?|V)|k(?:B|Hz|V|Wh?)|dB)\b|{_CAPITAL.pattern}"
)
_BRACKETS = re.compile(r'[<>()\[\]"«»]+')
_SPACE = re.compile(r"\s+")
_SILENT = re.compile(r"[\s.,;:!?]*")

# Of the Latin splitter, in characters: where a piece may end, and where it must.
_LONG, _LONGEST, _SHORTEST_AT_MARK = 256, 512, 128
_MARKS = "!?."
# Of the others: a piece grows until it is over MOST; one of up to FEWEST is joined to a neighbour.
_MOST, _FEWEST = 10, 2

_FIRST_IDEOGRAPHIC = "\u1100"  # Hangul; kana and Chinese characters come after it

_TITLES = frozenset([
    "mrs", "mr", "ms", "dr", "drs", "prof", "st", "mt", "ft", "maj", "gen", "rev", "lt", "hon", "sgt",
    "capt", "cpt", "col", "gov", "sen", "rep", "vs",
])  # fmt: skip
# Abbreviations only where the sentence goes on with a small letter, for they end sentences as well.
_OTHERS = frozenset(["co", "jr", "sr", "esq", "ltd", "etc", "inc", "corp", "approx", "dept"])
_LAST_WORD = re.compile(r"[^\W\d_]+(?:\.[^\W\d_]+)*$")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S*$")
# Characters looked back, so that time grows in line with a text without spaces.
_LONGEST_WORD, _LONGEST_ADDRESS = 24, 200


def split_latin(text: str, *, faithful: bool = False, decimal_comma: bool = False) -> list[str]:
    """Pieces of 256 to 512 characters of English, Spanish or French for MeloTTS."""
    text = _prepared(text, faithful=faithful)
    text = _spaced(text, faithful=faithful, decimal_comma=decimal_comma)
    stripped = (piece.strip() for piece in _walk(text, faithful=faithful))
    return [piece for piece in stripped if not _SILENT.fullmatch(piece)]


def split_ideographs(text: str, *, faithful: bool = False) -> list[str]:
    """Pieces of some ten characters or more of Chinese, Japanese or Korean."""
    text = _SPACE.sub(" ", text.translate(_FULL_WIDTH))
    parts = _cut_after(text, ",.!?;", faithful=faithful)
    return _joined(_gathered(parts, len), len)


def split_words(text: str, *, faithful: bool = False) -> list[str]:
    """Pieces of some ten words or more of English for OpenVoice."""
    text = _prepared(text, faithful=faithful)
    parts = _cut_after(text, ",.!?;", faithful=faithful)
    return _joined(_gathered(parts, _words), _words)


def spaced_at_capitals(piece: str, *, reads_units: bool = False) -> str:
    """With a space between a small letter and a capital: OpenVoice → Open Voice.

    Where units are read afterwards, 5 kHz and the like stay whole.
    """
    places = _UNIT_OR_CAPITAL if reads_units else _CAPITAL
    return places.sub(lambda found: found.group() or " ", piece)


def is_pause(text: str, place: int) -> bool:
    """Whether the mark at a place ends or divides a sentence, and is no part of a number or a name."""
    mark, before, after = text[place], text[place - 1 : place], text[place + 1 : place + 2]
    if _is_spelt(after) and _ADDRESS.search(text[max(0, place - _LONGEST_ADDRESS) : place]):
        return False
    if mark not in ".,":
        return True
    if mark == ",":
        return not (before.isdecimal() and _groups_digits(text, place))
    if _is_spelt(after):
        # Where a sentence follows without a space, a capital begins it, but not in Ph.D.
        ends_word = text[max(0, place - 3) : place].islower()
        return not _is_spelt(before) or (ends_word and place > 2 and after.isupper())
    return not _is_abbreviated(text, place)


def _is_spelt(char: str) -> bool:
    """A letter or a digit of a script that puts spaces between words."""
    return char.isalnum() and char < _FIRST_IDEOGRAPHIC


def _groups_digits(text: str, place: int) -> bool:
    digits = text[place + 1 : place + 5]
    return digits[:3].isdecimal() and len(digits) >= 3 and not digits[3:].isdecimal()


def _is_abbreviated(text: str, place: int) -> bool:
    """Whether a dot belongs to the word before it and the sentence goes on: Mr. Hale, 5 p.m. or."""
    found = _LAST_WORD.search(text[max(0, place - _LONGEST_WORD) : place])
    following = text[place + 1 : place + 3].lstrip()[:1]
    if not (found and following):
        return False
    word = found.group()
    if "." in word or word.lower() in _OTHERS:
        return following.islower()
    if word.lower() == "no":
        return following.isdecimal()
    if len(word) == 1:  # an initial; "I" is a word
        return following.islower() or (following.isupper() and word.isupper() and word != "I")
    return word.lower() in _TITLES


def _prepared(text: str, *, faithful: bool) -> str:
    text = text.translate(_FULL_WIDTH).translate(_CURLY)
    text = _BRACKETS.sub("" if faithful else _between_words, text)
    return _SPACE.sub(" ", text)


def _between_words(brackets: re.Match[str]) -> str:
    """A bracket that stands between two words parts them: f(x)."""
    text, start, end = brackets.string, brackets.start(), brackets.end()
    return " " if text[start - 1 : start].isalnum() and text[end : end + 1].isalnum() else ""


def _spaced(text: str, *, faithful: bool, decimal_comma: bool) -> str:
    """A space after every mark that is a pause."""

    def ends(place: int) -> bool:
        if faithful:
            return True
        if decimal_comma and text[place] == "," and text[place + 1 : place + 2].isdecimal():
            return not text[place - 1 : place].isdecimal()
        return is_pause(text, place)

    pieces = [
        f"{char} " if char in ",.?!" and ends(place) else char for place, char in enumerate(text)
    ]
    return _SPACE.sub(" ", "".join(pieces))


def _cut_after(text: str, marks: str, *, faithful: bool) -> Iterator[str]:
    """Parts that end in a mark, stripped; the last may have none."""
    ends = [
        place + 1
        for place, char in enumerate(text)
        if char in marks and (faithful or is_pause(text, place))
    ]
    for start, end in pairwise([0, *ends, len(text)]):
        if part := text[start:end].strip():
            yield part


def _words(piece: str) -> int:
    return piece.count(" ") + 1


def _gathered(parts: Iterable[str], size: Callable[[str], int]) -> Iterator[str]:
    gathered: list[str] = []
    total = 0
    for part in parts:
        gathered.append(part)
        total += size(part)
        if total > _MOST:
            yield " ".join(gathered)
            gathered, total = [], 0
    if gathered:
        yield " ".join(gathered)


def _joined(pieces: Iterable[str], size: Callable[[str], int]) -> list[str]:
    """Pieces that are too short to sound natural, joined to the next one, the last to the one before."""
    joined: list[str] = []
    for piece in pieces:
        if joined and size(joined[-1]) <= _FEWEST:
            joined[-1] += f" {piece}"
        else:
            joined.append(piece)
    if len(joined) > 1 and size(joined[-1]) <= _FEWEST:
        last = joined.pop()
        joined[-1] += f" {last}"
    return joined


def _walk(text: str, *, faithful: bool) -> Iterator[str]:
    """Cuts at the first end of a clause past LONG; without one before LONGEST, at the last of any kind."""
    last = len(text) - 1
    start, place, candidate = 0, -1, -1

    def seen(ahead: int) -> str:
        # The originals never see the last character; what is not seen counts as what is looked for.
        return text[ahead] if ahead < last else ""

    while place < last:
        place += 1
        cut = False
        if place + 1 - start >= _LONGEST:
            place, cut = _step_back(text, start, place, candidate), True
        elif text[place] in "!?" or (
            text[place] in ".," and seen(place + 1) in " " and (faithful or is_pause(text, place))
        ):
            while place < last and place + 1 - start < _LONGEST and seen(place + 1) in _MARKS:
                place += 1
            candidate, cut = place, place + 1 - start >= _LONG
        if cut:
            yield text[start : place + 1]
            start, candidate = place + 1, -1
    yield text[start:]


def _step_back(text: str, start: int, place: int, candidate: int) -> int:
    if candidate >= 0 and place + 1 - start > _SHORTEST_AT_MARK:
        return candidate
    while text[place] not in "!?. " and place + 1 - start > _LONG:
        place -= 1
    return place
