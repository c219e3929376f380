"""Speech of a toolchain that speaks in whatever voice it is told, in both dialects."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import attrs
import httpx
import numpy as np
import pytest

import audio
from api.voice_file import in_base64
from audio import Audio, silence
from errors import Failed, Unavailable
from pipelines.composing import PAUSE
from tasks import Embedding
from tests.api.house import House, Visit, error_of, events_of
from tests.api.test_conversion import HIGH, WANTED, pitch, voice_of
from tests.fakes import (
    MELODY,
    SECONDS_PER_CHARACTER,
    FakeComposer,
    FakeEmbedder,
    FakeSynthesizer,
    FakeVocoder,
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
    usual = {"embedder": FakeEmbedder(), "composer": FakeComposer(), "vocoder": FakeVocoder()}
    return House(**{**usual, **fakes})


def say(house: House, **fields: Any) -> httpx.Response:
    """OpenAI's fields and ours."""
    asked = {"model": "trio", "voice": None, "input_audio": WANTED, "response_format": "wav"}
    return house.speak(**{**asked, "input": TEXT, **fields})


def ask(house: House, **fields: Any) -> httpx.Response:
    """The engine's."""
    body = {"model": "trio", "mode": "voice_cloning", "input": TEXT, "input_audio": WANTED}
    return house.post(PATH, json={k: v for k, v in {**body, **fields}.items() if v is not None})


def file_in(answer: httpx.Response) -> Audio:
    assert answer.status_code == 200, answer.text
    return audio.decode(base64.b64decode(answer.json()["data"], validate=True))


def assert_said(sound: Audio, speed: float = 1.0, high: float = 1.0) -> None:
    said = LETTERS * SECONDS_PER_CHARACTER + 3 * PAUSE
    assert sound.duration == pytest.approx(said / speed, abs=0.1)
    assert pitch(sound) == pytest.approx(HIGH * high, rel=0.1)


# What comes back


@pytest.mark.parametrize("audio_format", ["mp3", "opus", "aac", "flac", "wav"])
def test_a_text_is_spoken_in_the_voice_of_a_recording(house: House, audio_format: str) -> None:
    answer = say(house, response_format=audio_format)
    assert answer.status_code == 200, answer.text
    assert_said(audio.decode(answer.content))


def test_it_is_sent_as_events_too(house: House) -> None:
    events = events_of(say(house, stream_format="sse"))
    assert events[-1]["type"] == "speech.audio.done"
    assert len(events) > 3  # part by part
    assert_said(audio.decode(b"".join(base64.b64decode(e["audio"]) for e in events[:-1])))


@pytest.mark.parametrize("mode", ["voice_cloning", "single_speaker_tts", ""])
@pytest.mark.parametrize("given", ["recording", "embedding"])
def test_the_engine_gets_its_json(house: House, mode: str, given: str) -> None:
    """To the engine this toolchain speaks in the voice that is sent, whatever the mode is called."""
    fields: dict[str, Any] = {"mode": mode}
    if given == "embedding":
        fields |= {"input_audio": None, "input_embedding": voice_of(house, WANTED)}
    answer = ask(house, **fields)
    assert_said(file_in(answer))
    assert answer.json()["model"] == "trio"


def test_what_was_heard_once_is_remembered(house: House) -> None:
    for _ in range(2):
        assert say(house).status_code == 200
    assert house.embedder is not None and len(house.embedder.jobs) == 1


def test_what_is_said_of_the_recording_is_believed(house: House) -> None:
    assert say(house, input_vad_data=[{"start": 0.5, "end": 4.0}]).status_code == 200
    assert not house.detector.jobs


def test_the_steps_are_told_in_the_header(house: House) -> None:
    timing = ask(house).headers["server-timing"]
    assert all(step in timing for step in ("nose.embed", "pen.compose", "horn.vocode"))


def test_without_a_model_it_is_found() -> None:
    """Where nothing speaks alone, the toolchain does; where something does, it clones at least."""
    body = {"mode": "voice_cloning", "input": TEXT, "input_audio": WANTED, "model": ""}
    answer = furnished().post(PATH, json=body)
    assert answer.json()["model"] == "trio"


@pytest.mark.parametrize(
    ("asked", "meant"), [("EN", "en"), ("en-US", "en"), ("default", None), (None, None)]
)
def test_its_language_may_be_written_in_any_way(
    house: House, asked: str | None, meant: str | None
) -> None:
    assert_said(file_in(ask(house, language=asked)))
    assert house.composer is not None
    assert {job.language for job in house.composer.jobs} == {meant}


# Options


