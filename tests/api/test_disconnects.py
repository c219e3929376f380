"""A client that hangs up: its work is cancelled, and nobody else notices."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.types import Message

import audio
from tests.api.house import House, Visit
from tests.fakes import FakeDetector, FakeSynthesizer, FakeTranscriber, Hold, spoken_sound

SPEECH = "http://house/v1/audio/speech"
THREE = "The first one. The second one. The third one."
SOUND = audio.encode(spoken_sound((0.5, 1.0), (6.0, 2.0)), "wav")


def form(path: str, **fields: str) -> httpx.Request:
    files = {"file": ("a.wav", SOUND)}
    return httpx.Request("POST", f"http://house{path}", data=fields, files=files)


def speech(**fields: Any) -> httpx.Request:
    asked = {"model": "voice", "input": THREE, "response_format": "pcm", **fields}
    return httpx.Request("POST", SPEECH, json=asked)


def left(house: House, request: httpx.Request, at: Hold) -> Visit:
    visit = Visit(house, request)
    asyncio.run(visit.run_until_left_at(at.reached))
    return visit


@pytest.fixture(autouse=True)
def no_errors_are_logged(caplog: pytest.LogCaptureFixture) -> Any:
    """A client may leave; that is no failure of ours."""
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_speech_that_nobody_waits_for_is_not_made(
    furnished: Callable[..., House], stream_format: str
) -> None:
    first = Hold()
    house = furnished(synthesizer=FakeSynthesizer(holds={0: first}))
    visit = left(house, speech(stream_format=stream_format), first)
    assert first.cancelled == 1
    assert visit.status != 200
    assert len(house.synthesizer.jobs) == 2  # one ahead, no more


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_speech_that_nobody_hears_any_more_is_not_continued(
    furnished: Callable[..., House], stream_format: str
) -> None:
    second, third = Hold(), Hold()
    house = furnished(synthesizer=FakeSynthesizer(holds={1: second, 2: third}))
    visit = left(house, speech(stream_format=stream_format), third)
    assert (second.cancelled, third.cancelled) == (1, 1)
    assert visit.status == 200
    assert len(visit.sent) > 1


@pytest.mark.parametrize("path", ["/v1/audio/transcriptions", "/v1/audio/translations"])
def test_a_transcript_that_nobody_waits_for_is_not_made(
    furnished: Callable[..., House], path: str
) -> None:
    hold = Hold()
    house = furnished(transcriber=FakeTranscriber(holds={0: hold}))
    visit = left(house, form(path, model="ear"), hold)
    assert hold.cancelled == 1
    assert visit.status != 200


def test_a_streamed_transcript_that_nobody_waits_for_is_not_made(
    furnished: Callable[..., House],
) -> None:
    hold = Hold()
    house = furnished(transcriber=FakeTranscriber(holds={0: hold}))
    left(house, form("/v1/audio/transcriptions", model="ear", stream="true"), hold)
    assert hold.cancelled == 1


def test_a_streamed_transcript_that_nobody_reads_any_more_is_not_continued(
    furnished: Callable[..., House],
) -> None:
    hold = Hold()
    house = furnished(transcriber=FakeTranscriber(holds={1: hold}))
    visit = left(house, form("/v1/audio/transcriptions", model="ear", stream="true"), hold)
    assert hold.cancelled == 1
    assert visit.status == 200


def test_speech_is_not_looked_for_when_nobody_waits(furnished: Callable[..., House]) -> None:
    hold = Hold()
    house = furnished(detector=FakeDetector(holds={0: hold}))
    left(house, form("/v1/audio/vad"), hold)
    assert hold.cancelled == 1


def test_others_are_served_after_somebody_left(furnished: Callable[..., House]) -> None:
    hold = Hold()
    house = furnished(synthesizer=FakeSynthesizer(holds={0: hold}))
    left(house, speech(), hold)
    assert house.speak().status_code == 200


class HalfSent(Visit):
    """Hangs up in the middle of its body."""

    async def _receive(self) -> Message:
        if self._body:
            half = self._body.pop()
            return {"type": "http.request", "body": half[: len(half) // 2], "more_body": True}
        return {"type": "http.disconnect"}


@pytest.mark.parametrize(
    "request_",
    [
        form("/v1/audio/transcriptions", model="ear"),
        form("/v1/audio/vad"),
        form("/v1/audio/embeddings"),
        httpx.Request("POST", "http://house/v1/audio/vad", json={"input_audio": "A" * 400}),
        speech(),
    ],
    ids=["form", "form of ours", "form for a voice", "sound in JSON", "text in JSON"],
)
def test_half_a_body_is_nobodys_error(house: House, request_: httpx.Request) -> None:
    visit = HalfSent(house, request_)
    asyncio.run(visit.run())
    assert visit.status == 499
    assert not house.transcriber.jobs and not house.detector.jobs and not house.synthesizer.jobs
