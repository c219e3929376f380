"""What tests share: real weights, spoken clips, and one live service for the whole run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import settings
from tests.live import LiveService
from weights import Store

BUNDLE = Path(__file__).resolve().parent.parent


@attrs.frozen
class EnglishFiles:
    lexicon: Path
    guesser: Path


@pytest.fixture(scope="session")
def store() -> Store:
    """The weights that `scripts/test` has pulled; nothing is downloaded while tests run."""
    return Store(settings.weights_root(), offline=True)


@pytest.fixture(scope="session")
def english_files(store: Store) -> EnglishFiles:
    return EnglishFiles(
        lexicon=store.fetch("english-lexicon"),
        guesser=store.fetch("english-guesser") / "checkpoint20.npz",
    )


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """The real `bentoml serve` with the embedded default configuration, on a port of its own."""
    with LiveService.started(BUNDLE, tmp_path_factory.mktemp("service")) as service:
        yield service
