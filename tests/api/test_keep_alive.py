"""A request says how long the models that it used stay in memory."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.house import House, error_of


@pytest.mark.parametrize(
    ("given", "seconds"), [("10m", 600), (0, 0), (-1, -1), ("-1", -1), (2.5, 2.5), (None, None)]
)
def test_speech_says_it_in_json(house: House, given: Any, seconds: float | None) -> None:
    assert house.speak(keep_alive=given).status_code == 200
    assert house.synthesizer.calls[0].keep_alive == seconds


@pytest.mark.parametrize(("given", "seconds"), [("10m", 600), ("0", 0), ("-1", -1)])
def test_forms_say_it_in_a_field(house: House, wav: bytes, given: str, seconds: float) -> None:
    assert house.transcribe(wav, keep_alive=given).status_code == 200
    found = [call.keep_alive for fake in (house.detector, house.transcriber) for call in fake.calls]
    assert found == [seconds, seconds]
    answer = house.post("/v1/audio/vad", data={"keep_alive": given}, files={"file": ("a.wav", wav)})
    assert answer.status_code == 200
    assert house.detector.calls[-1].keep_alive == seconds


@pytest.mark.parametrize("wrong", ["soon", -2, True, [1], "inf"])
def test_what_is_no_duration_is_refused(house: House, wrong: Any) -> None:
    answer = house.speak(keep_alive=wrong)
    assert answer.status_code == 400
    assert error_of(answer)["param"] == "keep_alive"
