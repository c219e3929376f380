"""The voice of a recording from the real service, for all the clients that ask for one."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import bentoml
import httpx
import numpy as np
import openai
import pytest
import yaml
from bentoml.exceptions import InvalidArgument, NotFound

import audio
from api.voice_file import from_base64
from audio import silence
from settings import load
from tasks import Speak
from tests.conftest import BUNDLE
from tests.live import LiveService
from tests.runners.conftest import load_changed
from tests.server.conftest import PATIENCE, SAID
from tests.server.node_clients import FOLDER, NodeClient

pytestmark = [pytest.mark.server, pytest.mark.weights]

ENCODER = {
    "name": "nose", "model": "none", "model_type": "tests.families:Pitch", "max_batch_size": 8,
}  # fmt: skip
OURS = "/v1/audio/embeddings"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """Whisper, a detector, and an encoder that tells voices by their pitch."""
    home = tmp_path_factory.mktemp("service")
    entries = load(BUNDLE / "configuration.yaml").model_configs
    ears = [
        e.model_dump(mode="json") for e in entries if e.model_type in ("FasterWhisper", "SileroVAD")
    ]
    configuration = home / "configuration.yaml"
    configuration.write_text(yaml.safe_dump({"model_configs": [*ears, ENCODER]}))
    environment = {"HARMONY_CONFIG": str(configuration)}
    with LiveService.started(BUNDLE, home, environment=environment) as service:
        yield service


@pytest.fixture(scope="module")
def client(service: LiveService) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=PATIENCE) as client:
        yield client


@pytest.fixture(scope="module")
def said() -> audio.Audio:
    """Three seconds of a voice."""
    (speech,) = load_changed("piper-joe").model.synthesize([Speak(SAID)])  # type: ignore[attr-defined]
    found: audio.Audio = speech.audio
    return found


@pytest.fixture(scope="module")
def recording(said: audio.Audio) -> bytes:
    """The voice over and over, for half a minute."""
    return audio.encode(audio.join([said] * 10, said.rate), "wav")


@pytest.fixture(scope="module")
def numbers(client: httpx.Client, recording: bytes) -> list[float]:
    answer = client.post(OURS, files={"file": ("a.wav", recording)})
    assert answer.status_code == 200, answer.text
    assert answer.json()["speech_seconds"] > 15
    assert "nose.embed;dur=" in answer.headers["server-timing"]
    found: list[float] = answer.json()["data"][0]["embedding"]
    return found


def test_openais_sdk_gets_the_numbers(
    service: LiveService, recording: bytes, numbers: list[float]
) -> None:
    extra = {"input_audio": base64.b64encode(recording).decode()}
    with openai.OpenAI(
        base_url=f"{service.url}/v1", api_key="none", max_retries=0, timeout=PATIENCE
    ) as sdk:
        found = sdk.embeddings.create(model="nose", input="", extra_body=extra)
        assert found.data[0].embedding == pytest.approx(numbers)
        with pytest.raises(openai.BadRequestError, match="voices, not text"):
            sdk.embeddings.create(model="nose", input="Hello.")


def test_the_engines_client_gets_a_file(
    service: LiveService, node_packages: None, recording: bytes, numbers: list[float]
) -> None:
    engine = NodeClient(FOLDER / "engine.mjs", service.url)
    answer = engine.run(
        method="createEmbeddingV1EmbedSpeakerPost",
        request="EmbedSpeakerRequest",
        fields={"model": "nose", "input_audio": base64.b64encode(recording).decode()},
    )
    assert answer["kind"] == "EmbedSpeakerResponse", answer
    assert (answer["data"]["model"], answer["data"]["created"] > 0) == ("nose", True)
    voice = from_base64(answer["data"]["data"])
    assert voice is not None and voice.space == "pitch"
    assert voice.vector.tolist() == pytest.approx(numbers)
    listed = engine.run(method="showAvailableEmbeddingModelsV1EmbedModelsGet")
    assert [card["id"] for card in listed["data"]["data"]] == ["nose"]


def test_bentomls_client_gets_both(
    service: LiveService, recording: bytes, numbers: list[float], tmp_path: Path
) -> None:
    file, mute = tmp_path / "a.wav", tmp_path / "mute.wav"
    file.write_bytes(recording)
    mute.write_bytes(audio.encode(silence(3.0, 16000), "wav"))
    with bentoml.SyncHTTPClient(service.url, timeout=PATIENCE) as client:
        embed: Any = client.embed
        assert embed(file=file)["data"][0]["embedding"] == pytest.approx(numbers)
        told = embed(file=file, model="nose", encoding_format="safetensors")
        assert from_base64(told["data"][0]["embedding"]) is not None
        with pytest.raises(InvalidArgument, match="Too little speech"):
            embed(file=mute)
        with pytest.raises(InvalidArgument, match="encoding_format"):
            embed(file=file, encoding_format="pickle")
        with pytest.raises(NotFound, match="nobody"):
            embed(file=file, model="nobody")


def test_a_clip_that_comes_again_is_remembered_and_counted(
    client: httpx.Client, recording: bytes, numbers: list[float]
) -> None:
    again = client.post(OURS, files={"file": ("other.wav", recording)})
    assert again.json()["data"][0]["embedding"] == numbers
    assert "remembered" in again.headers["server-timing"]
    assert "nose.embed" not in again.headers["server-timing"]
    assert (
        'harmony_speech_reference_voices_total{source="remembered"}' in client.get("/metrics").text
    )


def test_speech_found_by_a_recogniser_or_before_is_the_same_voice(
    client: httpx.Client, recording: bytes, numbers: list[float]
) -> None:
    heard = client.post("/v1/audio/vad", files={"file": ("a.wav", recording)}).text
    for fields in ({"input_vad_mode": "whisper"}, {"input_vad_data": heard}):
        answer = client.post(OURS, files={"file": ("a.wav", recording)}, data=fields)
        assert answer.status_code == 200, answer.text
        found = np.array(answer.json()["data"][0]["embedding"])
        cosine = found @ numbers / np.linalg.norm(found) / np.linalg.norm(numbers)
        assert cosine > 0.95


def music(seconds: float, rate: int = 22050) -> audio.Audio:
    """Chords of plucked strings, in which nobody sings."""
    times = np.arange(round(seconds * rate)) / rate
    sound = np.zeros_like(times)
    for number, chord in enumerate(((220, 277, 330), (196, 247, 294), (175, 220, 262)) * 4):
        since = np.clip(times - number * 0.8, 0, None)
        for pitch, overtone in product(chord, range(1, 7)):
            fading = np.exp(-4 * overtone * since) / overtone
            sound += np.sin(2 * np.pi * pitch * overtone * since) * fading
    return audio.Audio((0.5 * sound / np.abs(sound).max()).astype(np.float32), rate)


def test_clips_without_enough_speech_are_refused(client: httpx.Client, said: audio.Audio) -> None:
    clips = {
        "0.2 s": said.cut(0.5, 0.7),
        "silence": silence(5.0, 16000),
        "music": music(9.0),
    }
    for name, clip in clips.items():
        answer = client.post(OURS, files={"file": ("a.wav", audio.encode(clip, "wav"))})
        assert answer.status_code == 400, name
        error = answer.json()["error"]
        assert (error["param"], error["code"]) == ("file", "too_little_speech"), name
        assert "at least 1 s" in error["message"]
