"""What the pipelines' tests share: a stage that notices leaks, and sound that says where it is.

In a marked sound every sample tells its own position, and by its sign whether somebody speaks; so a
detector and a transcriber need no weights to be right, and nothing that is lost goes unnoticed.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import attrs
import numpy as np

from audio import Audio
from tasks import Activity, Call, Card, Detect, Segment, Span, Transcribe, Transcript, Word

T = TypeVar("T")

RATE = 16000
STUCK_S = 60  # a test that waits this long has hung


def play(scene: Coroutine[Any, Any, T]) -> T:
    """Run a scene; tasks it leaves behind, and what the loop could only complain about, fail it."""
    complaints: list[dict[str, Any]] = []

    async def watched() -> T:
        handler = lambda _, context: complaints.append(context)  # noqa: E731
        asyncio.get_running_loop().set_exception_handler(handler)
        answer = await asyncio.wait_for(scene, STUCK_S)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"left behind: {left}"
        return answer

    answer = asyncio.run(watched())
    # Unretrieved exceptions are reported when their task is collected; the old generation holds none.
    gc.collect(1)
    assert not complaints
    return answer


def marked(seconds: float, speech: Sequence[tuple[float, float]] = ()) -> Audio:
    """A sound whose sample number i is ±(i + 1): positive where somebody speaks."""
    places = np.arange(1, round(seconds * RATE) + 1, dtype=np.float32)
    signs = -np.ones_like(places)
    for start, end in speech:
        signs[round(start * RATE) : round(end * RATE)] = 1
    return Audio(places * signs, RATE)


def place(audio: Audio) -> float:
    """Where in the marked sound this part of it begins, in seconds."""
    return float(abs(audio.samples[0]) - 1) / RATE


def spoken(audio: Audio) -> tuple[Span, ...]:
    """The speech in a part of a marked sound, in seconds from its own start."""
    edges = np.flatnonzero(np.diff(audio.samples > 0, prepend=False, append=False)) / RATE
    return tuple(Span(float(a), float(b)) for a, b in zip(edges[::2], edges[1::2], strict=True))


@attrs.define(eq=False)
class ExactDetector:
    """Finds the speech of a marked sound, and remembers what it was asked."""

    heard: list[Detect] = attrs.Factory(list)
    find: Callable[[Audio], tuple[Span, ...]] = spoken

    async def card(self) -> Card:
        return Card(rate=RATE)

    async def detect(self, job: Detect, call: Call) -> Activity:
        assert isinstance(job.sound, Audio)
        self.heard.append(job)
        return Activity(self.find(job.sound), job.sound.duration)


@attrs.define(eq=False)
class Scribe:
    """Writes down where in the marked sound each window began, and remembers what it was asked."""

    languages: tuple[str, ...] = ("en",)
    heard: list[Transcribe] = attrs.Factory(list)

    async def card(self) -> Card:
        return Card(languages=self.languages, rate=RATE)

    async def transcribe(self, job: Transcribe, call: Call) -> Transcript:
        assert isinstance(job.sound, Audio)
        self.heard.append(job)
        text, length = f" {place(job.sound):.3f}", job.sound.duration
        segment = Segment(0, length, text, words=(Word(0, length, text, 1.0),))
        return Transcript((segment,), job.language or self.languages[-1], length)

    @property
    def windows(self) -> list[Audio]:
        return [job.sound for job in self.heard if isinstance(job.sound, Audio)]
