"""GET /health: answers in time, whoever is dead."""

from __future__ import annotations

import aiohttp
import pytest
from bentoml.exceptions import RemoteException, ServiceUnavailable

from tests.api.house import House


def test_all_is_well_while_every_runner_answers(house: House) -> None:
    answer = house.get("/health")
    assert answer.status_code == 200
    state = answer.json()
    assert state["status"] == "ok"
    assert {name: r["status"] for name, r in state["runners"].items()} == {
        "voice": "ok",
        "ear": "ok",
        "gate": "ok",
    }


@pytest.mark.parametrize(
    "broken",
    [
        aiohttp.ServerDisconnectedError(),  # the runner died while it was asked
        aiohttp.ClientPayloadError("half an answer"),
        ConnectionRefusedError(),
        RemoteException("failed"),
        ServiceUnavailable("full"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_dead_runner_is_named(house: House, broken: Exception) -> None:
    house.services["ear"].broken = broken
    answer = house.get("/health")
    assert answer.status_code == 503
    states = {name: state["status"] for name, state in answer.json()["runners"].items()}
    assert states == {"voice": "ok", "ear": "unreachable", "gate": "ok"}


def test_silent_runners_are_named(house: House) -> None:
    house.services["ear"].mute = house.services["gate"].mute = True
    answer = house.get("/health")  # which would never come, but for the limit
    assert answer.status_code == 503
    states = {name: state["status"] for name, state in answer.json()["runners"].items()}
    assert states == {"voice": "ok", "ear": "silent", "gate": "silent"}


def test_a_runner_that_came_back_is_well_again(house: House) -> None:
    house.services["ear"].broken = ConnectionRefusedError()
    assert house.get("/health").status_code == 503
    house.services["ear"].broken = None
    assert house.get("/health").status_code == 200


@pytest.mark.parametrize("broken", [ConnectionRefusedError(), ServiceUnavailable("full")])
def test_a_request_to_a_dead_runner_may_be_tried_again(house: House, broken: Exception) -> None:
    house.services["voice"].broken = broken
    answer = house.speak()
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["x-should-retry"] == "true"
    house.services["voice"].broken = None
    assert house.speak().status_code == 200


def test_the_front_door_leads_to_the_documentation(house: House) -> None:
    answer = house.request("GET", "/")
    assert answer.history or answer.status_code == 307
    assert "/docs" in str(answer.headers.get("location", answer.url))
