"""The live service under hostile and heavy use: pages, uploads, many clients at once."""

from __future__ import annotations

import asyncio
import random
import struct
from typing import Any

import httpx
import pytest

import audio
from tests.api.house import error_of
from tests.live import LiveService
from tests.server.conftest import PATIENCE, SAID

pytestmark = [pytest.mark.server, pytest.mark.weights]


def riff(data: bytes, *, announced: int | None = None) -> bytes:
    """A wav file of 16 kHz whose header may lie about its length."""
    size = len(data) if announced is None else announced
    form = struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
    whole = struct.pack("<I", (size + 36) & 0xFFFFFFFF)
    return b"RIFF" + whole + b"WAVEfmt " + form + b"data" + struct.pack("<I", size) + data


MP3 = audio.encode(audio.silence(2.0, 24000), "mp3")
HOSTILE = {
    "nothing": b"",
    "a nul": b"\0",
    "noise": random.Random(1).randbytes(100_000),
    "a text": b"This is a text and no sound at all.\n" * 100,
    "a playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\nhttp://127.0.0.1:1/a.ts\n",
    "a playlist of ffmpeg's": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "a page": b"<html><body>404</body></html>",
    "the start of an mp3": MP3[:20],
    "no frames": riff(b""),
    "a header that lies": riff(b"", announced=0xFFFFFFF0),
    "half a header": riff(b"")[:30],
    "a picture": bytes.fromhex("89504e470d0a1a0a0000000d49484452") + bytes(64),
}


def assert_healthy(http: httpx.Client) -> None:
    answer = http.get("/health")
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "path", ["/v1/audio/transcriptions", "/v1/audio/translations", "/v1/audio/vad"]
)
@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_upload_is_refused_and_does_no_harm(
    http: httpx.Client, path: str, content: bytes
) -> None:
    model = "silero-vad" if "vad" in path else "whisper-1"
    files = {"file": ("a.mp3", content, "audio/mpeg")}
    answer = http.post(path, data={"model": model}, files=files)
    assert answer.status_code == 400, answer.text
    assert error_of(answer)["param"] == "file"
    assert_healthy(http)


def test_a_file_cut_short_is_heard_as_far_as_it_goes(http: httpx.Client, spoken: bytes) -> None:
    mp3 = audio.encode(audio.decode(spoken), "mp3")
    lying = riff(audio.encode(audio.resample(audio.decode(spoken), 16000), "wav")[44:],
                 announced=0xFFFFFFF0)  # fmt: skip
    for content in (mp3[: len(mp3) * 2 // 3], lying):
        files = {"file": ("a.mp3", content)}
        answer = http.post("/v1/audio/transcriptions", data={"model": "whisper-1"}, files=files)
        assert answer.status_code == 200, answer.text
        assert "quick" in answer.json()["text"].lower()


def test_broken_http_does_no_harm(http: httpx.Client) -> None:
    for body in (b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"model": "\\ud800", "input": "a"}'):
        answer = http.post(
            "/v1/audio/speech", content=body, headers={"content-type": "application/json"}
        )
        assert 400 <= answer.status_code < 500
        error_of(answer)
    assert_healthy(http)


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        ("/docs", "swagger"),
        ("/redoc", "redoc"),
        ("/openapi.json", "/v1/audio/speech"),
        ("/metrics", "harmony_speech_request_seconds_count"),
        ("/livez", ""),
        ("/readyz", ""),
        ("/health", "silero-vad"),
    ],
)
def test_every_page_is_there(http: httpx.Client, path: str, holds: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 200
    assert holds in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("POST", "/v1", 404),
        ("GET", "/v1/models/org%2Fmodel", 404),
        ("GET", "/v1/audio/speech", 405),
        ("DELETE", "/v1/models", 405),
    ],
)
def test_wrong_routes_are_proper_errors(
    http: httpx.Client, method: str, path: str, status: int
) -> None:
    answer = http.request(method, path)
    assert answer.status_code == status
    error_of(answer)
    assert answer.headers["x-request-id"]


def test_many_different_requests_at_once_are_all_answered(live: LiveService, spoken: bytes) -> None:
    form = {"model": "whisper-1"}

    async def ask(client: httpx.AsyncClient, number: int) -> httpx.Response:
        file = {"file": ("a.wav", spoken)}
        speech: dict[str, Any] = {"input": f"This is number {number}.", "voice": "alloy"}
        match number % 6:
            case 0:
                return await client.post("/v1/audio/speech", json={"model": "kokoro", **speech})
            case 1:
                return await client.post("/v1/audio/speech", json={"model": "piper-joe", **speech})
            case 2:
                return await client.post("/v1/audio/transcriptions", data=form, files=file)
            case 3:
                return await client.post("/v1/audio/vad", files=file)
            case 4:
                return await client.post(
                    "/v1/audio/transcriptions", data={**form, "stream": "true"}, files=file
                )
            case _:
                return await client.get("/v1/models")

    async def ask_all() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=live.url, timeout=PATIENCE) as client:
            return await asyncio.gather(*(ask(client, number) for number in range(32)))

    answers = asyncio.run(ask_all())
    assert [answer.status_code for answer in answers] == [200] * 32
    assert all(answer.content for answer in answers)
    assert len({answer.headers["x-request-id"] for answer in answers}) == 32
    heard = [answer.json()["text"].lower() for answer in answers[2::6]]
    assert all("quick brown fox" in text for text in heard)


def test_two_streams_are_heard_side_by_side(live: LiveService) -> None:
    """Both have begun before either has ended."""
    begun = [asyncio.Event(), asyncio.Event()]
    text = " ".join([SAID] * 6)

    async def listen(client: httpx.AsyncClient, number: int) -> int:
        asked = {"model": "piper-joe", "input": text, "response_format": "pcm"}
        async with client.stream("POST", "/v1/audio/speech", json=asked) as answer:
            size = 0
            async for chunk in answer.aiter_raw():
                size += len(chunk)
                begun[number].set()
                await begun[1 - number].wait()
            return size

    async def listen_to_both() -> list[int]:
        async with httpx.AsyncClient(base_url=live.url, timeout=PATIENCE) as client:
            return list(await asyncio.gather(listen(client, 0), listen(client, 1)))

    sizes = asyncio.run(listen_to_both())
    assert all(size > 6 * 24000 * 2 for size in sizes)
