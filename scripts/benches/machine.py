"""What benches share: the real service, clips that it spoke itself, and crowds of clients."""

from __future__ import annotations

import asyncio
import io
import os
import platform
import statistics
import time
import wave
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import attrs
import httpx
import numpy as np

from tests.conftest import BUNDLE
from tests.live import LiveService

RATE = 16000
PATIENCE = 600.0  # seconds for one answer under the heaviest load
PARAGRAPH = (
    "When the ferry left the harbour, the wind had already turned to the north. "
    "Nobody on deck said a word for the first few minutes. "
    "The captain checked the charts twice and asked for more coffee. "
    "Two children counted the gulls that followed the ship. "
    "By noon the coast was a thin grey line behind them. "
    "A radio in the kitchen played songs from another decade. "
    "The engineer wrote down the pressure of every valve. "
    "Lunch was soup, bread and a piece of cheese. "
    "In the afternoon the sea became as flat as a table. "
    "They arrived an hour early and waited for the pilot."
)  # ten sentences


def described() -> str:
    cores = len(os.sched_getaffinity(0))
    busy = os.getloadavg()[0]
    return f"{platform.machine()}, {cores} cores, load {busy:.1f} before the start (best below 0.2)"


def median_seconds(times: int, work: Callable[..., object], *arguments: Any) -> float:
    return statistics.median(seconds(work, *arguments) for _ in range(times))


def seconds(work: Callable[..., object], *arguments: Any) -> float:
    started = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started


def verdict(value: float, limit: float, *, at_most: bool) -> str:
    met = value <= limit if at_most else value >= limit
    return f"{value:.2f}× ({'at most' if at_most else 'at least'} {limit:.2f}: {'met' if met else 'MISSED'})"


@attrs.frozen
class Answer:
    status: int
    seconds: float
    retry_after: str | None = None
    first_byte: float = 0.0


class Bench:
    """The service with its default configuration, started when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @cached_property
    def service(self) -> LiveService:
        home = self.folder / "service"
        home.mkdir()
        return self._stack.enter_context(LiveService.started(BUNDLE, home))

    @cached_property
    def http(self) -> httpx.Client:
        client = httpx.Client(base_url=self.service.url, timeout=PATIENCE)
        return self._stack.enter_context(client)

    @cached_property
    def _spoken(self) -> np.ndarray[Any, Any]:
        asked = {
            "model": "kokoro",
            "input": PARAGRAPH * 2,
            "response_format": "pcm",
            "sample_rate": RATE,
        }
        return np.frombuffer(self.http.post("/v1/audio/speech", json=asked).content, np.int16)

    def clip(self, length: float) -> bytes:
        """A wav file of speech, of so many seconds."""
        samples = np.resize(self._spoken, int(length * RATE))
        file = io.BytesIO()
        with wave.open(file, "wb") as written:
            written.setnchannels(1)
            written.setsampwidth(2)
            written.setframerate(RATE)
            written.writeframes(samples.tobytes())
        return file.getvalue()

    def samples(self, length: float) -> np.ndarray[Any, Any]:
        return np.resize(self._spoken, int(length * RATE)).astype(np.float32) / 32768

    def crowd(self, requests: list[dict[str, Any]], at_once: int) -> tuple[list[Answer], float]:
        """Every request answered, so many at a time; and the seconds that all took."""

        async def rush() -> tuple[list[Answer], float]:
            limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
            room = asyncio.Semaphore(at_once)
            async with httpx.AsyncClient(
                base_url=self.service.url, timeout=PATIENCE, limits=limits
            ) as client:

                async def one(request: dict[str, Any]) -> Answer:
                    async with room:
                        return await _exchange(client, request)

                started = time.perf_counter()
                answers = await asyncio.gather(*map(one, requests))
                return list(answers), time.perf_counter() - started

        return asyncio.run(rush())


async def _exchange(client: httpx.AsyncClient, request: dict[str, Any]) -> Answer:
    started, first = time.perf_counter(), 0.0
    async with client.stream(**{"method": "POST", **request}) as answer:
        async for _ in answer.aiter_raw():
            first = first or time.perf_counter() - started
    retry = answer.headers.get("retry-after")
    return Answer(answer.status_code, time.perf_counter() - started, retry, first)


def transcribing(clip: bytes) -> dict[str, Any]:
    return {
        "url": "/v1/audio/transcriptions",
        "files": {"file": ("clip.wav", clip)},
        "data": {"model": "whisper-1"},
    }


def percentile(values: list[float], share: float) -> float:
    return float(np.percentile(values, share * 100))
