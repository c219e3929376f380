"""The whole HTTP app in one process, its runners faked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import audio
from tests.api.house import House
from tests.fakes import spoken_sound


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def furnished() -> Callable[..., House]:
    """A house with fakes or limits other than the usual ones."""

    def build(**changes: Any) -> House:
        return House(**changes)

    return build


@pytest.fixture(scope="session")
def wav() -> bytes:
    """A second of speech after half a second of silence, as a file."""
    return audio.encode(spoken_sound((0.5, 1.0)), "wav")
