"""Clones and conversion through the real service, on small networks of OpenVoice's kind.

Their weights are random, so what they say is noise: that a voice sounds like somebody is told by the golden
data. Here is that all parts work together, over HTTP and over process borders.
"""

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
import yaml

import audio
from audio import Audio, resample
from tests import openvoice
from tests.conftest import BUNDLE
from tests.live import LiveService
from tests.server.conftest import PATIENCE
from tests.server.node_clients import FOLDER, NodeClient

pytestmark = [pytest.mark.server, pytest.mark.weights]

TEXT = (
    "My neighbor keeps bees behind the old stone barn, and every August he brings us two jars of honey. "
    "The quick brown fox jumps over the lazy dog. Nobody knows why it does that."
)
SPEECH, CONVERSION = "/v1/audio/speech", "/v1/audio/voice-conversion"
RATE = 22050


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    home = tmp_path_factory.mktemp("service")
    configuration = home / "configuration.yaml"
    tree = openvoice.configuration(openvoice.lay_out(home))
    configuration.write_text(yaml.safe_dump(tree))
    environment = {"HARMONY_CONFIG": str(configuration)}
    with LiveService.started(BUNDLE, home, environment=environment) as service:
        yield service


@pytest.fixture(scope="module")
def client(service: LiveService) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=PATIENCE) as client:
        yield client


@pytest.fixture(scope="module")
def clips(client: httpx.Client) -> dict[str, bytes]:
    """Two recorded voices, as wav files."""
    made = {}
    for voice in ("bm_george", "af_heart"):
        asked = {"model": "kokoro", "voice": voice, "input": TEXT, "response_format": "wav"}
        made[voice] = client.post(SPEECH, json=asked).content
    return made


@pytest.fixture(scope="module")
def target(clips: dict[str, bytes]) -> str:
    return base64.b64encode(clips["bm_george"]).decode()


def speak(client: httpx.Client, **fields: Any) -> httpx.Response:
    asked = {"model": "openvoice_v1", "input": TEXT, "response_format": "wav", **fields}
    present = {name: value for name, value in asked.items() if value is not None}
    return client.post(SPEECH, json=present)


def convert(client: httpx.Client, clips: dict[str, bytes], **fields: Any) -> httpx.Response:
    files = {"source_audio": clips["af_heart"], "target_audio": clips["bm_george"]}
    files |= {name: value for name, value in fields.items() if isinstance(value, bytes)}
    gone = [name for name, value in fields.items() if value is None]
    data = {n: str(v) for n, v in fields.items() if not isinstance(v, bytes) and v is not None}
    named = {name: ("a.wav", file) for name, file in files.items() if name not in gone}
    return client.post(CONVERSION, data=data, files=named)


def sound_of(answer: httpx.Response) -> Audio:
    assert answer.status_code == 200, answer.text
    return audio.decode(answer.content)


def refusal(answer: httpx.Response) -> tuple[int, str | None, str]:
    error = answer.json()["error"]
    return answer.status_code, error["param"], error["message"]


def embedding(client: httpx.Client, model: str, clip: bytes) -> str:
    form = {"model": model, "encoding_format": "safetensors"}
    answer = client.post("/v1/audio/embeddings", data=form, files={"file": ("a.wav", clip)})
    assert answer.status_code == 200, answer.text
    voice: str = answer.json()["data"][0]["embedding"]
    return voice


def loudness(sound: Audio) -> float:
    return float(np.sqrt(np.mean(np.square(sound.samples[np.abs(sound.samples) > 0.01]))))


# Speech


@pytest.mark.parametrize("voice", [None, "default", "whispering", "shouting"])
def test_a_toolchain_speaks_with_its_own_voices(client: httpx.Client, voice: str | None) -> None:
    sound = sound_of(speak(client, voice=voice))
    assert sound.rate == RATE and sound.duration > 1
    assert np.abs(sound.samples).max() > 0.01


def test_a_toolchain_speaks_the_language_that_is_asked_for(client: httpx.Client) -> None:
    answer = speak(client, language="ZH", input="今天天气很好。")
    assert sound_of(answer).duration > 0.3
    assert "ov1-synthesizer-zh.synthesize" in answer.headers["server-timing"]


@pytest.mark.parametrize("audio_format", ["mp3", "opus", "aac", "flac", "wav"])
def test_a_toolchain_clones_a_voice(client: httpx.Client, target: str, audio_format: str) -> None:
    answer = speak(client, input_audio=target, response_format=audio_format)
    sound = sound_of(answer)
    assert sound.duration > 1 and np.isfinite(sound.samples).all()
    assert np.abs(sound.samples).max() > 0.01


@pytest.mark.parametrize("converter", ["openvoice_v1", "openvoice_v2", "ov2-tone-converter"])
def test_any_model_can_be_the_source_voice_of_a_clone(
    client: httpx.Client, target: str, converter: str
) -> None:
    answer = speak(client, model="kokoro", voice=None, input_audio=target, converter=converter)
    cloned, plain = sound_of(answer), sound_of(speak(client, model="kokoro"))
    assert cloned.rate == RATE
    assert cloned.duration == pytest.approx(plain.duration, abs=0.1)
    assert loudness(cloned) == pytest.approx(loudness(plain), rel=0.3)


