"""Clients of the live service, and something for it to hear."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import openai
import pytest

from tests.live import LiveService
from tests.server.node_clients import install

SAID = "The quick brown fox jumps over the lazy dog."
PATIENCE = 120.0  # seconds until a test that hangs fails instead


@pytest.fixture(scope="session")
def http(live: LiveService) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=live.url, timeout=PATIENCE) as client:
        yield client


@pytest.fixture(scope="session")
def sdk(live: LiveService) -> Iterator[openai.OpenAI]:
    """OpenAI's own client; it does not try again, so that every failure is seen."""
    base = f"{live.url}/v1"
    with openai.OpenAI(base_url=base, api_key="none", max_retries=0, timeout=PATIENCE) as client:
        yield client


@pytest.fixture(scope="session")
def spoken(http: httpx.Client) -> bytes:
    """A wav file in which the service itself says SAID."""
    asked = {"model": "kokoro", "input": SAID, "response_format": "wav"}
    answer = http.post("/v1/audio/speech", json=asked)
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.fixture(scope="session")
def node_packages() -> None:
    """The JavaScript clients; skips where there is no node."""
    install()
