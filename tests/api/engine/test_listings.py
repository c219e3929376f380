"""Listings, versions, and what is answered for want of a model."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.house import House, error_of
from version import VERSION


def ids(house: House, path: str) -> list[str]:
    listed = house.get(path).json()
    assert listed["object"] == "list"
    return [card["id"] for card in listed["data"]]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/v1/audio/speech/models", ["voice", "tts-1"]),
        ("/v1/audio/transcriptions/models", ["ear", "whisper-1"]),
        ("/v1/audio/vad/models", ["gate"]),
        ("/v1/audio/voice-activity/models", ["gate"]),
        ("/v1/embed/models", []),
        ("/v1/voice/convert/models", []),
    ],
)
def test_each_listing_has_the_models_that_can_do_it(
    house: House, path: str, names: list[str]
) -> None:
    assert ids(house, path) == names


def test_a_card_has_languages_with_their_voices_and_nothing_more(house: House) -> None:
    _, alias = house.get("/v1/audio/speech/models").json()["data"]
    assert alias.pop("created") > 0
    assert alias == {
        "id": "tts-1",
        "object": "model",
        "owned_by": "harmony-speech",
        "languages": [
            {
                "language": "en-US",
                "voices": [{"voice": "ann", "styles": []}, {"voice": "bob", "styles": []}],
            },
            {"language": "es", "voices": [{"voice": "carmen", "styles": []}]},
        ],
        "root": "voice",
        "parent": None,
    }


@pytest.mark.parametrize("trouble", [{"mute": True}, {"broken": ConnectionRefusedError()}])
def test_a_model_that_does_not_answer_is_listed_without_languages(
    house: House, trouble: dict[str, Any]
) -> None:
    for name, value in trouble.items():
        setattr(house.services["voice"], name, value)
    cards = house.get("/v1/audio/speech/models").json()["data"]
    assert [(card["id"], card["languages"]) for card in cards] == [("voice", []), ("tts-1", [])]


def test_the_version_is_ours(house: House) -> None:
    assert house.get("/version").json() == {"version": VERSION}


@pytest.mark.parametrize(
    ("path", "lacking", "sounds"),
    [
        ("/v1/embed/speaker", "embed", ["input_audio"]),
        ("/v1/voice/convert", "convert", ["source_audio", "target_audio"]),
    ],
)
def test_what_no_model_can_do_says_what_to_configure(
    house: House, path: str, lacking: str, sounds: list[str]
) -> None:
    answer = house.post(path, json={"model": "", **dict.fromkeys(sounds, "AAAA")})
    assert answer.status_code == 404
    error = error_of(answer)
    assert error["code"] == "model_not_found"
    assert lacking in error["message"] and "model_configs" in error["message"]


def test_every_reference_in_the_description_leads_somewhere(house: House) -> None:
    document = house.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    found = list(references(document))
    assert {"SpeechRequest", "TextToSpeechRequest", "TextToSpeechResponse"} <= set(found)
    assert set(found) <= set(schemas)


def references(node: Any) -> Any:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].removeprefix("#/components/schemas/")
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)