def test_a_clone_is_sent_sentence_by_sentence(client: httpx.Client, target: str) -> None:
    asked = {
        "model": "kokoro", "input": TEXT, "input_audio": target, "converter": "openvoice_v2",
        "response_format": "wav", "stream_format": "sse",
    }  # fmt: skip
    with client.stream("POST", SPEECH, json=asked) as answer:
        lines = [line for line in answer.iter_lines() if line]
    events = [json.loads(line.removeprefix("data: ")) for line in lines]
    assert events[-1]["type"] == "speech.audio.done"
    assert len(events) > 4
    file = b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
    assert audio.decode(file).duration > 3


def test_the_same_seed_says_the_same_and_another_does_not(
    client: httpx.Client, target: str
) -> None:
    one, other, third = (
        sound_of(speak(client, input_audio=target, seed=seed)).samples for seed in (5, 5, 6)
    )
    assert np.array_equal(one, other)
    assert len(one) != len(third) or not np.array_equal(one, third)


def test_speed_acts_on_clones(client: httpx.Client, target: str) -> None:
    slow, fast = (
        sound_of(speak(client, input_audio=target, seed=1, speed=speed)) for speed in (1, 2)
    )
    assert fast.duration < 0.7 * slow.duration


def test_a_voice_is_sent_as_an_embedding(
    client: httpx.Client, clips: dict[str, bytes], target: str
) -> None:
    voice = embedding(client, "ov1-tone-converter-encoder", clips["bm_george"])
    by_voice, by_clip = (
        sound_of(speak(client, seed=3, **given))
        for given in ({"input_embedding": voice}, {"input_audio": target})
    )
    assert np.array_equal(by_voice.samples, by_clip.samples)


@pytest.mark.parametrize("mode", ["silero", "whisper"])
def test_speech_in_the_clip_is_found_as_asked(client: httpx.Client, target: str, mode: str) -> None:
    answer = speak(client, input_audio=target, input_vad_mode=mode)
    assert answer.status_code == 200, answer.text


# Conversion


@pytest.mark.parametrize("model", ["openvoice_v1", "openvoice_v2", "ov1-tone-converter"])
def test_a_recording_is_converted(
    client: httpx.Client, clips: dict[str, bytes], model: str
) -> None:
    made = sound_of(convert(client, clips, model=model, seed=1))
    source = resample(audio.decode(clips["af_heart"]), RATE)
    assert made.rate == RATE
    assert abs(len(made.samples) - len(source.samples)) <= 1
    assert loudness(made) == pytest.approx(loudness(source), rel=0.3)
    again = sound_of(convert(client, clips, model=model, seed=1))
    assert np.array_equal(made.samples, again.samples)


def test_a_recording_is_converted_to_an_embedded_voice(
    client: httpx.Client, clips: dict[str, bytes]
) -> None:
    voice = embedding(client, "ov2-tone-converter", clips["bm_george"])
    answer = convert(
        client, clips, model="openvoice_v2", target_audio=None, target_embedding=voice, seed=1
    )
    by_clip = sound_of(convert(client, clips, model="openvoice_v2", seed=1))
    assert np.array_equal(sound_of(answer).samples, by_clip.samples)


def test_a_long_recording_is_converted_piece_by_piece(
    client: httpx.Client, clips: dict[str, bytes]
) -> None:
    one = resample(audio.decode(clips["af_heart"]), 16000)
    long = Audio(np.tile(one.samples, 12), 16000)
    made = sound_of(convert(client, clips, source_audio=audio.encode(long, "flac"), seed=1))
    assert made.duration == pytest.approx(long.duration, abs=0.01)


def test_bento_s_client_converts(
    service: LiveService, clips: dict[str, bytes], tmp_path: Path
) -> None:
    for name, file in clips.items():
        (tmp_path / f"{name}.wav").write_bytes(file)
    with bentoml.SyncHTTPClient(service.url, timeout=PATIENCE) as client:
        asked = {"model": "openvoice_v2", "source": tmp_path / "af_heart.wav"}
        pieces = client.convert(**asked, target=tmp_path / "bm_george.wav")
        made = audio.decode(b"".join(pieces))
        assert made.duration == pytest.approx(audio.decode(clips["af_heart"]).duration, abs=0.01)
        with pytest.raises(bentoml.exceptions.BentoMLException, match="converts no voices"):
            b"".join(client.convert(**{**asked, "model": "kokoro"}, target=asked["source"]))


