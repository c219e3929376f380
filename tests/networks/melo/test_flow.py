"""What all languages of MeloTTS share: groups, dealing, edges, blanks and ids."""

from __future__ import annotations

import json

import pytest

from networks.melo.flow import (
    CODES,
    Code,
    FrontEnd,
    Ids,
    Phones,
    Table,
    deal,
    doubled,
    grouped,
    interspersed,
    speak_groups,
)
from networks.unreadable import UnreadableText
from tests.golden import golden, golden_rows

LANGUAGES = {
    "en": "EN",
    "zh": "ZH",
    "zh_mix_en": "ZH_MIX_EN",
    "jp": "JP",
    "kr": "KR",
    "es": "ES",
    "fr": "FR",
}


def melo_symbols() -> list[str]:
    tables = json.loads((golden("text") / "symbols_melotts.json").read_text(encoding="utf-8"))
    symbols: list[str] = tables["symbols"]
    return symbols


@pytest.mark.parametrize("language", LANGUAGES)
def test_phones_become_the_ids_that_the_original_gave(language: str) -> None:
    table = Table(melo_symbols(), CODES[LANGUAGES[language]])
    compared = 0
    for row in golden_rows(f"melotts_{language}"):
        for given in (row, *row.get("flow", ())):
            if "ids" not in given:
                continue
            spoken = Phones(tuple(given["phones"]), tuple(given["tones"]), tuple(given["word2ph"]))
            ids = table.ids(spoken)
            wanted = given["ids"]
            assert ids == Ids(wanted["phone"], wanted["tone"], wanted["lang"], wanted["word2ph"]), (
                given
            )
            assert sum(ids.word2ph) == len(ids.phones)
            compared += 1
    assert compared > 50


def test_a_phone_that_the_checkpoint_lacks_is_named() -> None:
    with pytest.raises(UnreadableText, match="no symbol for ŋ"):
        Table(["_", "a"], CODES["KR"]).ids(Phones(("_", "ŋ"), (0, 0), (1, 1)))


def test_without_blanks_nothing_is_doubled() -> None:
    table = Table(["_", "a"], Code(3, 6), add_blank=False)
    assert table.ids(Phones(("_", "a"), (0, 1), (1, 1))) == Ids([0, 1], [6, 7], [3, 3], [1, 1])


def test_tokens_of_a_word_are_grouped() -> None:
    assert grouped(["play", "##ing", "chess", "."]) == [["play", "ing"], ["chess"], ["."]]


def test_a_number_sign_is_a_token_of_its_own_also_at_the_start() -> None:
    assert grouped(["#", "1", "c", "#", "##"]) == [["#"], ["1"], ["c"], ["#"], ["##"]]
    assert grouped(["##ing"]) == [["##ing"]]


@pytest.mark.parametrize(
    ("phones", "tokens", "dealt"),
    [(7, 3, (3, 2, 2)), (2, 4, (1, 1, 0, 0)), (0, 2, (0, 0)), (3, 1, (3,))],
)
def test_phones_are_dealt_evenly_and_the_first_token_gets_more(
    phones: int, tokens: int, dealt: tuple[int, ...]
) -> None:
    assert deal(phones, tokens) == dealt


def test_a_group_is_read_as_one_word() -> None:
    heard: list[str] = []

    def read(word: str) -> tuple[list[str], list[int]]:
        heard.append(word)
        return list(word), [1] * len(word)

    spoken = speak_groups([["ab", "c"], ["."]], read)
    assert heard == ["abc", "."]
    assert spoken == Phones(("a", "b", "c", "."), (1, 1, 1, 1), (2, 1, 1))
    assert spoken.framed() == Phones(
        ("_", "a", "b", "c", ".", "_"), (0, 1, 1, 1, 1, 0), (1, 2, 1, 1, 1)
    )


def test_blanks_stand_around_every_id() -> None:
    assert interspersed([5, 6]) == [0, 5, 0, 6, 0]
    assert interspersed([]) == [0]
    assert doubled([1, 2, 1]) == [3, 4, 2]


class Letters:
    """A language whose letters are its phones."""

    def pieces(self, text: str) -> list[str]:
        return text.splitlines()

    def normalize(self, piece: str) -> str:
        return piece.lower()

    def speak(self, norm: str, tokenize: object) -> Phones:
        letters = tuple(filter(str.isalpha, norm))
        return Phones(letters, (0,) * len(letters), (1,) * len(letters)).framed()


def test_a_front_end_reads_a_piece() -> None:
    front_end = FrontEnd(Letters(), str.split, Table(["_", "a", "b"], CODES["EN"]))
    assert front_end.pieces("AB\nb") == ["AB", "b"]
    reading = front_end.read("AB")
    assert reading.norm == "ab"
    assert reading.ids.phones == [0, 0, 0, 1, 0, 2, 0, 0, 0]


def test_a_piece_that_says_nothing_is_refused() -> None:
    front_end = FrontEnd(Letters(), str.split, Table(["_"], CODES["EN"]))
    with pytest.raises(UnreadableText, match="nothing in this text"):
        front_end.read("?!")
