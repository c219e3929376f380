"""OpenAI's JavaScript SDK in node against the live service."""

from __future__ import annotations

from pathlib import Path

import pytest

import audio
from tests.live import LiveService
from tests.server.conftest import SAID
from tests.server.node_clients import FOLDER, NodeClient

pytestmark = [pytest.mark.server, pytest.mark.weights]


@pytest.fixture(scope="module")
def node(live: LiveService, node_packages: None) -> NodeClient:
    return NodeClient(FOLDER / "openai.mjs", live.url)


@pytest.fixture(scope="module")
def recording(spoken: bytes, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("recording") / "spoken.wav"
    file.write_bytes(spoken)
    return str(file)


def test_speech_is_streamed_to_a_file(node: NodeClient, tmp_path: Path) -> None:
    file = tmp_path / "speech.mp3"
    fields = {"model": "tts-1", "voice": "alloy", "input": SAID}
    done = node.run(task="speech", file=str(file), fields=fields)
    assert done["answer"]["type"] == "audio/mpeg"
    assert audio.decode(file).duration > 1.5


def test_a_recording_is_transcribed(node: NodeClient, recording: str) -> None:
    heard = node.run(task="transcription", file=recording, fields={"model": "whisper-1"})["answer"]
    assert "quick brown fox" in heard["text"]


def test_verbose_json_has_segments_and_words(node: NodeClient, recording: str) -> None:
    fields = {
        "model": "whisper-1",
        "response_format": "verbose_json",
        "timestamp_granularities": ["word", "segment"],
    }
    heard = node.run(task="transcription", file=recording, fields=fields)["answer"]
    assert heard["language"] == "english"
    assert heard["segments"] and len(heard["words"]) == len(SAID.split())


def test_a_transcript_is_streamed(node: NodeClient, recording: str) -> None:
    events = node.run(task="events", file=recording, fields={"model": "whisper-1"})["answer"]
    *deltas, done = events
    assert {event["type"] for event in deltas} == {"transcript.text.delta"}
    assert done["type"] == "transcript.text.done"
    assert done["text"] == "".join(event["delta"] for event in deltas)
    assert "quick brown fox" in done["text"]


def test_models_are_listed(node: NodeClient) -> None:
    listed = [model["id"] for model in node.run(task="models")["answer"]]
    assert {"kokoro", "whisper-1", "silero-vad"} <= set(listed)


def test_errors_are_the_sdks_own(node: NodeClient, tmp_path: Path) -> None:
    fields = {"model": "nobody", "voice": "alloy", "input": "Hello."}
    missing = node.run(task="speech", file=str(tmp_path / "a"), fields=fields)["failure"]
    assert (missing["name"], missing["status"]) == ("NotFoundError", 404)
    assert (missing["code"], missing["param"]) == ("model_not_found", "model")
    assert missing["requestID"]
    fields = {"model": "kokoro", "voice": "zoe", "input": "Hello."}
    refused = node.run(task="speech", file=str(tmp_path / "a"), fields=fields)["failure"]
    assert (refused["name"], refused["code"]) == ("BadRequestError", "voice_not_found")
    assert "af_heart" in refused["message"]
