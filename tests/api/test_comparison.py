"""POST /v1/audio/speakers/compare: two voices, and whether they are of one speaker."""

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
from api.voice_file import in_base64
from audio import silence
from errors import Failed, Unavailable
from tasks import Embedding, Likeness
from tests.api.house import House, Visit, error_of
from tests.api.test_embeddings import send as embed
from tests.fakes import NOSE, FakeEmbedder, Hold, conversation, tone

PATH = "/v1/audio/speakers/compare"
LOW, HIGH = (audio.encode(conversation((0.5, 6.0, pitch)), "wav") for pitch in (200.0, 1500.0))
SHORT = audio.encode(conversation((0.5, 1.5, 200.0)), "wav")
MEASURED = attrs.evolve(NOSE, likeness=(Likeness(10.0, 0.9, 40.0), Likeness(1.6, 0.6, 20.0)))

Ask = Callable[..., httpx.Response]


@pytest.fixture
def house() -> House:
    return House(embedder=FakeEmbedder(offers=MEASURED))


def upload(house: House, **fields: Any) -> httpx.Response:
    """The form; bytes are files."""
    files = {n: (f"{n}.wav", v) for n, v in fields.items() if isinstance(v, bytes)}
    data = {n: v for n, v in fields.items() if not isinstance(v, bytes)}
    if files:
        return house.post(PATH, data=data, files=files)
    return house.post(PATH, data=data)


def send(house: House, **fields: Any) -> httpx.Response:
    """JSON; bytes are sent in base64."""
    body = {
        n: base64.b64encode(v).decode() if isinstance(v, bytes) else v for n, v in fields.items()
    }
    return house.post(PATH, json=body)


def voice_of(house: House, sound: bytes) -> str:
    answer = embed(house, sound=base64.b64encode(sound).decode(), encoding_format="safetensors")
    voice: str = answer.json()["data"][0]["embedding"]
    return voice


asks = pytest.mark.parametrize("ask", [upload, send], ids=["form", "JSON"])


# Answers


@asks
def test_two_recordings_are_compared(house: House, ask: Ask) -> None:
    answer = ask(house, first_audio=LOW, second_audio=HIGH, model="nose")
    body = answer.json()
    assert answer.status_code == 200, body
    assert body.pop("created") > 0
    assert body == {
        "id": answer.headers["x-request-id"],
        "model": "nose",
        "space": "pitch",
        "score": pytest.approx(0.0, abs=0.02),
        "same": False,
        "threshold": pytest.approx(0.6 + 0.3 * np.log(6 / 1.6) / np.log(10 / 1.6), abs=1e-3),
        "probability": pytest.approx(0.0, abs=1e-6),
        "first_seconds": pytest.approx(6.0, abs=0.02),
        "second_seconds": pytest.approx(6.0, abs=0.02),
    }


@asks
@pytest.mark.parametrize("first", ["audio", "embedding"])
@pytest.mark.parametrize("second", ["audio", "embedding"])
def test_each_voice_may_be_a_recording_or_an_embedding(
    house: House, ask: Ask, first: str, second: str
) -> None:
    voices = {
        place: {f"{place}_audio": LOW} if kind == "audio" else {f"{place}_embedding": voice}
        for voice in [voice_of(house, LOW)]
        for place, kind in (("first", first), ("second", second))
    }
    body = ask(house, **voices["first"], **voices["second"]).json()
    assert body["score"] == pytest.approx(1.0, abs=1e-5)
    assert body["same"] is True and body["probability"] > 0.95
    heard = {"audio": pytest.approx(6.0, abs=0.02), "embedding": None}
    assert (body["first_seconds"], body["second_seconds"]) == (heard[first], heard[second])


def test_the_shorter_recording_says_what_is_enough(house: House) -> None:
    long, short = (
        send(house, first_audio=LOW, second_audio=other).json() for other in (LOW, SHORT)
    )
    alone = voice_of(house, LOW)
    given = send(house, first_embedding=alone, second_embedding=alone).json()
    assert short["threshold"] == pytest.approx(0.6)  # shorter than what was measured
    assert short["threshold"] < long["threshold"] < given["threshold"]
    assert given["threshold"] == pytest.approx(0.9)  # nobody knows how long it was


@pytest.mark.parametrize(
    ("cosine", "same", "probability"),
    [(1.0, True, 1 / (1 + np.exp(-4.0))), (0.9, True, 0.5), (0.85, False, 1 / (1 + np.exp(2.0)))],
)
def test_the_verdict_follows_the_curve(
    house: House, cosine: float, same: bool, probability: float
) -> None:
    one, other = np.zeros((2, 23), dtype=np.float32)
    one[0], other[:2] = 3.0, (cosine + 1e-6, np.sqrt(1 - cosine**2))
    files = [in_base64(Embedding(vector, "pitch"), "nose") for vector in (one, other)]
    body = send(house, first_embedding=files[0], second_embedding=files[1]).json()
    assert body["score"] == pytest.approx(cosine, abs=1e-5)
    assert body["same"] is same
    assert body["probability"] == pytest.approx(probability, abs=1e-3)


def test_an_encoder_that_knows_one_threshold_only_has_that() -> None:
    house = House(embedder=FakeEmbedder())
    body = send(house, first_audio=LOW, second_audio=LOW).json()
    assert (body["threshold"], body["probability"], body["same"]) == (0.7, None, True)


