"""A runner on TCP: nobody is heard without the token; on its unix socket everybody is."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from callers import hash_of
from runners.guard import MISSING, WRONG, Guarded
from runners.hosting import runner_service
from settings import RunnerSettings
from tests.fakes import Speaks

TOKEN = "a-token-of-32-characters-or-more"
TCP, UNIX = ("192.0.2.1", 3000), ("/tmp/bentoml-uds/1.sock", None)
PICKLE = (b"content-type", b"application/vnd.bentoml+pickle")


def call(
    token_hash: str | None, server: Any, authorization: bytes | None, path: str = "/run",
    kind: str = "http",
) -> list[Message]:  # fmt: skip
    """What a caller gets; 204 is the answer of what the guard let it through to."""
    sent: list[Message] = []

    async def runner(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def receive() -> Message:
        raise AssertionError("the body was read")

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [PICKLE] + ([(b"authorization", authorization)] if authorization is not None else [])
    scope = {"type": kind, "path": path, "headers": headers, "server": server}
    asyncio.run(Guarded(runner, token_hash)(scope, receive, send))
    return sent


@pytest.mark.parametrize("server", [TCP, ("127.0.0.1", 3000), ("::1", 3000), None, ("", None)])
@pytest.mark.parametrize(
    "authorization",
    [None, b"", b"Bearer", b"Bearer ", b"Bearer wrong", b"Basic " + TOKEN.encode(), TOKEN.encode(), b"\xff",
     b"Bearer " + TOKEN.encode() + b"x", b"Bearer " + hash_of(TOKEN).encode()],
)  # fmt: skip
def test_a_stranger_on_tcp_is_refused_before_its_body_is_read(
    server: Any, authorization: bytes | None
) -> None:
    for token_hash, reason in ((hash_of(TOKEN), WRONG), (None, MISSING)):
        start, body = call(token_hash, server, authorization)
        assert start["status"] == 401
        assert json.loads(body["body"]) == {"error": reason}


def test_without_a_token_nothing_opens_a_runner_on_tcp() -> None:
    for given in (b"Bearer " + TOKEN.encode(), b"Bearer ", b"Bearer None"):
        assert call(None, TCP, given)[0]["status"] == 401


def test_who_has_the_token_is_heard() -> None:
    assert call(hash_of(TOKEN), TCP, b"Bearer " + TOKEN.encode())[0]["status"] == 204


@pytest.mark.parametrize("token_hash", [None, hash_of(TOKEN)])
def test_the_machine_s_own_service_needs_no_token(token_hash: str | None) -> None:
    assert call(token_hash, UNIX, None)[0]["status"] == 204


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz"])
def test_probes_are_answered(path: str) -> None:
    assert call(None, TCP, None, path)[0]["status"] == 204


@pytest.mark.parametrize("path", ["/card", "/metrics", "/schema.json", "/livez/", "/readyz/../run"])
def test_nothing_else_is(path: str) -> None:
    assert call(hash_of(TOKEN), TCP, None, path)[0]["status"] == 401


def test_a_websocket_is_closed() -> None:
    (sent,) = call(hash_of(TOKEN), TCP, None, kind="websocket")
    assert sent["type"] == "websocket.close"


def test_every_runner_service_is_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = RunnerSettings(name="voice", model="none", model_type="tests.fakes:Speaks")

    def load(settings: RunnerSettings) -> Any:
        return Speaks()

    for token, expected in ((TOKEN, hash_of(TOKEN)), ("", None)):
        monkeypatch.setenv("BENTO_CLOUD_API_KEY", token)
        service = runner_service(entry, load)
        assert (Guarded, {"token_hash": expected}) in service.middlewares
