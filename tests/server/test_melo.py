"""MeloTTS and the toolchain `openvoice_v2` through the real service, on small networks of their kind.

Their weights are random, so what they say is noise. Here is that text, BERT, network and converter work
together, over HTTP and over process borders.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
import yaml

import audio
import settings
from audio import Audio
from settings import BUNDLE as EMBEDDED
from tests import melo, openvoice
from tests.conftest import BUNDLE
from tests.live import LiveService
from tests.server.conftest import PATIENCE
from tests.server.node_clients import FOLDER, NodeClient

pytestmark = [pytest.mark.server, pytest.mark.weights]

TEXTS = {
    "en": "The birds are singing. My little sister bought three red apples for £4.50.",
    "zh": "小鸟在唱歌，the birds are singing。我们准备好了！",
    "ko": "준비되었습니다. 오늘은 날씨가 좋네요.",
    "es": "Todo listo. Los pájaros cantan en el jardín a las 7:05.",
    "fr": "Tout est prêt. Les oiseaux chantent dans le jardin.",
    "ja": "準備できました。今日はとてもいい天気です。",
}
ENGINE_LANGUAGES = {"en": "EN", "zh": "ZH", "ko": "KR", "es": "ES", "fr": "FR", "ja": "JP"}
CONFIGURED = ("en", "zh", "ko", "es")
SPEECH = "/v1/audio/speech"
RATE, CONVERTED_RATE = 44100, 22050
KNOBS = {"sdp_ratio": (0, 1), "noise_scale": (0, 2), "noise_scale_w": (0, 2)}


def configuration(folders: Any) -> dict[str, Any]:
    """A synthesizer for each of four languages, V2's converter with its encoder, and who makes the clip."""
    tree = yaml.safe_load((EMBEDDED / "configuration.yaml").read_text())
    wanted = ("silero-vad", "kokoro")
    others = [entry for entry in tree["model_configs"] if entry["name"] in wanted]
    voices = openvoice.entries(folders[openvoice.V1], folders[openvoice.V2])
    converters = [entry for entry in voices if entry["name"].startswith("ov2-")]
    names = [ENGINE_LANGUAGES[language] for language in CONFIGURED]
    return {
        "model_configs": [
            *others, *converters, *(melo.entry(name, folders) for name in names)
        ]
    }  # fmt: skip


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    home = tmp_path_factory.mktemp("service")
    tree = configuration(melo.lay_out(home))
    settings.parse(tree)
    written = home / "configuration.yaml"
    written.write_text(yaml.safe_dump(tree))
    with LiveService.started(BUNDLE, home, environment={"HARMONY_CONFIG": str(written)}) as service:
        yield service


@pytest.fixture(scope="module")
def client(service: LiveService) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=PATIENCE) as client:
        yield client


@pytest.fixture(scope="module")
def target(client: httpx.Client) -> str:
    """A recorded voice."""
    said = (
        "My neighbor keeps bees behind the old stone barn, and every August he brings us two jars."
    )
    asked = {"model": "kokoro", "voice": "bm_george", "input": said, "response_format": "wav"}
    return base64.b64encode(client.post(SPEECH, json=asked).content).decode()


def speak(client: httpx.Client, **fields: Any) -> httpx.Response:
    asked = {"model": "openvoice_v2", "input": TEXTS["en"], "response_format": "wav", **fields}
    return client.post(SPEECH, json=asked)


def sound_of(answer: httpx.Response) -> Audio:
    assert answer.status_code == 200, answer.text
    return audio.decode(answer.content)


def refusal(answer: httpx.Response) -> tuple[int, str | None, str]:
    error = answer.json()["error"]
    return answer.status_code, error["param"], error["message"]


# Languages and voices


@pytest.mark.parametrize("language", CONFIGURED)
def test_the_toolchain_speaks_the_language_that_is_asked_for(
    client: httpx.Client, language: str
) -> None:
    name = f"ov2-synthesizer-{ENGINE_LANGUAGES[language].lower()}"
    for asked in (language, ENGINE_LANGUAGES[language]):
        answer = speak(client, input=TEXTS[language], language=asked)
        sound = sound_of(answer)
        assert sound.rate == RATE and sound.duration > 0.3
        assert f"{name}.synthesize" in answer.headers["server-timing"]


