"""POST /v1/audio/speech: what is said, in which format, and what is refused."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

import audio
from errors import Failed, Unavailable
from pipelines.tts import SENTENCE_PAUSE
from tests.api.house import House, Visit, error_of, events_of
from tests.fakes import SECONDS_PER_CHARACTER, FakeSynthesizer, Hold

FORMATS = ["mp3", "opus", "aac", "flac", "wav", "pcm"]
MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
THREE = "The first one. The second one. The third one."
SECONDS = 34 * SECONDS_PER_CHARACTER + 2 * SENTENCE_PAUSE  # of THREE


def seconds_of(file: bytes, audio_format: str) -> float:
    if audio_format == "pcm":
        return len(np.frombuffer(file, "<i2")) / 24000
    return audio.decode(file).duration


@pytest.mark.parametrize("audio_format", FORMATS)
def test_every_format_is_a_file_of_its_kind_that_holds_the_whole_speech(
    house: House, audio_format: str
) -> None:
    answer = house.speak(input=THREE, response_format=audio_format)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == MEDIA_TYPES[audio_format]
    assert seconds_of(answer.content, audio_format) == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.parametrize("audio_format", ["mp3", "opus"])
def test_another_reader_than_ours_opens_the_file(house: House, audio_format: str) -> None:
    answer = house.speak(input=THREE, response_format=audio_format)
    samples, rate = soundfile.read(io.BytesIO(answer.content))
    assert np.abs(samples).max() > 0.3
    assert len(samples) / rate == pytest.approx(SECONDS, abs=0.1)


def test_the_default_format_is_mp3(house: House) -> None:
    assert house.speak().headers["content-type"] == "audio/mpeg"


def test_pcm_is_24_khz_little_endian_and_has_no_header(house: House) -> None:
    answer = house.speak(input="abcd", response_format="pcm")
    samples = np.frombuffer(answer.content, "<i2")
    assert len(samples) == 4 * SECONDS_PER_CHARACTER * 24000
    assert samples[0] == 0 and abs(samples).max() == pytest.approx(16384, abs=2)


def test_the_rate_can_be_chosen(house: House) -> None:
    answer = house.speak(input=THREE, response_format="wav", sample_rate=8000)
    sound = audio.decode(answer.content)
    assert sound.rate == 8000
    assert sound.duration == pytest.approx(SECONDS, abs=0.01)


@pytest.mark.parametrize("audio_format", FORMATS)
def test_the_events_joined_are_the_plain_answer(house: House, audio_format: str) -> None:
    plain = house.speak(input=THREE, response_format=audio_format).content
    events = events_of(house.speak(input=THREE, response_format=audio_format, stream_format="sse"))
    *deltas, done = events
    assert {event["type"] for event in deltas} == {"speech.audio.delta"}
    joined = b"".join(base64.b64decode(event["audio"]) for event in deltas)
    if audio_format == "opus":  # each Ogg stream has a serial number of its own
        assert seconds_of(joined, "opus") == pytest.approx(seconds_of(plain, "opus"))
    else:
        assert joined == plain
    assert done["type"] == "speech.audio.done"
    usage = done["usage"]
    assert all(type(count) is int and count > 0 for count in usage.values())
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_the_form_of_the_stream_is_not_chosen_by_the_accept_header(house: House) -> None:
    asked = {"model": "voice", "input": "Hello.", "stream_format": "sse"}
    headers = {"accept": "application/octet-stream"}
    answer = house.post("/v1/audio/speech", json=asked, headers=headers)
    assert events_of(answer)[-1]["type"] == "speech.audio.done"
    asked = {"model": "voice", "input": "Hello."}
    answer = house.post("/v1/audio/speech", json=asked, headers={"accept": "text/event-stream"})
    assert answer.headers["content-type"] == "audio/mpeg"


def test_the_first_sentence_is_sent_before_the_second_is_made(
    furnished: Callable[..., House],
) -> None:
    second = Hold()
    house = furnished(synthesizer=FakeSynthesizer(holds={1: second}))
    asked = {"model": "voice", "input": THREE, "response_format": "pcm"}
    visit = Visit(house, httpx.Request("POST", "http://house/v1/audio/speech", json=asked))

    async def hear_the_first() -> None:
        running = asyncio.ensure_future(visit.run())
        await asyncio.wait_for(second.reached.wait(), 10)
        while len(visit.sent) < 2:
            await asyncio.sleep(0)
        assert not running.done()
        assert len(visit.sent[1]["body"]) == 2 * 24000 * 11 * SECONDS_PER_CHARACTER
        second.opened.set()
        await running

    asyncio.run(hear_the_first())
    assert visit.complete


def test_fields_reach_the_model_unchanged(house: House) -> None:
    house.speak(input="Hola.", voice="carmen", language="es", speed=1.5)
    (job,) = house.synthesizer.jobs
    assert (job.text, job.voice, job.language, job.speed) == ("Hola.", "carmen", "es", 1.5)


def test_the_request_id_is_the_id_of_the_call(house: House) -> None:
    asked = {"model": "voice", "input": "Hello."}
    house.post("/v1/audio/speech", json=asked, headers={"x-request-id": "mine-1"})
    assert [call.id for call in house.synthesizer.calls] == ["mine-1"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [("bob", "bob"), ("alloy", "bob"), ({"id": "carmen"}, "carmen"), (None, None)],
)
def test_a_voice_is_a_name_an_alias_an_object_or_left_to_the_model(
    house: House, given: Any, meant: str | None
) -> None:
    assert house.speak(voice=given).status_code == 200
    assert [job.voice for job in house.synthesizer.jobs] == [meant]


def test_an_alias_speaks_with_the_model_that_it_means(house: House) -> None:
    assert house.speak(model="tts-1").content == house.speak(model="voice").content


@pytest.mark.parametrize(
    ("fields", "status", "param", "code", "says"),
    [
        ({"model": "nobody"}, 404, "model", "model_not_found", "tts-1"),
        ({"model": ""}, 404, "model", "model_not_found", "tts-1"),
        ({"model": "a/b"}, 404, "model", "model_not_found", "a/b"),
        ({"model": "a\0b"}, 404, "model", "model_not_found", "voice"),
        ({"model": "\ud800"}, 404, "model", "model_not_found", "voice"),
        ({"model": "ear"}, 400, "model", None, "voice"),
        ({"model": 1}, 400, "model", None, "string"),
        ({"model": None}, 400, "model", None, "Missing"),
        ({"input": None}, 400, "input", None, "Missing"),
        ({"input": ""}, 400, "input", None, "at least 1"),
        ({"input": " \n\t "}, 400, "input", None, "nothing"),
        ({"input": "🙂🎉"}, 400, "input", None, "nothing"),
        ({"input": "\0"}, 400, "input", None, "nothing"),
        ({"input": "\ud800"}, 400, "input", None, "unicode"),
        ({"input": ["Hello."]}, 400, "input", None, "string"),
        ({"input": 5}, 400, "input", None, "string"),
        ({"voice": "zoe"}, 400, "voice", "voice_not_found", "ann, bob, carmen, alloy"),
        ({"voice": "nova"}, 400, "voice", "voice_not_found", "ann"),  # none of its choices is here
        ({"voice": ""}, 400, "voice", "voice_not_found", "ann"),
        ({"voice": "\udfff"}, 400, "voice", "voice_not_found", "ann"),
        ({"voice": {"id": "zoe"}}, 400, "voice", "voice_not_found", "ann"),
        ({"voice": 7}, 400, "voice", None, "string"),
        ({"voice": {"name": "ann"}}, 400, "voice.id", None, "Missing"),
        ({"language": "xx"}, 400, "language", None, "xx"),
        ({"language": "e" * 36}, 400, "language", None, "35"),
        ({"response_format": "ogg"}, 400, "response_format", None, "'flac'"),
        ({"response_format": 3}, 400, "response_format", None, "'flac'"),
        ({"stream_format": "ws"}, 400, "stream_format", None, "'sse'"),
        ({"speed": 0.24}, 400, "speed", None, "0.25"),
        ({"speed": 4.01}, 400, "speed", None, "4"),
        ({"speed": -1}, 400, "speed", None, "0.25"),
        ({"speed": "fast"}, 400, "speed", None, "number"),
        ({"speed": []}, 400, "speed", None, "number"),
        ({"speed": 10**400}, 400, "speed", None, ""),
        ({"sample_rate": 7999}, 400, "sample_rate", None, "8000"),
        ({"sample_rate": 10**300}, 400, "sample_rate", None, ""),
        ({"sample_rate": 16000.5}, 400, "sample_rate", None, "integer"),
        ({"instructions": "x" * 4097}, 400, "instructions", None, "4096"),
        ({"volume": 3}, 400, "volume", "unknown_parameter", "volume"),
        ({"\ud800": 3}, 400, None, None, ""),
    ],
)  # fmt: skip
def test_a_wrong_field_is_refused_by_name(
    house: House,
    fields: dict[str, Any],
    status: int,
    param: str | None,
    code: str | None,
    says: str,
) -> None:
    answer = house.speak(**fields)
    assert answer.status_code == status, answer.text
    error = error_of(answer)
    assert (error["param"], error["code"]) == (param, code)
    assert says in error["message"]
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("speed", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_speed_that_is_no_number_is_refused(house: House, speed: str) -> None:
    body = f'{{"model": "voice", "input": "Hello.", "speed": {speed}}}'
    answer = house.post(
        "/v1/audio/speech", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert error_of(answer)["param"] == "speed"
    assert not house.synthesizer.jobs


@pytest.mark.parametrize("speed", [0.25, 4, "2.5"])
def test_the_ends_of_the_range_of_speed_are_taken(house: House, speed: Any) -> None:
    assert house.speak(speed=speed).status_code == 200


def test_text_above_the_limit_is_refused_and_text_at_it_is_spoken(
    furnished: Callable[..., House],
) -> None:
    house = furnished(limits={"max_text_characters": 20})
    assert house.speak(input="a" * 20).status_code == 200
    answer = house.speak(input="a" * 21)
    assert answer.status_code == 413
    error = error_of(answer)
    assert (error["param"], error["code"]) == ("input", "string_above_max_length")
    assert "21" in error["message"] and "20" in error["message"]


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
@pytest.mark.parametrize(
    ("failure", "status"),
    [(Unavailable("full", retry_after=2.2), 503), (Failed("a secret path"), 500)],
)
def test_a_failure_before_the_first_byte_is_a_proper_error(
    furnished: Callable[..., House], failure: Exception, status: int, stream_format: str
) -> None:
    house = furnished(synthesizer=FakeSynthesizer(failures={0: failure}))
    answer = house.speak(input=THREE, stream_format=stream_format)
    assert answer.status_code == status
    assert "secret" not in error_of(answer)["message"]
    assert answer.headers["x-should-retry"] == ("true" if status == 503 else "false")


def test_a_failure_after_the_first_event_is_the_last_event(
    furnished: Callable[..., House],
) -> None:
    failures = {2: Unavailable("the runner died", retry_after=5)}
    house = furnished(synthesizer=FakeSynthesizer(failures=failures))
    answer = house.speak(input=THREE, response_format="pcm", stream_format="sse")
    assert answer.status_code == 200
    *deltas, last = events_of(answer)
    assert len(deltas) == 2
    assert last == {
        "error": {
            "message": "the runner died",
            "type": "server_error",
            "param": None,
            "code": "overloaded",
        }
    }


def test_a_failure_after_the_first_byte_breaks_the_stream(furnished: Callable[..., House]) -> None:
    house = furnished(synthesizer=FakeSynthesizer(failures={2: Unavailable("the runner died")}))
    asked = {"model": "voice", "input": THREE, "response_format": "pcm"}
    visit = Visit(house, httpx.Request("POST", "http://house/v1/audio/speech", json=asked))
    with pytest.raises(RuntimeError):
        asyncio.run(visit.run())
    assert visit.status == 200
    assert len(visit.sent) > 1 and not visit.complete
