"""Speakers told apart by the real service: the encoder is a process of its own."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import openai
import pytest
import yaml
from openai.types.audio import TranscriptionDiarized

import audio
from settings import load
from tasks import Speak
from tests.conftest import BUNDLE
from tests.live import LiveService
from tests.runners.conftest import load_changed
from tests.server.conftest import PATIENCE, SAID

pytestmark = [pytest.mark.server, pytest.mark.weights]

ENCODER = {"name": "nose", "model": "none", "model_type": "tests.families:Pitch"}


@pytest.fixture(scope="module")
def said() -> bytes:
    """Three seconds of a voice, as a file."""
    (speech,) = load_changed("piper-joe").model.synthesize([Speak(SAID)])  # type: ignore[attr-defined]
    return audio.encode(speech.audio, "wav")


def test_known_and_unknown_speakers_cross_the_border_of_processes(
    tmp_path: Path, said: bytes
) -> None:
    entries = load(BUNDLE / "configuration.yaml").model_configs
    ears = [
        e.model_dump(mode="json") for e in entries if e.model_type in ("FasterWhisper", "SileroVAD")
    ]
    configuration = tmp_path / "configuration.yaml"
    configuration.write_text(yaml.safe_dump({"model_configs": [*ears, ENCODER]}))
    environment = {"HARMONY_CONFIG": str(configuration)}
    asked: dict[str, Any] = {
        "model": "faster-whisper-tiny.en",
        "file": ("a.wav", said),
        "response_format": "diarized_json",
    }
    known: dict[str, Any] = {
        "known_speaker_names": ["Joe"],
        "known_speaker_references": [f"data:audio/wav;base64,{base64.b64encode(said).decode()}"],
    }
    with (
        LiveService.started(BUNDLE, tmp_path, environment=environment) as service,
        openai.OpenAI(
            base_url=f"{service.url}/v1", api_key="none", max_retries=0, timeout=PATIENCE
        ) as sdk,
    ):
        plain = sdk.audio.transcriptions.create(**asked)
        named = sdk.audio.transcriptions.create(**asked, **known)
        events = list(sdk.audio.transcriptions.create(**asked, **known, stream=True))
    assert isinstance(plain, TranscriptionDiarized)
    assert "quick brown fox" in plain.text.lower()
    assert {segment.speaker for segment in plain.segments} == {"A"}
    assert {segment.speaker for segment in named.segments} == {"Joe"}
    assert [event.type for event in events][-2:] == [
        "transcript.text.segment",
        "transcript.text.done",
    ]