def test_speed_pitch_and_energy_act_in_both_dialects(house: House) -> None:
    options = {"pitch": 2.0, "energy": 0.5}
    assert_said(audio.decode(say(house, speed=2.0, options=options).content), 2.0, 2.0)
    engine = {"speed": 0.5, "pitch": 0.5, "energy": 2}
    assert_said(file_in(ask(house, generation_options=engine)), 0.5, 0.5)
    nested = {"options": {"pitch": 0.5}, "pitch": None}
    assert_said(file_in(ask(house, generation_options=nested)), 1.0, 0.5)
    assert house.composer is not None
    energies = [job.energy for job in house.composer.jobs]
    assert energies == [0.5] * 3 + [2.0] * 3 + [1.0] * 3


@pytest.mark.parametrize("value", [0, 1, 1.0, None])
def test_a_factor_that_changes_nothing_is_taken_of_every_model(house: House, value: Any) -> None:
    options = {"pitch": value, "energy": value, "style": 0, "seed": None}
    assert_said(file_in(ask(house, generation_options=options)))
    plain = ask(house, model="voice", mode="", input_audio=None, generation_options=options)
    assert plain.status_code == 200, plain.text


def test_a_seed_changes_nothing_where_nothing_is_left_to_chance(house: House) -> None:
    one, two, none = (say(house, seed=seed).content for seed in (1, 2, None))
    assert one == two == none
    assert_said(file_in(ask(house, generation_options={"seed": 7})))


def test_the_list_of_models_tells_the_ranges(house: House) -> None:
    listed = [
        {"id": name, "minimum": 0.25, "maximum": 4.0, "default": 1.0}
        for name in ("pitch", "energy")
    ]
    assert house.get("/v1/models/trio").json()["options"] == listed
    assert house.get("/v1/models/pen").json()["options"] == listed


