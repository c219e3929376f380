"""Speech in the voice of a recording, in both dialects."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import attrs
import httpx
import numpy as np
import pytest

import audio
from audio import Audio, silence
from errors import Failed, InvalidInput, Unavailable
from tasks import Call, Speak, Speech
from tests.api.house import House, Visit, error_of, events_of
from tests.api.test_conversion import HIGH, WANTED, pitch, voice_of
from tests.fakes import (
    MASK,
    SECONDS_PER_CHARACTER,
    FakeConverter,
    FakeEmbedder,
    FakeSynthesizer,
    Hold,
    tone,
)

PATH = "/v1/audio/speech"
TEXT = "The first one. The second one. The third one."
LETTERS = sum(character.isalnum() for character in TEXT)


@pytest.fixture
def house() -> House:
    return furnished()


def furnished(**fakes: Any) -> House:
    return House(**{"embedder": FakeEmbedder(), "converter": FakeConverter(), **fakes})


def clone(house: House, **fields: Any) -> httpx.Response:
    """OpenAI's fields and ours."""
    asked = {"converter": "mask", "input_audio": WANTED, "response_format": "wav", "input": TEXT}
    return house.speak(**{**asked, **fields})


def ask(house: House, **fields: Any) -> httpx.Response:
    """The engine's."""
    body = {"model": "duo", "mode": "voice_cloning", "input": TEXT, "input_audio": WANTED, **fields}
    return house.post(PATH, json={k: v for k, v in body.items() if v is not None})


def file_in(answer: httpx.Response) -> Audio:
    assert answer.status_code == 200, answer.text
    return audio.decode(base64.b64decode(answer.json()["data"], validate=True))


def assert_cloned(sound: Audio) -> None:
    pauses = 2 * 0.4
    assert sound.duration == pytest.approx(LETTERS * SECONDS_PER_CHARACTER + pauses, abs=0.2)
    assert pitch(sound) == pytest.approx(HIGH, rel=0.1)


# What comes back


@pytest.mark.parametrize("audio_format", ["mp3", "opus", "aac", "flac", "wav"])
def test_a_text_is_spoken_in_the_voice_of_a_recording(house: House, audio_format: str) -> None:
    answer = clone(house, response_format=audio_format)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == audio.FORMATS[audio_format].media_type
    assert_cloned(audio.decode(answer.content))


def test_it_is_sent_as_events_too(house: House) -> None:
    events = events_of(clone(house, stream_format="sse"))
    assert events[-1]["type"] == "speech.audio.done"
    file = b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
    assert_cloned(audio.decode(file))


@pytest.mark.parametrize("model", ["duo", "voice"])
@pytest.mark.parametrize("mode", ["voice_cloning", ""])
def test_the_engine_gets_its_json(house: House, model: str, mode: str) -> None:
    converter = {"converter": "mask"} if model == "voice" else {}
    answer = ask(house, model=model, mode=mode, **converter)
    assert_cloned(file_in(answer))
    assert answer.json()["model"] == model


def test_without_a_model_a_toolchain_clones(house: House) -> None:
    answer = ask(house, model="")
    assert_cloned(file_in(answer))
    assert answer.json()["model"] == "duo"


def test_a_toolchain_speaks_with_its_own_voices_as_well(house: House) -> None:
    sound = file_in(ask(house, mode="single_speaker_tts", input_audio=None, voice="bob"))
    assert pitch(sound) == pytest.approx(200.0, rel=0.05)
    assert house.synthesizer.jobs[0].voice == "bob"
    assert house.speak(model="duo", voice=None).status_code == 200
    assert house.speak(model="duo", voice=None, language="default").status_code == 200


def test_a_toolchain_needs_no_converter_but_may_have_another(house: House) -> None:
    assert_cloned(audio.decode(clone(house, model="duo", converter=None).content))
    assert_cloned(audio.decode(clone(house, model="duo", converter="mask").content))
    assert_cloned(audio.decode(clone(house, converter="duo").content))


def test_a_voice_may_be_an_embedding(house: House) -> None:
    voice = voice_of(house, WANTED)
    answer = clone(house, input_audio=None, input_embedding=voice)
    assert_cloned(audio.decode(answer.content))
    assert_cloned(file_in(ask(house, input_audio=None, input_embedding=voice)))


