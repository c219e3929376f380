"""Requests of all kinds at a live service, and how each ended."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Sequence

import attrs
import httpx
import soundfile

from tests.server.conftest import PATIENCE, SAID

TWICE = f"{SAID} {SAID}"  # two steps of the same runner


@attrs.frozen
class Ended:
    """How a request ended: `whole` if nothing is missing of its answer."""

    kind: str
    status: int | None = None  # None: no connection, or it broke
    whole: bool = False
    again: bool = False  # told to try again, and when

    @property
    def broke(self) -> bool:
        """It had begun well and then broke off, or said what went wrong."""
        return self.status in (None, 200) and not self.whole


@attrs.frozen
class Load:
    """The kinds of requests; `heard` is a wav file of SAID, `spoken` is TWICE as samples."""

    client: httpx.AsyncClient
    heard: bytes
    spoken: bytes

    @property
    def kinds(self) -> dict[str, Callable[[], Awaitable[tuple[httpx.Response, bool]]]]:
        return {
            "kokoro": self._kokoro,
            "kokoro, events": self._kokoro_events,
            "piper-joe": self._piper,
            "faster-whisper-tiny.en": self._transcript,
            "faster-whisper-tiny.en, events": self._transcript_events,
            "silero-vad": self._activity,
        }

    async def once(self, kind: str) -> Ended:
        try:
            answer, whole = await self.kinds[kind]()
        except httpx.TransportError:
            return Ended(kind)
        again = answer.headers.get("x-should-retry") == "true" and "retry-after" in answer.headers
        return Ended(kind, answer.status_code, answer.status_code == 200 and whole, again)

    def all_kinds(self, times: int) -> list[asyncio.Task[Ended]]:
        return [asyncio.create_task(self.once(kind)) for kind in list(self.kinds) * times]

    async def _speak(self, **fields: str) -> httpx.Response:
        return await self.client.post("/v1/audio/speech", json={"input": SAID, **fields})

    async def _kokoro(self) -> tuple[httpx.Response, bool]:
        answer = await self._speak(model="kokoro", input=TWICE, response_format="pcm")
        return answer, answer.content == self.spoken

    async def _kokoro_events(self) -> tuple[httpx.Response, bool]:
        answer = await self._speak(model="kokoro", response_format="pcm", stream_format="sse")
        return answer, answer.is_success and _last(answer)["type"] == "speech.audio.done"

    async def _piper(self) -> tuple[httpx.Response, bool]:
        answer = await self._speak(model="piper-joe", response_format="wav")
        whole = answer.is_success and soundfile.info(io.BytesIO(answer.content)).duration > 1
        return answer, whole

    async def _listen(self, **fields: str) -> httpx.Response:
        return await self.client.post(
            "/v1/audio/transcriptions",
            data={"model": "whisper-1", **fields},
            files={"file": ("said.wav", self.heard)},
        )

    async def _transcript(self) -> tuple[httpx.Response, bool]:
        answer = await self._listen()
        return answer, answer.is_success and answer.json()["text"] == SAID

    async def _transcript_events(self) -> tuple[httpx.Response, bool]:
        answer = await self._listen(stream="true")
        return answer, answer.is_success and _last(answer).get("text") == SAID

    async def _activity(self) -> tuple[httpx.Response, bool]:
        answer = await self.client.post("/v1/audio/vad", files={"file": ("said.wav", self.heard)})
        return answer, answer.is_success and bool(answer.json()["speech_activity"])


async def prepared(client: httpx.AsyncClient) -> Load:
    """The load, once the service has said what it is compared with."""

    async def said(text: str, response_format: str) -> bytes:
        asked = {"model": "kokoro", "input": text, "response_format": response_format}
        answer = await client.post("/v1/audio/speech", json=asked)
        assert answer.status_code == 200, answer.text
        return answer.content

    return Load(client, await said(SAID, "wav"), await said(TWICE, "pcm"))


def patient(url: str) -> httpx.AsyncClient:
    """A client that neither gives up soon nor queues requests itself."""
    return httpx.AsyncClient(
        base_url=url, timeout=PATIENCE, limits=httpx.Limits(max_connections=None)
    )


def not_whole(ended: Sequence[Ended]) -> list[Ended]:
    return [one for one in ended if not one.whole]


def _last(answer: httpx.Response) -> dict[str, str]:
    """The last server-sent event."""
    lines = [line for line in answer.text.splitlines() if line.startswith("data: ")]
    event: dict[str, str] = json.loads(lines[-1].removeprefix("data: "))
    return event
