"""The voice of a recording, in the three dialects that ask for one."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import numpy as np
import openai
import pytest

import audio
from api.voice_file import from_base64
from audio import Audio, silence
from errors import Failed, InvalidInput, Unavailable
from tests.api.house import PATIENCE, House, Visit, error_of
from tests.api.test_observing import series
from tests.fakes import FakeEmbedder, Hold, conversation, spoken_sound

OURS, OPENAI, ENGINE = "/v1/audio/embeddings", "/v1/embeddings", "/v1/embed/speaker"
SOUND = audio.encode(conversation((0.5, 6.0, 200.0)), "wav")
BASE64 = base64.b64encode(SOUND).decode()


@pytest.fixture
def house() -> House:
    return House(embedder=FakeEmbedder())


def upload(house: House, path: str = OURS, sound: bytes = SOUND, **fields: Any) -> httpx.Response:
    return house.post(path, data=fields, files={"file": ("a.wav", sound)})


def send(house: House, path: str = OURS, sound: str = BASE64, **fields: Any) -> httpx.Response:
    return house.post(path, json={"input_audio": sound, **fields})


def heard(house: House) -> list[float]:
    """The seconds of each piece that was embedded."""
    assert house.embedder is not None
    return [round(job.sound.duration, 1) for job in house.embedder.jobs]


# Answers


@pytest.mark.parametrize("path", [OURS, OPENAI])
@pytest.mark.parametrize("ask", [upload, send], ids=["form", "JSON"])
def test_a_voice_comes_in_openais_list(
    house: House, ask: Callable[..., httpx.Response], path: str
) -> None:
    answer = ask(house, path, model="nose")
    body = answer.json()
    assert answer.status_code == 200, body
    assert body.pop("created") > 0
    (found,) = body.pop("data")
    assert body == {
        "object": "list",
        "id": answer.headers["x-request-id"],
        "model": "nose",
        "space": "pitch",
        "speech_seconds": pytest.approx(6.0, abs=0.02),
        "usage": {"prompt_tokens": 60, "total_tokens": 60},
    }
    assert (found["object"], found["index"]) == ("embedding", 0)
    assert len(found["embedding"]) == 23 and max(found["embedding"]) > 0
    assert heard(house) == [6.0]


@pytest.mark.parametrize("kind", ["base64", "safetensors"])
def test_a_file_is_the_same_voice(house: House, kind: str) -> None:
    numbers = send(house).json()["data"][0]["embedding"]
    voice = from_base64(send(house, encoding_format=kind).json()["data"][0]["embedding"])
    assert voice is not None and voice.space == "pitch"
    assert voice.vector.tolist() == numbers


def test_at_openais_path_base64_is_openais(house: House) -> None:
    numbers = send(house, OPENAI).json()["data"][0]["embedding"]
    bare = send(house, OPENAI, encoding_format="base64").json()["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(bare), "<f4").tolist() == numbers
    file = send(house, OPENAI, encoding_format="safetensors").json()["data"][0]["embedding"]
    voice = from_base64(file)
    assert voice is not None and voice.vector.tolist() == numbers


@pytest.mark.parametrize("asked", [{}, {"encoding_format": "float"}])
def test_openais_sdk_reads_it(house: House, asked: dict[str, Any]) -> None:
    async def use() -> list[float]:
        transport = httpx2.ASGITransport(house.served)
        async with (
            httpx2.AsyncClient(transport=transport, base_url="http://house") as client,
            openai.AsyncOpenAI(
                base_url="http://house/v1", api_key="none", http_client=client, max_retries=0
            ) as sdk,
        ):
            found = await sdk.embeddings.create(
                model="nose", input="", extra_body={"input_audio": BASE64}, **asked
            )
            assert found.usage.total_tokens == 60
            return found.data[0].embedding

    numbers = send(house).json()["data"][0]["embedding"]
    assert asyncio.run(asyncio.wait_for(use(), PATIENCE)) == pytest.approx(numbers)


@pytest.mark.parametrize("model", ["nose", ""])
def test_the_engine_s_answer_is_a_file(house: House, model: str) -> None:
    answer = send(house, ENGINE, model=model)
    body = answer.json()
    assert set(body) == {"id", "model", "created", "data"}
    assert (body["id"], body["model"]) == (answer.headers["x-request-id"], "nose")
    voice = from_base64(body["data"])
    assert voice is not None
    assert voice.vector.tolist() == send(house).json()["data"][0]["embedding"]


@pytest.mark.parametrize("path", ["/v1/embed/models", "/v1/audio/embeddings/models"])
def test_models_that_embed_are_listed(house: House, path: str) -> None:
    assert [card["id"] for card in house.get(path).json()["data"]] == ["nose", "duo"]


# What is heard


def test_speech_that_was_found_before_is_not_looked_for(house: House) -> None:
    found = house.post("/v1/audio/vad", json={"input_audio": BASE64, "get_timestamps": True})
    looked = len(house.detector.jobs)
    assert send(house, ENGINE, input_vad_data=found.json()).status_code == 200
    assert send(house, input_vad_data=found.text).status_code == 200
    assert upload(house, input_vad_data=found.text).status_code == 200
    assert len(house.detector.jobs) == looked
    assert heard(house) == [6.0]


def test_a_recogniser_finds_speech_where_that_is_asked(house: House) -> None:
    assert send(house, input_vad_mode="whisper").status_code == 200
    assert len(house.transcriber.jobs) == 1
    assert send(house, input_vad_mode="silero").status_code == 200
    assert len(house.transcriber.jobs) == 1


def test_the_same_clip_is_heard_once_whatever_its_name_and_route(house: House) -> None:
    before = {
        kind: series("reference_voices_total", source=kind) for kind in ("embedded", "remembered")
    }
    first = upload(house)
    others = [send(house), send(house, OPENAI), send(house, ENGINE)]
    others.append(house.post(OURS, files={"file": ("another name.mp3", SOUND)}))
    assert heard(house) == [6.0] and len(house.detector.jobs) == 1
    assert "remembered" not in first.headers["server-timing"]
    assert all("remembered;dur=" in answer.headers["server-timing"] for answer in others)
    assert series("reference_voices_total", source="embedded") == before["embedded"] + 1
    assert series("reference_voices_total", source="remembered") == before["remembered"] + 4


def test_a_house_that_may_not_remember_hears_again() -> None:
    house = House(embedder=FakeEmbedder(), api={"remembered_voices": 0})
    upload(house)
    upload(house)
    assert heard(house) == [6.0, 6.0]


def test_a_short_clip_is_warned_of(house: House, wav: bytes) -> None:
    assert "1.0 s of speech" in upload(house, sound=wav).headers["warnings"]
    assert "warnings" not in upload(house).headers


@pytest.mark.parametrize(("given", "seconds"), [("10m", 600), ("0", 0), (None, None)])
def test_keep_alive_reaches_all_models(house: House, given: Any, seconds: float | None) -> None:
    assert house.embedder is not None
    assert send(house, keep_alive=given).status_code == 200
    for fake in (house.embedder, house.detector):
        assert [call.keep_alive for call in fake.calls] == [seconds]


# Refusals


def file(sound: Audio) -> bytes:
    return audio.encode(sound, "wav")


@pytest.mark.parametrize(
    ("sound", "found"),
    [
        (file(spoken_sound((0.5, 0.2), (0.5, 0.0))), "0.2 s"),
        (file(silence(5.0, 16000)), "0.0 s"),
    ],
    ids=["0.2 s", "silence"],
)
@pytest.mark.parametrize("path", [OURS, OPENAI, ENGINE])
def test_too_little_speech_is_refused_with_what_was_found(
    house: House, path: str, sound: bytes, found: str
) -> None:
    answer = send(house, path, base64.b64encode(sound).decode())
    assert answer.status_code == 400
    error = error_of(answer)
    assert (error["param"], error["code"]) == ("input_audio", "too_little_speech")
    assert f": {found}" in error["message"] and "at least 1 s" in error["message"]
    assert heard(house) == []


def test_a_form_is_told_of_its_file(house: House) -> None:
    assert error_of(upload(house, sound=file(silence(3.0, 16000))))["param"] == "file"


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"model": "nobody"}, 404, "model"),
        ({"model": "voice"}, 400, "model"),
        ({"input_audio": ""}, 400, "input_audio"),
        ({"input_audio": None}, 400, "input_audio"),
        ({"input_audio": "AAAA"}, 400, "input_audio"),
        ({"input_vad_mode": "webrtc"}, 400, "input_vad_mode"),
        ({"input_vad_data": "[]"}, 400, "input_vad_data"),
        ({"input_vad_data": [{"start": 100, "end": 200}]}, 400, "input_vad_data"),
        ({"voice": "ann"}, 400, "voice"),
    ],
)
@pytest.mark.parametrize("path", [OURS, OPENAI, ENGINE])
def test_a_wrong_field_is_refused_by_name(
    house: House, path: str, fields: dict[str, Any], status: int, param: str
) -> None:
    answer = house.post(path, json={"input_audio": BASE64, **fields})
    assert answer.status_code == status, answer.text
    assert error_of(answer)["param"] == param
    assert heard(house) == []


@pytest.mark.parametrize(
    "fields", [{"encoding_format": "pickle"}, {"dimensions": 8}, {"keep_alive": "soon"}]
)
@pytest.mark.parametrize("ask", [upload, send], ids=["form", "JSON"])
def test_a_wrong_field_of_ours_is_refused_by_name(
    house: House, ask: Callable[..., httpx.Response], fields: dict[str, Any]
) -> None:
    answer = ask(house, **fields)
    assert answer.status_code == 400
    assert error_of(answer)["param"] == next(iter(fields))


@pytest.mark.parametrize("text", ["Hello.", ["Hello."], [1, 2], {"a": 1}, [[]]])
def test_text_is_refused_with_what_to_send_instead(house: House, text: Any) -> None:
    answer = house.post(OPENAI, json={"model": "nose", "input": text})
    assert answer.status_code == 400
    error = error_of(answer)
    assert error["param"] == "input"
    assert "voices, not text" in error["message"] and "input_audio" in error["message"]


@pytest.mark.parametrize("path", [OURS, OPENAI])
def test_two_files_are_one_too_many(house: House, path: str) -> None:
    files = [("file", ("a.wav", SOUND)), ("file", ("b.wav", SOUND))]
    assert error_of(house.post(path, files=files))["param"] == "file"


@pytest.mark.parametrize("path", [OURS, OPENAI, ENGINE])
def test_without_an_encoder_the_answer_says_what_to_configure(path: str) -> None:
    answer = send(House(), path)
    assert answer.status_code == 404
    error = error_of(answer)
    assert error["code"] == "model_not_found" and "model_configs" in error["message"]


def test_a_recording_above_the_limit_is_refused() -> None:
    house = House(embedder=FakeEmbedder(), limits={"max_audio_seconds": 3})
    assert upload(house).status_code == 413


# Failures


@pytest.mark.parametrize("path", [OURS, ENGINE])
@pytest.mark.parametrize("failure", [Unavailable("out of reach"), Failed("a bug")])
def test_the_fallback_answers_and_is_named(path: str, failure: Exception) -> None:
    house = House(embedder=FakeEmbedder(failures={0: failure}), understudy=FakeEmbedder())
    answer = send(house, path)
    assert (answer.status_code, answer.json()["model"]) == (200, "understudy")
    assert "understudy did" in answer.headers["warnings"]


def test_a_refusal_of_the_encoder_is_the_answer() -> None:
    refusal = InvalidInput("there is no voice in this sound")
    house = House(embedder=FakeEmbedder(failures={0: refusal}), understudy=FakeEmbedder())
    answer = upload(house)
    assert answer.status_code == 400
    error = error_of(answer)
    assert error["param"] == "file" and "no voice in this sound" in error["message"]


def test_a_voice_that_nobody_waits_for_is_not_embedded() -> None:
    hold = Hold()
    house = House(embedder=FakeEmbedder(holds={0: hold}))
    asked = httpx.Request("POST", f"http://house{ENGINE}", json={"input_audio": BASE64})
    visit = Visit(house, asked)
    asyncio.run(visit.run_until_left_at(hold.reached))
    assert hold.cancelled == 1
    assert send(house, ENGINE).status_code == 200
