"""Filters on requests: every route with sound takes them, and refuses wrong ones by name."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi.routing import APIRoute

import audio
from api.filter_steps import AFTER, BEFORE, FILTERS
from api.routes import ROUTERS
from audio import Audio, join, silence
from errors import Failed, Unavailable
from tests.api.house import House, error_of, events_of
from tests.fakes import (
    FakeAnalyser,
    FakeComposer,
    FakeConverter,
    FakeEmbedder,
    FakeRestorer,
    FakeSynthesizer,
    FakeVocoder,
    conversation,
    tone,
)

RATE = 24000
HIGH = 1500.0
QUIET = audio.encode(Audio(tone(6.0, RATE).samples / np.float32(4), RATE), "wav")
OTHER = audio.encode(conversation((0.5, 6.0, HIGH)), "wav")
QUIET_TEXT, OTHER_TEXT = (base64.b64encode(file).decode() for file in (QUIET, OTHER))


def full_house(**changes: Any) -> House:
    furniture: dict[str, Any] = {
        "embedder": FakeEmbedder(),
        "converter": FakeConverter(),
        "restorer": FakeRestorer(),
        "analyser": FakeAnalyser(),
        "composer": FakeComposer(),
        "vocoder": FakeVocoder(),
        **changes,
    }
    return House(**furniture)


@pytest.fixture
def house() -> House:
    return full_house()


# Every route


Ask = Callable[[House, dict[str, Any]], httpx.Response]


def form(path: str, *files: str, **fields: str) -> Ask:
    def ask(house: House, filters: dict[str, Any]) -> httpx.Response:
        sounds = {name: (f"{name}.wav", OTHER if "target" in name else QUIET) for name in files}
        told = {name: json.dumps(steps) for name, steps in filters.items()}
        return house.post(path, data={**fields, **told}, files=sounds)

    return ask


def body(path: str, **fields: Any) -> Ask:
    return lambda house, filters: house.post(path, json={**fields, **filters})


SPEECH = {"model": "voice", "input": "Hello there, how are you today?"}
CLONED = {"input_audio": OTHER_TEXT, "converter": "mask"}
BOTH = {"source_audio": QUIET_TEXT, "target_audio": OTHER_TEXT}
# For each route that has sound those who ask it, and which of the two fields they may send.
ASKING: dict[str, dict[str, tuple[Ask, tuple[str, ...]]]] = {
    "/v1/audio/speech": {
        "ours": (body("/v1/audio/speech", **SPEECH, **CLONED), (BEFORE, AFTER)),
        "events": (
            body("/v1/audio/speech", **SPEECH, **CLONED, stream_format="sse"),
            (BEFORE, AFTER),
        ),
        "own voice": (body("/v1/audio/speech", **SPEECH), (AFTER,)),
        "composed": (
            body("/v1/audio/speech", model="trio", input="Hello there.", input_audio=OTHER_TEXT),
            (BEFORE, AFTER),
        ),
        "engine": (
            body("/v1/audio/speech", **SPEECH, **CLONED, mode="voice_cloning"),
            (BEFORE, AFTER),
        ),
    },
    "/v1/audio/transcriptions": {
        "ours": (form("/v1/audio/transcriptions", "file", model="ear"), (BEFORE,)),
        "stream": (
            form("/v1/audio/transcriptions", "file", model="ear", stream="true"),
            (BEFORE,),
        ),
        "speakers": (
            form(
                "/v1/audio/transcriptions", "file", model="ear", response_format="diarized_json",
                **{
                    "known_speaker_names[]": "Ann",
                    "known_speaker_references[]": f"data:audio/wav;base64,{OTHER_TEXT}",
                },
            ),
            (BEFORE,),
        ),
        "engine": (body("/v1/audio/transcriptions", model="", input_audio=QUIET_TEXT), (BEFORE,)),
    },
    "/v1/audio/translations": {
        "ours": (form("/v1/audio/translations", "file", model="ear"), (BEFORE,)),
    },
    **{
        path: {
            "ours": (form(path, "file"), (BEFORE,)),
            "engine": (body(path, model="", input_audio=QUIET_TEXT), (BEFORE,)),
        }
        for path in ("/v1/audio/vad", "/v1/audio/voice-activity")
    },
    **{
        path: {
            "form": (form(path, "file"), (BEFORE,)),
            "JSON": (body(path, input_audio=QUIET_TEXT), (BEFORE,)),
        }
        for path in ("/v1/audio/embeddings", "/v1/embeddings")
    },
    "/v1/audio/speakers/compare": {
        "form": (form("/v1/audio/speakers/compare", "first_audio", "second_audio"), (BEFORE,)),
        "JSON": (
            body(
                "/v1/audio/speakers/compare", first_audio=QUIET_TEXT, second_audio=OTHER_TEXT
            ),
            (BEFORE,),
        ),
    },
    "/v1/embed/speaker": {
        "engine": (body("/v1/embed/speaker", model="", input_audio=QUIET_TEXT), (BEFORE,)),
    },
    "/v1/audio/voice-conversion": {
        "form": (
            form("/v1/audio/voice-conversion", "source_audio", "target_audio"),
            (BEFORE, AFTER),
        ),
        "JSON": (body("/v1/audio/voice-conversion", **BOTH), (BEFORE, AFTER)),
        "engine": (
            body("/v1/audio/voice-conversion", **BOTH, output_options={}),
            (BEFORE, AFTER),
        ),
    },
    "/v1/voice/convert": {
        "engine": (body("/v1/voice/convert", model="", **BOTH), (BEFORE, AFTER)),
    },
    **{
        path: {
            "form": (form(path, "file"), (BEFORE, AFTER)),
            "stream": (form(path, "file", stream="true"), (BEFORE, AFTER)),
            "JSON": (
                body(path, source_audio=QUIET_TEXT, response_format="wav"),
                (BEFORE, AFTER),
            ),
            "engine": (body(path, source_audio=QUIET_TEXT), (BEFORE, AFTER)),
        }
        for path in ("/v1/audio/conversion", "/v1/audio/convert")
    },
}  # fmt: skip
# Routes that take a body and have no sound.
SOUNDLESS = {"/v1/models/{model:path}/load", "/v1/models/{model:path}/unload"}


def every_way() -> Iterator[Any]:
    for path, ways in ASKING.items():
        for way, (ask, fields) in ways.items():
            for field in fields:
                yield pytest.param(ask, field, id=f"{path} {way} {field}")


ASKED = list(every_way())


def test_no_route_is_forgotten() -> None:
    taking = {
        route.path
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and "POST" in (route.methods or ())
    }
    assert taking - SOUNDLESS == set(ASKING)


@pytest.mark.parametrize(("ask", "field"), ASKED)
def test_every_route_filters_its_sound(house: House, ask: Ask, field: str) -> None:
    steps = [{"filter": "highpass", "frequency": 60}, {"model": "forge"}, {"filter": "dc"}]
    answer = ask(house, {field: steps})
    assert answer.status_code == 200, answer.text
    if "text/event-stream" in answer.headers["content-type"]:
        assert not any("error" in event for event in events_of(answer))
    timing = answer.headers["server-timing"]
    order = [timing.index(name) for name in ("highpass;", "sieve.analyse;", "dc;")]
    assert order == sorted(order)
    assert house.analyser is not None and house.analyser.jobs


@pytest.mark.parametrize(("ask", "field"), ASKED)
def test_every_route_refuses_wrong_steps_before_any_work(
    house: House, ask: Ask, field: str
) -> None:
    answer = ask(house, {field: [{"filter": "reverb"}]})
    assert answer.status_code == 400, answer.text
    error = error_of(answer)
    assert error["param"] == field
    assert "loudness" in error["message"]
    missing = ask(house, {field: [{"model": "nobody"}]})
    assert missing.status_code == 400, missing.text
    assert error_of(missing)["param"] == f"{field}.0.model"
    assert "broom, forge" in error_of(missing)["message"]
    assert not house.synthesizer.jobs and not house.transcriber.jobs
    assert house.converter is not None and not house.converter.jobs


@pytest.mark.parametrize(("ask", "field"), ASKED)
def test_no_steps_are_no_steps(house: House, ask: Ask, field: str) -> None:
    nothings: list[list[Any] | None] = [[], None]
    for nothing in nothings:
        answer = ask(house, {field: nothing})
        assert answer.status_code == 200, answer.text
    assert "highpass" not in answer.headers["server-timing"]


# What they do


def spoken(house: House, *steps: dict[str, Any]) -> Audio:
    answer = house.speak(input="Hello there. " * 8, response_format="wav", **{AFTER: list(steps)})
    assert answer.status_code == 200, answer.text
    return audio.decode(answer.content)


def test_filters_act(house: House) -> None:
    before = spoken(house)
    assert spoken(house, {"filter": "speed", "factor": 2}).duration == pytest.approx(
        before.duration / 2, rel=0.01
    )
    assert spoken(house, {"filter": "resample", "rate": 16000}).rate == 16000
    louder = spoken(house, {"filter": "loudness", "target": -9}).samples.std()
    softer = spoken(house, {"filter": "loudness", "target": -29}).samples.std()
    assert 20 * np.log10(louder / softer) == pytest.approx(20, abs=0.5)


def test_what_is_heard_is_the_filtered_sound(house: House) -> None:
    sound = audio.encode(join([silence(2, RATE), tone(2, RATE), silence(2, RATE)], RATE), "wav")
    trim = json.dumps([{"filter": "trim", "keep": 0}])
    answer = house.post(
        "/v1/audio/vad", data={BEFORE: trim}, files={"file": ("a.wav", sound)}
    ).json()
    assert answer["duration"] == pytest.approx(2, abs=0.05)
    assert answer["timestamps"][0]["start"] == pytest.approx(0, abs=0.05)


def test_a_converter_among_the_filters_changes_the_voice(house: House) -> None:
    embedded = house.post(
        "/v1/audio/embeddings", json={"input_audio": OTHER_TEXT, "encoding_format": "safetensors"}
    )
    voice = embedded.json()["data"][0]["embedding"]
    for step in (
        {"model": "mask", "target_embedding": voice, "seed": 3, "tau": 0.5},
        {"model": "duo", "target_audio": OTHER_TEXT},
        {"model": "", "target_embedding": voice, "generation_options": {"seed": 1}},
    ):
        made = spoken(house, step)
        strength = np.abs(np.fft.rfft(made.samples))
        pitch = np.fft.rfftfreq(len(made.samples), 1 / made.rate)[strength.argmax()]
        assert pitch == pytest.approx(HIGH, rel=0.1)


def test_the_engine_s_way_to_write_a_step_is_understood(house: House) -> None:
    step = {
        "model": "forge",
        "source_audio": "",
        "target_audio": None,
        "target_embedding": "",
        "generation_options": {"seed": 7, "style": 0, "speed": 1.0, "pitch": None, "energy": 0},
        "output_options": {"format": "wav", "sample_rate": 16000, "stream": False},
    }
    assert spoken(house, step).rate == 16000
    assert house.services["sieve"].fake.jobs[0].seed == 7


def test_a_mode_reaches_the_model(house: House) -> None:
    spoken(house, {"model": "forge", "mode": 1})
    assert house.services["sieve"].fake.jobs[0].mode == 1


def test_filtered_speech_is_still_streamed(house: House) -> None:
    answer = house.speak(
        input="Hello there. " * 30,
        stream_format="sse",
        response_format="pcm",
        **{AFTER: [{"filter": "highpass"}]},
    )
    deltas = [event for event in events_of(answer) if event["type"] == "speech.audio.delta"]
    assert len(deltas) > 10


def test_a_clip_that_comes_again_after_filters_is_remembered(house: House) -> None:
    assert house.embedder is not None
    fields = {"input_audio": OTHER_TEXT, BEFORE: [{"filter": "highpass"}]}
    for _ in range(2):
        assert house.post("/v1/audio/embeddings", json=fields).status_code == 200
    assert len(house.embedder.jobs) == 1


# Refusals


@pytest.mark.parametrize(
    ("steps", "param", "says"),
    [
        ({"filter": "dc"}, AFTER, "list of steps"),
        ("[{", AFTER, "no JSON"),
        ('"dc"', AFTER, "list of steps"),
        ([{"filter": "dc"}] * 9, AFTER, "at most 8"),
        (["dc"], AFTER, "step 1"),
        ([{}], AFTER, "'filter'"),
        ([{"filter": "dc", "model": "broom"}], AFTER, "either"),
        ([{"filter": 5}], AFTER, "highpass"),
        ([{"filter": ["dc"]}], AFTER, "highpass"),
        ([{"filter": "dc", "x": 1}], AFTER, "known are filter"),
        ([{"filter": "dc"}, {"filter": "loudness", "target": 3}], AFTER, "step 2: 'target'"),
        ([{"filter": "loudness", "target": 3}], AFTER, "from -60 to -5"),
        ([{"filter": "loudness", "target": "loud"}], AFTER, "from -60 to -5"),
        ([{"filter": "trim", "threshold": -100}], AFTER, "from -80 to -20"),
        ([{"filter": "trim", "keep": 6}], AFTER, "from 0 to 5"),
        ([{"filter": "highpass", "frequency": 5}], AFTER, "from 20 to 1000"),
        ([{"filter": "highpass", "frequency": 1e999}], AFTER, "from 20 to 1000"),
        ([{"filter": "resample"}], AFTER, "'rate' is missing: it is a number from 8000 to 48000"),
        ([{"filter": "resample", "rate": 96000}], AFTER, "from 8000 to 48000"),
        ([{"filter": "fade", "end": 31}], AFTER, "from 0 to 30"),
        ([{"filter": "speed", "factor": 0.1}], AFTER, "from 0.5 to 2"),
        ([{"filter": "speed"}], AFTER, "from 0.5 to 2"),
        ([{"model": "broom", "strength": 3}], AFTER, "unknown key 'strength'"),
        ([{"model": "broom", "mode": "x"}], AFTER, "from 0 to 100"),
        ([{"model": "broom", "seed": -1}], AFTER, "'seed'"),
        ([{"model": "broom", "source_audio": "AAAA"}], AFTER, "the request's own sound"),
        ([{"model": "broom", "generation_options": {"speed": 2}}], AFTER, "leave it out"),
        ([{"model": "broom", "generation_options": {"x": 2}}], AFTER, "generation_options.x"),
        ([{"model": "broom", "output_options": {"format": "mp3"}}], AFTER, "leave it out"),
        ([{"model": "mask", "target_embedding": "AAAA"}], AFTER, "safetensors"),
        ([{"model": "voice"}], f"{AFTER}.0.model", "broom, forge"),
        ([{"filter": "dc"}, {"model": "nobody"}], f"{AFTER}.1.model", "mask, duo"),
        ([{"model": "mask"}], f"{AFTER}.0.target_embedding", "somebody's voice"),
        ([{"model": "mask", "mode": 1}], f"{AFTER}.0.mode", "a converter"),
        ([{"model": "broom", "tau": 0.5}], f"{AFTER}.0.tau", "a restorer"),
        ([{"model": "broom", "mode": 1}], f"{AFTER}.0.mode", "one way"),
        ([{"filter": "dc"}, {"model": "forge", "mode": 3}], f"{AFTER}.1.mode", "modes 0, 1, 2"),
        ([{"filter": "speed", "factor": 0.5}] * 3, AFTER, "0.25 to 4"),
        ([{"filter": "speed", "factor": 2}] * 3, AFTER, "0.25 to 4"),
        ([{"model": "broom", "source_audio": ""}], None, ""),
        ([{"filter": "trim", "threshold": -20}, {"filter": "dc"}], None, ""),
    ],
)
def test_wrong_steps_are_refused_with_what_would_be_right(
    house: House, steps: Any, param: str | None, says: str
) -> None:
    answer = house.speak(**{AFTER: steps})
    if param is None:
        assert answer.status_code == 200
        return
    assert answer.status_code == 400, answer.text
    error = error_of(answer)
    assert error["param"] == param
    assert says in error["message"]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/audio/transcriptions", {"model": "nope"}),
        ("/v1/audio/transcriptions", {"model": "ear", "language": "xx"}),
        ("/v1/audio/translations", {"model": "nope"}),
        ("/v1/audio/vad", {"model": "nope"}),
        ("/v1/audio/embeddings", {"model": "nope"}),
        ("/v1/audio/conversion", {"model": "nope"}),
        ("/v1/audio/conversion", {"model": "forge", "mode": "3"}),
    ],
)
def test_what_is_wrong_with_a_request_is_said_before_its_sound_is_filtered(
    house: House, path: str, fields: dict[str, str]
) -> None:
    sweep = {BEFORE: json.dumps([{"model": "broom"}])}
    answer = house.post(path, data={**fields, **sweep}, files={"file": ("a.wav", OTHER)})
    assert answer.status_code in (400, 404)
    assert house.restorer is not None and not house.restorer.jobs


def test_an_empty_string_is_no_sound_in_a_form_either(house: House) -> None:
    steps = json.dumps([{"model": "broom", "source_audio": "", "target_audio": ""}])
    sound = {"file": ("a.wav", OTHER)}
    assert house.post("/v1/audio/vad", data={BEFORE: steps}, files=sound).status_code == 200


def test_filters_make_no_more_sound_than_is_taken() -> None:
    house = full_house(limits={"max_audio_seconds": 8})
    slow = json.dumps([{"filter": "speed", "factor": 0.5}])
    sound = {"file": ("a.wav", audio.encode(tone(6.0, RATE), "wav"))}
    assert house.post("/v1/audio/vad", files=sound).status_code == 200
    for path, field in (("/v1/audio/vad", BEFORE), ("/v1/audio/conversion", AFTER)):
        answer = house.post(path, data={field: slow}, files=sound)
        assert answer.status_code == 413, answer.text
        assert "max_audio_seconds" in error_of(answer)["message"]


@pytest.mark.parametrize("fields", [{}, {"stream": "true"}, {"response_format": "mp3"}])
def test_a_sound_of_one_sample_is_refused(house: House, fields: dict[str, str]) -> None:
    sound = {"file": ("a.wav", audio.encode(Audio(np.ones(1, dtype=np.float32), 96000), "wav"))}
    answer = house.post("/v1/audio/conversion", data=fields, files=sound)
    assert answer.status_code == 400, answer.text
    assert "too short" in error_of(answer)["message"]


def test_filters_for_voices_that_came_as_numbers_are_refused(house: House) -> None:
    steps = [{"filter": "dc"}]
    asked = {"input_audio": OTHER_TEXT, "encoding_format": "safetensors"}
    voice = house.post("/v1/audio/embeddings", json=asked).json()["data"][0]["embedding"]
    both = {"first_embedding": voice, "second_embedding": voice}
    for path, fields in (
        ("/v1/audio/speech", {"model": "trio", "input": "Hi.", "input_embedding": voice}),
        ("/v1/audio/speakers/compare", {**both, "model": "nose"}),
    ):
        answer = house.post(path, json={**fields, BEFORE: steps})
        assert answer.status_code == 400, answer.text
        assert error_of(answer)["param"] == BEFORE


def test_a_converter_names_the_step_whose_sound_it_cannot_take(house: House) -> None:
    sound = {"file": ("a.wav", audio.encode(silence(3, RATE), "wav"))}
    voice = house.post(
        "/v1/audio/embeddings", json={"input_audio": OTHER_TEXT, "encoding_format": "safetensors"}
    ).json()["data"][0]["embedding"]
    steps = json.dumps([{"filter": "dc"}, {"model": "mask", "target_embedding": voice}])
    answer = house.post("/v1/audio/conversion", data={AFTER: steps}, files=sound)
    assert (answer.status_code, error_of(answer)["param"]) == (400, f"{AFTER}.1")


def test_every_filter_is_told_of(house: House) -> None:
    message = error_of(house.speak(**{AFTER: [{"filter": "x"}]}))["message"]
    assert all(name in message for name in FILTERS)


def test_filters_for_a_sound_that_is_not_there_are_refused(house: House) -> None:
    answer = house.speak(**{BEFORE: [{"filter": "dc"}]})
    assert answer.status_code == 400
    assert error_of(answer)["param"] == BEFORE
    assert "input_audio" in error_of(answer)["message"]


def test_a_sound_of_which_nothing_is_left_is_refused(house: House) -> None:
    files = {"file": ("a.wav", audio.encode(silence(3, RATE), "wav"))}
    trim = json.dumps([{"filter": "trim"}])
    answer = house.post("/v1/audio/vad", data={BEFORE: trim}, files=files)
    assert answer.status_code == 400
    assert error_of(answer)["param"] == BEFORE


def test_a_filter_that_cannot_serve_is_a_503() -> None:
    house = full_house(restorer=FakeRestorer(failures={0: Unavailable("full", retry_after=2)}))
    answer = house.speak(**{AFTER: [{"model": "broom"}]})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"


def test_for_a_filter_that_cannot_serve_no_other_voice_is_tried() -> None:
    spare = FakeSynthesizer()
    broken = FakeRestorer(failures={0: Failed("a bug")})
    answer = full_house(restorer=broken, spare=spare).speak(**{AFTER: [{"model": "broom"}]})
    assert answer.status_code == 500
    assert "warnings" not in answer.headers and not spare.jobs


def test_a_voice_that_cannot_serve_still_has_its_fallback_before_filters() -> None:
    ill = FakeSynthesizer(failures={0: Unavailable("out of reach")})
    answer = full_house(synthesizer=ill, spare=FakeSynthesizer()).speak(
        **{AFTER: [{"filter": "dc"}, {"model": "broom"}]}
    )
    assert answer.status_code == 200
    assert "spare did" in answer.headers["warnings"]


def test_the_document_describes_the_steps(house: House) -> None:
    document = house.get("/openapi.json").text
    for name in (*FILTERS, "target_embedding", "maxItems"):
        assert name in document
