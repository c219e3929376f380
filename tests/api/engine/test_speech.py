"""POST /v1/audio/speech in the dialect of Harmony Speech Engine."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest

import audio
from errors import Failed, Unavailable
from tests.api.house import House, Visit, error_of
from tests.fakes import SECONDS_PER_CHARACTER, FakeSynthesizer, Hold

PATH = "/v1/audio/speech"
ACCEPT_JSON = {"accept": "application/json"}


def ask(house: House, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
    body = {"model": "voice", "input": "Hello there.", "mode": "single_speaker_tts", **fields}
    return house.post(PATH, json=body, headers=headers)


def sound_of(answer: httpx.Response) -> audio.Audio:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["content-length"]) == len(answer.content)
    body = answer.json()
    assert set(body) == {"id", "model", "created", "data"}
    assert body["id"] == answer.headers["x-request-id"]
    return audio.decode(base64.b64decode(body["data"], validate=True))


def test_the_answer_is_a_whole_wav_file(house: House) -> None:
    answer = ask(house)
    assert sound_of(answer).duration == pytest.approx(10 * SECONDS_PER_CHARACTER)
    file = base64.b64decode(answer.json()["data"])
    assert file[:4] == b"RIFF"
    assert int.from_bytes(file[40:44], "little") == len(file) - 44
    assert answer.json()["model"] == "voice"


@pytest.mark.parametrize("audio_format", ["mp3", "opus", "aac", "flac", "wav", "FLAC", "", None])
def test_every_format_can_be_had(house: House, audio_format: str | None) -> None:
    answer = ask(house, output_options={"format": audio_format, "sample_rate": 16000})
    assert sound_of(answer).duration == pytest.approx(10 * SECONDS_PER_CHARACTER, abs=0.1)


def test_a_long_speech_is_announced_with_its_length(house: House) -> None:
    text = "Hello there. " * 200
    answer = ask(house, input=text)
    assert sound_of(answer).duration > 100


@pytest.mark.parametrize(
    ("body", "headers", "in_json"),
    [
        ({}, {}, False),
        ({}, {"accept": "*/*"}, False),
        ({}, ACCEPT_JSON, True),
        ({"mode": ""}, {}, True),
        ({"output_options": None}, {}, True),
        ({"mode": ""}, {"accept": "application/octet-stream"}, True),
        ({"response_format": "wav"}, {}, False),
        ({"response_format": "wav"}, ACCEPT_JSON, True),
        ({"response_format": "wav", "speed": 2, "instructions": "x"}, ACCEPT_JSON, True),
    ],
)
def test_the_body_or_what_is_accepted_tells_the_dialect(
    house: House, body: dict[str, Any], headers: dict[str, str], in_json: bool
) -> None:
    answer = house.post(PATH, json={"model": "voice", "input": "Hi.", **body}, headers=headers)
    assert answer.status_code == 200, answer.text
    assert (answer.headers["content-type"] == "application/json") == in_json
    if in_json:
        sound_of(answer)


def test_events_that_are_asked_for_come_whatever_is_accepted(house: House) -> None:
    body = {"model": "voice", "input": "Hi.", "response_format": "wav", "stream_format": "sse"}
    answer = house.post(PATH, json=body, headers=ACCEPT_JSON)
    assert answer.headers["content-type"].startswith("text/event-stream")


def test_response_format_makes_it_openais_where_mode_is_unknown(house: House) -> None:
    answer = ask(house, response_format="mp3")
    assert answer.status_code == 400
    assert error_of(answer)["code"] == "unknown_parameter"


def test_what_the_published_clients_always_send_changes_nothing(house: House) -> None:
    answer = ask(
        house,
        model="",
        mode="",
        language="",
        voice="",
        input_audio="",
        input_vad_mode="",
        input_vad_data="",
        input_embedding="",
        generation_options={"seed": None, "style": 0, "speed": 0, "pitch": 1.0, "energy": 0},
        output_options={"format": "", "sample_rate": 0, "stream": False},
        pre_processing_filters=[],
        post_generation_filters=[],
    )
    sound_of(answer)
    assert answer.json()["model"] == "voice"
    (job,) = house.synthesizer.jobs
    assert (job.voice, job.language, job.speed) == (None, None, 1.0)


def test_the_options_reach_the_model(house: House) -> None:
    answer = ask(
        house,
        model="tts-1",
        voice="alloy",
        language="EN",
        generation_options={"speed": 2},
        output_options={"sample_rate": 8000},
    )
    assert sound_of(answer).rate == 8000
    assert answer.json()["model"] == "tts-1"
    (job,) = house.synthesizer.jobs
    assert (job.voice, job.language, job.speed) == ("bob", "en-US", 2.0)


@pytest.mark.parametrize(
    ("voice", "asked", "meant"),
    [
        ("ann", "EN", "en-US"),
        ("ann", "en_us", "en-US"),
        ("ann", "ES", "es"),
        ("carmen", "es", "es"),
        ("ann", "default", None),
        ("", "en", "en-US"),
    ],
)
def test_language_tags_are_mapped(house: House, voice: str, asked: str, meant: str | None) -> None:
    sound_of(ask(house, voice=voice, language=asked))
    assert house.synthesizer.jobs[0].language == meant


@pytest.mark.parametrize(
    ("fields", "status", "param", "says"),
    [
        ({"model": "nobody"}, 404, "model", "tts-1"),
        ({"model": "ear"}, 400, "model", "voice"),
        ({"input": ""}, 400, "input", "at least 1"),
        ({"input": "..."}, 400, "input", "nothing"),
        ({"voice": "zoe"}, 400, "voice", "ann"),
        ({"language": "ZH"}, 400, "language", "en-US, es"),
        ({"mode": "opera"}, 400, "mode", "single_speaker_tts"),
        ({"mode": "voice_cloning"}, 400, "input_audio", "Whose voice"),
        ({"input_audio": "AAAA", "mode": ""}, 400, "converter", "none of those"),
        ({"input_audio": "AAAA"}, 400, "mode", "voice_cloning"),
        ({"input_embedding": "AAAA"}, 400, "input_embedding", "safetensors"),
        ({"input_vad_mode": "silero"}, 400, "input_vad_mode", "recording"),
        ({"input_vad_data": [{"start": 0, "end": 1}]}, 400, "input_vad_data", "recording"),
        ({"converter": "mask"}, 400, "converter", "recording"),
        ({"generation_options": {"seed": -1}}, 400, "generation_options.seed", "seed"),
        ({"generation_options": {"style": 2}}, 400, "generation_options.style", "styles"),
        ({"generation_options": {"pitch": 1.1}}, 400, "generation_options.pitch", "options: none"),
        ({"generation_options": {"energy": 2}}, 400, "generation_options.energy", "options: none"),
        ({"generation_options": {"speed": 0.001}}, 400, "generation_options.speed", "0.25"),
        ({"generation_options": {"top_p": 1}}, 400, "generation_options.top_p", "Unknown"),
        ({"output_options": {"stream": True}}, 400, "output_options.stream", "response_format"),
        ({"output_options": {"format": "ogg"}}, 400, "output_options.format", "'flac'"),
        ({"output_options": {"sample_rate": 1}}, 400, "output_options.sample_rate", "8000"),
        ({"post_generation_filters": [{}]}, 400, "post_generation_filters", "loudness"),
        ({"pre_processing_filters": [{}]}, 400, "pre_processing_filters", "loudness"),
        ({"speed": 2}, 400, "speed", "Unknown"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_by_name(
    house: House, fields: dict[str, Any], status: int, param: str, says: str
) -> None:
    answer = ask(house, **fields)
    assert answer.status_code == status, answer.text
    error = error_of(answer)
    assert error["param"] == param
    assert says in error["message"]


def test_text_above_the_limit_is_refused(furnished: Callable[..., House]) -> None:
    house = furnished(limits={"max_text_characters": 20})
    sound_of(ask(house, input="a" * 20))
    answer = ask(house, input="a" * 21)
    assert answer.status_code == 413
    assert error_of(answer)["param"] == "input"


@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize(("failure", "status"), [(Unavailable("full"), 503), (Failed("x"), 500)])
def test_a_failure_at_any_sentence_is_a_proper_error(
    furnished: Callable[..., House], failure: Exception, status: int, number: int
) -> None:
    house = furnished(synthesizer=FakeSynthesizer(failures={number: failure}))
    answer = ask(house, input="The first one. The second one. The third one.")
    assert answer.status_code == status
    error_of(answer)


def test_speech_that_nobody_waits_for_is_not_made(furnished: Callable[..., House]) -> None:
    second = Hold()
    house = furnished(synthesizer=FakeSynthesizer(holds={1: second}))
    body = {"model": "voice", "input": "The first one. The second one. The third.", "mode": ""}
    visit = Visit(house, httpx.Request("POST", f"http://house{PATH}", json=body))
    asyncio.run(visit.run_until_left_at(second.reached))
    assert second.cancelled == 1
    assert visit.status != 200
