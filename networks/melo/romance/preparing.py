"""What Spanish and French texts need before the original's rules: whatever these would lose or garble.

Amounts, dates, times, per cent, ordinals, addresses, abbreviations and signs become words, while plain
whole numbers stay digits, as the networks' BERT models know them. What no Spanish or French reader
could say (other scripts, emoji, control characters) becomes a space or, when it is invisible, nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from networks.bert.tokens import LONGEST_WORD

# Of what is counted: one of it with its article, and several.
Names = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Wording:
    """How one language says what is no word."""

    letters: frozenset[str]  # small letters that its dictionary knows
    abbreviations: Callable[[str], str]
    ordinals: Callable[[str], str]
    date: Callable[[int, int, str], str]  # from day, month and year
    time: Callable[[int, int], str]
    decimal: Mapping[str, str]  # how the mark before decimals is called
    grouping: str  # the marks that alone group digits
    minus: str
    number: str  # before the figure of "#1"
    about: str  # ~10
    range: str  # 10–20
    over: str  # 3/7
    fractions: Mapping[str, Names]  # alone, and after a whole number
    fraction_of: str  # between ¼ and its unit
    feminine_half: str
    feminine: re.Pattern[str]  # what behind ½ makes it so
    per: str  # km/h
    dot: str  # in addresses
    cents: str  # between an amount and its hundredths
    units: Mapping[str, Names]
    currencies: Mapping[str, Names]
    signs: Mapping[str, str]


_INVISIBLE = frozenset(("Cf", "Cc", "Cs", "Co", "Cn", "Me"))
_KEPT = frozenset("ªº°²³½⅓⅔¼¾…€$£¥§№–—«»“”‘’¿¡´`¨ ")
_APOSTROPHE = re.compile(r"(?<=\w)[’‘ʼ′´`＇](?=\w)")
_QUOTES = re.compile(r"[“”„‟«»‹›\"‘’‚‛′″´`¨]+")
# Feet and inches, minutes and seconds, quoted digits: a pause keeps the two numbers from becoming one.
_BETWEEN_NUMBERS = re.compile(rf"(?<=\d)(?:'|{_QUOTES.pattern})+(?=\d)")
_PARAGRAPH = re.compile(r"([^\s.,;:!?…])[ \t]*\n\s*\n\s*")
_MARK = frozenset(".,;:!?¿¡…'-&")
# What Spanish keyboards offer for it is º. Not 2º C, the door C on the second floor.
_DEGREES = re.compile(r"(?:(?<=\d)\s?º(?=[CF]\b)|(?<=\d)\s?°\s?(?=[CF]\b)|(?<=[.,]\d)\s?º)([CF]?)")
_N = r"\d+(?:[.,]\d+)?"

_FULL_WIDTH = str.maketrans("。、・", ".,,")
_DASH = re.compile(r"\s*(?:[—―]|--+)\s*|\s+[–-]\s+")
_RANGE = re.compile(r"(?<=\d)\s?–\s?(?=\d)")
# Only from the start of a word, so that time grows in line with a text without spaces.
_ADDRESS = re.compile(
    r"(?<![\w@.-])(?:https?://)?(?:[\w.-]{1,64}@)?(?:[^\W_][\w-]{0,62}\.)+[a-z]{2,24}(?:[/?#]\S*[\w/])?(?!\w)"
    r"|(?<![\w@.-])\w{1,64}@\w{1,64}"
)
_DATE = re.compile(r"(?<![\d/.-])(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?![\d/-])")
_ISO_DATE = re.compile(r"(?<![\d/.-])(\d{4})-(\d{2})-(\d{2})(?![\d/-])")
_TIME = re.compile(r"(?<![\d:])(\d{1,2})(?::(\d{2})|\s?[hH]\s?(\d{2}))(?![\d:])(?:\s?h\b)?")
_DOTTED = re.compile(r"(?<![\d.,])\d+(?:[.,]\d+){2,}(?![\d])")
# 1,234.56 where commas group, 1.234,56 where dots do.
_GROUPED_DECIMAL = re.compile(
    r"(?<![\d.,])\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*(?!\1)[.,]\d+(?![.,]?\d)"
)
# With the code of its country, at least ten digits: +34 612 345 678 is no quantity.
_TELEPHONE = re.compile(r"(?<!\w)\+(?=(?: ?\d){10})\d{1,3}(?: \d{1,4})+")
_MINUS = re.compile(r"(?<![\w.,)])[-−](?=\d)")
_DECIMAL = re.compile(r"(?<![\d.,])(\d+)([.,])(\d+)(?![\d])")
_HASH = re.compile(r"#\s?(?=\d)")
_COMMON_FRACTION = re.compile(r"(?<![\d/⁄.,])(1[/⁄][234]|2[/⁄]3|3[/⁄]4)(?![/⁄.,]?\d)")
_FRACTION_SIGNS = {"1/2": "½", "1/3": "⅓", "2/3": "⅔", "1/4": "¼", "3/4": "¾"}
_FRACTION = re.compile(r"(?<=\d)\s?[/⁄]\s?(?=\d)")
_ABOUT = re.compile(r"[~～≈]\s?(?=\d)")
_MIXED = re.compile(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)")
# With leading zeros, or longer than what tokenizers take for one word.
_ONE_BY_ONE = re.compile(rf"(?<!\d)(?:0\d+|\d{{{LONGEST_WORD + 1},}})")
_INITIALS = re.compile(r"\b(?:[^\W\d_]\.){2,}")


def prepare(text: str, wording: Wording) -> str:
    """A text in the language's own letters, digits and marks, with everything else as words."""
    text = _cleaned(text)
    text = wording.abbreviations(text)
    text = _ADDRESS.sub(lambda found: _spelt_address(found[0], wording), text)
    text = _INITIALS.sub(_initials, text)
    text = _moments(text, wording)
    text = wording.ordinals(text)
    text = _amounts(text, wording)
    text = _signs(text, wording)
    return _known(text, wording.letters)


