"""A runner dies or falls silent in the live service: it is said in time, the others serve, it comes back."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

from tests.conftest import BUNDLE
from tests.live import LiveService
from tests.server.conftest import PATIENCE, SAID

pytestmark = [pytest.mark.server, pytest.mark.weights]

IN_TIME = 2.0  # seconds, as the issue wants it
BACK = 60.0  # seconds until a test gives up on a runner that does not come back


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """A service of our own: what is done to it would disturb the others' tests."""
    with LiveService.started(BUNDLE, tmp_path_factory.mktemp("fragile")) as service:
        yield service


@pytest.fixture
def http(fragile: LiveService) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fragile.url, timeout=PATIENCE) as client:
        yield client


def runner(service: LiveService, name: str) -> Any:
    """The process that hosts a model, by its command line."""
    found = []
    for child in psutil.Process(service.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # one that died just now
            found += [child] if name in child.cmdline() else []
    (only,) = found
    return only


def states(http: httpx.Client) -> tuple[int, dict[str, str]]:
    """Whom /health finds well, which it must say in time."""
    started = time.perf_counter()
    answer = http.get("/health")
    assert time.perf_counter() - started < IN_TIME
    runners = answer.json()["runners"]
    return answer.status_code, {name: state["status"] for name, state in runners.items()}


def wait_until_well(http: httpx.Client) -> None:
    until = time.monotonic() + BACK
    while states(http)[0] != 200:
        assert time.monotonic() < until, "the runner did not come back"


def speak(http: httpx.Client, model: str) -> httpx.Response:
    return http.post("/v1/audio/speech", json={"model": model, "input": "Hello."})


def test_a_runner_that_is_killed_is_named_and_comes_back(
    fragile: LiveService, http: httpx.Client
) -> None:
    assert speak(http, "piper-joe").status_code == 200
    runner(fragile, "piper-joe").kill()
    status, found = states(http)
    assert status == 503
    assert found.pop("piper-joe") in ("unreachable", "silent")
    assert set(found.values()) == {"ok"}
    assert speak(http, "kokoro").status_code == 200
    assert http.get("/v1/models").status_code == 200
    assert http.get("/livez").status_code == 200
    wait_until_well(http)
    assert speak(http, "piper-joe").status_code == 200


def test_a_runner_that_hangs_is_named_and_goes_on(fragile: LiveService, http: httpx.Client) -> None:
    hung = runner(fragile, "silero-vad")
    os.kill(hung.pid, signal.SIGSTOP)
    try:
        status, found = states(http)
        assert (status, found.pop("silero-vad")) == (503, "silent")
        assert set(found.values()) == {"ok"}
        assert speak(http, "kokoro").status_code == 200
    finally:
        os.kill(hung.pid, signal.SIGCONT)
    wait_until_well(http)


def test_a_stream_whose_runner_dies_breaks_and_does_not_just_end(
    fragile: LiveService, http: httpx.Client
) -> None:
    asked = {"model": "kokoro", "input": " ".join([SAID] * 40), "response_format": "pcm"}
    with (
        pytest.raises(httpx.RemoteProtocolError),
        http.stream("POST", "/v1/audio/speech", json=asked) as answer,
    ):
        for number, _ in enumerate(answer.iter_raw()):
            if number == 0:
                runner(fragile, "kokoro").kill()
    wait_until_well(http)
    assert speak(http, "kokoro").status_code == 200


def test_events_whose_runner_dies_end_with_an_error(
    fragile: LiveService, http: httpx.Client
) -> None:
    asked = {
        "model": "kokoro", "input": " ".join([SAID] * 40), "response_format": "pcm",
        "stream_format": "sse",
    }  # fmt: skip
    with http.stream("POST", "/v1/audio/speech", json=asked) as answer:
        lines: list[str] = []
        for line in answer.iter_lines():
            if not lines:
                runner(fragile, "kokoro").kill()
            lines.append(line)
    assert '"error"' in [line for line in lines if line][-1]
    wait_until_well(http)
