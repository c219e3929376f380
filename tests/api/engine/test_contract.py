"""Our answers against the engine's own OpenAPI document, where that lies beside the repository."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

import audio
from tests.api.house import House
from tests.conftest import BUNDLE
from tests.fakes import FakeEmbedder, spoken_sound

DOCUMENT = BUNDLE.parent / "shared" / "compat" / "harmonyspeech-openapi.json"
SOUND = base64.b64encode(audio.encode(spoken_sound((0.5, 1.0)), "wav")).decode()
HEARD = {"input_audio": SOUND, "get_timestamps": True}
TYPES = {"string": str, "boolean": bool, "object": dict, "array": list, "null": type(None)}

pytestmark = pytest.mark.skipif(
    not DOCUMENT.is_file(), reason=f"{DOCUMENT.name} is not in ../shared/compat"
)


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads(Path(DOCUMENT).read_text())


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/audio/speech", {"input": "Hello.", "mode": "single_speaker_tts"}),
        ("/v1/audio/transcriptions", {"input_audio": SOUND}),
        ("/v1/audio/transcriptions", {**HEARD, "get_language": True}),
        ("/v1/audio/vad", {"input_audio": SOUND}),
        ("/v1/audio/vad", HEARD),
        ("/v1/embed/speaker", {"input_audio": SOUND}),
        ("/v1/audio/speech/models", None),
        ("/v1/audio/transcriptions/models", None),
        ("/v1/audio/vad/models", None),
        ("/v1/embed/models", None),
        ("/version", None),
        ("/health", None),
    ],
)
def test_an_answer_is_of_the_engines_shape(document: Any, path: str, body: Any) -> None:
    house = House(embedder=FakeEmbedder())
    answer = house.get(path) if body is None else house.post(path, json=body)
    assert answer.status_code == 200, answer.text
    described = document["paths"][path]["get" if body is None else "post"]["responses"]["200"]
    schema = described["content"]["application/json"]["schema"]
    problems = list(breaches(answer.json(), schema, document))
    assert not problems


def test_every_route_of_the_engine_is_served(house: House, document: Any) -> None:
    ours = house.get("/openapi.json").json()["paths"]
    missing = [
        (path, method)
        for path, methods in document["paths"].items()
        for method in methods
        if method not in ours.get(path, {})
    ]
    assert not missing


def test_the_checker_sees_what_is_wrong(document: Any) -> None:
    schema = {"$ref": "#/components/schemas/SpeechToTextResponse"}
    assert list(breaches({"created": "x", "timestamps": [1], "more": 1}, schema, document)) == [
        "more", "created", "timestamps",
    ]  # fmt: skip


def breaches(value: Any, schema: Any, document: Any, where: str = "") -> Any:
    """Where a value is not as the schema says; a field that the engine has not is a breach, too."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        branches = [list(breaches(value, s, document, where)) for s in schema["anyOf"]]
        yield from [] if [] in branches else [where]
    elif not fits(value, schema["type"]):
        yield where
    elif "properties" in schema:
        yield from value.keys() - schema["properties"].keys()
        for name, inner in schema["properties"].items():
            if name in value:
                yield from breaches(value[name], inner, document, name)
    elif "items" in schema:
        for item in value:
            yield from breaches(item, schema["items"], document, where)


def fits(value: Any, kind: str) -> bool:
    if kind in ("integer", "number"):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, TYPES[kind])