def _cleaned(text: str) -> str:
    text = "".join(map(_folded, unicodedata.normalize("NFC", text.translate(_FULL_WIDTH))))
    text = _PARAGRAPH.sub(r"\1. ", text)
    text = _APOSTROPHE.sub("'", text)
    text = _DEGREES.sub(r"°\1", _BETWEEN_NUMBERS.sub(", ", text))
    return " ".join(_QUOTES.sub("", text).split())


def _folded(char: str) -> str:
    if char in _KEPT or char == "\n":
        return char
    if char.isspace():
        return " "
    if unicodedata.category(char) in _INVISIBLE:
        return ""
    return unicodedata.normalize("NFKC", char)


def _spelt_address(address: str, wording: Wording) -> str:
    """An address with its dots and signs as words; the scheme goes without saying."""
    spoken = address.removeprefix("https://").removeprefix("http://").rstrip("/")
    spoken = spoken.replace(".", f" {wording.dot} ")
    return re.sub(r"[/?#=&_-]+", " ", spoken)


def _initials(found: re.Match[str]) -> str:
    """U.S.A. as one word; its last dot stays where it may end the sentence."""
    goes_on = re.match(r"\s*[^\W\d_A-ZÀ-Þ]|\s*[,;:]", found.string[found.end() :][:3])
    return found[0].replace(".", "") + ("" if goes_on else ".")


def _moments(text: str, wording: Wording) -> str:
    """Dates, then times of day."""

    def date(found: re.Match[str], day: str, month: str, year: str) -> str:
        if 1 <= int(day) <= 31 and 1 <= int(month) <= 12:
            return wording.date(int(day), int(month), year)
        return found[0]

    def time(found: re.Match[str]) -> str:
        hour, minute = int(found[1]), int(found[2] or found[3])
        return wording.time(hour, minute) if hour < 25 and minute < 60 else found[0]

    text = _DATE.sub(lambda found: date(found, found[1], found[3], found[4]), text)
    text = _ISO_DATE.sub(lambda found: date(found, found[3], found[2], found[1]), text)
    return _TIME.sub(time, text)


def _amounts(text: str, wording: Wording) -> str:
    """Numbers with what counts them: 15,50 €, 50 %, 5kg, -5, 1.234.567, 3.14."""
    text = _TELEPHONE.sub(lambda found: found[0].replace(" ", ", "), text)
    marks = re.escape(wording.grouping)
    grouped = (
        rf"(?<![\d.,])\d{{1,3}}(?:([{marks}])\d{{3}})(?:\1\d{{3}})*(?!\d|\1\d|[.,]\d{{3}}(?!\d))"
    )
    text = _GROUPED_DECIMAL.sub(lambda found: found[0].replace(found[1], ""), text)
    text = re.sub(grouped, lambda found: found[0].replace(found[1], ""), text)
    text = re.sub(
        r"(?<![\d.,])\d{1,3}(?:([.,])\d{3})(?:\1\d{3})+(?!\d|\1\d)",
        lambda found: found[0].replace(found[1], ""),
        text,
    )
    text = _RANGE.sub(f" {wording.range} ", text)
    text = _MINUS.sub(f"{wording.minus} ", text)
    text = _ABOUT.sub(f"{wording.about} ", text)
    text = _HASH.sub(f"{wording.number} ", text)
    text = _fractions(text, wording)
    text = _money(text, wording)
    text = _units(text, wording)
    text = _DOTTED.sub(lambda found: _dotted(found[0], wording), text)
    text = _DECIMAL.sub(lambda found: _decimal(found, wording), text)
    text = _FRACTION.sub(f" {wording.over} ", text)
    return _ONE_BY_ONE.sub(lambda found: " ".join(found[0]), text)


