"""A recording as it may have been: POST /v1/audio/conversion, also /v1/audio/convert."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest

import audio
from audio import Audio
from errors import Failed, Unavailable
from tests.api.house import House, Visit, error_of
from tests.fakes import FakeAnalyser, FakeRestorer, FakeSynthesizer, Hold, tone

PATHS = ("/v1/audio/conversion", "/v1/audio/convert")
OURS = PATHS[0]


def hissing(seconds: float = 3.0) -> Audio:
    drawn = np.random.default_rng(0).uniform(-0.05, 0.05, round(seconds * 24000))
    loud = tone(seconds).samples * (np.arange(len(drawn)) % 24000 < 12000)
    return Audio((loud + drawn).astype(np.float32), 24000)


FILE = audio.encode(hissing(), "wav")
TEXT = base64.b64encode(FILE).decode()


@pytest.fixture
def house() -> House:
    return House(restorer=FakeRestorer())


def upload(
    house: House, path: str = OURS, file: bytes | None = FILE, **fields: Any
) -> httpx.Response:
    files = {"file": ("hiss.wav", file)} if file is not None else {"none": ("x", b"")}
    return house.post(path, data=fields, files=files)


def send(
    house: House, path: str = OURS, headers: dict[str, str] | None = None, **fields: Any
) -> httpx.Response:
    given = {"source_audio": TEXT, "response_format": "wav", **fields}
    present = {name: value for name, value in given.items() if value is not None}
    return house.post(path, json=present, headers=headers)


def assert_restored(sound: Audio) -> None:
    assert sound.duration == pytest.approx(3.0, abs=0.08)
    pauses = [sound.cut(second + 0.6, second + 0.9).samples for second in range(3)]
    assert np.abs(np.concatenate(pauses)).max() < 0.02
    assert sound.cut(0.1, 0.4).samples.std() == pytest.approx(0.35, abs=0.05)


# What comes back


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("ask", [upload, send], ids=["form", "JSON"])
@pytest.mark.parametrize("stream", ["true", "false", None])
def test_noise_goes(
    house: House, ask: Callable[..., httpx.Response], path: str, stream: str | None
) -> None:
    answer = ask(house, path, **({"stream": stream} if stream else {}))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "audio/wav"
    assert_restored(audio.decode(answer.content))


@pytest.mark.parametrize("audio_format", ["mp3", "opus", "aac", "flac", "wav"])
@pytest.mark.parametrize("stream", ["true", "false"])
def test_every_format_is_made(house: House, audio_format: str, stream: str) -> None:
    answer = upload(house, response_format=audio_format, stream=stream)
    assert answer.headers["content-type"] == audio.FORMATS[audio_format].media_type
    assert_restored(audio.decode(answer.content))


def test_a_whole_file_has_its_length_and_a_streamed_one_has_none(house: House) -> None:
    whole, streamed = upload(house), upload(house, stream="true")
    assert int(whole.headers["content-length"]) == len(whole.content)
    assert int.from_bytes(whole.content[40:44], "little") == len(whole.content) - 44
    assert "content-length" not in streamed.headers
    assert streamed.content[40:44] == b"\xff" * 4
    assert whole.content[44:] == streamed.content[44:]


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({}, {}),
        ({"model": ""}, {"accept": "*/*"}),
        ({"output_options": {"format": "flac"}}, {}),
        ({"generation_options": {"seed": None, "style": 0, "speed": 1.0}}, {}),
        ({"response_format": "flac"}, {"accept": "application/json"}),
    ],
)
@pytest.mark.parametrize("path", PATHS)
def test_the_engine_gets_its_json(
    house: House, path: str, fields: dict[str, Any], headers: dict[str, str]
) -> None:
    answer = send(house, path, headers, **{"response_format": None, **fields})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert set(told) == {"id", "model", "created", "data"}
    assert (told["id"], told["model"]) == (answer.headers["x-request-id"], "broom")
    assert_restored(audio.decode(base64.b64decode(told["data"], validate=True)))


def test_a_toolchain_restores_with_mode_and_seed() -> None:
    house = House(analyser=FakeAnalyser())
    answer = upload(house, model="forge", mode="1", seed="4")
    assert answer.status_code == 200, answer.text
    assert house.analyser is not None
    assert {(job.mode, job.seed) for job in house.analyser.jobs} == {(1, 4)}


def test_without_a_model_the_first_that_restores_does() -> None:
    alone, both = House(analyser=FakeAnalyser()), House(FakeSynthesizer(), restorer=FakeRestorer())
    assert send(alone, response_format=None).json()["model"] == "forge"
    assert send(both, response_format=None).json()["model"] == "broom"


def test_the_answer_says_what_it_cost(house: House) -> None:
    timing = upload(house).headers["server-timing"]
    for step in ("decode;", "broom.restore;", "encode;"):
        assert step in timing


@pytest.mark.parametrize("path", PATHS)
def test_what_restores_is_listed(path: str) -> None:
    house = House(restorer=FakeRestorer(), analyser=FakeAnalyser())
    assert [card["id"] for card in house.get(f"{path}/models").json()["data"]] == ["broom", "forge"]


# Refusals


@pytest.mark.parametrize(
    ("fields", "status", "param", "says"),
    [
        ({"file": b"no sound"}, 400, "file", "cannot be read"),
        ({"file": b""}, 400, "file", "empty"),
        ({"file": None}, 400, "none", "Unknown"),
        ({"model": "nobody"}, 404, "model", "broom"),
        ({"model": "voice"}, 400, "model", "broom"),
        ({"model": "voicefixer"}, 404, "model", "analyser"),
        ({"mode": "1"}, 400, "mode", "one way"),
        ({"mode": "-1"}, 400, "mode", "greater"),
        ({"seed": "-1"}, 400, "seed", "greater"),
        ({"speed": "2"}, 400, "speed", "Unknown"),
        ({"response_format": "ogg"}, 400, "response_format", "flac"),
        ({"sample_rate": "1"}, 400, "sample_rate", "8000"),
        ({"stream": "perhaps"}, 400, "stream", "boolean"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    house: House, fields: dict[str, Any], status: int, param: str, says: str
) -> None:
    answer = upload(house, **fields)
    assert answer.status_code == status, answer.text
    error = error_of(answer)
    assert error["param"] == param
    assert says in error["message"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"source_audio": None}, "source_audio"),
        ({"source_audio": ""}, "source_audio"),
        ({"source_audio": "!"}, "source_audio"),
        ({"generation_options": {"speed": 2}}, "generation_options.speed"),
        ({"output_options": {"stream": True}}, "output_options.stream"),
        ({"target_audio": TEXT}, "target_audio"),
    ],
)
def test_what_the_engine_cannot_have_is_refused_by_name(
    house: House, fields: dict[str, Any], param: str
) -> None:
    answer = send(house, **{"response_format": None, **fields})
    assert answer.status_code == 400, answer.text
    assert error_of(answer)["param"] == param


def test_where_nothing_restores_that_is_said() -> None:
    answer = upload(House())
    assert answer.status_code == 404
    assert "restore" in error_of(answer)["message"]


# Trouble


@pytest.mark.parametrize("failure", [Unavailable("full", retry_after=1.0), Failed("a bug")])
def test_the_fallback_restores_and_is_named(failure: Exception) -> None:
    house = House(
        restorer=FakeRestorer(failures=dict.fromkeys(range(99), failure)),
        apprentice=FakeRestorer(),
    )
    answer = send(house, response_format=None)
    assert answer.status_code == 200
    assert "apprentice did" in answer.headers["warnings"]
    assert answer.json()["model"] == "apprentice"


@pytest.mark.parametrize("stream", ["true", "false"])
@pytest.mark.parametrize(("failure", "status"), [(Unavailable("full"), 503), (Failed("x"), 500)])
def test_a_failure_before_the_first_byte_is_a_proper_error(
    failure: Exception, status: int, stream: str
) -> None:
    answer = upload(House(restorer=FakeRestorer(failures={0: failure})), stream=stream)
    assert answer.status_code == status
    error_of(answer)


@pytest.mark.parametrize("filters", [[], [{"model": "broom"}]])
def test_a_restoration_that_nobody_waits_for_is_not_made(filters: list[Any]) -> None:
    hold = Hold()
    house = House(restorer=FakeRestorer(holds={0: hold}))
    given = {"source_audio": TEXT, "response_format": "wav", "pre_processing_filters": filters}
    visit = Visit(house, httpx.Request("POST", f"http://house{OURS}", json=given))
    asyncio.run(visit.run_until_left_at(hold.reached))
    assert hold.cancelled == 1
    assert visit.status != 200
