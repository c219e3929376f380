"""What French calls units, currencies, months and signs."""

from __future__ import annotations

import re

from networks.english.tables import words
from networks.melo.romance.french_abbreviations import expand
from networks.melo.romance.french_numbers import ordinal
from networks.melo.romance.preparing import Wording
from networks.melo.romance.roman import ROMAN, value

_MONTHS = words(
    "_ janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
)
_UNITS = {
    "%": ("1 pour cent", "pour cent"),
    "‰": ("1 pour mille", "pour mille"),
    "km": ("un kilomètre", "kilomètres"),
    "m": ("un mètre", "mètres"),
    "cm": ("un centimètre", "centimètres"),
    "mm": ("un millimètre", "millimètres"),
    "km²": ("un kilomètre carré", "kilomètres carrés"),
    "m²": ("un mètre carré", "mètres carrés"),
    "m³": ("un mètre cube", "mètres cubes"),
    "kg": ("un kilo", "kilos"),
    "g": ("un gramme", "grammes"),
    "mg": ("un milligramme", "milligrammes"),
    "l": ("un litre", "litres"),
    "L": ("un litre", "litres"),
    "ml": ("un millilitre", "millilitres"),
    "μm": ("un micromètre", "micromètres"),
    "μg": ("un microgramme", "microgrammes"),
    "μl": ("un microlitre", "microlitres"),
    "μs": ("une microseconde", "microsecondes"),
    "h": ("une heure", "heures"),
    "min": ("une minute", "minutes"),
    "s": ("une seconde", "secondes"),
    "ms": ("une milliseconde", "millisecondes"),
    "°C": ("un degré Celsius", "degrés Celsius"),
    "°F": ("un degré Fahrenheit", "degrés Fahrenheit"),
    "°": ("un degré", "degrés"),
    "kW": ("un kilowatt", "kilowatts"),
    "kWh": ("un kilowattheure", "kilowattheures"),
    "Hz": ("un hertz", "hertz"),
    "kHz": ("un kilohertz", "kilohertz"),
    "Mo": ("un mégaoctet", "mégaoctets"),
    "Go": ("un gigaoctet", "gigaoctets"),
}
_FRACTIONS = {
    "½": ("un demi", "et demi"),
    "⅓": ("un tiers", "et un tiers"),
    "⅔": ("deux tiers", "et deux tiers"),
    "¼": ("un quart", "et quart"),
    "¾": ("trois quarts", "et trois quarts"),
}
_CURRENCIES = {
    "€": ("un euro", "euros"),
    "$": ("un dollar", "dollars"),
    "£": ("une livre", "livres"),
    "¥": ("un yen", "yens"),
}
_SIGNS = {
    "&": "et",
    "@": "arobase",
    "%": "pour cent",
    "‰": "pour mille",
    "+": "plus",
    "−": "moins",
    "=": "égale",
    "×": "fois",
    "÷": "divisé par",
    "±": "plus ou moins",
    "≤": "inférieur ou égal à",
    "≥": "supérieur ou égal à",
    "€": "euros",
    "$": "dollars",
    "£": "livres",
    "¥": "yens",
    "§": "paragraphe",
    "№": "numéro",
    "°": "degrés",
    "²": "au carré",
    "³": "au cube",
    "ª": "",
    "º": "",
    "/": "",
}
_ORDINAL = re.compile(r"\b(\d{1,6})\s?(ers?|res?|ère|es?|èmes?|ème|nde?)\b")
_ROMAN_ORDINAL = re.compile(rf"\b({ROMAN})(ers?|re|ère|es?|ème)\b")


def _ordinals(text: str) -> str:
    def spoken(number: int, ending: str) -> str:
        if number == 2 and ending.startswith("nd"):
            return "seconde" if ending == "nde" else "second"
        named = ordinal(number, feminine=ending.startswith(("r", "èr")))
        return f"{named}s" if ending.endswith("s") else named

    text = _ORDINAL.sub(lambda found: spoken(int(found[1]), found[2]), text)
    return _ROMAN_ORDINAL.sub(lambda found: spoken(value(found[1]), found[2]), text)


def _date(day: int, month: int, year: str) -> str:
    return f"{'premier' if day == 1 else day} {_MONTHS[month]} {year}"


def _time(hour: int, minute: int) -> str:
    hours = "une heure" if hour == 1 else f"{hour} heures"
    return f"{hours} {minute}" if minute else hours


WORDING = Wording(
    letters=frozenset("abcdefghijklmnopqrstuvwxyzàâäæçèéêëîïñôöœùûüÿ"),
    abbreviations=expand,
    ordinals=_ordinals,
    date=_date,
    time=_time,
    decimal={",": "virgule", ".": "virgule"},
    grouping=" ",
    minus="moins",
    number="numéro",
    about="environ",
    range="à",
    over="sur",
    fractions=_FRACTIONS,
    fraction_of="de",
    feminine_half="une demi",
    feminine=re.compile(
        r"\s(?:heure|livre|douzaine|bouteille|tasse|page|journée|minute|seconde)\b"
    ),
    per="par",
    dot="point",
    cents=" ",
    units=_UNITS,
    currencies=_CURRENCIES,
    signs=_SIGNS,
)
