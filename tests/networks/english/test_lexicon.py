"""The lexicon's rules, on a dictionary small enough to read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from networks.english.alphabet import Dialect
from networks.english.lexicon import Ahead, Lexicon
from networks.english.tagging import Tag
from tests.conftest import EnglishFiles

LETTERS = {"A": "ˈA", "B": "bˈi", "C": "sˈi", "F": "ˈɛf", "I": "ˈI", "S": "ˈɛs", "U": "jˈu"}
GOLD = {
    **LETTERS,
    "cat": "kˈæt",
    "bus": "bˈʌs",
    "rob": "ɹˈɑb",
    "add": "ˈæd",
    "pat": "pˈæt",
    "last": "lˈæst",
    "run": "ɹˈʌn",
    "carry": "kˈæɹi",
    "and": "ænd",
    "we": "wi",
    "can": {"DEFAULT": "kæn", "None": "kˈæn"},
    "record": {"DEFAULT": "ɹˈɛkəɹd", "VERB": "ɹəkˈɔɹd"},
    "US": {"DEFAULT": "ˌʌs", "NOUN": None},
    "used": {"DEFAULT": "jˈuzd", "VBD": "jˈust"},
    "to": "tu",
    "in": "ɪn",
    "Paris": "pˈæɹəs",
}
SILVER = {"wander": "wˈɒndə"}
BEFORE_VOWEL, BEFORE_CONSONANT, AT_PAUSE = Ahead(vowel=True), Ahead(vowel=False), Ahead()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for dialect in ("us", "gb"):
        (tmp_path / f"{dialect}_gold.json").write_text(json.dumps(GOLD), encoding="utf-8")
        (tmp_path / f"{dialect}_silver.json").write_text(json.dumps(SILVER), encoding="utf-8")
    return tmp_path


@pytest.fixture
def lexicon(folder: Path) -> Lexicon:
    return Lexicon.load(folder, "us")


@pytest.mark.parametrize(
    ("word", "phonemes"),
    [
        ("cats", "kˈæts"),
        ("cat's", "kˈæts"),
        ("cats'", "kˈæts"),
        ("buses", "bˈʌsᵻz"),
        ("robs", "ɹˈɑbz"),
        ("carries", "kˈæɹiz"),
        ("robed", "ɹˈɑbd"),
        ("added", "ˈædᵻd"),
        ("pated", "pˈæɾᵻd"),
        ("lasted", "lˈæstᵻd"),
        ("running", "ɹˈʌnɪŋ"),
        ("pating", "pˈæɾɪŋ"),
    ],
)
def test_endings_follow_the_sound_before_them(lexicon: Lexicon, word: str, phonemes: str) -> None:
    assert lexicon.pronounce(word, "DEFAULT", AT_PAUSE) == phonemes


def test_british_stems_in_r_get_it_back_before_a_vowel(folder: Path) -> None:
    british = Lexicon.load(folder, "gb")
    assert british.pronounce("wandering", "DEFAULT", AT_PAUSE) == "wˈɒndəɹɪŋ"


@pytest.mark.parametrize(
    ("word", "tag", "ahead", "phonemes"),
    [
        ("the", "DEFAULT", BEFORE_VOWEL, "ði"),
        ("the", "DEFAULT", BEFORE_CONSONANT, "ðə"),
        ("to", "DEFAULT", BEFORE_VOWEL, "tʊ"),
        ("to", "DEFAULT", BEFORE_CONSONANT, "tə"),
        ("to", "DEFAULT", AT_PAUSE, "tu"),
        ("in", "IN", BEFORE_CONSONANT, "ɪn"),
        ("in", "RP", BEFORE_CONSONANT, "ˈɪn"),
        ("in", "IN", AT_PAUSE, "ˈɪn"),
        ("a", "DT", BEFORE_CONSONANT, "ɐ"),
        ("A", "DEFAULT", AT_PAUSE, "ˈA"),
        ("can", "DEFAULT", BEFORE_CONSONANT, "kæn"),
        ("can", "DEFAULT", AT_PAUSE, "kˈæn"),
        ("used", "VBD", Ahead(vowel=False, to=True), "jˈust"),
        ("used", "VBD", BEFORE_CONSONANT, "jˈuzd"),
    ],
)
def test_function_words_weaken_in_their_context(
    lexicon: Lexicon, word: str, tag: Tag, ahead: Ahead, phonemes: str
) -> None:
    assert lexicon.pronounce(word, tag, ahead) == phonemes


def test_a_heteronym_is_read_by_its_part_of_speech(lexicon: Lexicon) -> None:
    assert lexicon.pronounce("record", "NOUN", AT_PAUSE) == "ɹˈɛkəɹd"
    assert lexicon.pronounce("record", "VBD", AT_PAUSE) == "ɹəkˈɔɹd"
    assert lexicon.pronounce("records", "VERB", AT_PAUSE) == "ɹəkˈɔɹdz"


def test_capitals_add_stress(lexicon: Lexicon) -> None:
    assert lexicon.pronounce("we", "DEFAULT", BEFORE_VOWEL) == "wi"
    assert lexicon.pronounce("We", "DEFAULT", BEFORE_VOWEL) == "wˌi"
    assert lexicon.pronounce("WE", "DEFAULT", BEFORE_VOWEL) == "wˈi"


def test_small_letters_find_a_capitalised_entry(lexicon: Lexicon) -> None:
    assert lexicon.pronounce("paris", "DEFAULT", AT_PAUSE) == "pˈæɹəs"


def test_initialisms_are_spelt_with_the_stress_on_the_last_letter(lexicon: Lexicon) -> None:
    assert lexicon.pronounce("FBI", "NNP", AT_PAUSE) == "ˌɛfbˌiˈI"
    assert lexicon.pronounce("US", "NNP", AT_PAUSE) == "jˌuˈɛs"
    assert lexicon.pronounce("US", "DEFAULT", AT_PAUSE) == "ˈʌs"


def test_an_unknown_word_has_no_entry(lexicon: Lexicon) -> None:
    assert lexicon.pronounce("snorzle", "DEFAULT", AT_PAUSE) is None


@pytest.mark.parametrize("dialect", ["us", "gb"])
def test_the_real_data_hold_every_letter(english_files: EnglishFiles, dialect: Dialect) -> None:
    lexicon = Lexicon.load(english_files.lexicon, dialect)
    assert all(lexicon.spell(letter) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
