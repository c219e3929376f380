"""Titles, streets, companies and Roman numerals written out."""

from __future__ import annotations

import re

from networks.english import numerals
from networks.english.alphabet import Dialect
from networks.english.tables import pairs

# Before a name. Those that are no words of their own are also taken without their dot.
_TITLES = pairs("Mr Mr, Mrs Mrs, Ms Ms, Dr Doctor, Prof Professor, St Saint, Mt Mount")
_DOTTED_TITLES = pairs(
    "Capt Captain, Cpt Captain, Sgt Sergeant, Gen General, Col Colonel, Lt Lieutenant, Maj Major, "
    "Cmdr Commander, Adm Admiral, Gov Governor, Rev Reverend, Hon Honorable, Sen Senator, "
    "Rep Representative, Pres President, Ft Fort"
)
# After a name.
_ENDINGS = pairs(
    "Jr Junior, Sr Senior, Co Company, Corp Corporation, Ltd Limited, Inc Incorporated, "
    "Bros Brothers, Ave Avenue, Blvd Boulevard, Rd Road, St Street, Dr Drive, Ln Lane, Hwy Highway"
)
_ANYWHERE = pairs(
    "vs versus, approx approximately, dept department, max maximum, avg average, tel telephone, "
    "etc etc, Etc Etc, Ph.D PhD, Mon Monday, Tue Tuesday, Tues Tuesday, Wed Wednesday, "
    "Thu Thursday, Thur Thursday, Thurs Thursday, Fri Friday, "
    "Mr Mr, Mrs Mrs, Ms Ms, Dr Doctor, Prof Professor"
)
# Numbered in Roman: things are counted, rulers ranked.
_COUNTED = (
    "Chapter|Part|Section|Act|Scene|Volume|Book|War|Type|Phase|Class|Level|Title|Article|Appendix|"
    "Figure|Table|Stage|Grade|Category|Episode|Season|Bowl|Mark"
)
_RULERS = (
    "Henry|Louis|Charles|George|Elizabeth|Edward|James|William|Richard|Philip|Francis|Frederick|"
    "Catherine|Alexander|Nicholas|Peter|Paul|Pius|Benedict|Leo|Napoleon"
)


def _any_of(names: dict[str, str]) -> str:
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


STREET = re.compile(
    r"\b(?P<name>[A-Z][a-z]{1,20}) St\.(?! (?!The|He|She|It|They|We|In|On|But|And|There|This)[A-Z])"
)
TITLE = re.compile(
    rf"\b(?:(?P<plain>{_any_of(_TITLES)})\.?|(?P<dotted>{_any_of(_DOTTED_TITLES)})\.) (?=[A-Z])"
)
ENDING = re.compile(rf"(?<=[\w,] )(?P<name>{_any_of(_ENDINGS)})\.")
ANYWHERE = re.compile(rf"\b(?P<name>{_any_of(_ANYWHERE)})\.")
NUMBER_SIGN = re.compile(r"(?:\bNos?\. ?|#)(?=\d)")
INITIAL = re.compile(r"(?<![\w.])(?P<letter>[A-HJ-Z])\. (?=[A-Z](?:[a-z]|\. ))")
HASHTAG = re.compile(r"#(?=[A-Za-z])")
ROMAN = re.compile(
    rf"\b(?:(?P<counted>{_COUNTED}) (?P<count>[IVXLC]{{1,8}})"
    rf"|(?P<ruler>{_RULERS}) (?P<rank>[IVX]{{2,6}}|[VX]))\b(?!'[dlmv])"
)
_SENTENCE_ENDS = re.compile(r"[”\")]?(?: [“\"]?[A-Z]|$)")


def read_street(found: re.Match[str], dialect: Dialect) -> str:
    """10 Downing St. → 10 Downing Street."""
    return f"{found['name']} Street{_stop(found)}"


def read_title(found: re.Match[str], dialect: Dialect) -> str:
    """Dr. Smith → Doctor Smith."""
    return f"{_TITLES.get(found['plain']) or _DOTTED_TITLES[found['dotted']]} "


def read_ending(found: re.Match[str], dialect: Dialect) -> str:
    """Alan Fox Jr. → Alan Fox Junior."""
    return _ENDINGS[found["name"]] + _stop(found)


def read_anywhere(found: re.Match[str], dialect: Dialect) -> str:
    """approx. → approximately."""
    return _ANYWHERE[found["name"]] + _stop(found)


def read_initial(found: re.Match[str], dialect: Dialect) -> str:
    """J. R. Smith → J R Smith."""
    return f"{found['letter']} "


def read_roman(found: re.Match[str], dialect: Dialect) -> str:
    """Chapter IV → Chapter four; Henry VIII → Henry the eighth."""
    if found["counted"]:
        return f"{found['counted']} {numerals.cardinal(numerals.roman(found['count']), dialect)}"
    return f"{found['ruler']} the {numerals.ordinal(numerals.roman(found['rank']), dialect)}"


def _stop(found: re.Match[str]) -> str:
    """The dot counts twice where it also ends the sentence."""
    return "." if _SENTENCE_ENDS.match(found.string, found.end()) else ""