def test_a_recording_that_is_short_is_told_of(house: House) -> None:
    answer = send(house, first_audio=LOW, second_audio=SHORT)
    assert "1.5 s of speech" in answer.headers["warnings"]
    assert "warnings" not in send(house, first_audio=LOW, second_audio=LOW).headers


def test_a_toolchain_is_asked_as_well(house: House) -> None:
    duo = send(house, first_audio=LOW, second_audio=LOW, model="duo")
    assert (duo.status_code, duo.json()["model"]) == (200, "duo")


# Refusals


TWO_TENTHS, NOTHING = (
    audio.encode(sound, "wav") for sound in (tone(0.2, 16000), silence(5.0, 16000))
)


@asks
@pytest.mark.parametrize(
    ("fields", "status", "param", "says"),
    [
        ({"second_audio": None}, 400, "second_audio", "Whose voice? Send 'second_audio'"),
        ({"first_audio": None}, 400, "first_audio", "'first_embedding'"),
        ({"second_audio": TWO_TENTHS}, 400, "second_audio", "0.2 s"),
        ({"first_audio": NOTHING}, 400, "first_audio", "Too little speech"),
        ({"first_audio": b"RIFF"}, 400, "first_audio", "cannot be read"),
        ({"first_embedding": "AAAA"}, 400, "first_embedding", "safetensors"),
        ({"model": "nobody"}, 404, "model", "nose"),
        ({"model": "ear"}, 400, "model", "nose"),
        ({"threshold": "0.5"}, 400, "threshold", "Unknown"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(
    house: House, ask: Ask, fields: dict[str, Any], status: int, param: str, says: str
) -> None:
    given = {"first_audio": LOW, "second_audio": LOW, **fields}
    answer = ask(house, **{name: value for name, value in given.items() if value is not None})
    assert answer.status_code == status, answer.text
    error = error_of(answer)
    assert error["param"] == param
    assert says in error["message"]


@asks
@pytest.mark.parametrize("place", ["first", "second"])
def test_a_voice_given_twice_is_refused(house: House, ask: Ask, place: str) -> None:
    twice = {f"{place}_embedding": voice_of(house, LOW)}
    error = error_of(ask(house, first_audio=LOW, second_audio=LOW, **twice))
    assert error["param"] == f"{place}_embedding" and "send one" in error["message"]


def test_numbers_do_not_say_whose_they_are(house: House) -> None:
    error = error_of(send(house, first_embedding=[0.1] * 23, second_audio=LOW))
    assert error["param"] == "first_embedding" and "safetensors" in error["message"]


@asks
def test_a_voice_of_another_family_is_refused_by_name(house: House, ask: Ask) -> None:
    foreign = in_base64(Embedding(np.ones(23, dtype=np.float32), "masks"), "other")
    error = error_of(ask(house, first_audio=LOW, second_embedding=foreign))
    assert (error["param"], error["code"]) == ("second_embedding", "wrong_embedding")
    assert "'masks', and 'pitch' is wanted" in error["message"]


def test_who_tells_no_speakers_apart_is_not_asked() -> None:
    house = House(embedder=FakeEmbedder(offers=attrs.evolve(NOSE, same_speaker=None)))
    for fields, says in (({}, "speaker encoder"), ({"model": "nose"}, "same_speaker")):
        error = error_of(send(house, first_audio=LOW, second_audio=LOW, **fields))
        assert error["param"] == "model" and says in error["message"]


def test_without_an_encoder_it_is_said_what_to_configure() -> None:
    error = error_of(send(House(), first_audio=LOW, second_audio=LOW))
    assert error["param"] == "model" and "add an entry to model_configs" in error["message"]


def test_it_wants_a_form_or_json(house: House) -> None:
    answer = house.post(PATH, content=b"a", headers={"content-type": "text/plain"})
    assert answer.status_code == 400
    assert "multipart/form-data or application/json" in error_of(answer)["message"]


# Trouble


def test_a_fallback_compares() -> None:
    down = {n: Unavailable("down") for n in range(9)}
    house = House(
        embedder=FakeEmbedder(offers=MEASURED, failures=down),
        understudy=FakeEmbedder(offers=MEASURED),
    )
    answer = send(house, first_audio=LOW, second_audio=HIGH)
    assert answer.json()["model"] == "understudy"
    assert "understudy did" in answer.headers["warnings"]


@pytest.mark.parametrize(("failure", "status"), [(Unavailable("full"), 503), (Failed("x"), 500)])
def test_a_failure_is_a_proper_error(failure: Exception, status: int) -> None:
    house = House(embedder=FakeEmbedder(offers=MEASURED, failures={1: failure}))
    answer = send(house, first_audio=LOW, second_audio=HIGH)
    assert answer.status_code == status
    error_of(answer)


def test_a_client_that_leaves_is_not_worked_for() -> None:
    hold = Hold()
    house = House(embedder=FakeEmbedder(offers=MEASURED, holds={0: hold}))
    body = {
        n: base64.b64encode(f).decode() for n, f in (("first_audio", LOW), ("second_audio", HIGH))
    }
    visit = Visit(house, httpx.Request("POST", f"http://house{PATH}", json=body))
    asyncio.run(visit.run_until_left_at(hold.reached))
    assert hold.cancelled == 1
    assert visit.status != 200
