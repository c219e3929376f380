"""What Spanish calls units, currencies, months, signs, and the abbreviations of everyday texts."""

from __future__ import annotations

import re

from networks.english.tables import words
from networks.melo.romance.preparing import Wording
from networks.melo.romance.roman import ROMAN, value
from networks.melo.romance.spanish_numbers import cardinal, ordinal

_MONTHS = words(
    "_ enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
)
_UNITS = {
    "%": ("1 por ciento", "por ciento"),
    "‰": ("1 por mil", "por mil"),
    "km": ("un kilómetro", "kilómetros"),
    "m": ("un metro", "metros"),
    "cm": ("un centímetro", "centímetros"),
    "mm": ("un milímetro", "milímetros"),
    "km²": ("un kilómetro cuadrado", "kilómetros cuadrados"),
    "m²": ("un metro cuadrado", "metros cuadrados"),
    "m³": ("un metro cúbico", "metros cúbicos"),
    "kg": ("un kilo", "kilos"),
    "g": ("un gramo", "gramos"),
    "mg": ("un miligramo", "miligramos"),
    "l": ("un litro", "litros"),
    "L": ("un litro", "litros"),
    "ml": ("un mililitro", "mililitros"),
    "μm": ("un micrómetro", "micrómetros"),
    "μg": ("un microgramo", "microgramos"),
    "μl": ("un microlitro", "microlitros"),
    "μs": ("un microsegundo", "microsegundos"),
    "h": ("una hora", "horas"),
    "min": ("un minuto", "minutos"),
    "s": ("un segundo", "segundos"),
    "ms": ("un milisegundo", "milisegundos"),
    "°C": ("un grado Celsius", "grados Celsius"),
    "°F": ("un grado Fahrenheit", "grados Fahrenheit"),
    "°": ("un grado", "grados"),
    "kW": ("un kilovatio", "kilovatios"),
    "kWh": ("un kilovatio hora", "kilovatios hora"),
    "Hz": ("un hercio", "hercios"),
    "kHz": ("un kilohercio", "kilohercios"),
    "MB": ("un megabyte", "megabytes"),
    "GB": ("un gigabyte", "gigabytes"),
}
_FRACTIONS = {
    "½": ("medio", "y medio"),
    "⅓": ("un tercio", "y un tercio"),
    "⅔": ("dos tercios", "y dos tercios"),
    "¼": ("un cuarto", "y cuarto"),
    "¾": ("tres cuartos", "y tres cuartos"),
}
_CURRENCIES = {
    "€": ("un euro", "euros"),
    "$": ("un dólar", "dólares"),
    "£": ("una libra", "libras"),
    "¥": ("un yen", "yenes"),
}
_SIGNS = {
    "&": "y",
    "@": "arroba",
    "%": "por ciento",
    "‰": "por mil",
    "+": "más",
    "−": "menos",
    "=": "igual a",
    "×": "por",
    "÷": "entre",
    "±": "más menos",
    "≤": "menor o igual que",
    "≥": "mayor o igual que",
    "€": "euros",
    "$": "dólares",
    "£": "libras",
    "¥": "yenes",
    "§": "sección",
    "№": "número",
    "°": "grados",
    "²": "al cuadrado",
    "³": "al cubo",
    "ª": "a",
    "º": "o",
    "/": "",
}
_ABBREVIATIONS = {
    "sr": "señor",
    "sres": "señores",
    "sra": "señora",
    "sras": "señoras",
    "srta": "señorita",
    "dr": "doctor",
    "dra": "doctora",
    "d": "don",
    "dña": "doña",
    "prof": "profesor",
    "profa": "profesora",
    "ing": "ingeniero",
    "lic": "licenciado",
    "gral": "general",
    "ud": "usted",
    "uds": "ustedes",
    "vd": "usted",
    "vds": "ustedes",
    "pág": "página",
    "págs": "páginas",
    "núm": "número",
    "avda": "avenida",
    "av": "avenida",
    "tel": "teléfono",
    "aprox": "aproximadamente",
    "etc": "etcétera",
    "p. ej": "por ejemplo",
    "ej": "ejemplo",
    "ee. uu": "Estados Unidos",
    "ee.uu": "Estados Unidos",
    "a. c": "antes de Cristo",
    "a.c": "antes de Cristo",
    "d. c": "después de Cristo",
    "d.c": "después de Cristo",
    "a. m": "a eme",
    "a.m": "a eme",
    "p. m": "pe eme",
    "p.m": "pe eme",
}
_LONGEST_FIRST = sorted(_ABBREVIATIONS, key=len, reverse=True)
# A dot that ends the sentence stays: nothing follows, or a capital does, save after a title.
_TITLES = re.compile(r"(?i)\b(sres|sras?|srta|sr|dra?|dña|profa?|ing|lic|gral|avda|av)\.(?=\s+\w)")
_DON = re.compile(r"\b[dD]\.(?=\s+[A-ZÁÉÍÓÚÑ][a-záéíóúñ])")
_OTHERS = re.compile(
    rf"(?i)\b({'|'.join(map(re.escape, _LONGEST_FIRST))})\.(?P<end>\s*$|(?=\s+(?-i:[A-ZÁÉÍÓÚÑ¿¡])))?"
)
_NUMBER = re.compile(r"\b[nN]\.?[º°]\s*(?=\d)")
_CENTURY = re.compile(rf"\b([sS]iglos?\s+)({ROMAN})\b")
_ORDINAL = re.compile(
    r"(?<![\d.,])(\d{1,2})\.?([ºª]|°(?=\s(?:piso|lugar|puesto|grado|año|curso)\b)|er|ero|era|do|da|to|ta|mo|ma|vo|va|no|na)(?![\w])"
)


def _abbreviations(text: str) -> str:
    text = _NUMBER.sub("número ", text)
    text = _DON.sub("don", text)
    text = _TITLES.sub(lambda found: _ABBREVIATIONS[found[1].lower()], text)

    def spoken(found: re.Match[str]) -> str:
        word = found[1].lower()
        if word in ("d", "av", "ing", "lic", "prof", "sr"):
            return found[0]  # ends a sentence, or is an initial
        return _ABBREVIATIONS[word] + ("" if found["end"] is None else f".{found['end']}")

    return _OTHERS.sub(spoken, text)


def _ordinals(text: str) -> str:
    def spoken(found: re.Match[str]) -> str:
        sign = found[2]
        ending = sign if sign == "er" else "a" if sign in "ª" or sign.endswith("a") else "o"
        return ordinal(int(found[1]), ending) or found[0]

    text = _ORDINAL.sub(spoken, text)
    return _CENTURY.sub(lambda found: found[1] + cardinal(str(value(found[2]))), text)


def _date(day: int, month: int, year: str) -> str:
    return f"{day} de {_MONTHS[month]} de {year}"


def _time(hour: int, minute: int) -> str:
    return f"{hour} y {minute}" if minute else f"{hour} en punto"


WORDING = Wording(
    letters=frozenset("abcdefghijklmnopqrstuvwxyzáéíóúüñ"),
    abbreviations=_abbreviations,
    ordinals=_ordinals,
    date=_date,
    time=_time,
    decimal={",": "coma", ".": "punto"},
    grouping=". ",
    minus="menos",
    number="número",
    about="unos",
    range="a",
    over="partido por",
    fractions=_FRACTIONS,
    fraction_of="de",
    feminine_half="media",
    feminine=re.compile(r"\s(?!día)\w+a\b"),
    per="por",
    dot="punto",
    cents=" con ",
    units=_UNITS,
    currencies=_CURRENCIES,
    signs=_SIGNS,
)