def test_what_is_said_of_the_recording_is_believed(house: House) -> None:
    assert clone(house, input_vad_data=[{"start": 0.5, "end": 4.0}]).status_code == 200
    assert not house.detector.jobs
    assert clone(house, input_vad_mode="whisper").status_code == 200
    assert house.transcriber.jobs


def test_the_options_reach_the_models(house: House) -> None:
    assert clone(house, speed=2.0, seed=11, voice="bob").status_code == 200
    said = house.synthesizer.jobs[0]
    assert (said.speed, said.seed, said.voice) == (2.0, 11, "bob")
    assert house.converter is not None
    assert {job.seed for job in house.converter.jobs} == {11}
    options = {"speed": 2.0, "seed": 12}
    assert ask(house, generation_options=options).status_code == 200
    assert any((job.seed, job.speed) == (12, 2.0) for job in house.synthesizer.jobs)


def test_the_same_seed_gives_the_same_bytes(house: House) -> None:
    one, other = (clone(house, seed=4).content for _ in range(2))
    assert one == other


def test_a_model_that_takes_no_seed_says_so() -> None:
    @attrs.define(eq=False)
    class Chance(FakeSynthesizer):
        async def synthesize(self, job: Speak, call: Call) -> Speech:
            if job.seed is not None:
                raise InvalidInput("no seed", param="seed")
            return await FakeSynthesizer.synthesize(self, job, call)

    house = furnished(synthesizer=Chance())
    assert error_of(clone(house, seed=4))["param"] == "seed"
    assert clone(house).status_code == 200  # its own voice's tone is measured without one


def test_it_is_as_loud_as_the_model_speaks(house: House) -> None:
    sound = audio.decode(clone(house).content)
    loud = sound.samples[np.abs(sound.samples) > 0.05]
    plain = audio.decode(house.speak(input=TEXT, response_format="wav").content)
    reference = plain.samples[np.abs(plain.samples) > 0.05]
    assert np.std(loud) == pytest.approx(np.std(reference), rel=0.1)


# Toolchains in the listings


def test_toolchains_are_listed_where_their_parts_are(house: House) -> None:
    assert house.get("/v1/models").json()["data"][-1]["id"] == "duo"
    found = house.get("/v1/models/duo").json()
    assert found["tasks"] == ["speech", "voice-conversion", "speaker-embedding"]
    assert found["models"] == ["voice", "nose", "mask"]
    assert found["languages"] == ["en-US", "es"] and found["available"] is True
    cards = house.get("/v1/audio/speech/models").json()["data"]
    card = next(card for card in cards if card["id"] == "duo")
    assert [language["language"] for language in card["languages"]] == ["en-US", "es"]
    assert House().get("/v1/models/duo").status_code == 404


def test_a_toolchain_is_as_available_as_its_parts(house: House) -> None:
    house.services["mask"].broken = ConnectionRefusedError()
    found = house.get("/v1/models/duo").json()
    assert found["available"] is False and "mask" in found["problem"]


def test_a_toolchain_can_be_loaded_and_unloaded(house: House) -> None:
    assert house.post("/v1/models/duo/unload").status_code == 200
    states = {n: s.presence.value for n, s in house.services.items()}
    assert {n for n, state in states.items() if state == "unloaded"} == {"voice", "nose", "mask"}
    assert house.post("/v1/models/duo/load").status_code == 200
    assert {s.presence.value for s in house.services.values()} == {"loaded"}


@pytest.mark.parametrize(
    ("fakes", "lacks"),
    [
        ({"embedder": None}, "encoder (model_type tests.fakes:Embeds)"),
        ({"converter": None}, "converter (model_type tests.fakes:Converts)"),
        ({"converter": None, "embedder": None}, " and its "),
    ],
)
def test_a_toolchain_that_lacks_a_role_says_which(fakes: dict[str, Any], lacks: str) -> None:
    answer = ask(furnished(**fakes))
    assert answer.status_code == 404
    error = error_of(answer)
    assert (error["param"], error["code"]) == ("model", "model_not_found")
    assert lacks in error["message"] and "Available: voice, ear, gate" in error["message"]


def test_a_toolchain_is_no_answer_where_one_model_is_meant(house: House) -> None:
    form = {"data": {"model": "duo"}, "files": {"file": ("a.wav", b"RIFF")}}
    error = error_of(house.post("/v1/audio/transcriptions", **form))
    assert error["param"] == "model" and "toolchain" in error["message"]


