"""JSON bodies to the routes that hear: transcription and voice activity."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest

import audio
from tests.api.house import House, Visit, error_of
from tests.fakes import FakeTranscriber, Hold, spoken_sound

TRANSCRIBE = "/v1/audio/transcriptions"
DETECT = ["/v1/audio/vad", "/v1/audio/voice-activity"]
SOUND = audio.encode(spoken_sound((0.5, 1.0), (6.0, 2.0)), "wav")
BASE64 = base64.b64encode(SOUND).decode()


def transcribe(house: House, **fields: Any) -> httpx.Response:
    return house.post(TRANSCRIBE, json={"model": "ear", "input_audio": BASE64, **fields})


def test_a_transcript_has_the_engines_shape(house: House) -> None:
    answer = transcribe(house)
    body = answer.json()
    assert body.pop("created") > 0
    assert body == {
        "id": answer.headers["x-request-id"],
        "model": "ear",
        "text": "Hello there. Hello there.",
        "language": None,
        "timestamps": None,
    }
    assert [job.words for job in house.transcriber.jobs] == [False, False]


def test_language_and_timestamps_come_when_asked_for(house: House) -> None:
    body = transcribe(house, get_language=True, get_timestamps=True).json()
    assert body["language"] == "en"
    first, second = body["timestamps"]
    assert set(first) == {
        "id", "seek", "start", "end", "text", "tokens", "avg_logprob", "compression_ratio",
        "no_speech_prob", "words", "temperature",
    }  # fmt: skip
    assert (first["id"], first["start"], first["text"]) == (1, 0.5, " Hello there.")
    assert second["words"][1] == {"start": 8.5, "end": 9.5, "word": " there.", "probability": 0.9}


def test_null_is_not_asked_for_and_an_empty_model_is_the_first(house: House) -> None:
    body = transcribe(house, model="", get_language=None, get_timestamps=None).json()
    assert (body["model"], body["language"], body["timestamps"]) == ("ear", None, None)


def test_an_alias_is_answered_by_its_own_name(house: House) -> None:
    assert transcribe(house, model="whisper-1").json()["model"] == "whisper-1"


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"model": "nobody"}, 404, "model"),
        ({"model": "voice"}, 400, "model"),
        ({"input_audio": ""}, 400, "input_audio"),
        ({"get_timestamps": "perhaps"}, 400, "get_timestamps"),
        ({"response_format": "json"}, 400, "response_format"),
        ({"file": "x"}, 400, "file"),
    ],
)
def test_a_wrong_field_is_refused_by_name(
    house: House, fields: dict[str, Any], status: int, param: str
) -> None:
    answer = transcribe(house, **fields)
    assert answer.status_code == status, answer.text
    assert error_of(answer)["param"] == param
    assert not house.transcriber.jobs


def test_translations_are_openais_alone(house: House) -> None:
    answer = house.post("/v1/audio/translations", json={"model": "ear", "input_audio": BASE64})
    assert answer.status_code == 400
    assert "multipart/form-data" in error_of(answer)["message"]


def test_a_transcript_that_nobody_waits_for_is_not_made(furnished: Callable[..., House]) -> None:
    hold = Hold()
    house = furnished(transcriber=FakeTranscriber(holds={0: hold}))
    body = {"model": "ear", "input_audio": BASE64}
    visit = Visit(house, httpx.Request("POST", f"http://house{TRANSCRIBE}", json=body))
    asyncio.run(visit.run_until_left_at(hold.reached))
    assert hold.cancelled == 1


@pytest.mark.parametrize("path", DETECT)
def test_speech_is_found(house: House, path: str) -> None:
    answer = house.post(path, json={"input_audio": BASE64, "get_timestamps": True})
    body = answer.json()
    assert body.pop("created") > 0
    assert body == {
        "id": answer.headers["x-request-id"],
        "model": "gate",
        "speech_activity": True,
        "timestamps": [{"start": 0.5, "end": 1.5}, {"start": 7.5, "end": 9.5}],
    }


@pytest.mark.parametrize("path", DETECT)
def test_a_form_gets_our_answer_on_either_path(house: House, path: str) -> None:
    answer = house.post(path, files={"file": ("a.wav", SOUND)}).json()
    assert (answer["duration"], answer["unit"]) == (9.5, "seconds")


@pytest.mark.parametrize(("asked", "start"), [(True, 0.5), (None, 0.5), (False, 8000)])
def test_the_newer_engines_samples_come_when_asked_for(
    house: House, asked: bool | None, start: float
) -> None:
    body = {"input_audio": BASE64, "get_timestamps": True, "return_seconds": asked}
    assert house.post(DETECT[0], json=body).json()["timestamps"][0]["start"] == start


def test_silence_has_no_speech_and_timestamps_are_not_sent_unasked(house: House) -> None:
    silent = base64.b64encode(audio.encode(audio.silence(1.0, 16000), "wav")).decode()
    answer = house.post(DETECT[0], json={"input_audio": silent}).json()
    assert (answer["speech_activity"], answer["timestamps"]) == (False, None)


def test_the_detectors_knobs_reach_it(house: House) -> None:
    knobs = {"threshold": 0.6, "min_speech_duration_ms": 250, "speech_pad_ms": 30}
    assert house.post(DETECT[0], json={"input_audio": BASE64, **knobs}).status_code == 200
    (job,) = house.detector.jobs
    assert (job.threshold, job.min_speech, job.padding_after) == (0.6, 0.25, 0.03)
