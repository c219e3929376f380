"""OpenAI's own Python SDK against the live service: what it sends is understood, what it gets fits."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from pathlib import Path
from typing import Any, Literal

import openai
import pytest
from openai.types.audio import TranscriptionVerbose, TranslationVerbose

import audio
from tests.live import LiveService
from tests.server.conftest import PATIENCE, SAID

pytestmark = [pytest.mark.server, pytest.mark.weights]

Model = Literal["kokoro", "piper-joe"]
WORDS = ["quick", "brown", "fox", "lazy", "dog"]


def assert_heard(text: str) -> None:
    assert all(word in text.lower() for word in WORDS), text


@pytest.mark.parametrize("model", ["kokoro", "piper-joe", "tts-1", "tts-1-hd", "gpt-4o-mini-tts"])
def test_every_model_speaks_with_openais_voices(sdk: openai.OpenAI, model: str) -> None:
    answer = sdk.audio.speech.create(model=model, voice="alloy", input="Hello.")
    assert audio.decode(answer.content).duration > 0.3


@pytest.mark.parametrize("audio_format", ["mp3", "opus", "aac", "flac", "wav"])
def test_every_format_is_written_to_a_file(
    sdk: openai.OpenAI,
    tmp_path: Path,
    audio_format: Literal["mp3", "opus", "aac", "flac", "wav"],
) -> None:
    file = tmp_path / f"speech.{audio_format}"
    with sdk.audio.speech.with_streaming_response.create(
        model="piper-joe", voice="joe", input="Hello there.", response_format=audio_format
    ) as answer:
        answer.stream_to_file(file)
    assert audio.decode(file).duration > 0.4


def test_pcm_comes_in_chunks_and_our_own_fields_go_in_the_extra_body(sdk: openai.OpenAI) -> None:
    with sdk.audio.speech.with_streaming_response.create(
        model="kokoro",
        voice={"id": "af_heart"},
        input="Hello there. How are you?",
        instructions="Friendly, please.",
        response_format="pcm",
        speed=1.2,
        extra_body={"language": "en-US", "sample_rate": 16000},
    ) as answer:
        assert answer.headers["content-type"] == "audio/pcm"
        chunks = list(answer.iter_bytes())
    assert len(chunks) > 1
    assert 1.0 < sum(map(len, chunks)) / 2 / 16000 < 5.0


def test_speech_comes_as_events(sdk: openai.OpenAI) -> None:
    with sdk.audio.speech.with_streaming_response.create(
        model="kokoro",
        voice="nova",
        input="Hello there. How are you?",
        response_format="wav",
        stream_format="sse",
    ) as answer:
        events = [line for line in answer.iter_lines() if line]
    assert all(event.startswith("data: ") for event in events)
    *deltas, done = [json.loads(event.removeprefix("data: ")) for event in events]
    assert len(deltas) > 1
    assert audio.decode(b"".join(base64.b64decode(d["audio"]) for d in deltas)).duration > 1.0
    assert done["type"] == "speech.audio.done"
    assert done["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe", "faster-whisper-tiny.en"])
def test_every_model_transcribes(sdk: openai.OpenAI, spoken: bytes, model: str) -> None:
    answer = sdk.audio.transcriptions.create(model=model, file=("a.wav", spoken))
    assert_heard(answer.text)
    assert answer.usage is not None and answer.usage.type == "duration"


@pytest.mark.parametrize("response_format", ["text", "srt", "vtt"])
def test_plain_formats_are_strings_without_quotes(
    sdk: openai.OpenAI, spoken: bytes, response_format: Literal["text", "srt", "vtt"]
) -> None:
    answer: Any = sdk.audio.transcriptions.create(
        model="whisper-1", file=("a.wav", spoken), response_format=response_format
    )
    assert isinstance(answer, str) and not answer.startswith('"')
    assert_heard(answer)
    assert ("-->" in answer) == (response_format != "text")


def test_verbose_json_has_every_field_of_its_type(sdk: openai.OpenAI, spoken: bytes) -> None:
    answer = sdk.audio.transcriptions.create(
        model="whisper-1",
        file=("a.wav", spoken),
        language="en",
        prompt="Animals.",
        temperature=0.2,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        chunking_strategy={"type": "server_vad", "threshold": 0.4},
        keywords=["fox"],
    )
    whole = TranscriptionVerbose.model_validate(answer.to_dict(), strict=True)
    assert_heard(whole.text)
    assert whole.language == "english"
    assert whole.segments and whole.words
    times = [time for word in whole.words for time in (word.start, word.end)]
    assert times == sorted(times) and times[0] >= 0 and times[-1] <= whole.duration
    assert whole.duration == pytest.approx(audio.decode(spoken).duration, abs=0.01)


def test_a_transcript_comes_as_events(sdk: openai.OpenAI, spoken: bytes) -> None:
    with sdk.audio.transcriptions.create(
        model="whisper-1", file=("a.wav", spoken), stream=True
    ) as stream:
        *deltas, done = list(stream)
    assert done.type == "transcript.text.done"
    assert_heard(done.text)
    assert done.usage is not None and done.usage.total_tokens > 0
    assert "".join(event.delta for event in deltas if event.type == "transcript.text.delta") == (
        done.text
    )


@pytest.mark.parametrize("audio_format", ["mp3", "opus", "aac", "flac"])
def test_sound_of_any_format_and_rate_is_heard(
    sdk: openai.OpenAI, spoken: bytes, audio_format: str
) -> None:
    file = audio.encode(audio.resample(audio.decode(spoken), 44100), audio_format)
    answer = sdk.audio.transcriptions.create(model="whisper-1", file=(f"a.{audio_format}", file))
    assert_heard(answer.text)


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # OpenAI retires its own model
def test_speech_is_translated(sdk: openai.OpenAI, spoken: bytes) -> None:
    answer = sdk.audio.translations.create(model="whisper-1", file=("a.wav", spoken))
    assert_heard(answer.text)
    verbose: Any = sdk.audio.translations.create(
        model="whisper-1", file=("a.wav", spoken), response_format="verbose_json"
    )
    assert TranslationVerbose.model_validate(verbose.to_dict(), strict=True).segments


def test_models_are_listed_and_retrieved(sdk: openai.OpenAI) -> None:
    names = [model.id for model in sdk.models.list()]
    assert {"kokoro", "piper-joe", "faster-whisper-tiny.en", "silero-vad", "tts-1"} <= set(names)
    assert [sdk.models.retrieve(name).id for name in names] == names


def test_the_asynchronous_client_does_the_same(live: LiveService, spoken: bytes) -> None:
    async def use() -> tuple[bytes, str, str]:
        async with openai.AsyncOpenAI(
            base_url=f"{live.url}/v1", api_key="none", max_retries=0, timeout=PATIENCE
        ) as client:
            async with client.audio.speech.with_streaming_response.create(
                model="piper-joe", voice="alloy", input=SAID, response_format="flac"
            ) as answer:
                said = b"".join([chunk async for chunk in answer.iter_bytes()])
            heard = await client.audio.transcriptions.create(
                model="whisper-1", file=("a.flac", said)
            )
            stream = await client.audio.transcriptions.create(
                model="whisper-1", file=("a.wav", spoken), stream=True
            )
            async with stream:
                events = [event async for event in stream]
            last = events[-1]
            assert last.type == "transcript.text.done"
            return said, heard.text, last.text

    said, heard, streamed = asyncio.run(use())
    assert audio.decode(said).duration > 1.0
    assert_heard(heard)
    assert_heard(streamed)


def test_errors_are_the_sdks_own_and_say_what_is_wrong(sdk: openai.OpenAI, spoken: bytes) -> None:
    with pytest.raises(openai.NotFoundError, match="'nobody' does not exist") as missing:
        sdk.audio.speech.create(model="nobody", voice="alloy", input="Hello.")
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    assert missing.value.request_id
    with pytest.raises(openai.NotFoundError, match="org/model"):
        sdk.models.retrieve("org/model")
    with pytest.raises(openai.BadRequestError, match="af_heart") as refused:
        sdk.audio.speech.create(model="kokoro", voice="zoe", input="Hello.")
    assert (refused.value.code, refused.value.param) == ("voice_not_found", "voice")
    with pytest.raises(openai.BadRequestError, match="less than or equal to 4"):
        sdk.audio.speech.create(model="kokoro", voice="alloy", input="Hello.", speed=5)
    with pytest.raises(openai.BadRequestError, match="xx"):
        sdk.audio.transcriptions.create(model="whisper-1", file=("a.wav", spoken), language="xx")
    with pytest.raises(openai.BadRequestError, match="cannot be read as audio"):
        sdk.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"no sound"))
    with pytest.raises(openai.BadRequestError, match="cannot be read as audio"):
        sdk.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"no sound"), stream=True)
    with pytest.raises(openai.APIStatusError) as large:
        sdk.audio.speech.create(model="kokoro", voice="alloy", input="a" * 100_001)
    assert large.value.status_code == 413


@pytest.mark.parametrize("model", ["kokoro", "piper-joe"])
@pytest.mark.parametrize("text", ["🙂🎉", "...", "\u200b", "\0", "漢字"])
def test_a_text_that_a_model_cannot_say_is_refused(
    sdk: openai.OpenAI, model: str, text: str
) -> None:
    with pytest.raises(openai.BadRequestError, match="nothing in this text"):
        sdk.audio.speech.create(model=model, voice="alloy", input=text)


def test_a_file_object_can_be_sent(sdk: openai.OpenAI, spoken: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(spoken)
    assert_heard(sdk.audio.transcriptions.create(model="whisper-1", file=file).text)
    named = io.BytesIO(spoken)
    named.name = "a.wav"
    assert_heard(sdk.audio.transcriptions.create(model="whisper-1", file=named).text)
