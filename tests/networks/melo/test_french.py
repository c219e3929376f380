"""MeloTTS' French: the reference rows stage by stage, the deviations, and anything at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from networks.extras import ExtraMissing
from networks.melo.flow import CODES, FrontEnd, Table
from networks.melo.romance.french import French
from networks.melo.romance.french_numbers import cardinal, ordinal
from tests.networks.melo.anything import ANYTHING, read_all, whole_words, word_pieces
from tests.networks.melo.reference import (
    compare_splits,
    compare_texts,
    ids_of,
    other_norms,
    other_phones,
    symbols,
)


@pytest.fixture(scope="module")
def faithful() -> French:
    try:
        return French.load(faithful=True)
    except ExtraMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def french(faithful: French) -> French:
    return faithful.repaired()


@pytest.fixture(scope="module")
def front_end(french: French) -> FrontEnd:
    return FrontEnd(french, word_pieces, Table(symbols(), CODES["FR"]))


def test_each_stage_gives_what_the_original_gave(faithful: French, french: French) -> None:
    assert other_norms(faithful, "fr") == (93, set())
    # Abbreviations are read earlier, where the ends of sentences are still seen.
    assert other_norms(french, "fr") == (88, {"abbrev"})
    for language in (faithful, french):
        # "£3" as one token, twice, and what # adds to the word before it
        assert other_phones(language, "fr") == (89, {"money", "hash"})
        assert ids_of(language, "fr", "FR") == 89


def test_texts_differ_from_the_original_only_as_listed(french: French) -> None:
    assert compare_texts(french, "fr") == 54


def test_long_texts_are_cut_where_the_original_cuts(faithful: French, french: French) -> None:
    assert compare_splits(faithful, "FR") == (5, 5)
    assert compare_splits(french, "FR") == (4, 5)  # the other one has numbers with commas


def test_a_token_of_nothing_but_a_number_sign_is_silent(french: French) -> None:
    spoken = french.speak("", lambda _: ["#", "bonjour"])
    assert spoken == french.speak("", lambda _: ["bonjour"]).__class__(
        spoken.phones, spoken.tones, (1, 0, *spoken.word2ph[2:])
    )
    assert "".join(spoken.phones) == "_bɔ̃ʒˈuʁ_"


def test_what_was_read_before_changes_nothing(french: French) -> None:
    def say(*tokens: str) -> str:
        return "".join(french.speak("", lambda _: list(tokens)).phones)

    before = say("cent")
    assert say("101") == "_sˈɑ̃tœ̃n_"
    assert say("cent") == before == "_sˈɑ̃_"


@pytest.mark.parametrize(
    ("written", "norm"),
    [
        ("Aujourd’hui, l’été", "Aujourd'hui, l'été."),
        ("Il mesure 1,5 m.", "Il mesure 1 virgule 5 mètres."),
        ("12\u202f345,67 €", "12345 euros 67."),
        ("1 £ et 0,5 %", "une livre et 0 virgule 5 pour cent."),
        ("De 10–20 km/h", "De 10 à 20 kilomètres par heure."),
        (
            "Le 1er mai, la 1re fois, au XVIIIe",
            "Le premier mai, la première fois, au dix huitième.",
        ),
        ("Le 01/05/2024 à 1h", "Le premier mai 2024 à une heure."),
        ("À 19h30 ou 19:00", "À 19 heures 30 ou 19 heures."),
        ("Mlles Roux et MM. Petit", "mesdemoiselles Roux et messieurs Petit."),
        ("C'est mon ex. Il part.", "C'est mon ex. Il part."),
        ("Le max. Il part.", "Le max. Il part."),
        ("Le max. de points", "Le maximum de points."),
        ("Des pommes, etc. Il part.", "Des pommes, et cetera. Il part."),
        ("No. 5, n° 6", "numéro 5, numéro 6."),
        ("2+2=4 & plus", "2 plus 2 égale 4 et plus."),
        ("Rouge — vert", "Rouge, vert."),
        ("Titre\n\nTexte", "Titre. Texte."),
        ("Le 007", "Le 0 0 7."),
        ("9" * 101, " ".join("9" * 101) + "."),
        ("À 23 °C", "À 23 degrés Celsius."),
        ("À 20ºC", "À 20 degrés Celsius."),
        ('6"7 et 1«2»3', "6, 7 et 1, 2, 3."),
        ("5€50 et 12€99", "5 euros 50 et 12 euros 99."),
        ("1.234,56 € et 12.345,67", "1234 euros 56 et 12345 virgule 67."),
        ("$1,234.56", "1234 dollars 56."),
        ("+33 612 345 678", "plus 33, 612, 345, 678."),
        ("½ litre, 1/2 h, 2 ½ kg", "un demi litre, une demi heure, 2 et demi kilos."),
        ("3/4 et 5/7", "trois quarts et 5 sur 7."),
        ("5 µg", "5 microgrammes."),
    ],
)
def test_what_the_original_loses_is_read(french: French, written: str, norm: str) -> None:
    assert " ".join(map(french.normalize, french.pieces(written))) == norm


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("0", "zéro"),
        ("71", "soixante et onze"),
        ("80", "quatre-vingts"),
        ("81", "quatre-vingt-un"),
        ("99", "quatre-vingt-dix-neuf"),
        ("200", "deux cents"),
        ("280000", "deux cent quatre-vingt mille"),
        ("1000", "mille"),
        ("2000001", "deux millions un"),
        ("1" * 22, " ".join(["un"] * 22)),
    ],
)
def test_numbers_are_read(digits: str, words: str) -> None:
    assert cardinal(digits) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "premier"), (4, "quatrième"), (5, "cinquième"), (9, "neuvième"), (80, "quatre-vingtième")],
)
def test_ordinals_are_read(number: int, words: str) -> None:
    assert ordinal(number) == words


def test_a_text_without_words_has_no_pieces(french: French) -> None:
    for text in ("", " \n", "...", "?!", "🎉", "你好", "\u200f"):
        assert french.pieces(text) == []


@settings(max_examples=150, deadline=None)
@given(ANYTHING)
def test_anything_is_read_or_left_out(front_end: FrontEnd, text: str) -> None:
    read_all(front_end, text)
    read_all(FrontEnd(front_end.language, whole_words, front_end.table), text)


@pytest.mark.parametrize("unit", ["9", "a", "1.", "a.", "1,", "€", " -", "1/", "\n\n", "é", "M. "])
def test_long_texts_of_one_kind_are_read(front_end: FrontEnd, unit: str) -> None:
    read_all(front_end, unit * 4000)
