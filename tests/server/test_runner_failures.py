"""A runner dies or falls silent in the live service: it is said in time, the others serve, it comes back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import BUNDLE
from tests.live import LiveService
from tests.server.conftest import PATIENCE, SAID
from tests.server.load import Ended, not_whole, patient, prepared

pytestmark = [pytest.mark.server, pytest.mark.weights]

NOT_WAITING = 20.0  # seconds: far beyond its own limit, far below a hang
BACK = 60.0  # seconds until a test gives up on a runner that does not come back


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """A service of our own: what is done to it would disturb the others' tests.

    It believes to be in a container, where BentoML by itself ends a server of which a runner dies.
    """
    home = tmp_path_factory.mktemp("fragile")
    container = {"BENTOML_CONTAINERIZED": "true"}
    with LiveService.started(BUNDLE, home, environment=container) as service:
        yield service


@pytest.fixture
def http(fragile: LiveService) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fragile.url, timeout=PATIENCE) as client:
        yield client


def states(http: httpx.Client) -> tuple[int, dict[str, str]]:
    """Whom /health finds well; it does not wait for those who do not answer."""
    answer = http.get("/health", timeout=NOT_WAITING)
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
    fragile.runner("piper-joe").kill()
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
    hung = fragile.runner("silero-vad")
    os.kill(hung.pid, signal.SIGSTOP)
    try:
        status, found = states(http)
        assert (status, found.pop("silero-vad")) == (503, "silent")
        assert set(found.values()) == {"ok"}
        assert speak(http, "kokoro").status_code == 200
    finally:
        os.kill(hung.pid, signal.SIGCONT)
    wait_until_well(http)


NEEDS = {  # what each kind of request goes through
    "kokoro": {"kokoro"},
    "kokoro, events": {"kokoro"},
    "piper-joe": {"piper-joe"},
    "faster-whisper-tiny.en": {"faster-whisper-tiny.en", "silero-vad"},
    "faster-whisper-tiny.en, events": {"faster-whisper-tiny.en", "silero-vad"},
    "silero-vad": {"silero-vad"},
}


@pytest.mark.parametrize("name", ["silero-vad", "faster-whisper-tiny.en", "kokoro", "piper-joe"])
def test_under_load_a_killed_runner_fails_its_own_requests_and_no_others(
    fragile: LiveService, name: str
) -> None:
    ended, seconds = asyncio.run(_asked_while_one_dies(fragile, name))
    failed = not_whole(ended)
    print(f"{name}: {len(failed)} of {len(ended)} failed, well again after {seconds:.1f} s")
    assert set(NEEDS) == {one.kind for one in ended}
    assert [one for one in failed if name not in NEEDS[one.kind]] == []
    assert [one for one in failed if not (one.again or one.broke)] == []


async def _asked_while_one_dies(service: LiveService, name: str) -> tuple[list[Ended], float]:
    """All requests of clients that go on until the killed runner is back, and how long that took."""
    back = asyncio.Event()
    async with patient(service.url) as client:
        load = await prepared(client)

        async def one_after_another(kind: str) -> list[Ended]:
            ended = [await load.once(kind)]
            while not back.is_set():
                ended.append(await load.once(kind))
                await asyncio.sleep(0.1)  # for whoever is refused at once
            return [*ended, await load.once(kind)]

        clients = [asyncio.create_task(one_after_another(kind)) for kind in load.kinds]
        await asyncio.wait(clients, timeout=1)
        service.runner(name).kill()
        killed = time.perf_counter()
        while (await client.get("/health")).status_code == 200:  # until it is noticed
            await asyncio.sleep(0.1)
        while (await client.get("/health")).status_code != 200:
            assert time.perf_counter() - killed < BACK, "the runner did not come back"
            await asyncio.sleep(0.1)
        seconds = time.perf_counter() - killed
        back.set()
        return [one for ended in await asyncio.gather(*clients) for one in ended], seconds


# Sentences of some seconds: whoever waits for one is still waiting when its runner is killed again.
LONG = {
    "model": "kokoro",
    "input": " ".join(
        [SAID, *["And over hill and dale and stream and field it runs" * 2 + "."] * 4]
    ),
    "response_format": "pcm",
}


@contextlib.contextmanager
def killed_whenever_it_is_back(service: LiveService, name: str) -> Iterator[None]:
    """Once is not enough: a sentence whose runner died is asked for again."""
    enough = threading.Event()

    def kill() -> None:
        service.runner(name).kill()
        with httpx.Client(base_url=service.url, timeout=PATIENCE) as http:
            while not enough.wait(0.1):
                # Not before it serves: who waits for a process that has not come yet just waits on.
                if states(http)[1][name] == "ok":
                    service.runner(name).kill()

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
    asked = {**LONG, "input": " ".join([SAID] * 3)}
    whole = len(http.post("/v1/audio/speech", json=asked).content)
    with http.stream("POST", "/v1/audio/speech", json=asked) as answer:
        parts = answer.iter_raw()
        got = len(next(parts))
        fragile.runner("kokoro").kill()
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