def test_the_engine_s_client_clones_and_converts(
    service: LiveService, clips: dict[str, bytes], target: str, node_packages: None
) -> None:
    engine = NodeClient(FOLDER / "engine.mjs", service.url)
    said = engine.run(
        method="createSpeechV1AudioSpeechPost",
        request="TextToSpeechRequest",
        fields={
            "model": "openvoice_v1", "mode": "voice_cloning", "input": "Good morning, everybody.",
            "language": "EN", "voice": "default", "input_audio": target,
            "generation_options": {"seed": 42, "style": 0, "speed": 1.0},
        },
    )  # fmt: skip
    assert said["kind"] == "TextToSpeechResponse", said
    assert audio.decode(base64.b64decode(said["data"]["data"])).duration > 0.3
    source = base64.b64encode(clips["af_heart"]).decode()
    embedded = engine.run(
        method="createEmbeddingV1EmbedSpeakerPost",
        request="EmbedSpeakerRequest",
        fields={"model": "openvoice_v1", "input_audio": target},
    )
    voice = embedded["data"]["data"]
    for given in ({"target_audio": target}, {"target_embedding": voice}):
        made = engine.run(
            method="convertVoiceV1VoiceConvertPost",
            request="VoiceConversionRequest",
            fields={"model": "openvoice_v1", "source_audio": source, **given},
        )
        assert made["kind"] == "VoiceConversionResponse", made
        assert audio.decode(base64.b64decode(made["data"]["data"])).duration > 1
    listed = engine.run(method="showAvailableVoiceConversionModelsV1VoiceConvertModelsGet")
    names = [card["id"] for card in listed["data"]["data"]]
    assert {"openvoice_v1", "openvoice_v2", "ov1-tone-converter"} <= set(names)


# Refusals


@pytest.fixture(scope="module")
def poor() -> dict[str, bytes]:
    """Clips that tell no voice."""
    times = np.arange(8 * 16000, dtype=np.float32) / 16000
    chords = sum(np.sin(2 * np.pi * pitch * times) for pitch in (261.6, 329.6, 392.0, 523.3))
    beat = np.abs(np.sin(np.pi * times))
    music = Audio((0.15 * chords * beat).astype(np.float32), 16000)
    return {"music": audio.encode(music, "wav"), "short": audio.encode(music.cut(0, 0.2), "wav")}


@pytest.mark.parametrize("clip", ["music", "short"])
def test_clips_that_tell_no_voice_are_refused(
    client: httpx.Client, clips: dict[str, bytes], poor: dict[str, bytes], clip: str
) -> None:
    given = base64.b64encode(poor[clip]).decode()
    status, param, message = refusal(speak(client, input_audio=given))
    assert (status, param) == (400, "input_audio") and "Too little speech" in message
    for field in ("source_audio", "target_audio"):
        status, param, message = refusal(convert(client, clips, **{field: poor[clip]}))
        assert (status, param) == (400, field) and "Too little speech" in message


@pytest.mark.parametrize(
    ("fields", "status", "param", "says"),
    [
        ({"voice": "whistling"}, 400, "voice", "whispering"),
        ({"language": "FR"}, 400, "language", "EN, ZH"),
        ({"language": "ZH", "voice": "shouting"}, 400, "voice", "default"),
        ({"converter": "openvoice_v2"}, 400, "converter", "input_audio"),
        ({"model": "openvoice_v2"}, 404, "model", "MeloTTSSynthesizer"),
        ({"model": "openvoice_v3"}, 404, "model", "openvoice_v1"),
        ({"model": "ov1-tone-converter"}, 400, "model", "synthesize"),
        ({"model": "kokoro", "input_audio": True}, 400, "converter", "openvoice_v2"),
        ({"input_audio": "AAAA"}, 400, "input_audio", "cannot be read"),
        ({"input_embedding": "AAAA"}, 400, "input_embedding", "safetensors"),
    ],
)
def test_speech_that_cannot_be_is_refused_by_name(
    client: httpx.Client, target: str, fields: dict[str, Any], status: int, param: str, says: str
) -> None:
    fields = {name: target if value is True else value for name, value in fields.items()}
    found = refusal(speak(client, **fields))
    assert found[:2] == (status, param)
    assert says in found[2]


def test_a_voice_must_be_named_once(
    client: httpx.Client, clips: dict[str, bytes], target: str
) -> None:
    voice = embedding(client, "ov1-tone-converter", clips["bm_george"])
    both = refusal(speak(client, input_audio=target, input_embedding=voice))
    assert both[:2] == (400, "input_embedding")
    asked = {"model": "openvoice_v1", "input": "Hello.", "mode": "voice_cloning"}
    assert refusal(client.post(SPEECH, json=asked))[:2] == (400, "input_audio")
    assert refusal(convert(client, clips, target_embedding=voice))[:2] == (400, "target_embedding")
    assert refusal(convert(client, clips, target_audio=None))[:2] == (400, "target_audio")


def test_a_voice_of_another_version_is_refused_by_name(
    client: httpx.Client, clips: dict[str, bytes]
) -> None:
    voice = embedding(client, "ov2-tone-converter-encoder", clips["bm_george"])
    status, param, message = refusal(speak(client, input_embedding=voice))
    assert (status, param) == (400, "input_embedding")
    assert "'openvoice_v2'" in message and "'openvoice_v1'" in message
    given = {"model": "openvoice_v1", "target_audio": None, "target_embedding": voice}
    assert refusal(convert(client, clips, **given))[:2] == (400, "target_embedding")
