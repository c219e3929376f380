"""A runner dies or falls silent in the live service: it is said in time, the others serve, it comes back."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
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


LONG = {"model": "kokoro", "input": " ".join([SAID] * 40), "response_format": "pcm"}


@contextlib.contextmanager
def killed_whenever_it_is_back(service: LiveService, name: str) -> Iterator[None]:
    """Once is not enough: a sentence whose runner died is asked for again."""
    enough = threading.Event()

    def kill() -> None:
        while not enough.wait(0.2):
            with contextlib.suppress(ValueError, psutil.NoSuchProcess):  # it is not back yet
                runner(service, name).kill()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        enough.set()
        killer.join()


def test_a_stream_outlives_the_death_of_its_runner(
    fragile: LiveService, http: httpx.Client
) -> None:
    asked = {**LONG, "input": " ".join([SAID] * 6)}
    whole = len(http.post("/v1/audio/speech", json=asked).content)
    with http.stream("POST", "/v1/audio/speech", json=asked) as answer:
        parts = answer.iter_raw()
        got = len(next(parts))
        runner(fragile, "kokoro").kill()
        got += sum(map(len, parts))
    assert got == whole
    wait_until_well(http)


def test_a_stream_whose_runner_stays_dead_breaks_and_does_not_just_end(
    fragile: LiveService, http: httpx.Client
) -> None:
    with http.stream("POST", "/v1/audio/speech", json=LONG) as answer:
        parts = answer.iter_raw()
        next(parts)
        with (
            killed_whenever_it_is_back(fragile, "kokoro"),
            pytest.raises(httpx.RemoteProtocolError),
        ):
            list(parts)
    wait_until_well(http)
    assert speak(http, "kokoro").status_code == 200


def test_events_whose_runner_stays_dead_end_with_an_error(
    fragile: LiveService, http: httpx.Client
) -> None:
    asked = {**LONG, "stream_format": "sse"}
    with http.stream("POST", "/v1/audio/speech", json=asked) as answer:
        lines = answer.iter_lines()
        next(lines)
        with killed_whenever_it_is_back(fragile, "kokoro"):
            told = [line for line in lines if line]
    assert '"error"' in told[-1]
    wait_until_well(http)
