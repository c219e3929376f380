"""Optional extras: what is said without them, that threads share a language, that docs list what differs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from networks.extras import ExtraMissing
from networks.melo.flow import Language
from networks.melo.japanese.front_end import Japanese
from networks.melo.korean.front_end import Korean
from networks.melo.romance.french import French
from networks.melo.romance.pronouncing import Dictionary, Pronouncer
from networks.melo.romance.spanish import Spanish
from tests.networks.melo.anything import whole_words

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_a_missing_dictionary_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ExtraMissing, match=r"Spanish .*gruut_lang_xx.*requirements/spanish\.txt"):
        Pronouncer.load("gruut_lang_xx", "spanish")
    monkeypatch.setitem(sys.modules, "pykakasi", None)
    with pytest.raises(ExtraMissing, match=r"Japanese .*pykakasi.*requirements/japanese\.txt"):
        Japanese.load()


def test_a_dictionary_finds_its_words_and_no_others() -> None:
    dictionary = Dictionary([("a", "1"), ("ab", "2"), ("ábc", "3")])
    assert [dictionary.get(word) for word in ("a", "ab", "ábc")] == ["1", "2", "3"]
    assert [dictionary.get(word) for word in ("", "aa", "b", "z", "ábcd", "a\t1", "\ud83d")] == [
        None
    ] * 7


@pytest.mark.parametrize(
    ("load", "text"),
    [
        (Spanish.load, "El zorrillo número 21 salta 3,5 metros sobre bríndisque."),
        (French.load, "Le 21e zorglub saute cent un mètres, brindisque."),
        (Japanese.load, "時々、東京で髙橋さんと3時に会います。"),
        (Korean, "국물이 3개 있고 늦어서 computer를 껐다."),
    ],
)
def test_threads_share_a_language(load: Callable[[], Language], text: str) -> None:
    def read(_: int) -> list[object]:
        return [
            language.speak(language.normalize(piece), whole_words)
            for piece in language.pieces(text)
        ]

    try:
        language = load()
    except ExtraMissing as missing:
        pytest.skip(str(missing))
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(read, range(64)))
    assert results == [load_again(load, text)] * 64


def load_again(load: Callable[[], Language], text: str) -> list[object]:
    """What an instance of its own makes of a text."""
    language = load()
    return [
        language.speak(language.normalize(piece), whole_words) for piece in language.pieces(text)
    ]


@pytest.mark.parametrize("name", ["es", "fr", "jp", "kr"])
def test_the_documentation_has_every_reason_to_differ(name: str) -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("text*.md")))
    path = Path(__file__).with_name(f"deviations_{name}.json")
    reasons = json.loads(path.read_text(encoding="utf-8"))
    assert [reason for reason in reasons if f"| {reason} |" not in pages] == []
