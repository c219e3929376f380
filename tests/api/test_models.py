"""GET /v1/models and /v1/models/{id}."""

from __future__ import annotations

import pytest
from openai.types import Model

from tests.api.house import House, error_of


def test_every_name_that_a_request_may_use_is_listed(house: House) -> None:
    listed = house.get("/v1/models").json()
    assert listed["object"] == "list"
    models = [Model.model_validate(model, strict=True) for model in listed["data"]]
    assert [model.id for model in models] == ["voice", "ear", "gate", "tts-1", "whisper-1"]
    assert all(model.created > 0 and model.owned_by for model in models)


def test_a_model_says_what_it_can_do(house: House) -> None:
    found = house.get("/v1/models/tts-1").json()
    assert (found["id"], found["root"], found["tasks"]) == ("tts-1", "voice", ["speech"])
    assert found["languages"] == ["en-US", "es"]
    assert found["voices"][0] == {"id": "ann", "language": "en-US"}
    assert (found["default_voice"], found["available"]) == ("ann", True)


@pytest.mark.parametrize(
    "name", ["nobody", "a%2Fb", "a/b", "%00", "%FF", "..%2F..%2Fx", "a" * 3000]
)
def test_a_model_that_is_not_here_is_not_found(house: House, name: str) -> None:
    answer = house.get(f"/v1/models/{name}")
    assert answer.status_code == 404
    error = error_of(answer)
    assert (error["code"], error["param"]) == ("model_not_found", "model")


def test_a_slash_in_a_name_arrives_escaped(house: House) -> None:
    assert "'org/model'" in error_of(house.get("/v1/models/org%2Fmodel"))["message"]


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/ear"])
def test_a_runner_that_is_dead_or_silent_is_listed_as_not_available(
    house: House, path: str
) -> None:
    house.services["voice"].mute = True
    house.services["ear"].broken = ConnectionRefusedError()
    answer = house.get(path)
    assert answer.status_code == 200
    listed = answer.json().get("data", [answer.json()])
    available = {model["id"]: model["available"] for model in listed}
    assert available["ear"] is False
    assert available.get("voice", False) is False
    assert available.get("gate", True) is True
