"""Silero VAD: finds speech. Source: the `silero-vad` package, MIT. 16 kHz, any language.

Runs the package's sequence export, one call for up to 16 s of sound, instead of its loop of one call
every 32 ms: the same probabilities, with the interpreter lock released nearly all the time. Needs no
torch. Does not tell speakers apart and hears singing as speech.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from audio import Audio, Samples, resample
from errors import InvalidInput
from runners.onnx import Network
from settings import RunnerSettings, options_of
from tasks import Activity, Capability, Card, Detect, Span
from weights import Store

RATE = 16000
FRAME = 512  # samples the model judges at a time, 32 ms
CONTEXT = 64  # samples before the frame that it sees again
FRAMES_PER_RUN = 512  # 16.4 s: the calls' own cost vanishes, memory stays small
STATE = (1, 1, 128)

FILE = "silero_vad_16k_sequence.onnx"


@attrs.frozen
class Thresholds:
    """When speech starts and ends; seconds, defaults of the package."""

    start: float = 0.5
    stop: float | None = None  # None: 0.15 below start
    min_speech: float = 0.25
    max_speech: float = float("inf")
    min_silence: float = 0.1
    min_silence_at_max_speech: float = 0.098
    padding_before: float = 0.03
    padding_after: float = 0.03

    @property
    def falling(self) -> float:
        return max(self.start - 0.15, 0.01) if self.stop is None else self.stop


class SileroVAD:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.DETECT,)
    options: ClassVar[type] = Thresholds
    unit: ClassVar[str] = "seconds of sound"
    batch_budget: ClassVar[float] = 3600.0

    def __init__(self, settings: RunnerSettings, store: Store) -> None:
        folder = store.fetch(settings.source, allow=(FILE,))
        self._session = Network(_model_file(folder), settings)
        self._defaults = options_of(Thresholds, settings)
        self.card = Card(rate=RATE)
        self._probabilities(np.zeros(FRAME, dtype=np.float32))

    @staticmethod
    def sources(settings: RunnerSettings) -> Mapping[str, tuple[str, ...] | None]:
        return {settings.source: (FILE,)}

    def group(self, job: Detect) -> Hashable:
        return None

    def cost(self, job: Detect) -> float:
        return _sound(job).duration

    def detect(self, jobs: Sequence[Detect]) -> list[Activity]:
        return [self._detect(job) for job in jobs]

    def _detect(self, job: Detect) -> Activity:
        sound = resample(_sound(job), RATE)
        thresholds = _thresholds(job, self._defaults)
        spans = find_spans(self._probabilities(sound.samples), thresholds, len(sound.samples))
        return Activity(
            tuple(Span(start / RATE, end / RATE) for start, end in spans), sound.duration
        )

    def _probabilities(self, samples: Samples) -> NDArray[np.float32]:
        """The probability of speech in each frame [T / 512]."""
        hidden = cell = np.zeros(STATE, dtype=np.float32)
        parts = []
        for frames in _with_context(samples):
            part, hidden, cell = self._session.run(
                ["speech_probs", "hn", "cn"], {"input": frames, "h": hidden, "c": cell}
            )
            parts.append(part)
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)


def _sound(job: Detect) -> Audio:
    if not isinstance(job.sound, Audio):
        raise InvalidInput("a detector takes decoded sound", param="file")
    return job.sound


def _model_file(source: Path) -> Path:
    return source / FILE if source.is_dir() else source


def _thresholds(job: Detect, defaults: Thresholds) -> Thresholds:
    asked = {
        "start": job.threshold,
        "stop": job.stop_threshold,
        "min_speech": job.min_speech,
        "max_speech": job.max_speech,
        "min_silence": job.min_silence,
        "min_silence_at_max_speech": job.min_silence_at_max_speech,
        "padding_before": job.padding_before,
        "padding_after": job.padding_after,
    }
    return attrs.evolve(
        defaults, **{name: value for name, value in asked.items() if value is not None}
    )


def _with_context(samples: Samples) -> Iterator[NDArray[np.float32]]:
    """Blocks of frames [≤512, 64 + 512], each frame led by the end of the one before it."""
    count = -(-len(samples) // FRAME)
    if not count:
        return
    padded = np.zeros(CONTEXT + count * FRAME, dtype=np.float32)
    padded[CONTEXT : CONTEXT + len(samples)] = samples
    frames = np.lib.stride_tricks.sliding_window_view(padded, CONTEXT + FRAME)[::FRAME]
    for first in range(0, count, FRAMES_PER_RUN):
        yield np.ascontiguousarray(frames[first : first + FRAMES_PER_RUN])


def find_spans(
    probabilities: NDArray[np.float32], thresholds: Thresholds, length: int
) -> list[tuple[int, int]]:
    """Stretches of speech, in samples, of a sound of `length` samples."""
    raw = _Tracker(thresholds).follow(probabilities, length)
    return _padded(raw, thresholds, length)


class _Tracker:
    """Walks over the frames and remembers whether somebody is speaking.

    probability   ▁▁▂▇█▇▆▂▁▂▇██▇▁▁▁▁▁▁
    speech             ├───────────┤          a dip shorter than min_silence does not end it
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._spans: list[tuple[int, int]] = []
        self._start: int | None = None
        self._dip: int | None = None  # where the probability fell, while it may yet rise again
        self._pauses: list[tuple[int, int]] = []  # dips inside the running speech: start, length
        padding = thresholds.padding_before + thresholds.padding_after
        self._longest = thresholds.max_speech * RATE - FRAME - padding * RATE

    def follow(self, probabilities: NDArray[np.float32], length: int) -> list[tuple[int, int]]:
        for index, probability in enumerate(probabilities.tolist()):
            self._step(index * FRAME, probability)
        if self._start is not None:
            self._end(length)
        return self._spans

    def _step(self, now: int, probability: float) -> None:
        limits = self._thresholds
        if probability >= limits.start:
            self._close_dip(now)
            if self._start is None:
                self._start = now
                return
        if self._start is None:
            return
        if now - self._start > self._longest and not self._split(now):
            return
        if probability < limits.falling and self._start is not None:
            self._dip = now if self._dip is None else self._dip
            if now - self._dip >= limits.min_silence * RATE:
                self._end(self._dip)

    def _close_dip(self, now: int) -> None:
        if self._dip is None:
            return
        length = now - self._dip
        if length > self._thresholds.min_silence_at_max_speech * RATE:
            self._pauses.append((self._dip, length))
        self._dip = None

    def _split(self, now: int) -> bool:
        """Cut speech that grew too long at its longest pause; True if speech goes on after the cut."""
        assert self._start is not None
        if self._pauses:
            at, length = max(self._pauses, key=lambda pause: pause[1])
            self._spans.append((self._start, at))
            self._start = at + length
        else:
            self._spans.append((self._start, now))
            self._start = None
        self._dip, going_on = None, bool(self._pauses)
        self._pauses = []
        return going_on

    def _end(self, at: int) -> None:
        assert self._start is not None
        if at - self._start > self._thresholds.min_speech * RATE:
            self._spans.append((self._start, at))
        self._start = self._dip = None
        self._pauses = []


def _padded(
    spans: list[tuple[int, int]], thresholds: Thresholds, length: int
) -> list[tuple[int, int]]:
    """Widen each span; where two would overlap, they meet in the middle of the gap."""
    before, after = int(thresholds.padding_before * RATE), int(thresholds.padding_after * RATE)
    padded = []
    for index, (start, end) in enumerate(spans):
        left = start if index == 0 else start - spans[index - 1][1]
        right = length - end if index == len(spans) - 1 else spans[index + 1][0] - end
        crowded_left = index > 0 and left < before + after
        crowded_right = index < len(spans) - 1 and right < before + after
        padded.append(
            (
                start - (left // 2 if crowded_left else min(before, left)),
                end + (right // 2 if crowded_right else min(after, right)),
            )
        )
    return padded
