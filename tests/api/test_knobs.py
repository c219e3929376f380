"""A request sets numbers of the model for itself: told by its card, checked before anything is said."""

from __future__ import annotations

from typing import Annotated, Any

import attrs
import pytest
from pydantic import Field

from errors import Unavailable
from runners.knobs import adjusted, knobs_of
from tasks import Card, Knob, Voice
from tests.api.house import House, error_of
from tests.fakes import SPEAKER, FakeSynthesizer

BREATH = Knob("breath", 0.0, 2.0, 0.5)
ADJUSTABLE = attrs.evolve(
    SPEAKER, knobs=(BREATH,), voices=(*SPEAKER.voices, Voice("EN_INDIA", "en-US"))
)
ENGINE = {"model": "voice", "mode": "single_speaker_tts", "input": "Hello."}


@pytest.fixture
def house() -> House:
    return House(synthesizer=FakeSynthesizer(offers=ADJUSTABLE))


def test_what_is_asked_reaches_every_sentence(house: House) -> None:
    assert house.speak(input="One. Two.", options={"breath": 1.5}).status_code == 200
    assert [job.options for job in house.synthesizer.jobs] == [{"breath": 1.5}] * 2
    assert house.speak().status_code == 200
    assert house.synthesizer.jobs[-1].options == {}


def test_the_engine_s_clients_ask_in_their_own_place(house: House) -> None:
    body = {**ENGINE, "generation_options": {"options": {"breath": 0}}}
    assert house.post("/v1/audio/speech", json=body).status_code == 200
    assert house.synthesizer.jobs[0].options == {"breath": 0}


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"breath": 2.1}, "options.breath"),
        ({"breath": -1}, "options.breath"),
        ({"breath": 1, "depth": 1}, "options.depth"),
        ({"breath": "deep"}, "options.breath"),
        ({"breath": None}, "options.breath"),
        ([1], "options"),
        ({str(number): 1 for number in range(17)}, "options"),
    ],
)
def test_what_the_model_has_not_is_refused_by_name(house: House, options: Any, param: str) -> None:
    answer = house.speak(options=options)
    assert answer.status_code == 400
    assert error_of(answer)["param"] == param
    assert not house.synthesizer.jobs


def test_the_refusal_lists_what_there_is(house: House) -> None:
    assert "breath (0 to 2)" in error_of(house.speak(options={"depth": 1}))["message"]
    assert "options: none" in error_of(House().speak(options={"depth": 1}))["message"]


def test_not_a_number_is_no_number(house: House) -> None:
    raw = b'{"model": "voice", "input": "Hello.", "options": {"breath": NaN}}'
    answer = house.post(
        "/v1/audio/speech", content=raw, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert not house.synthesizer.jobs


def test_the_engine_is_told_its_own_place(house: House) -> None:
    body = {**ENGINE, "generation_options": {"options": {"depth": 0}}}
    answer = house.post("/v1/audio/speech", json=body)
    assert (answer.status_code, error_of(answer)["param"]) == (
        400,
        "generation_options.options.depth",
    )


def test_a_fallback_that_cannot_be_adjusted_speaks_as_it_is() -> None:
    ill = FakeSynthesizer(offers=ADJUSTABLE, failures={0: Unavailable("gone")})
    house = House(synthesizer=ill, spare=FakeSynthesizer())
    assert house.speak(options={"breath": 1}).status_code == 200
    assert house.spare is not None and house.spare.jobs[0].options == {}


def test_the_list_of_models_tells_the_knobs(house: House) -> None:
    described = house.get("/v1/models/voice").json()
    assert described["options"] == [
        {"id": "breath", "minimum": 0.0, "maximum": 2.0, "default": 0.5}
    ]
    assert "options" not in House().get("/v1/models/voice").json()


@pytest.mark.parametrize("voice", ["EN_INDIA", "EN-INDIA", "en_india"])
def test_a_voice_may_be_spelt_as_in_other_releases(house: House, voice: str) -> None:
    assert house.speak(voice=voice).status_code == 200
    assert house.synthesizer.jobs[0].voice == "EN_INDIA"


@attrs.frozen
class Options:
    file: str | None = None
    free: float = 1.0
    breath: Annotated[float, Field(ge=0, le=2)] = 0.5


def test_a_family_s_knobs_are_its_options_with_bounds() -> None:
    assert knobs_of(Options(breath=1.5)) == (Knob("breath", 0, 2, 1.5),)
    assert adjusted(Options("a"), {"breath": 2.0}) == Options("a", breath=2.0)
    assert Card().knobs == ()
