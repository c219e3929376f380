"""The reference rows of a language, stage by stage, beside what we make of them.

A language is built twice: `faithful` must give every row, but for what a test lists; as it is by default it
differs where the original loses or garbles text, and `deviations_<language>.json` says for what reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from networks.melo.flow import CODES, Ids, Language, Phones, Table, Tokenizer
from tests.golden import golden, golden_rows

Row = dict[str, Any]


def symbols() -> list[str]:
    """The default symbols; a checkpoint brings its own order."""
    tables = json.loads((golden("text") / "symbols_melotts.json").read_text(encoding="utf-8"))
    listed: list[str] = tables["symbols"]
    return listed


def stages(name: str) -> Iterator[Row]:
    """Every text that was normalised, with what the original made of it."""
    for row in golden_rows(f"melotts_{name}"):
        yield row
        if "tokens" in row.get("accents_kept", {}):
            yield {**row, **row["accents_kept"]}
        for piece, given in zip(row["pieces"], row.get("flow", ()), strict="flow" in row):
            yield {"text": piece, "kind": row["kind"], **given}


def recorded(row: Row) -> Tokenizer:
    """A tokenizer that gives what the original's gave for this row."""
    return lambda _: list(row["tokens"])


def other_norms(language: Language, name: str) -> tuple[int, set[str]]:
    """How many texts are normalised as in the original, and the kinds of the others."""
    same, others = 0, set()
    for row in stages(name):
        if "norm" not in row:
            continue
        if language.normalize(row["text"]) == row["norm"]:
            same += 1
        else:
            others.add(row["kind"])
    return same, others


def other_phones(language: Language, name: str) -> tuple[int, set[str]]:
    """How many rows of recorded tokens give the same phones and counts, and the kinds of the others."""
    same, others = 0, set()
    for row in stages(name):
        if "phones" not in row:
            continue
        spoken = language.speak(row["norm"], recorded(row))
        wanted = Phones(tuple(row["phones"]), tuple(row["tones"]), tuple(row["word2ph"]))
        if spoken == wanted:
            same += 1
        else:
            others.add(row["kind"])
    return same, others


def compare_texts(language: Language, name: str) -> int:
    """How many texts become the original's norms, piece by piece; the others must be as listed."""
    meant = deviations(name)
    same, differing = 0, set()
    for row in golden_rows(f"melotts_{name}"):
        text = row["text"]
        norms = [language.normalize(piece) for piece in language.pieces(text)]
        original = [given["norm"] for given in row.get("flow", [row])]
        if text in meant:
            assert norms == meant[text] != original, text
            differing.add(text)
        else:
            assert norms == [norm for norm in original if norm], text
            same += 1
    assert differing == set(meant), "a deviation that no reference row shows any more"
    return same


def deviations(name: str) -> dict[str, list[str]]:
    """What we make of a text where that is not what the original makes of it.

    The reasons in the file are rows of the tables in the documentation.
    """
    path = Path(__file__).with_name(f"deviations_{name}.json")
    by_reason: dict[str, dict[str, list[str]]] = json.loads(path.read_text(encoding="utf-8"))
    return {text: norms for texts in by_reason.values() for text, norms in texts.items()}


def compare_splits(language: Language, code: str) -> tuple[int, int]:
    """How many of the longer texts are cut as in the original, and how many there are."""
    rows = [row for row in golden_rows("sentence_split") if row["lang"] == code]
    rows = [row for row in rows if "melo" in row["system"].lower()]
    return sum(language.pieces(row["text"]) == row["pieces"] for row in rows), len(rows)


def ids_of(language: Language, name: str, code: str) -> int:
    """How many rows become the original's ids, from the norm and its tokens on."""
    table = Table(symbols(), CODES[code])
    same = 0
    for row in stages(name):
        if "ids" in row:
            ids = table.ids(language.speak(row["norm"], recorded(row)))
            given = row["ids"]
            wanted = Ids(given["phone"], given["tone"], given["lang"], given["word2ph"])
            same += ids == wanted
    return same