@pytest.mark.parametrize(
    ("options", "param", "says"),
    [
        ({"pitch": 4.1}, "pitch", "pitch (0.25 to 4), energy (0.25 to 4)"),
        ({"pitch": 0.2}, "pitch", "pitch (0.25 to 4)"),
        ({"energy": -1}, "energy", "energy (0.25 to 4)"),
        ({"speed": 4.5}, "speed", "less than or equal to 4"),
        ({"speed": 0.2}, "speed", "greater than or equal to 0.25"),
        ({"style": 1}, "style", "styles"),
        ({"seed": -1}, "seed", "0"),
        ({"tau": 1}, "tau", "Unknown"),
        ({"options": {"tau": 1}}, "options.tau", "pitch (0.25 to 4)"),
        ({"options": {"pitch": 9}}, "options.pitch", "pitch (0.25 to 4)"),
        ({"pitch": 2, "options": {"pitch": 2}}, "pitch", "send one"),
    ],
)
def test_options_beyond_their_range_are_refused_with_it(
    house: House, options: dict[str, Any], param: str, says: str
) -> None:
    answer = ask(house, generation_options=options)
    assert answer.status_code == 400
    error = error_of(answer)
    assert error["param"] == f"generation_options.{param}"
    assert says in error["message"]
    assert house.composer is not None and not house.composer.jobs


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("name", ["pitch", "energy", "speed"])
def test_what_is_no_number_is_refused(house: House, name: str, number: str) -> None:
    raw = f'{{"model": "trio", "mode": "", "input": "Hi.", "generation_options": {{"{name}": {number}}}}}'
    answer = house.post(PATH, content=raw, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert error_of(answer)["param"] == f"generation_options.{name}"


# Refusals


TWO_TENTHS, NOTHING = (
    base64.b64encode(audio.encode(sound, "wav")).decode()
    for sound in (tone(0.2), silence(5.0, 16000))
)
FOREIGN = in_base64(Embedding(np.ones(23, dtype=np.float32), "masks"), "other")


@pytest.mark.parametrize("dialect", [say, ask])
@pytest.mark.parametrize(
    ("fields", "status", "param", "says"),
    [
        ({"input_audio": None}, 400, "input_audio", "Whose voice"),
        ({"input_embedding": FOREIGN}, 400, "input_embedding", "send one of them"),
        ({"input_audio": TWO_TENTHS}, 400, "input_audio", "0.2 s"),
        ({"input_audio": NOTHING}, 400, "input_audio", "Too little speech"),
        ({"input_audio": "AAAA"}, 400, "input_audio", "cannot be read"),
        (
            {"input_audio": None, "input_embedding": FOREIGN},
            400, "input_embedding", "'masks', and 'pitch' is wanted",
        ),
        ({"converter": "mask"}, 400, "converter", "leave 'converter' out"),
        ({"voice": "alloy"}, 400, "voice", "nor any other by a name: leave 'voice' out"),
        ({"language": "fr"}, 400, "language", "'trio' speaks en"),
        ({"input": "..."}, 400, "input", "nothing"),
        ({"model": "pen"}, 400, "model", "a part of trio, which can"),
        ({"model": "horn"}, 400, "model", "a part of trio, which can"),
        ({"model": "nose"}, 400, "model", "a part of trio, which can"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused_by_name(
    house: House, dialect: Any, fields: dict[str, Any], status: int, param: str, says: str
) -> None:
    answer = dialect(house, **fields)
    assert answer.status_code == status, answer.text
    error = error_of(answer)
    assert error["param"] == param
    assert says in error["message"]


@pytest.mark.parametrize(
    ("lacking", "role"),
    [
        ("embedder", "encoder (model_type tests.fakes:Embeds)"),
        ("composer", "composer (model_type tests.fakes:Composes)"),
        ("vocoder", "vocoder (model_type tests.fakes:Vocodes)"),
    ],
)
def test_a_stage_that_is_missing_is_named(lacking: str, role: str) -> None:
    house = furnished(**{lacking: None})
    for answer in (say(house), ask(house)):
        assert answer.status_code == 404
        assert role in error_of(answer)["message"]


def test_it_converts_no_voices(house: House) -> None:
    sent = {"model": "trio", "source_audio": WANTED, "target_audio": WANTED}
    answer = house.post("/v1/audio/voice-conversion", json=sent)
    assert answer.status_code == 400
    assert error_of(answer)["param"] == "model"


def test_it_is_listed_with_what_it_does(house: House) -> None:
    found = house.get("/v1/models/trio").json()
    assert found["tasks"] == ["speech", "speaker-embedding"]
    assert found["models"] == ["pen", "nose", "horn"]
    assert found["languages"] == ["en"] and "voices" not in found
    cards = house.get("/v1/audio/speech/models").json()["data"]
    (card,) = [card for card in cards if card["id"] == "trio"]
    assert card["languages"] == [{"language": "en", "voices": []}]
    # An encoder alone does not make it a toolchain of that kind.
    alone = furnished(composer=None, vocoder=None).get("/v1/models").json()["data"]
    assert "trio" not in [model["id"] for model in alone]


# Trouble


@pytest.mark.parametrize("stage", ["composer", "vocoder"])
@pytest.mark.parametrize(("failure", "status"), [(Unavailable("full"), 503), (Failed("x"), 500)])
def test_a_failure_before_the_first_byte_is_a_proper_error(
    stage: str, failure: Exception, status: int
) -> None:
    fake = {"composer": FakeComposer, "vocoder": FakeVocoder}[stage](failures={0: failure})
    answer = say(furnished(**{stage: fake}))
    assert answer.status_code == status
    error_of(answer)


@pytest.mark.parametrize("stage", ["composer", "vocoder"])
@pytest.mark.parametrize("number", [0, 2])
def test_speech_that_nobody_hears_is_not_continued(stage: str, number: int) -> None:
    hold = Hold()
    fake = {"composer": FakeComposer, "vocoder": FakeVocoder}[stage](holds={number: hold})
    house = furnished(**{stage: fake})
    body = {
        "model": "trio", "input_audio": WANTED, "response_format": "pcm", "input": TEXT * 3,
    }  # fmt: skip
    visit = Visit(house, httpx.Request("POST", f"http://house{PATH}", json=body))
    asyncio.run(visit.run_until_left_at(hold.reached))
    assert hold.cancelled == 1
    assert (visit.status == 200) == bool(number)
    assert house.composer is not None and len(house.composer.jobs) < 8


def test_a_model_that_has_no_melody_refuses_one(house: House) -> None:
    body = {"model": "voice", "mode": "single_speaker_tts", "input": "Hi."}
    answer = house.post(PATH, json={**body, "generation_options": {"pitch": 1.5}})
    assert error_of(answer)["param"] == "generation_options.pitch"
    assert "Its options: none" in error_of(answer)["message"]


def test_a_fallback_without_a_melody_speaks_as_it_is() -> None:
    card = attrs.evolve(FakeSynthesizer().offers, knobs=MELODY)
    ill = FakeSynthesizer(offers=card, failures={0: Unavailable("gone")})
    house = House(synthesizer=ill, spare=FakeSynthesizer())
    body = {"model": "voice", "mode": "single_speaker_tts", "input": "Hi."}
    answer = house.post(PATH, json={**body, "generation_options": {"pitch": 1.5}})
    assert answer.status_code == 200, answer.text
    assert house.spare is not None and house.spare.jobs[0].options == {}
