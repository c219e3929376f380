"""What is told of a request: its line, its numbers, its Server-Timing, whatever became of it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx
import pytest

from api.routes import OTHER, template_of
from tests.api.house import House, Visit
from tests.api.sockets import talking
from tests.fakes import FakeSynthesizer, Hold


def fields(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    told = [record for record in caplog.records if record.name == "api.requests"]
    return [{"level": record.levelname, **record.__dict__["fields"]} for record in told]


def series(name: str, **labels: str) -> float:
    from prometheus_client import REGISTRY

    return REGISTRY.get_sample_value(f"harmony_speech_{name}", labels) or 0.0


@pytest.fixture(autouse=True)
def everything_is_heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "api.requests")


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/audio/speech", "/v1/audio/speech"),
        ("/v1/models/voice", "/v1/models/{model}"),
        ("/health", "/health"),
        ("/livez", "/livez"),
        ("/metrics", "/metrics"),
        ("/docs", "/docs"),
        ("/", "/"),
        ("/static-offline-docs/anything", "/static-offline-docs/"),
        ("/v1/audio/speech/", OTHER),
        ("/nowhere", OTHER),
        ("", OTHER),
    ],
)
def test_a_path_is_told_as_its_route(path: str, route: str) -> None:
    assert template_of(path).replace(":path", "") == route


def test_a_request_has_one_line(caplog: pytest.LogCaptureFixture) -> None:
    answer = House().speak(response_format="wav")
    (told,) = fields(caplog)
    assert told["level"] == "INFO"
    assert (told["method"], told["route"], told["status"]) == ("POST", "/v1/audio/speech", 200)
    assert told["bytes"] == len(answer.content)
    assert 0 < told["first_byte_seconds"] <= told["seconds"]
    assert told["caller"] is None


@pytest.mark.parametrize("path", ["/health", "/metrics"])
def test_what_machines_ask_all_the_time_is_told_in_detail_only(
    caplog: pytest.LogCaptureFixture, path: str
) -> None:
    assert House().get(path).status_code == 200
    assert [told["level"] for told in fields(caplog)] == ["DEBUG"]


def test_a_refusal_a_failure_and_a_departure_are_told(caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    house.get("/nowhere/secret")
    house.request("BREW", "/v1/models/secret")
    house.synthesizer.failures = {0: ValueError("secret")}
    house.speak()
    statuses = [(told["method"], told["route"], told["status"]) for told in fields(caplog)]
    assert statuses == [
        ("GET", OTHER, 404),
        ("other", template_of("/v1/models/secret"), 405),
        ("POST", "/v1/audio/speech", 500),
    ]
    assert "secret" not in caplog.text.replace("ValueError: secret", "")


def test_a_client_that_left_is_told_as_such(caplog: pytest.LogCaptureFixture) -> None:
    hold = Hold()
    house = House()
    house.synthesizer.holds = {0: hold}
    asked = httpx.Request(
        "POST", "http://house/v1/audio/speech", json={"model": "voice", "input": "Hello."}
    )

    asyncio.run(Visit(house, asked).run_until_left_at(hold.reached))
    (told,) = fields(caplog)
    assert (told["status"], told["first_byte_seconds"]) == (499, None)
    assert series("requests_in_flight") == 0


def test_requests_are_counted_by_route_method_and_status() -> None:
    labels = {"route": OTHER, "method": "GET", "status": "404"}
    before = series("request_seconds_count", **labels)
    begun = series("first_byte_seconds_count", route=OTHER)
    for number in range(3):
        House().get(f"/nowhere/{number}")
    assert series("request_seconds_count", **labels) == before + 3
    assert series("first_byte_seconds_count", route=OTHER) == begun  # of good answers only


def test_how_runners_stand_is_asked_when_the_numbers_are() -> None:
    house = House()
    assert 'harmony_speech_runner_up{runner="voice"} 1.0' in house.get("/metrics").text
    assert series("circuit_open", runner="voice") == 0
    house.services["voice"].broken = ConnectionRefusedError()
    assert 'harmony_speech_runner_up{runner="voice"} 0.0' in house.get("/metrics").text
    assert series("model_loaded", runner="voice") == 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models", 200),
        ("HEAD", "/", 307),
        ("GET", "/nowhere", 404),
        ("DELETE", "/v1/models", 405),
        ("POST", "/v1/audio/speech", 400),
        ("GET", "/health", 200),
        ("GET", "/metrics", 200),
    ],
)
def test_server_timing_is_on_every_answer(method: str, path: str, status: int) -> None:
    answer = House().request(method, path)
    assert answer.status_code == status
    assert answer.headers["server-timing"].startswith("queue;dur=")
    assert "total;dur=" in answer.headers["server-timing"]


def test_server_timing_is_on_what_never_reaches_a_route() -> None:
    origin = "https://a.example"
    house = House(api={"auth": {"keys": [{"name": "ann", "sha256": "0" * 64}]},
                       "cors": {"origins": [origin]}})  # fmt: skip
    assert "total;dur=" in house.get("/v1/models").headers["server-timing"]
    asks = {"origin": origin, "access-control-request-method": "POST"}
    preflight = house.request("OPTIONS", "/v1/audio/speech", headers=asks)
    assert preflight.status_code == 200
    assert preflight.headers["x-request-id"]
    assert "total;dur=" in preflight.headers["server-timing"]


def test_a_socket_has_a_line_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        async with talking(House()):
            assert series("realtime_sessions") == 1

    asyncio.run(scene())
    (told,) = fields(caplog)
    assert (told["method"], told["route"], told["status"]) == ("WEBSOCKET", "/v1/realtime", 101)
    assert told["bytes"] > 0
    assert series("realtime_sessions") == 0


def test_requests_that_a_fallback_served_are_counted() -> None:
    before = series("fallbacks_total", model="voice")
    house = House(spare=FakeSynthesizer())
    house.services["voice"].broken = ConnectionRefusedError()
    assert house.speak().status_code == 200
    assert series("fallbacks_total", model="voice") == before + 1
