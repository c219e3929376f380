"""The voice of a recording from the real service, for all the clients that ask for one."""

from __future__ import annotations

import base64
import json
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
from catalog import model_class
from errors import InvalidInput
from pipelines.embedding import fits
from settings import RunnerSettings, load
from tasks import Card, Embed, Speak
from tests import openvoice
from tests.conftest import BUNDLE
from tests.live import LiveService
from tests.runners.conftest import load_changed
from tests.server.conftest import PATIENCE, SAID
from tests.server.node_clients import FOLDER, NodeClient
from weights import Store

pytestmark = [pytest.mark.server, pytest.mark.weights]

ENCODER = {
    "name": "nose", "model": "none", "model_type": "tests.families:Pitch", "max_batch_size": 8,
}  # fmt: skip
ONE, TWO = "ov1-tone-converter-encoder", "ov2-tone-converter-encoder"
TOOLCHAINS = ["openvoice_v1", "openvoice_v2"]  # by these names their encoders are asked, too
OURS = "/v1/audio/embeddings"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """Whisper, a detector, an encoder that tells voices by their pitch, and OpenVoice's two."""
    home = tmp_path_factory.mktemp("service")
    entries = load(BUNDLE / "configuration.yaml").model_configs
    ears = [
        e.model_dump(mode="json") for e in entries if e.model_type in ("FasterWhisper", "SileroVAD")
    ]
    configuration = home / "configuration.yaml"
    folders = openvoice.lay_out(home)
    tones = openvoice.entries(folders[openvoice.V1], folders[openvoice.V2])
    encoders = [*(entry for entry in tones if entry["name"] in (ONE, TWO)), ENCODER]
    configuration.write_text(yaml.safe_dump({"model_configs": [*ears, *encoders]}))
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
    answer = client.post(OURS, files={"file": ("a.wav", recording)}, data={"model": "nose"})
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
    assert [card["id"] for card in listed["data"]["data"]] == [ONE, TWO, "nose", *TOOLCHAINS]


def test_bentomls_client_gets_both(
    service: LiveService, recording: bytes, numbers: list[float], tmp_path: Path
) -> None:
    file, mute = tmp_path / "a.wav", tmp_path / "mute.wav"
    file.write_bytes(recording)
    mute.write_bytes(audio.encode(silence(3.0, 16000), "wav"))
    with bentoml.SyncHTTPClient(service.url, timeout=PATIENCE) as client:
        embed: Any = client.embed
        assert embed(file=file, model="nose")["data"][0]["embedding"] == pytest.approx(numbers)
        told = embed(file=file, encoding_format="safetensors")
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
    again = client.post(OURS, files={"file": ("other.wav", recording)}, data={"model": "nose"})
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
        asked = {"model": "nose", **fields}
        answer = client.post(OURS, files={"file": ("a.wav", recording)}, data=asked)
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


def test_the_voices_of_both_versions_are_what_their_encoders_make_of_the_pieces(
    client: httpx.Client, said: audio.Audio, tmp_path: Path
) -> None:
    whole = audio.resample(audio.join([said] * 8, said.rate), 22050)
    whole = audio.decode(audio.encode(whole, "wav"))  # rounded to 16 bits, as it is sent
    spans = [{"start": 0.0, "end": 6.0}, {"start": 8.0, "end": 22.0}]
    asked = {"input_vad_data": json.dumps(spans), "encoding_format": "safetensors"}
    speech = np.concatenate([whole.cut(0, 6).samples, whole.cut(8, 22).samples])
    pieces = [Embed(audio.Audio(half, 22050)) for half in np.split(speech, 2)]
    folders = openvoice.lay_out(tmp_path)
    entries = openvoice.entries(folders[openvoice.V1], folders[openvoice.V2])
    voices = {}
    for entry in (entry for entry in entries if entry["name"] in (ONE, TWO)):
        sent = {"file": ("a.wav", audio.encode(whole, "wav"))}
        answer = client.post(OURS, files=sent, data={**asked, "model": entry["name"]})
        assert answer.status_code == 200, answer.text
        voice = voices[entry["name"]] = from_base64(answer.json()["data"][0]["embedding"])
        assert voice is not None
        encoder = model_class(RunnerSettings(**entry))(RunnerSettings(**entry), Store(tmp_path))
        made = encoder.embed(pieces)  # type: ignore[attr-defined]
        np.testing.assert_allclose(voice.vector, np.mean([m.vector for m in made], 0), atol=2e-5)
        assert voice.space == encoder.card.space == answer.json()["space"]
        assert len(voice.vector) == encoder.card.dimensions == openvoice.GIN
    one, two = voices[ONE], voices[TWO]
    assert one is not None and two is not None
    with pytest.raises(InvalidInput, match="'openvoice_v1', and 'openvoice_v2' is wanted"):
        fits(one, Card(space=two.space), "target_embedding")


def test_an_encoder_of_tones_is_not_asked_who_speaks(
    service: LiveService, client: httpx.Client, said: audio.Audio
) -> None:
    file = {"file": ("a.wav", audio.encode(said, "wav"))}
    asked = {"model": "faster-whisper-tiny.en", "response_format": "diarized_json"}
    answer = client.post("/v1/audio/transcriptions", files=file, data=asked)
    assert answer.status_code == 200, answer.text
    assert "nose.embed" in answer.headers["server-timing"]
