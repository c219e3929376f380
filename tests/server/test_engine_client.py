"""Harmony Speech Engine's own JavaScript client, unchanged, against the live service."""

from __future__ import annotations

import base64
import subprocess
from typing import Any

import pytest

import audio
from tests.conftest import BUNDLE
from tests.docs.blocks import blocks
from tests.live import LiveService
from tests.server.conftest import SAID
from tests.server.node_clients import FOLDER, RUN_SECONDS, NodeClient
from version import VERSION

pytestmark = [pytest.mark.server, pytest.mark.weights]

SPEAK = "createSpeechV1AudioSpeechPost"
TRANSCRIBE = "createTranscriptionV1AudioTranscriptionsPost"
DETECT = "createVadV1AudioVadPost"


@pytest.fixture(scope="module")
def engine(live: LiveService, node_packages: None) -> NodeClient:
    return NodeClient(FOLDER / "engine.mjs", live.url)


@pytest.fixture(scope="module")
def recording(spoken: bytes) -> str:
    return base64.b64encode(spoken).decode()


def call(engine: NodeClient, method: str, request: str, **fields: Any) -> Any:
    """What a method gave, once it has been seen to be of the client's own type."""
    answer = engine.run(method=method, request=request, fields=fields)
    assert "data" in answer, answer
    assert answer["kind"] == request.replace(
        "SpeechTranscribeRequest", "SpeechToTextRequest"
    ).replace("Request", "Response")
    return answer["data"]


def test_speech_comes_as_a_wav_file_in_base64(engine: NodeClient) -> None:
    said = call(
        engine,
        SPEAK,
        "TextToSpeechRequest",
        model="kokoro",
        input=SAID,
        mode="single_speaker_tts",
        language="EN",
        voice="bm_george",
    )
    assert said["model"] == "kokoro" and said["created"] > 0 and said["id"]
    file = base64.b64decode(said["data"], validate=True)
    assert file[:4] == b"RIFF"
    assert 1.5 < audio.decode(file).duration < 8


def test_the_clients_defaults_are_a_request(engine: NodeClient) -> None:
    """Its constructors fill in empty strings; the first model that speaks takes them."""
    said = call(engine, SPEAK, "TextToSpeechRequest", input="Hello.")
    assert said["model"] == "kokoro"


def test_the_options_are_obeyed(engine: NodeClient) -> None:
    normal, fast = (
        call(
            engine,
            SPEAK,
            "TextToSpeechRequest",
            model="piper-joe",
            input=SAID,
            generation_options={"speed": speed},
            output_options={"format": "flac", "sample_rate": 8000, "stream": False},
        )
        for speed in (1.0, 2.0)
    )
    sounds = [audio.decode(base64.b64decode(said["data"])) for said in (normal, fast)]
    assert [sound.rate for sound in sounds] == [8000, 8000]
    assert sounds[1].duration < 0.8 * sounds[0].duration


def test_a_recording_is_written_down(engine: NodeClient, recording: str) -> None:
    heard = call(
        engine,
        TRANSCRIBE,
        "SpeechTranscribeRequest",
        model="whisper-1",
        input_audio=recording,
        get_language=True,
        get_timestamps=True,
    )
    assert "quick brown fox" in heard["text"]
    assert heard["language"] == "en"
    words = [word for segment in heard["timestamps"] for word in segment["words"]]
    assert any("fox" in word["word"] for word in words)
    times = [time for word in words for time in (word["start"], word["end"])]
    assert times == sorted(times)


def test_what_is_not_asked_for_is_null(engine: NodeClient, recording: str) -> None:
    heard = call(engine, TRANSCRIBE, "SpeechTranscribeRequest", input_audio=recording)
    assert (heard["language"], heard["timestamps"]) == (None, None)
    found = call(engine, DETECT, "DetectVoiceActivityRequest", input_audio=recording)
    assert (found["speech_activity"], found["timestamps"]) == (True, None)


def test_speech_is_found(engine: NodeClient, recording: str) -> None:
    found = call(
        engine,
        DETECT,
        "DetectVoiceActivityRequest",
        model="silero-vad",
        input_audio=recording,
        get_timestamps=True,
    )
    assert found["speech_activity"] is True
    (span,) = found["timestamps"]
    assert 0 <= span["start"] < 1 < span["end"]


@pytest.mark.parametrize(
    ("method", "first", "voices"),
    [
        ("showAvailableSpeechModelsV1AudioSpeechModelsGet", "kokoro", True),
        ("showAvailableTranscriptionModelsV1AudioTranscriptionsModelsGet", "faster-whisper-tiny.en", False),
        ("showAvailableVadModelsV1AudioVadModelsGet", "silero-vad", False),
        ("showAvailableEmbeddingModelsV1EmbedModelsGet", "speaker-encoder", False),
    ],
)  # fmt: skip
def test_models_are_listed(engine: NodeClient, method: str, first: str, voices: bool) -> None:
    answer = engine.run(method=method)
    assert answer["kind"] == "ModelList"
    cards = answer["data"]["data"]
    assert cards[0]["id"] == first
    named = [v["voice"] for language in cards[0]["languages"] for v in language["voices"]]
    assert ("af_heart" in named) == voices


def test_what_nobody_can_do_lists_nobody(engine: NodeClient) -> None:
    listed = engine.run(method="showAvailableVoiceConversionModelsV1VoiceConvertModelsGet")
    assert listed["data"]["data"] == []


def test_version_and_health(engine: NodeClient) -> None:
    assert engine.run(method="showVersionVersionGet")["data"] == {"version": VERSION}
    assert engine.run(method="healthHealthGet")["data"]["status"] == "ok"


def test_a_refusal_says_which_field_and_why(engine: NodeClient) -> None:
    fields = {"model": "kokoro", "input": "Hello.", "mode": "voice_cloning"}
    refused = engine.run(method=SPEAK, request="TextToSpeechRequest", fields=fields)
    assert refused["status"] == 400
    assert refused["body"]["error"]["param"] == "input_audio"
    fields = {"model": "nobody", "input": "Hello."}
    refused = engine.run(method=SPEAK, request="TextToSpeechRequest", fields=fields)
    assert refused["status"] == 404
    assert "kokoro" in refused["body"]["error"]["message"]


def test_the_example_in_the_documentation_runs(engine: NodeClient) -> None:
    (example,) = blocks(BUNDLE / "docs" / "api.md", "javascript")
    assert "http://localhost:3000" in example
    done = subprocess.run(
        ["node", "--input-type=module"],
        cwd=FOLDER,
        input=example.replace("http://localhost:3000", engine.url),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    assert done.stdout == "Good morning. en\n", done.stderr
