"""POST /v1/models/{id}/load and /unload, and what the listings say of memory."""

from __future__ import annotations

import pytest

from errors import Unavailable
from tasks import Presence
from tests.api.house import House, error_of


def test_a_model_is_unloaded_and_loaded_by_its_name_or_an_alias(house: House) -> None:
    gone = house.post("/v1/models/tts-1/unload").json()
    assert (gone["id"], gone["state"], gone["available"]) == ("tts-1", "unloaded", True)
    assert house.services["voice"].presence is Presence.UNLOADED
    assert house.get("/v1/models/voice").json()["state"] == "unloaded"
    back = house.post("/v1/models/voice/load").json()
    assert (back["state"], back["memory_bytes"]) == ("loaded", 1024)


def test_what_cannot_be_loaded_says_why(house: House) -> None:
    problem = Unavailable("npm is missing", code="model_not_available")
    house.services["voice"].problem = problem
    answer = house.post("/v1/models/voice/load")
    assert answer.status_code == 503
    assert error_of(answer)["message"] == "npm is missing"
    listed = house.get("/v1/models/voice").json()
    assert (listed["available"], listed["problem"]) == (False, "npm is missing")


@pytest.mark.parametrize("keep_alive", [60, "10m", -1, 0, None])
def test_a_load_may_say_for_how_long(house: House, keep_alive: object) -> None:
    answer = house.post("/v1/models/voice/load", json={"keep_alive": keep_alive})
    assert answer.status_code == 200


@pytest.mark.parametrize("body", [{"keep_alive": "soon"}, {"keep": 1}, []])
def test_a_wrong_body_is_refused(house: House, body: object) -> None:
    assert house.post("/v1/models/voice/load", json=body).status_code == 400


@pytest.mark.parametrize("verb", ["load", "unload"])
def test_a_model_that_is_not_here_is_not_found(house: House, verb: str) -> None:
    answer = house.post(f"/v1/models/nobody/{verb}")
    assert answer.status_code == 404
    assert error_of(answer)["code"] == "model_not_found"


def test_a_listing_wakes_nobody(house: House) -> None:
    house.post("/v1/models/voice/unload")
    house.get("/v1/models")
    assert house.services["voice"].presence is Presence.UNLOADED
