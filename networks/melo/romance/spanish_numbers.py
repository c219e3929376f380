"""Spanish numbers in words."""

from __future__ import annotations

from networks.english.tables import words

_SMALL = words(
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce "
    "quince dieciséis diecisiete dieciocho diecinueve veinte veintiuno veintidós "
    "veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve"
)
_TENS = words("_ _ _ treinta cuarenta cincuenta sesenta setenta ochenta noventa")
_HUNDREDS = words(
    "_ ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos "
    "ochocientos novecientos"
)
_MILLIONS = (("millón", "millones"), ("billón", "billones"), ("trillón", "trillones"))
_MOST_DIGITS = 6 * (len(_MILLIONS) + 1)
_ORDINALS = words(
    "_ primero segundo tercero cuarto quinto sexto séptimo octavo noveno décimo undécimo "
    "duodécimo decimotercero decimocuarto decimoquinto decimosexto decimoséptimo "
    "decimoctavo decimonoveno vigésimo"
)
_ORDINAL_TENS = words(
    "_ _ vigésimo trigésimo cuadragésimo quincuagésimo sexagésimo septuagésimo octogésimo "
    "nonagésimo"
)


def cardinal(digits: str) -> str:
    """A whole number in words; one too long for a name is read digit by digit."""
    if len(digits) > _MOST_DIGITS:
        return " ".join(_SMALL[int(digit)] for digit in digits)
    return _cardinal(int(digits))


def ordinal(number: int, ending: str) -> str | None:
    """The ordinal of 1 to 99 in the gender of its ending: o, a, or er before a masculine noun."""
    if not 0 < number < 100:
        return None
    if number < len(_ORDINALS):
        spoken = _ORDINALS[number]
    else:
        tens, ones = divmod(number, 10)
        spoken = f"{_ORDINAL_TENS[tens]} {_ORDINALS[ones]}" if ones else _ORDINAL_TENS[tens]
    if ending == "er":
        return spoken.removesuffix("o") if number % 10 in (1, 3) else spoken
    if ending == "a":
        return " ".join(f"{word.removesuffix('o')}a" for word in spoken.split())
    return spoken


def _cardinal(number: int) -> str:
    if number < 10**6:
        return _thousands(number)
    power = max(place for place in range(1, len(_MILLIONS) + 1) if number >= 10 ** (6 * place))
    many, rest = divmod(number, 10 ** (6 * power))
    one, several = _MILLIONS[power - 1]
    spoken = f"un {one}" if many == 1 else f"{_shortened(_cardinal(many))} {several}"
    return f"{spoken} {_cardinal(rest)}" if rest else spoken


def _thousands(number: int) -> str:
    many, rest = divmod(number, 1000)
    if not many:
        return _hundreds(rest)
    spoken = "mil" if many == 1 else f"{_shortened(_hundreds(many))} mil"
    return f"{spoken} {_hundreds(rest)}" if rest else spoken


def _hundreds(number: int) -> str:
    if number == 100:
        return "cien"
    many, rest = divmod(number, 100)
    if not many:
        return _tens(rest)
    return f"{_HUNDREDS[many]} {_tens(rest)}" if rest else _HUNDREDS[many]


def _tens(number: int) -> str:
    if number < len(_SMALL):
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]} y {_SMALL[ones]}" if ones else _TENS[tens]


def _shortened(spoken: str) -> str:
    """Before a noun: veintiún mil, treinta y un millones."""
    if spoken.endswith("veintiuno"):
        return f"{spoken.removesuffix('uno')}ún"
    return spoken.removesuffix("o") if spoken.endswith("uno") else spoken