# Refusals


TWO_TENTHS, NOTHING = (
    base64.b64encode(audio.encode(sound, "wav")).decode()
    for sound in (tone(0.2), silence(5.0, 16000))
)


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        ({"input_audio": None}, "converter", "recording"),
        ({"input_audio": TWO_TENTHS}, "input_audio", "0.2 s"),
        ({"input_audio": NOTHING}, "input_audio", "Too little speech"),
        ({"input_audio": "AAAA"}, "input_audio", "cannot be read"),
        ({"input_audio": "!"}, "input_audio", "base64"),
        ({"converter": None}, "converter", "mask, duo"),
        ({"converter": "nobody"}, "converter", "mask, duo"),
        ({"converter": "voice"}, "converter", "mask, duo"),
        ({"input_vad_mode": "ears"}, "input_vad_mode", "silero"),
        ({"input_vad_data": "{"}, "input_vad_data", "JSON"),
        ({"model": "duo", "language": "fr"}, "language", "en-US, es"),
        ({"model": "voice", "language": "fr"}, "language", "en-US, es"),
        ({"model": "duo", "voice": "shouting"}, "voice", "ann, bob, carmen"),
        ({"input": "..."}, "input", "nothing"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    house: House, fields: dict[str, Any], param: str, says: str
) -> None:
    answer = clone(house, **fields)
    assert answer.status_code in (400, 404), answer.text
    error = error_of(answer)
    assert error["param"] == param
    assert says in error["message"]


def test_a_voice_given_twice_is_refused(house: House) -> None:
    voice = voice_of(house, WANTED)
    assert error_of(clone(house, input_embedding=voice))["param"] == "input_embedding"
    assert error_of(ask(house, input_embedding=voice))["param"] == "input_embedding"


@pytest.mark.parametrize("dialect", [clone, ask])
def test_a_voice_of_another_family_is_refused_by_name(dialect: Any) -> None:
    house = furnished(converter=FakeConverter(offers=attrs.evolve(MASK, space="masks")))
    voice = voice_of(house, WANTED)
    error = error_of(dialect(house, input_audio=None, input_embedding=voice))
    assert (error["param"], error["code"]) == ("input_embedding", "wrong_embedding")


def test_a_converter_without_an_encoder_knows_no_voice(house: House) -> None:
    alone = furnished(embedder=None)
    assert error_of(clone(alone))["param"] == "input_audio"
    # The voice is given, but that of the model is not known: it says none with its speech.
    error = error_of(clone(alone, input_audio=None, input_embedding=voice_of(house, WANTED)))
    assert error["param"] == "model" and "encoder" in error["message"]


# Trouble


def test_the_fallback_of_either_model_clones() -> None:
    down = {n: Unavailable("down", retry_after=1.0) for n in range(99)}
    house = furnished(synthesizer=FakeSynthesizer(failures=down), spare=FakeSynthesizer())
    answer = clone(house)
    assert_cloned(audio.decode(answer.content))
    assert "spare did" in answer.headers["warnings"]
    house = furnished(converter=FakeConverter(failures=down), double=FakeConverter())
    answer = clone(house)
    assert_cloned(audio.decode(answer.content))
    assert "double did" in answer.headers["warnings"]


@pytest.mark.parametrize(("failure", "status"), [(Unavailable("full"), 503), (Failed("x"), 500)])
def test_a_failure_before_the_first_byte_is_a_proper_error(failure: Exception, status: int) -> None:
    answer = clone(furnished(converter=FakeConverter(failures={0: failure})), input="Hello.")
    assert answer.status_code == status
    error_of(answer)


@pytest.mark.parametrize("number", [0, 2])
def test_a_clone_that_nobody_hears_is_not_continued(number: int) -> None:
    hold = Hold()
    house = furnished(converter=FakeConverter(holds={number: hold}))
    body = {
        "model": "voice", "converter": "mask", "input_audio": WANTED, "response_format": "pcm",
        "input": TEXT * 3 if number else "Hello.",
    }  # fmt: skip
    visit = Visit(house, httpx.Request("POST", f"http://house{PATH}", json=body))
    asyncio.run(visit.run_until_left_at(hold.reached))
    assert hold.cancelled == 1
    assert (visit.status == 200) == bool(number)
    assert len(house.synthesizer.jobs) < 10
