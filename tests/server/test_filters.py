"""Filters and restoration through the real service, RNNoise among them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bentoml
import httpx
import numpy as np
import pytest
from bentoml.exceptions import InvalidArgument

import audio
from audio import Audio
from audio.filters import Meter
from tests.live import LiveService
from tests.server.conftest import PATIENCE, SAID

pytestmark = [pytest.mark.server, pytest.mark.weights]

RATE = 48000
DENOISE = {"model": "rnnoise"}


@pytest.fixture(scope="module")
def clean(spoken: bytes) -> Audio:
    return audio.decode(spoken, RATE)


@pytest.fixture(scope="module")
def noisy(clean: Audio) -> bytes:
    """The same with white noise, 5 dB below it."""
    drawn = np.random.default_rng(0).standard_normal(len(clean.samples))
    noise = drawn * clean.samples.std() * 10 ** (-5 / 20)
    return audio.encode(Audio((clean.samples + noise).astype(np.float32) / 4, RATE), "flac")


@pytest.fixture(scope="module")
def native(live: LiveService) -> Iterator[Any]:
    with bentoml.SyncHTTPClient(live.url, timeout=PATIENCE) as client:
        yield client


def left(made: Audio, clean: Audio) -> float:
    """Of the energies of the speech and of what else is heard, in dB; by the gain that suits best."""
    given, wanted = made.samples.astype(float), clean.samples[: len(made.samples)].astype(float)
    gain = np.dot(given, wanted) / np.dot(given, given)
    return float(20 * np.log10(wanted.std() / (gain * given - wanted).std()))


def posted(http: httpx.Client, path: str, file: bytes, **fields: Any) -> httpx.Response:
    told = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in fields.items()
    }
    return http.post(path, data=told, files={"file": ("noisy.flac", file)})


@pytest.mark.parametrize("stream", ["true", "false"])
def test_noisy_speech_gets_cleaner(
    http: httpx.Client, noisy: bytes, clean: Audio, stream: str
) -> None:
    answer = posted(http, "/v1/audio/conversion", noisy, stream=stream)
    assert answer.status_code == 200, answer.text
    made = audio.decode(answer.content)
    assert made.rate == RATE
    assert made.duration == pytest.approx(clean.duration, abs=0.01)
    assert left(made, clean) > left(audio.decode(noisy), clean) + 6
    assert "rnnoise.restore;" in answer.headers["server-timing"]


def test_the_engine_s_clients_get_json(http: httpx.Client, noisy: bytes, clean: Audio) -> None:
    asked = {"model": "rnnoise", "source_audio": base64.b64encode(noisy).decode()}
    answer = http.post("/v1/audio/convert", json=asked)
    assert answer.status_code == 200, answer.text
    assert answer.json()["model"] == "rnnoise"
    made = audio.decode(base64.b64decode(answer.json()["data"]))
    assert left(made, clean) > left(audio.decode(noisy), clean) + 6


def test_what_is_transcribed_may_be_denoised_first(http: httpx.Client, noisy: bytes) -> None:
    steps = [{"filter": "highpass"}, DENOISE, {"filter": "loudness", "target": -20}]
    answer = posted(
        http, "/v1/audio/transcriptions", noisy, model="whisper-1", pre_processing_filters=steps
    )
    assert answer.status_code == 200, answer.text
    assert "quick brown" in answer.json()["text"].lower()
    timing = answer.headers["server-timing"]
    steps_told = ("highpass;", "rnnoise.restore;", "loudness;", "faster-whisper-tiny.en")
    order = [timing.index(name) for name in steps_told]
    assert order == sorted(order)


def test_a_voice_may_be_denoised_before_it_is_embedded(http: httpx.Client, noisy: bytes) -> None:
    answer = posted(http, "/v1/audio/embeddings", noisy, pre_processing_filters=[DENOISE])
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["data"][0]["embedding"]) == 256


def test_speech_is_finished_by_filters_in_their_order(http: httpx.Client) -> None:
    steps = [
        DENOISE, {"filter": "speed", "factor": 0.8}, {"filter": "resample", "rate": 16000},
        {"filter": "loudness", "target": -23},
    ]  # fmt: skip
    asked = {"model": "piper-joe", "input": SAID, "response_format": "wav"}
    before = audio.decode(http.post("/v1/audio/speech", json=asked).content)
    answer = http.post("/v1/audio/speech", json={**asked, "post_generation_filters": steps})
    assert answer.status_code == 200, answer.text
    made = audio.decode(answer.content)
    # Piper's rhythm is a little different each time.
    assert made.duration == pytest.approx(before.duration / 0.8, rel=0.2)
    assert made.rate == 16000
    meter = Meter(made.rate)
    meter.hear(made.samples)
    assert meter.loudness() == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([{"filter": "echo"}], "loudness, trim, dc, highpass, resample, fade, speed"),
        ([{"filter": "loudness", "target": 0}], "from -60 to -5"),
        ([{"model": "kokoro"}], "rnnoise"),
        ([{"model": "rnnoise", "power": 2}], "unknown key 'power'"),
        ([DENOISE] * 9, "at most 8"),
        ("[", "no JSON"),
    ],
)
def test_bad_steps_are_refused(http: httpx.Client, noisy: bytes, steps: Any, says: str) -> None:
    answer = posted(http, "/v1/audio/vad", noisy, pre_processing_filters=steps)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["param"].startswith("pre_processing_filters")
    assert says in error["message"]


def test_bentoml_s_clients_filter_too(native: Any, noisy: bytes, tmp_path: Path) -> None:
    file = tmp_path / "noisy.flac"
    file.write_bytes(noisy)
    heard = native.transcribe(file=file, model="whisper-1", pre_processing_filters=[DENOISE])
    assert "quick brown" in heard["text"].lower()
    fast = {"filter": "speed", "factor": 2}
    said = b"".join(native.speak(text=SAID, model="piper-joe", post_generation_filters=[fast]))
    assert 0.5 < audio.decode(said).duration < 3
    with pytest.raises(InvalidArgument, match="at most 8"):
        native.detect(file=file, pre_processing_filters=[DENOISE] * 9)


def test_bentoml_s_clients_restore(native: Any, noisy: bytes, clean: Audio, tmp_path: Path) -> None:
    file = tmp_path / "noisy.flac"
    file.write_bytes(noisy)
    made = audio.decode(b"".join(native.restore(file=file, response_format="flac")))
    assert left(made, clean) > left(audio.decode(noisy), clean) + 6
    with pytest.raises(InvalidArgument, match="restores nothing by itself"):
        b"".join(native.restore(file=file, model="kokoro"))


def test_rnnoise_is_listed(http: httpx.Client) -> None:
    found = http.get("/v1/models/rnnoise").json()
    assert (found["tasks"], found["available"]) == (["restoration"], True)
    listed = http.get("/v1/audio/conversion/models").json()["data"]
    assert [model["id"] for model in listed] == ["rnnoise"]