def test_a_language_that_is_not_configured_is_refused_with_those_that_are(
    client: httpx.Client,
) -> None:
    status, param, message = refusal(speak(client, input=TEXTS["fr"], language="fr"))
    assert (status, param) == (400, "language")
    assert "EN, ZH, KR, ES" in message


def test_the_toolchain_and_its_models_are_listed(client: httpx.Client) -> None:
    listed = {model["id"]: model for model in client.get("/v1/models").json()["data"]}
    assert {"speech", "voice-conversion", "speaker-embedding"} <= set(
        listed["openvoice_v2"]["tasks"]
    )
    assert listed["ov2-synthesizer-en"]["model_type"] == "MeloTTSSynthesizer"
    knobs = {
        knob["id"]: (knob["minimum"], knob["maximum"])
        for knob in listed["ov2-synthesizer-en"]["options"]
    }
    assert knobs == KNOBS


@pytest.mark.parametrize("voice", ["EN-AU", "EN_INDIA", "en-india", "EN-Default"])
def test_a_voice_chooses_the_accent(client: httpx.Client, voice: str) -> None:
    plain, chosen = (sound_of(speak(client, seed=4, voice=one)) for one in ("EN-US", voice))
    assert not np.array_equal(plain.samples, chosen.samples)


def test_an_unknown_voice_is_told_those_there_are(client: httpx.Client) -> None:
    status, param, message = refusal(speak(client, voice="EN-Mars", language="en"))
    assert (status, param) == (400, "voice")
    assert "EN-Default" in message


# Cloning


@pytest.mark.parametrize("language", CONFIGURED)
def test_every_language_clones(client: httpx.Client, target: str, language: str) -> None:
    answer = speak(client, input=TEXTS[language], language=language, input_audio=target)
    sound = sound_of(answer)
    assert sound.rate == CONVERTED_RATE and sound.duration > 0.3
    assert np.isfinite(sound.samples).all() and np.abs(sound.samples).max() > 0.001
    steps = answer.headers["server-timing"]
    assert all(step in steps for step in (".synthesize", ".convert"))


def test_a_voice_of_its_own_family_says_no_passage_first(client: httpx.Client, target: str) -> None:
    """MeloTTS' voices come with their tones: nothing but the reference is embedded."""
    voice = embedding(client, target)
    answer = speak(client, input="The birds.", voice="EN-BR", input_embedding=voice)
    assert sound_of(answer).duration > 0.1
    assert ".embed" not in answer.headers["server-timing"]


def embedding(client: httpx.Client, clip: str) -> str:
    form = {"model": "openvoice_v2", "encoding_format": "safetensors"}
    files = {"file": ("a.wav", base64.b64decode(clip))}
    answer = client.post("/v1/audio/embeddings", data=form, files=files)
    assert answer.status_code == 200, answer.text
    voice: str = answer.json()["data"][0]["embedding"]
    return voice


def test_a_clip_and_its_embedding_are_the_same_voice(client: httpx.Client, target: str) -> None:
    by_voice = sound_of(speak(client, seed=3, input_embedding=embedding(client, target)))
    by_clip = sound_of(speak(client, seed=3, input_audio=target))
    assert np.array_equal(by_voice.samples, by_clip.samples)


@pytest.mark.parametrize("mode", ["single_speaker_tts", "voice_cloning"])
def test_the_engine_s_modes_speak(
    service: LiveService, target: str, mode: str, node_packages: None
) -> None:
    cloning = {"input_audio": target} if mode == "voice_cloning" else {}
    said = NodeClient(FOLDER / "engine.mjs", service.url).run(
        method="createSpeechV1AudioSpeechPost",
        request="TextToSpeechRequest",
        fields={
            "model": "openvoice_v2", "mode": mode, "input": TEXTS["es"], "language": "ES", "voice": "ES",
            "generation_options": {"seed": 42, "speed": 1.0}, **cloning,
        },
    )  # fmt: skip
    assert said["kind"] == "TextToSpeechResponse", said
    assert audio.decode(base64.b64decode(said["data"]["data"])).duration > 0.3


