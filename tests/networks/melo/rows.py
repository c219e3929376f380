"""How a language's own output is compared with the reference rows, stage by stage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from networks.melo.flow import Language, Phones, Tokenizer
from tests.golden import golden_rows


def readings(name: str) -> Iterator[dict[str, Any]]:
    """The rows of a file and, where a text was cut, its pieces."""
    for row in golden_rows(name):
        yield row
        yield from row.get("flow", ())


def deviations(name: str) -> dict[str, str]:
    """What we normalise a text to where that differs from the reference on purpose.

    The reasons in the file are rows of the tables in docs/text.md.
    """
    path = Path(__file__).with_name(f"deviations_{name}.json")
    by_reason: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return {text: ours for texts in by_reason.values() for text, ours in texts.items()}


def recorded(tokens: list[Any]) -> Tokenizer:
    """A tokenizer that gives what the original's gave for this text, or for each segment of it."""
    if tokens and isinstance(tokens[0], list):
        return lambda segment: dict(tokens)[segment]
    return lambda text: list(tokens)


def compare_norms(language: Language, name: str) -> int:
    """How many texts normalise to what the original made of them; the others must be meant."""
    meant = deviations(name.removeprefix("melotts_"))
    same, differing = 0, set()
    for reading in readings(name):
        norm = language.normalize(reading["text"])
        if reading["text"] in meant:
            assert norm == meant[reading["text"]] != reading["norm"]
            differing.add(reading["text"])
        else:
            assert norm == reading["norm"], reading["text"]
            same += 1
    assert differing == set(meant), "a deviation that no reference row shows any more"
    return same


def compare_phones(language: Language, name: str, *, except_for: frozenset[str]) -> int:
    """How many norms with recorded tokens give the original's phones, tones and counts."""
    same = 0
    for reading in readings(name):
        if "phones" not in reading or reading["norm"] in except_for:
            continue
        spoken = language.speak(reading["norm"], recorded(reading.get("tokens", [])))
        wanted = Phones(
            tuple(reading["phones"]), tuple(reading["tones"]), tuple(reading["word2ph"])
        )
        assert spoken == wanted, reading["norm"]
        same += 1
    return same
