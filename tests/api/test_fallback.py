"""A fallback answers for a model that cannot, says so, and is never taken where it would not help."""

from __future__ import annotations

import pytest

from errors import Failed, InvalidInput, TimedOut, Unavailable
from tasks import Card, Voice
from tests.api.house import House, error_of
from tests.fakes import FakeSynthesizer

OTHERS = Card(("en-US",), (Voice("zoe", "en-US"),), "zoe", 24000)
DOWN = Unavailable("out of reach", retry_after=5.0)


def house(*failures: Exception, spare: FakeSynthesizer | None = None) -> House:
    ill = FakeSynthesizer(failures=dict(enumerate(failures)))
    return House(synthesizer=ill, spare=spare or FakeSynthesizer(offers=OTHERS))


@pytest.mark.parametrize("failure", [DOWN, Failed("a bug")], ids=["503", "500"])
@pytest.mark.parametrize("fields", [{}, {"stream_format": "sse"}, {"response_format": "wav"}])
def test_the_fallback_answers_and_is_named(failure: Exception, fields: dict[str, str]) -> None:
    placed = house(failure)
    answer = placed.speak(**fields)
    assert answer.status_code == 200 and answer.content
    assert "voice could not serve" in answer.headers["warnings"]
    assert "spare did" in answer.headers["warnings"]


def test_a_model_that_serves_needs_no_warning() -> None:
    assert "warnings" not in house().speak().headers


def test_the_fallback_speaks_with_its_own_voice_where_it_has_not_the_asked_one() -> None:
    placed = house(DOWN)
    assert placed.speak(voice="ann").status_code == 200
    assert placed.spare is not None and placed.spare.jobs[0].voice is None


def test_a_voice_alias_means_the_fallback_s_own_choice() -> None:
    placed = house(DOWN)
    assert placed.speak(voice="alloy").status_code == 200
    assert placed.spare is not None and placed.spare.jobs[0].voice == "zoe"


def test_the_engine_s_answer_names_the_model_that_spoke() -> None:
    placed = house(DOWN)
    asked = {"model": "voice", "mode": "single_speaker_tts", "input": "Hello."}
    answer = placed.post("/v1/audio/speech", json=asked)
    assert answer.json()["model"] == "spare"
    assert "spare did" in answer.headers["warnings"]


@pytest.mark.parametrize(
    ("failure", "status"), [(InvalidInput("no"), 400), (TimedOut("late"), 504)], ids=["400", "504"]
)
def test_what_another_model_would_not_change_is_answered_at_once(
    failure: Exception, status: int
) -> None:
    placed = house(failure)
    assert placed.speak().status_code == status
    assert placed.spare is not None and not placed.spare.jobs


def test_when_both_fail_the_client_hears_it() -> None:
    placed = house(DOWN, spare=FakeSynthesizer(failures={0: DOWN}))
    answer = placed.speak()
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "out of reach" in error_of(answer)["message"]


def test_without_a_fallback_the_failure_is_answered() -> None:
    assert House(synthesizer=FakeSynthesizer(failures={0: DOWN})).speak().status_code == 503
