"""MeloTTS' Spanish: the reference rows stage by stage, the deviations, and anything at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from networks.extras import ExtraMissing
from networks.melo.flow import CODES, FrontEnd, Table
from networks.melo.romance.spanish import Spanish
from networks.melo.romance.spanish_numbers import cardinal, ordinal
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
def faithful() -> Spanish:
    try:
        return Spanish.load(faithful=True)
    except ExtraMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def spanish(faithful: Spanish) -> Spanish:
    return faithful.repaired()


@pytest.fixture(scope="module")
def front_end(spanish: Spanish) -> FrontEnd:
    return FrontEnd(spanish, word_pieces, Table(symbols(), CODES["ES"]))


def test_each_stage_gives_what_the_original_gave(faithful: Spanish, spanish: Spanish) -> None:
    for language in (faithful, spanish):
        assert other_norms(language, "es") == (137, set())
        assert other_phones(language, "es") == (137, set())
        assert ids_of(language, "es", "ES") == 137


def test_texts_differ_from_the_original_only_as_listed(spanish: Spanish) -> None:
    assert compare_texts(spanish, "es") == 52


def test_long_texts_are_cut_where_the_original_cuts(faithful: Spanish, spanish: Spanish) -> None:
    assert compare_splits(faithful, "ES") == (5, 5)
    assert compare_splits(spanish, "ES") == (4, 5)  # the other one has numbers with commas


@pytest.mark.parametrize(
    ("written", "norm"),
    [
        ("Mide 1,5 m.", "mide 1 coma 5 metros."),
        ("Vale 1.234,56 €", "vale 1234 euros con 56."),
        ("Vale 1 €", "vale un euro."),
        ("Pesa 0,05 g", "pesa 0 coma 0 5 gramos."),
        ("De 10–20 %", "de 10 a 20 por ciento."),
        ("Son 2+2=4", "son 2 más 2 igual a 4."),
        ("El 5/7 de 2024-02-29", "el 5 partido por 7 de 29 de febrero de 2024."),
        ("A las 7:00 h", "a las 7 en punto."),
        ("Son 90 km/h", "son 90 kilómetros por hora."),
        ("El siglo XXI", "el siglo veintiuno."),
        ("La 3ª y el 21º", "la tercera y el vigésimo primero."),
        ("nº 5 de U.S.A. hoy", "número 5 de usa hoy."),
        ("Llame al 007", "llame al 0 0 7."),
        ("9" * 101, " ".join("9" * 101) + "."),
        ("Versión 1.2.3", "versión 1 punto 2 punto 3."),
        ("Madrid, etc. Otra", "madrid, etcétera. otra."),
        ("Título\n\nTexto", "título. texto."),
        ("Dijo «hola» (sí).", "dijo hola sí."),
        ("a\u202eb\u200bc", "abc."),
        ("n\u0303andu\u0301", "ñandú."),
        ("5'10\" y 6'2", "5, 10 y 6, 2."),
        ("A 41°24'12\"", "a 41 grados 24, 12."),
        ("1«2»3", "1, 2, 3."),
        ("5€50 y 17£38", "5 euros con 50 y 17 libras con 38."),
        ("5 $ 50 centavos, en 2020 $30", "5 dólares 50 centavos, en 2020 30 dólares."),
        ("A 5°, 37,5°, 37,5º", "a 5 grados, 37 coma 5 grados, 37 coma 5 grados."),
        ("25° C, 20ºC, 20 ºC", "25 grados celsius, 20 grados celsius, 20 grados celsius."),
        ("El 5° piso, el 2º C", "el quinto piso, el segundo c."),
        ("$1,234.56 y 1,299.00 €", "1234 dólares con 56 y 1299 euros."),
        ("12,345.67", "12345 punto 67."),
        (
            "192.168.1.1 y 192.168.100.1",
            "192 punto 168 punto 1 punto 1 y 192 punto 168 punto 100 punto 1.",
        ),
        ("91 123 45 67", "91 123 45 67."),
        ("+34 612 345 678", "más 34, 612, 345, 678."),
        ("+5 000 000", "más 5000000."),
        ("½ litro, 1/2 hora, ½ kg", "medio litro, media hora, medio kilo."),
        ("2½ litros, 2 ½ kg, ¼ l", "2 y medio litros, 2 y medio kilos, un cuarto de litro."),
        ("3/4 y 2/3", "tres cuartos y dos tercios."),
        ("5 µg y 3 μm", "5 microgramos y 3 micrómetros."),
    ],
)
def test_what_the_original_loses_is_read(spanish: Spanish, written: str, norm: str) -> None:
    assert " ".join(map(spanish.normalize, spanish.pieces(written))) == norm


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("0", "cero"),
        ("21000", "veintiún mil"),
        ("100", "cien"),
        ("1000001", "un millón uno"),
        ("31000000", "treinta y un millones"),
        ("2000000000000", "dos billones"),
        ("1" * 25, " ".join(["uno"] * 25)),
    ],
)
def test_numbers_are_read(digits: str, words: str) -> None:
    assert cardinal(digits) == words


def test_every_sound_of_the_dictionary_has_a_symbol(spanish: Spanish) -> None:
    spoken = spanish.speak("", lambda _: ["yvonne"])  # with a ɟ, which no network knows
    assert "".join(spoken.phones) == "_ʝβˈonne_"
    Table(symbols(), CODES["ES"]).ids(spoken)


def test_ordinals_have_a_gender_and_an_end() -> None:
    assert ordinal(32, "a") == "trigésima segunda"
    assert ordinal(3, "er") == "tercer"
    assert ordinal(20, "o") == "vigésimo"
    assert ordinal(100, "o") is None


def test_a_text_without_words_has_no_pieces(spanish: Spanish) -> None:
    for text in ("", " \n", "...", "¿?", "🎉", "你好", "\u200f"):
        assert spanish.pieces(text) == []


def test_a_number_of_forty_digits_is_read(front_end: FrontEnd) -> None:
    assert read_all(front_end, "9" * 40) > 160


@settings(max_examples=150, deadline=None)
@given(ANYTHING)
def test_anything_is_read_or_left_out(front_end: FrontEnd, text: str) -> None:
    read_all(front_end, text)
    read_all(FrontEnd(front_end.language, whole_words, front_end.table), text)


@pytest.mark.parametrize("unit", ["9", "a", "1.", "a.", "1,", "$", " -", "1/", "\n\n", "á"])
def test_long_texts_of_one_kind_are_read(front_end: FrontEnd, unit: str) -> None:
    read_all(front_end, unit * 4000)
