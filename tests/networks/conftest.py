"""What front ends need besides code: dictionaries that no default model asks for, and optional extras."""

from __future__ import annotations

from pathlib import Path

import pytest

from networks.chinese.words import Chinese, ChineseMissing, load_chinese
from networks.melo.chinese import Syllables
from networks.melo.english import EnglishWords
from weights import Store


def pulled(store: Store, source: str) -> Path:
    """The folder of a source, or a skipped test that says how to get it."""
    status = store.status(source)
    if status.state != "ready":
        pytest.skip(f"{source} is {status.state}: scripts/models pull {source}")
    return status.place


@pytest.fixture(scope="session")
def cmudict(store: Store) -> Path:
    return pulled(store, "cmudict")


@pytest.fixture(scope="session")
def resemblyzer(store: Store) -> Path:
    return pulled(store, "resemblyzer") / "pretrained.pt"


@pytest.fixture(scope="session")
def chinese() -> Chinese:
    try:
        return load_chinese()
    except ChineseMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def melo_lexicon(store: Store) -> Path:
    return pulled(store, "melotts-lexicon")


@pytest.fixture(scope="session")
def english_words(store: Store, melo_lexicon: Path) -> EnglishWords:
    return EnglishWords.load(melo_lexicon, pulled(store, "english-guesser") / "checkpoint20.npz")


@pytest.fixture(scope="session")
def syllables(chinese: Chinese, melo_lexicon: Path) -> Syllables:
    return Syllables.load(melo_lexicon)