# What a request may set


def test_a_seed_gives_the_same_bytes_whoever_else_speaks(client: httpx.Client) -> None:
    alone = sound_of(speak(client, seed=7)).samples
    with ThreadPoolExecutor(6) as pool:
        crowd = [pool.submit(speak, client, input=f"{TEXTS['en']} {n}") for n in range(5)]
        beside = pool.submit(speak, client, seed=7).result()
        assert all(other.result().status_code == 200 for other in crowd)
    assert np.array_equal(alone, sound_of(beside).samples)
    assert not np.array_equal(alone[:2000], sound_of(speak(client, seed=8)).samples[:2000])


def test_speed_stretches_by_the_network(client: httpx.Client) -> None:
    slow, fast = (sound_of(speak(client, seed=1, speed=speed)) for speed in (0.8, 1.6))
    assert fast.duration < 0.75 * slow.duration


@pytest.mark.parametrize("name", KNOBS)
def test_the_family_s_numbers_act_and_have_bounds(client: httpx.Client, name: str) -> None:
    usual = sound_of(speak(client, seed=2)).samples
    _, most = KNOBS[name]
    adjusted = sound_of(speak(client, seed=2, options={name: most})).samples
    assert not np.array_equal(usual, adjusted)
    status, param, message = refusal(speak(client, options={name: most + 0.5}))
    assert status == 400 and str(param).startswith("options")
    assert name in message


def test_an_unknown_number_is_refused(client: httpx.Client) -> None:
    status, _, message = refusal(speak(client, options={"temperature": 1}))
    assert status == 400
    assert "noise_scale" in message


# Streams


def test_sentences_are_joined_without_a_pop(client: httpx.Client) -> None:
    asked = {"input": "The birds are singing. " * 4, "seed": 5, "response_format": "pcm"}
    answer = speak(client, **asked)
    samples = np.frombuffer(answer.content, "<i2").astype(np.int32)
    silent = np.concatenate([[0], (samples == 0).astype(np.int8), [0]])
    starts, ends = np.flatnonzero(np.diff(silent) == 1), np.flatnonzero(np.diff(silent) == -1)
    pauses = [(a, b) for a, b in zip(starts, ends, strict=True) if b - a > 0.1 * RATE]
    joins = [(a, b) for a, b in pauses if a > 0 and b < len(samples)]
    assert len(joins) == 3
    # Each sentence fades in and out in 5 ms, so its first samples are hundredths of what follows.
    loudest = np.abs(samples).max()
    assert all(max(abs(samples[a - 1]), abs(samples[b])) < loudest / 50 for a, b in joins)


def test_the_first_sentence_comes_before_the_last_is_made(client: httpx.Client) -> None:
    asked = {
        "model": "openvoice_v2", "input": "The birds are singing. " * 4,
        "response_format": "pcm", "stream_format": "sse",
    }  # fmt: skip
    with client.stream("POST", SPEECH, json=asked) as answer:
        events = [line for line in answer.iter_lines() if "speech.audio.delta" in line]
    assert len(events) >= 4


# Strange texts


@pytest.mark.parametrize("language", CONFIGURED)
@pytest.mark.parametrize(
    "text",
    [
        "?!… —", "🙂🙃🎉", "a" * 300, "7" * 40, "\u0000\u0007\u001b[31m hello", "\u202eabc\u202c def",
        "Hello, 你好, привет, مرحبا, こんにちは, 안녕, ¿qué tal? Ça va.", "\ud83d", "#", "3.14 €, 5%, x²",
        "http://example.org/a?b=c&d=e", " \n\t ",
    ],
)  # fmt: skip
def test_strange_texts_are_spoken_or_refused(
    client: httpx.Client, language: str, text: str
) -> None:
    body = json.dumps({"model": "openvoice_v2", "input": text, "language": language})
    answer = client.post(SPEECH, content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 400:
        assert answer.json()["error"]["param"] == "input"
    assert client.get("/health").status_code == 200