def _fractions(text: str, wording: Wording) -> str:
    """½ and 1/2 alone or after a whole number, and their units: ½ kg, 2 ½ h."""
    text = _COMMON_FRACTION.sub(lambda found: _FRACTION_SIGNS[found[0].replace("⁄", "/")], text)

    def spoken(found: re.Match[str]) -> str:
        whole, sign, unit = found["whole"], found["sign"], found["unit"]
        alone, added = wording.fractions[sign]
        one, several = wording.units[unit] if unit else ("", "")
        if whole:
            return f"{whole} {added} {several}".rstrip()
        noun = one.split(maxsplit=1)[-1] if unit else ""
        if sign != "½":
            return f"{alone} {wording.fraction_of} {noun}" if unit else alone
        following = f" {noun}" if unit else text[found.end() : found.end() + 20]
        alone = wording.feminine_half if wording.feminine.match(following) else alone
        return f"{alone} {noun}".rstrip()

    unit = rf"\s?(?P<unit>{_any_of(wording.units)})(?![\w/])"
    return re.sub(rf"(?:(?<!\d)(?P<whole>\d+)\s?)?(?P<sign>[½⅓⅔¼¾])(?:{unit})?", spoken, text)


def _any_of(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True)))


def _money(text: str, wording: Wording) -> str:
    signs = "".join(map(re.escape, wording.currencies))

    def amount(found: re.Match[str]) -> str:
        return _counted(found["n"], wording.currencies[found["sign"]], wording, money=True)

    # 5€50; then $5, but not in 5 $ 50.
    text = re.sub(rf"(?<![\d.,])(\d+)([{signs}])(\d\d)(?!\d)", r"\1,\3\2", text)
    text = re.sub(rf"(?<!\d)(?P<sign>[{signs}])(?:(?<!\d\s.)\s)?(?P<n>{_N})(?!\d)", amount, text)
    return re.sub(rf"(?<![\d.,])(?P<n>{_N})\s?(?P<sign>[{signs}])", amount, text)


def _units(text: str, wording: Wording) -> str:
    names = _any_of(wording.units)

    def amount(found: re.Match[str]) -> str:
        spoken = _counted(found["n"], wording.units[found["unit"]], wording)
        if found["per"]:
            one = wording.units[found["per"]][0].split(maxsplit=1)[-1]
            spoken += f" {wording.per} {one}"
        return spoken

    return re.sub(
        rf"(?<![\d.,\w])(?P<n>{_N})\s?(?P<unit>{names})(?:/(?P<per>{names}))?(?![\w/])",
        amount,
        text,
    )


def _counted(number: str, names: Names, wording: Wording, *, money: bool = False) -> str:
    whole, mark, decimals = re.fullmatch(r"(\d+)([.,]?)(\d*)", number).groups()  # type: ignore[union-attr]
    if money and len(decimals) == 2:
        named = names[0] if whole == "1" else f"{whole} {names[1]}"
        return named if decimals == "00" else f"{named}{wording.cents}{int(decimals)}"
    if mark:
        return f"{number} {names[1]}"
    return names[0] if whole == "1" else f"{whole} {names[1]}"


def _dotted(number: str, wording: Wording) -> str:
    """Versions and addresses of machines: 1.2.3; a list without spaces: 1,2,3."""
    return re.sub(r"\.", f" {wording.dot} ", number).replace(",", ", ")


def _decimal(found: re.Match[str], wording: Wording) -> str:
    whole, mark, decimals = found.groups()
    if len(decimals) > 3 or decimals.startswith("0"):
        decimals = " ".join(decimals)
    return f"{whole} {wording.decimal[mark]} {decimals}"


def _signs(text: str, wording: Wording) -> str:
    text = _DASH.sub(", ", text)
    text = re.sub(r"(?<=[^\W\d_])#|#(?=[^\W\d_])", " ", text)
    spoken = "".join(f" {wording.signs[char]} " if char in wording.signs else char for char in text)
    return _MIXED.sub(" ", spoken)


def _known(text: str, letters: frozenset[str]) -> str:
    kept = "".join(_readable(char, letters) for char in text)
    kept = re.sub(r"\s+([.,])", r"\1", " ".join(kept.split()))
    return re.sub(r"(?<![.!?…,;:])([,;:])(?:\s*[,;:])+", r"\1", kept)


def _readable(char: str, letters: frozenset[str]) -> str:
    if char == " " or char in _MARK or char.lower() in letters:
        return char
    if char.isdecimal():
        return str(unicodedata.digit(char))
    plain = unicodedata.normalize("NFKD", char).lower()[0]
    return (plain.upper() if char.isupper() else plain) if plain in letters else " "
