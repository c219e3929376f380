"""SIGTERM ends the service, whatever its clients did before."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path

import httpx
import pytest
import websockets
import websockets.sync.client

from tests.conftest import BUNDLE
from tests.live import STOP_SECONDS, LiveService

LONG = "The first sentence is spoken for a while, and nobody will hear the end of it. " * 5


@pytest.mark.server
@pytest.mark.weights
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
        assert service.process.wait(STOP_SECONDS) is not None


@pytest.mark.server
@pytest.mark.weights
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
            assert service.process.wait(STOP_SECONDS) is not None
