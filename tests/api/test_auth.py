"""Who may ask: keys and where they stand, roles, what is open, and a public address without keys."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import httpx
import httpx2
import openai
import pytest
from fastapi import Request

from api.access import CLOSED, MOST_KEYS, OPENED, AdminOnly
from api.front import behind, front
from callers import hash_of
from tests.api.house import PATIENCE, House, error_of

ANN, BOB, OPS = (f"hs-{name}-0123456789abcdef" for name in ("ann", "bob", "ops"))
KEYS = [
    {"name": "ann", "sha256": hash_of(ANN)},
    {"name": "bob", "sha256": hash_of(BOB)},
    {"name": "ops", "sha256": hash_of(OPS), "role": "admin"},
]
HEADERS: list[Callable[[str], tuple[str, str]]] = [
    lambda key: ("Authorization", f"Bearer {key}"),
    lambda key: ("authorization", f"bearer   {key} "),
    lambda key: ("Api-Key", key),
    lambda key: ("x-api-key", key),
    lambda key: ("xi-api-key", key),
]
SHUT = ["/v1/models", "/v1/audio/speech", "/speak", "/schema.json", "/docs.json", "/nowhere", "/v1"]
OPEN = ["/health", "/docs", "/redoc", "/openapi.json", "/static-offline-docs/swagger-ui.css", "/"]


def keyed(**auth: Any) -> House:
    return House(api={"auth": {"keys": KEYS, **auth}})


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


# Keys


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
def test_a_key_is_taken_wherever_a_client_puts_it(header: Callable[[str], tuple[str, str]]) -> None:
    house = keyed()
    for key, status in ((ANN, 200), (BOB, 200), (OPS, 200), (f"{ANN}x", 401), (ANN[:-1], 401)):
        assert house.get("/v1/models", headers=[header(key)]).status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ANN},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": f"Basic {ANN}"},
        {"api-key": ""},
        {"api-key": hash_of(ANN)},  # a file that leaks opens nothing
        {"api-key": "\xfc" * 20},
        {"cookie": f"api-key={ANN}"},
    ],
    ids=repr,
)
def test_without_a_known_key_nobody_is_served(headers: Mapping[str, str]) -> None:
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    for path in SHUT:
        answer = keyed().get(path, headers=encoded)
        assert answer.status_code == 401
        assert error_of(answer)["code"] == "invalid_api_key"
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["x-should-retry"] == "false"
        assert answer.headers["x-request-id"].startswith("req_")


def test_a_key_in_the_address_is_none(house: House) -> None:
    assert keyed().get(f"/v1/models?api_key={ANN}").status_code == 401


def test_a_refusal_tells_nothing_of_the_key_that_was_sent() -> None:
    answer = keyed().get("/v1/models", headers=bearer("hs-almost-the-right-one"))
    assert "almost" not in answer.text + repr(answer.headers)


def test_one_known_key_among_strangers_will_do() -> None:
    """As when a proxy puts a token of its own into Authorization."""
    headers = {**bearer("a-token-of-a-proxy"), "api-key": ANN, "x-api-key": ANN}
    assert keyed().get("/v1/models", headers=headers).status_code == 200


def test_the_keys_of_two_callers_are_refused() -> None:
    answer = keyed().get("/v1/models", headers={**bearer(ANN), "api-key": OPS})
    assert answer.status_code == 401
    assert "several callers" in error_of(answer)["message"]


def test_keys_by_the_thousand_are_not_even_looked_at() -> None:
    strangers = [("api-key", f"stranger-{number}") for number in range(MOST_KEYS)]
    answer = keyed().get("/v1/models", headers=[*strangers, ("api-key", ANN)])
    assert answer.status_code == 401
    assert str(MOST_KEYS) in error_of(answer)["message"]


@pytest.mark.parametrize("headers", [{}, bearer("wrong")], ids=["none", "wrong"])
def test_a_body_of_a_stranger_is_not_read(headers: Mapping[str, str]) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield bytes(1 << 16)

    house = keyed()
    for path in ("/v1/audio/transcriptions", "/v1/audio/speech", "/transcribe"):
        assert house.post(path, content=endless(), headers=headers).status_code == 401
    assert read == 0


@pytest.mark.parametrize("path", OPEN)
def test_probes_and_documentation_are_open(path: str) -> None:
    assert keyed().get(path).status_code in (200, 307)


@pytest.mark.parametrize(
    "path", ["/health/", "/docs/../v1/models", "/health%2f..%2fv1/models", "/docsx"]
)
def test_a_path_that_only_looks_open_is_not(path: str) -> None:
    assert keyed().get(path).status_code == 401


# Roles


def test_metrics_are_for_admins() -> None:
    house = keyed()
    answer = house.get("/metrics", headers=bearer(ANN))
    assert answer.status_code == 403
    assert error_of(answer)["code"] == "admin_only"
    assert house.get("/metrics").status_code == 401
    assert house.get("/metrics", headers=bearer(OPS)).status_code == 200


def with_an_admin_s_route(house: House) -> House:
    async def who(request: Request, _: AdminOnly) -> dict[str, str | None]:
        return {"name": request.state.caller.name}

    house.app.router.routes.insert(0, house.app.router.route_class("/v1/who", who))
    return house


def test_a_route_may_ask_for_an_admin() -> None:
    house = with_an_admin_s_route(keyed())
    assert house.get("/v1/who", headers=bearer(OPS)).json() == {"name": "ops"}
    refused = house.get("/v1/who", headers=bearer(ANN))
    assert (refused.status_code, error_of(refused)["code"]) == (403, "admin_only")


def test_who_was_never_identified_is_no_admin() -> None:
    house = with_an_admin_s_route(House())

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(house.app)  # what stands before it is left out
        async with httpx.AsyncClient(transport=transport, base_url="http://house") as client:
            return await client.get("/v1/who")

    assert asyncio.run(ask()).status_code == 403


def test_without_keys_the_operator_at_the_machine_is_the_admin(house: House) -> None:
    assert with_an_admin_s_route(house).get("/v1/who").json() == {"name": None}


def test_where_admins_have_keys_those_without_are_users() -> None:
    house = with_an_admin_s_route(keyed(open=True))
    assert house.get("/v1/models").status_code == 200
    assert house.get("/v1/who").status_code == 403
    assert house.get("/metrics").status_code == 403
    assert house.get("/v1/who", headers=bearer(OPS)).json() == {"name": "ops"}
    assert house.get("/v1/models", headers=bearer("wrong")).status_code == 401


# A public address


def test_a_public_address_without_keys_answers_nobody(caplog: pytest.LogCaptureFixture) -> None:
    house = House(public=True)
    for path in SHUT:
        for headers in ({}, bearer(ANN)):
            answer = house.get(path, headers=headers)
            assert answer.status_code == 401
            message = error_of(answer)["message"]
    for way_out in ("api.auth.keys", "HARMONY_API_KEYS", "--host 127.0.0.1", "api.auth.open: true"):
        assert way_out in message
    assert all(house.get(path).status_code in (200, 307) for path in OPEN)
    assert caplog.messages.count(CLOSED) == 1


def test_a_public_address_may_be_opened(caplog: pytest.LogCaptureFixture) -> None:
    house = House(public=True, api={"auth": {"open": True}})
    assert house.get("/v1/models").status_code == 200
    assert caplog.messages == [OPENED]


def test_a_public_address_with_keys_serves_who_has_one(caplog: pytest.LogCaptureFixture) -> None:
    house = House(public=True, api={"auth": {"keys": KEYS}})
    assert house.get("/v1/models", headers=bearer(ANN)).status_code == 200
    assert house.get("/v1/models").status_code == 401
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("address", "status"),
    [("127.0.0.1", 200), ("::1", 200), ("192.0.2.7", 401), ("2001:db8::7", 401)],
)
def test_what_arrives_from_outside_is_refused_whatever_the_start_found(
    house: House, address: str, status: int
) -> None:
    host = f"[{address}]" if ":" in address else address
    assert house.get(f"http://{host}:3000/v1/models").status_code == status


# Pages of other origins


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://house", 200),
        ("https://house", 200),
        ("http://house:81", 403),
        ("https://evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_without_a_key_a_page_of_another_origin_is_refused(
    house: House, origin: str, status: int
) -> None:
    answer = house.post(
        "/v1/audio/speech", json={"model": "voice", "input": "Hi."}, headers={"origin": origin}
    )
    assert answer.status_code == status
    assert len(house.synthesizer.jobs) == (1 if status == 200 else 0)


def test_with_a_key_the_origin_does_not_matter() -> None:
    headers = {**bearer(ANN), "origin": "https://elsewhere.example"}
    assert keyed().get("/v1/models", headers=headers).status_code == 200


# Websockets


def handshake(
    house: House, *protocols: str, denial: bool = True, headers: Mapping[str, str] | None = None
) -> tuple[list[Any], list[dict[str, Any]]]:
    """What a websocket's route sees, and what is sent to the client: nothing of it by the route."""
    seen: list[Any] = []
    sent: list[dict[str, Any]] = []

    async def route(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["state"]["caller"])

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    given = dict(headers or {})
    if protocols:
        given["sec-websocket-protocol"] = ", ".join(protocols)
    scope: dict[str, Any] = {
        "type": "websocket",
        "path": "/v1/realtime",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "extensions": {"websocket.http.response": {}} if denial else {},
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    served = behind(front(house.app.state.settings.api, house.public), route)
    asyncio.run(asyncio.wait_for(served(scope, receive, send), PATIENCE))
    return seen, sent


def test_a_websocket_brings_its_key_as_a_header_or_as_a_subprotocol() -> None:
    for seen, sent in (
        handshake(keyed(), "realtime", f"openai-insecure-api-key.{ANN}", "openai-beta.x"),
        handshake(keyed(), headers=bearer(ANN)),
    ):
        assert [caller.name for caller in seen] == ["ann"]
        assert sent == []


@pytest.mark.parametrize("protocols", [[], ["realtime"], ["openai-insecure-api-key.wrong"], [ANN]])
def test_a_websocket_without_a_known_key_is_refused_before_the_handshake(
    protocols: list[str],
) -> None:
    seen, sent = handshake(keyed(), *protocols)
    assert seen == []
    assert sent[0]["type"] == "websocket.http.response.start"
    assert sent[0]["status"] == 401
    assert b"invalid_api_key" in sent[1]["body"]
    seen, sent = handshake(keyed(), *protocols, denial=False)
    assert seen == []
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_a_websocket_of_another_origin_s_page_is_refused(house: House) -> None:
    seen, sent = handshake(house, headers={"origin": "https://evil.example", "host": "house"})
    assert (seen, sent[0]["status"]) == ([], 403)
    assert len(handshake(house, headers={"origin": "http://house", "host": "house"})[0]) == 1


# OpenAI's SDK


def test_the_sdk_knows_a_refused_key_by_its_own_error() -> None:
    house = keyed()

    async def ask(key: str) -> list[str]:
        transport = httpx2.ASGITransport(house.served)  # what the SDK is built on
        async with (
            httpx2.AsyncClient(transport=transport) as http,
            openai.AsyncOpenAI(base_url="http://house/v1", api_key=key, http_client=http) as sdk,
        ):
            return [model.id for model in (await sdk.models.list()).data]

    assert "voice" in asyncio.run(ask(ANN))
    with pytest.raises(openai.AuthenticationError) as refused:
        asyncio.run(ask("wrong"))
    assert refused.value.code == "invalid_api_key"
