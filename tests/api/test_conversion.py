"""A recording in another voice: POST /v1/audio/voice-conversion, and the engine's /v1/voice/convert."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import attrs
import httpx
import numpy as np
import pytest

import audio
from audio import Audio, silence
from errors import Failed, Unavailable
from tasks import Embedding
from tests.api.house import House, Visit, error_of
from tests.api.test_embeddings import send as embed
from tests.fakes import MASK, FakeConverter, FakeEmbedder, Hold, conversation, tone

OURS, ENGINE = "/v1/audio/voice-conversion", "/v1/voice/convert"
LOW, HIGH = 200.0, 1500.0
SOURCE = audio.encode(tone(6.0, 24000, LOW), "wav")
TARGET = audio.encode(conversation((0.5, 6.0, HIGH)), "wav")
SAID, WANTED = (base64.b64encode(file).decode() for file in (SOURCE, TARGET))


@pytest.fixture
def house() -> House:
    return House(embedder=FakeEmbedder(), converter=FakeConverter())


def upload(house: House, **fields: Any) -> httpx.Response:
    """The form; a field that is None is left out."""
    files = {"source_audio": SOURCE, "target_audio": TARGET}
    files |= {name: value for name, value in fields.items() if isinstance(value, bytes)}
    left_out = {name for name, value in fields.items() if value is None}
    named = {name: (f"{name}.wav", file) for name, file in files.items() if name not in left_out}
    data = {n: v for n, v in fields.items() if not isinstance(v, bytes) and v is not None}
    return house.post(OURS, data=data, files=named)


def send(
    house: House, path: str = OURS, headers: dict[str, str] | None = None, **fields: Any
) -> httpx.Response:
    body = {"source_audio": SAID, "target_audio": WANTED, **fields}
    body = {name: value for name, value in body.items() if value is not None}
    return house.post(path, json=body, headers=headers)


def pitch(sound: Audio) -> float:
    strength = np.abs(np.fft.rfft(sound.samples))
    return float(np.fft.rfftfreq(len(sound.samples), 1 / sound.rate)[strength.argmax()])


def voice_of(house: House, sound: str) -> str:
    """The voice of a recording, as the service gives it."""
    answer = embed(house, sound=sound, encoding_format="safetensors")
    voice: str = answer.json()["data"][0]["embedding"]
    return voice


def assert_converted(sound: Audio) -> None:
    assert sound.duration == pytest.approx(6.0, abs=0.1)
    assert pitch(sound) == pytest.approx(HIGH, rel=0.1)


# What comes back


@pytest.mark.parametrize("ask", [upload, send], ids=["form", "JSON"])
@pytest.mark.parametrize("audio_format", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_a_recording_gets_another_voice(
    house: House, ask: Callable[..., httpx.Response], audio_format: str
) -> None:
    answer = ask(house, response_format=audio_format)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == audio.FORMATS[audio_format].media_type
    if audio_format == "pcm":
        samples = np.frombuffer(answer.content, "<i2").astype(np.float32) / np.float32(32768)
        assert_converted(Audio(samples, 24000))
    else:
        assert_converted(audio.decode(answer.content))


def test_the_sound_is_as_long_and_as_loud_as_its_source(house: House) -> None:
    made, source = audio.decode(upload(house, sample_rate=24000).content), audio.decode(SOURCE)
    assert len(made.samples) == len(source.samples)
    assert np.std(made.samples) == pytest.approx(np.std(source.samples), rel=0.02)


def test_a_voice_may_be_an_embedding(house: House) -> None:
    wanted, said = voice_of(house, WANTED), voice_of(house, SAID)
    jobs = len(house.embedder.jobs) if house.embedder else 0
    answer = send(house, target_audio=None, target_embedding=wanted, source_embedding=said)
    assert_converted(audio.decode(answer.content))
    assert house.embedder is not None and len(house.embedder.jobs) == jobs
    form = upload(house, target_audio=None, target_embedding=wanted)
    assert_converted(audio.decode(form.content))


def test_options_reach_the_model(house: House) -> None:
    assert send(house, seed=5, tau=0.25, model="mask").status_code == 200
    assert house.converter is not None
    assert {(job.seed, job.tau) for job in house.converter.jobs} == {(5, 0.25)}


def test_a_toolchain_is_a_model_too(house: House) -> None:
    assert_converted(audio.decode(upload(house, model="duo").content))


@pytest.mark.parametrize(
    ("path", "fields", "headers"),
    [
        (ENGINE, {}, {}),
        (ENGINE, {"model": ""}, {"accept": "*/*"}),
        (OURS, {}, {"accept": "application/json"}),
        (OURS, {"output_options": {"format": "flac"}}, {}),
        (OURS, {"generation_options": {}}, {}),
    ],
)
def test_the_engine_gets_its_json(
    house: House, path: str, fields: dict[str, Any], headers: dict[str, str]
) -> None:
    answer = send(house, path, headers, **fields)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"id", "model", "created", "data"}
    assert (body["id"], body["model"]) == (answer.headers["x-request-id"], "mask")
    assert_converted(audio.decode(base64.b64decode(body["data"], validate=True)))


def test_what_the_published_client_always_sends_changes_nothing(house: House) -> None:
    answer = send(
        house,
        ENGINE,
        model="duo",
        target_embedding="",
        generation_options={"seed": None, "style": 0, "speed": 1.0, "pitch": 1, "energy": 0},
        output_options={"format": "", "sample_rate": 0, "stream": False},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["model"] == "duo"


def test_the_engine_s_seed_acts(house: House) -> None:
    assert send(house, ENGINE, generation_options={"seed": 9}).status_code == 200
    assert house.converter is not None and house.converter.jobs[0].seed == 9


def test_the_answer_says_what_it_cost(house: House) -> None:
    timing = send(house, ENGINE).headers["server-timing"]
    for step in ("gate.detect", "nose.embed", "mask.convert", "encode", "decode"):
        assert step in timing


@pytest.mark.parametrize("path", ["/v1/voice/convert/models", "/v1/audio/voice-conversion/models"])
def test_what_converts_is_listed(house: House, path: str) -> None:
    assert [card["id"] for card in house.get(path).json()["data"]] == ["mask", "duo"]


# Refusals


TWO_TENTHS = audio.encode(tone(0.2), "wav")
NOTHING = audio.encode(silence(5.0, 16000), "wav")


@pytest.mark.parametrize(
    ("fields", "status", "param", "says"),
    [
        ({"target_audio": None}, 400, "target_audio", "Whose voice"),
        ({"source_audio": None}, 400, "source_audio", "Missing"),
        ({"target_audio": TWO_TENTHS}, 400, "target_audio", "0.2 s"),
        ({"source_audio": TWO_TENTHS}, 400, "source_audio", "0.2 s"),
        ({"target_audio": NOTHING}, 400, "target_audio", "Too little speech"),
        ({"source_audio": NOTHING}, 400, "source_audio", "Too little speech"),
        ({"target_audio": b"no sound"}, 400, "target_audio", "cannot be read"),
        ({"source_audio": b"no sound"}, 400, "source_audio", "cannot be read"),
        ({"source_audio": b""}, 400, "source_audio", "empty"),
        (
            {"target_embedding": "AAAA", "target_audio": None},
            400,
            "target_embedding",
            "safetensors",
        ),
        ({"model": "nobody"}, 404, "model", "mask"),
        ({"model": "voice"}, 400, "model", "mask, duo"),
        ({"model": "openvoice_v1"}, 404, "model", "encoder"),
        ({"tau": "2"}, 400, "tau", "less than"),
        ({"seed": "-1"}, 400, "seed", "greater"),
        ({"speed": "2"}, 400, "speed", "Unknown"),
        ({"response_format": "ogg"}, 400, "response_format", "flac"),
        ({"sample_rate": "1"}, 400, "sample_rate", "8000"),
        ({"file": SOURCE}, 400, "file", "Unknown"),
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


@pytest.mark.parametrize("path", [OURS, ENGINE])
def test_a_voice_of_another_family_is_refused_by_name(path: str) -> None:
    house = House(
        embedder=FakeEmbedder(), converter=FakeConverter(offers=attrs.evolve(MASK, space="masks"))
    )
    voice = voice_of(house, WANTED)
    answer = send(house, path, target_audio=None, target_embedding=voice)
    assert answer.status_code == 400
    error = error_of(answer)
    assert (error["param"], error["code"]) == ("target_embedding", "wrong_embedding")
    assert "'pitch'" in error["message"] and "'masks'" in error["message"]


def test_a_voice_given_twice_is_refused(house: House) -> None:
    answer = send(house, target_embedding=voice_of(house, WANTED))
    assert answer.status_code == 400
    assert error_of(answer)["param"] == "target_embedding"


def test_a_converter_without_an_encoder_takes_embeddings_only(house: House) -> None:
    wanted, said = voice_of(house, WANTED), voice_of(house, SAID)
    alone = House(converter=FakeConverter())
    answer = send(alone)
    assert answer.status_code == 400
    error = error_of(answer)
    assert error["param"] == "target_audio" and "encoder" in error["message"]
    both = send(alone, target_audio=None, target_embedding=wanted, source_embedding=said)
    assert_converted(audio.decode(both.content))


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_a_recording_keeps_its_speed(house: House, speed: float) -> None:
    answer = send(house, ENGINE, generation_options={"speed": speed})
    assert error_of(answer)["param"] == "generation_options.speed"


# Trouble


@pytest.mark.parametrize("failure", [Unavailable("full", retry_after=1.0), Failed("a bug")])
@pytest.mark.parametrize("path", [OURS, ENGINE])
def test_the_fallback_converts_and_is_named(failure: Exception, path: str) -> None:
    house = House(
        embedder=FakeEmbedder(),
        converter=FakeConverter(failures=dict.fromkeys(range(99), failure)),
        double=FakeConverter(),
    )
    answer = send(house, path)
    assert answer.status_code == 200
    assert "double did" in answer.headers["warnings"]
    if path == ENGINE:
        assert answer.json()["model"] == "double"


@pytest.mark.parametrize(("failure", "status"), [(Unavailable("full"), 503), (Failed("x"), 500)])
def test_a_failure_before_the_first_byte_is_a_proper_error(failure: Exception, status: int) -> None:
    house = House(embedder=FakeEmbedder(), converter=FakeConverter(failures={0: failure}))
    answer = upload(house)
    assert answer.status_code == status
    error_of(answer)


def test_a_conversion_that_nobody_waits_for_is_not_made() -> None:
    hold = Hold()
    house = House(embedder=FakeEmbedder(), converter=FakeConverter(holds={0: hold}))
    body = {"source_audio": SAID, "target_audio": WANTED}
    visit = Visit(house, httpx.Request("POST", f"http://house{OURS}", json=body))
    asyncio.run(visit.run_until_left_at(hold.reached))
    assert hold.cancelled == 1
    assert visit.status != 200


def test_a_conversion_that_nobody_hears_any_more_is_not_continued() -> None:
    hold = Hold()
    house = House(embedder=FakeEmbedder(), converter=FakeConverter(holds={2: hold}))
    body = {"source_audio": SAID, "target_audio": WANTED, "response_format": "pcm"}
    visit = Visit(house, httpx.Request("POST", f"http://house{OURS}", json=body))
    asyncio.run(visit.run_until_left_at(hold.reached))
    assert hold.cancelled == 1
    assert visit.status == 200 and not visit.complete


def test_who_speaks_is_remembered(house: House) -> None:
    assert house.embedder is not None
    upload(house)
    jobs = len(house.embedder.jobs)
    upload(house)
    assert len(house.embedder.jobs) == jobs


def test_the_voice_s_vector_is_what_the_encoder_made(house: House) -> None:
    upload(house)
    assert house.converter is not None
    (target,) = {tuple(job.target.vector) for job in house.converter.jobs}
    assert isinstance(house.converter.jobs[0].source, Embedding)
    assert np.argmax(target) != np.argmax(house.converter.jobs[0].source.vector)
