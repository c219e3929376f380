"""How fast a model is: seconds of computing for each second of sound that it hears or makes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from audio import Audio
from observing import metrics
from tasks import Capability, Detect, Embed, Speech, Transcribe

Forward = Callable[[Sequence[Any]], Sequence[Any]]


class Pace:
    """A capability of a model that is timed; what fails is not counted."""

    def __init__(self, name: str, capability: Capability, forward: Forward) -> None:
        self._forward = forward
        seen = metrics.models()
        self._factor = seen.factor.labels(name, capability.value)
        self._audio = seen.audio.labels(name, capability.value)

    def __call__(self, jobs: Sequence[Any]) -> Sequence[Any]:
        started = time.perf_counter()
        results = self._forward(jobs)
        took = time.perf_counter() - started
        done = zip(jobs, results, strict=False)  # whoever called sees to their number
        sound = sum(_seconds(job, result) for job, result in done)
        if sound:
            self._factor.observe(took / sound)
            self._audio.inc(sound)
        return results


def _seconds(job: Any, result: Any) -> float:
    match job, result:
        case _, BaseException():
            return 0.0
        case _, Speech(audio=audio):
            return audio.duration
        case (Transcribe() | Detect() | Embed()) as heard, _:
            return heard.sound.duration if isinstance(heard.sound, Audio) else 0.0
        case _:
            return 0.0
