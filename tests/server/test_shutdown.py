"""SIGTERM ends the service: what it accepted finishes, nothing new is taken, nobody stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]
import pytest
import websockets
import websockets.sync.client

from runners.draining import public_beside
from runners.supervisor import TOGETHER_SECONDS
from tests.conftest import BUNDLE
from tests.live import STOP_SECONDS, LiveService
from tests.server.conftest import PATIENCE
from tests.server.load import Load, not_whole, patient, prepared

pytestmark = [pytest.mark.server, pytest.mark.weights]

LONG = "The first sentence is spoken for a while, and nobody will hear the end of it. " * 5


def test_a_client_that_hung_up_in_mid_speech_does_not_keep_the_service_from_ending(
    tmp_path: Path,
) -> None:
    with LiveService.started(BUNDLE, tmp_path) as service:
        with contextlib.suppress(httpx.ReadTimeout):
            httpx.post(
                f"{service.url}/v1/audio/speech",
                json={"model": "kokoro", "input": LONG},
                timeout=httpx.Timeout(30, read=0.3),
            )
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(STOP_SECONDS) == 0


@pytest.mark.parametrize(("everybody", "times"), [(False, 4), (True, 2)])
def test_what_was_accepted_finishes_and_nothing_new_is_taken(
    tmp_path: Path, everybody: bool, times: int
) -> None:
    """`kill` and Ctrl-C tell the supervisor, systemd every process at once."""
    with LiveService.started(BUNDLE, tmp_path) as service:
        family = psutil.Process(service.process.pid).children(recursive=True)
        told = [psutil.Process(service.process.pid), *(family if everybody else ())]
        asyncio.run(_asked_while_it_ends(service, told, times))
        assert service.process.wait(STOP_SECONDS) == 0
        assert psutil.wait_procs(family, STOP_SECONDS)[1] == []


async def _asked_while_it_ends(
    service: LiveService, told: Sequence[psutil.Process], times: int
) -> None:
    async with patient(service.url) as client:
        load = await prepared(client)
        asked = load.all_kinds(times)
        await _accepted(client, load)
        for process in told:
            process.terminate()
        await _refuses_new_clients(service)
        assert not all(request.done() for request in asked), "the load is too small"
        assert not_whole(await asyncio.gather(*asked)) == []


async def _accepted(client: httpx.AsyncClient, load: Load) -> None:
    """Return when the service has all requests before this one: it accepts in their order."""
    assert (await load.once("silero-vad")).whole
    assert (await client.get("/v1/models")).status_code == 200


async def _refuses_new_clients(service: LiveService) -> None:
    until = time.monotonic() + PATIENCE
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as stranger:
        while True:
            try:
                await stranger.get("/livez", headers={"connection": "close"})
            except httpx.ConnectError:
                return
            except httpx.TransportError:  # it had come to the closing door
                pass
            assert time.monotonic() < until, "new clients are still served"


def test_runners_do_not_wait_for_a_public_process_that_was_killed(tmp_path: Path) -> None:
    with LiveService.started(BUNDLE, tmp_path) as service:
        family = psutil.Process(service.process.pid).children(recursive=True)
        public = public_beside(service.process.pid)
        assert public is not None
        os.kill(public.pid, signal.SIGSTOP)  # it would drain for ever
        service.process.send_signal(signal.SIGTERM)
        gone, _ = psutil.wait_procs([one for one in family if one != public], 2)
        assert gone == []
        public.kill()
        assert service.process.wait(STOP_SECONDS) == 0
        assert psutil.wait_procs(family, STOP_SECONDS)[1] == []


def test_a_second_signal_breaks_off_what_is_left(tmp_path: Path) -> None:
    with LiveService.started(BUNDLE, tmp_path) as service:
        family = psutil.Process(service.process.pid).children(recursive=True)
        asked = {"model": "kokoro", "input": LONG * 20, "response_format": "pcm"}
        with (
            httpx.stream(
                "POST", f"{service.url}/v1/audio/speech", json=asked, timeout=PATIENCE
            ) as answer,
            pytest.raises(httpx.RemoteProtocolError),
        ):
            parts = answer.iter_raw()
            next(parts)
            service.process.send_signal(signal.SIGINT)
            time.sleep(2 * TOGETHER_SECONDS)
            assert service.process.poll() is None
            service.process.send_signal(signal.SIGINT)
            list(parts)
        assert service.process.wait(STOP_SECONDS) == 0
        assert psutil.wait_procs(family, STOP_SECONDS)[1] == []


def test_an_open_realtime_session_is_closed_and_does_not_keep_the_service_from_ending(
    tmp_path: Path,
) -> None:
    with LiveService.started(BUNDLE, tmp_path) as service:
        address = service.url.replace("http", "ws", 1) + "/v1/realtime"
        with websockets.sync.client.connect(address) as socket:
            socket.recv(timeout=30)
            service.process.send_signal(signal.SIGTERM)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                socket.recv(timeout=STOP_SECONDS)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code in (1001, 1012)
            assert service.process.wait(STOP_SECONDS) == 0
