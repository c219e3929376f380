"""POST /v1/audio/vad."""

from __future__ import annotations

from typing import Any

import pytest

import audio
from tests.api.house import House, error_of
from tests.fakes import spoken_sound

PATH = "/v1/audio/vad"
SOUND = audio.encode(spoken_sound((0.5, 1.0), (2.0, 0.25)), "wav")


def detect(house: House, **fields: Any) -> Any:
    return house.post(PATH, data=fields, files={"file": ("a.wav", SOUND)})


def test_speech_is_found_in_seconds(house: House) -> None:
    answer = detect(house).json()
    assert answer["speech_activity"] is True
    assert answer["timestamps"] == [{"start": 0.5, "end": 1.5}, {"start": 3.5, "end": 3.75}]
    assert (answer["duration"], answer["unit"]) == (3.75, "seconds")


def test_speech_is_found_in_samples_of_the_named_rate(house: House) -> None:
    answer = detect(house, unit="samples", sample_rate="8000").json()
    assert answer["timestamps"][0] == {"start": 4000, "end": 12000}
    assert answer["duration"] == 30000


def test_silence_has_no_speech(house: House) -> None:
    silent = audio.encode(audio.silence(1.0, 16000), "wav")
    answer = house.post(PATH, files={"file": ("a.wav", silent)}).json()
    assert (answer["speech_activity"], answer["timestamps"]) == (False, [])


def test_the_parameters_reach_the_detector_in_seconds(house: House) -> None:
    fields = {
        "model": "gate", "threshold": "0.6", "stop_threshold": "0.4",
        "min_speech_duration_ms": "250", "max_speech_duration_s": "12.5",
        "min_silence_duration_ms": "100", "min_silence_at_max_speech_ms": "98",
        "speech_pad_ms": "30",
    }  # fmt: skip
    assert detect(house, **fields).status_code == 200
    (job,) = house.detector.jobs
    assert (job.threshold, job.stop_threshold) == (0.6, 0.4)
    assert (job.min_speech, job.max_speech, job.min_silence) == (0.25, 12.5, 0.1)
    assert job.min_silence_at_max_speech == 0.098
    assert (job.padding_before, job.padding_after) == (0.03, 0.03)


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"model": "nobody"}, 404, "model"),
        ({"model": "ear"}, 400, "model"),
        ({"threshold": "1.5"}, 400, "threshold"),
        ({"threshold": "nan"}, 400, "threshold"),
        ({"max_speech_duration_s": "nan"}, 400, "max_speech_duration_s"),
        ({"max_speech_duration_s": "inf"}, 400, "max_speech_duration_s"),
        ({"max_speech_duration_s": "0.5"}, 400, "max_speech_duration_s"),
        ({"min_silence_duration_ms": "9" * 5000}, 400, "min_silence_duration_ms"),
        ({"speech_pad_ms": "-1"}, 400, "speech_pad_ms"),
        ({"unit": "furlongs"}, 400, "unit"),
        ({"sample_rate": "0"}, 400, "sample_rate"),
        ({"wings": "2"}, 400, "wings"),
    ],
)
def test_a_wrong_field_is_refused_by_name(
    house: House, fields: dict[str, str], status: int, param: str
) -> None:
    answer = detect(house, **fields)
    assert answer.status_code == status, answer.text
    assert error_of(answer)["param"] == param
    assert not house.detector.jobs
