"""Clients of all kinds: those that behave, those that send nonsense, and those that hang up midway."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import attrs
import httpx

TEXTS = (
    "Hello.",
    "The quick brown fox jumps over the lazy dog.",
    "A radio in the kitchen played songs from another decade. Nobody on deck said a word.",
)
FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")
HEARD_AS = ("json", "text", "srt", "vtt", "verbose_json")
PATIENCE = 120.0  # seconds; a request that takes longer hangs
SPEECH, TRANSCRIPTIONS, VAD = "/v1/audio/speech", "/v1/audio/transcriptions", "/v1/audio/vad"

Visit = Callable[[], Awaitable[str]]


@attrs.define
class Clients:
    """A crowd; `counts` says how the visits of each kind ended."""

    url: str
    clip: bytes
    chance: random.Random = attrs.field(factory=lambda: random.Random(0))
    counts: Counter[tuple[str, str]] = attrs.field(factory=Counter)

    async def crowd(self, at_once: int, seconds: float) -> None:
        """So many clients, one visit after another, for so long."""
        until = time.monotonic() + seconds
        await asyncio.gather(*(self._one(until) for _ in range(at_once)))

    async def each_once(self) -> None:
        async with self._client() as http:
            for kind, visit in self._visits(http).items():
                await self._count(kind, visit)

    def failures(self) -> int:
        """Visits that ended as none may: a server that failed, broke off or hung."""
        return sum(number for (_, end), number in self.counts.items() if _is_failure(end))

    async def _one(self, until: float) -> None:
        async with self._client() as http:
            visits = self._visits(http)
            while time.monotonic() < until:
                kind = self.chance.choice(list(visits))
                await self._count(kind, visits[kind])

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, timeout=PATIENCE)

    async def _count(self, kind: str, visit: Visit) -> None:
        try:
            end = await visit()
        except httpx.TimeoutException:
            end = "hung"
        except httpx.TransportError as error:
            end = f"broke: {type(error).__name__}"
        self.counts[kind, end] += 1

    def _visits(self, http: httpx.AsyncClient) -> dict[str, Visit]:
        one_of = self.chance.choice

        async def piper() -> str:
            return await speak(model="piper-joe", response_format=one_of(FORMATS))

        async def kokoro() -> str:
            return await speak(model="kokoro", response_format=one_of(FORMATS))

        async def speech_events() -> str:
            return await speak(model="piper-joe", stream_format="sse", response_format="mp3")

        async def speak(**fields: str) -> str:
            answer = await http.post(SPEECH, json={"input": one_of(TEXTS), **fields})
            return _whole(answer, '"speech.audio.done"', fields.get("stream_format") == "sse")

        async def transcription() -> str:
            return await hear(response_format=one_of(HEARD_AS))

        async def transcription_events() -> str:
            return await hear(stream="true")

        async def hear(**fields: str) -> str:
            form = {"model": "whisper-1", **fields}
            answer = await http.post(
                TRANSCRIPTIONS, data=form, files={"file": ("a.wav", self.clip)}
            )
            return _whole(answer, '"transcript.text.done"', "stream" in fields)

        async def activity() -> str:
            return _status(await http.post(VAD, files={"file": ("a.wav", self.clip)}))

        async def listing() -> str:
            return _status(await http.get(one_of(("/v1/models", "/health", "/version"))))

        async def bad_json() -> str:
            return _status(await http.post(SPEECH, content=b'{"input": "Hel'))

        async def unknown_model() -> str:
            return _status(await http.post(SPEECH, json={"model": "nobody", "input": "Hello."}))

        async def garbage() -> str:
            sound = one_of((b"", b"RIFF" + self.chance.randbytes(900), self.clip[:50]))
            return _status(await http.post(VAD, files={"file": ("a.wav", sound)}))

        async def leaves_speech() -> str:
            asked = {"model": "kokoro", "input": TEXTS[-1] * 5, "response_format": "pcm"}
            return await leave(asked, self.chance.uniform(0.05, 1.5))

        async def leaves_events() -> str:
            asked = {"model": "piper-joe", "input": TEXTS[-1] * 5, "stream_format": "sse"}
            return await leave(asked, self.chance.uniform(0.05, 0.5))

        async def leave(asked: dict[str, str], after: float) -> str:
            try:
                await asyncio.wait_for(http.post(SPEECH, json=asked), after)
            except TimeoutError:
                return "left"
            return "stayed"

        async def leaves_upload() -> str:
            async def half() -> AsyncIterator[bytes]:
                yield json.dumps({"model": "kokoro", "input": "Hel"}).encode()[:-4]
                await asyncio.sleep(PATIENCE)

            try:
                await asyncio.wait_for(http.post(SPEECH, content=half()), 0.3)
            except TimeoutError:
                return "left"
            return "stayed"

        visits: tuple[Visit, ...] = (
            piper, kokoro, speech_events, transcription, transcription_events, activity, listing,
            bad_json, unknown_model, garbage, leaves_speech, leaves_events, leaves_upload,
        )  # fmt: skip
        return {visit.__name__: visit for visit in visits}


def _status(answer: httpx.Response) -> str:
    return str(answer.status_code)


def _whole(answer: httpx.Response, done: str, events: bool) -> str:
    if answer.status_code == 200 and events and done not in answer.text:
        return "200, cut off"
    return _status(answer)


def _is_failure(end: str) -> bool:
    refused = end == "503"  # with more clients than it has room for, a server may refuse
    return end.startswith(("5", "hung", "broke", "200,")) and not refused
