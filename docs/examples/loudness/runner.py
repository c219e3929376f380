"""Loudness VAD: finds what is louder than the room, by arithmetic alone. 16 kHz, any language.

No weights, no network. Measures the level of every 20 ms and compares it with the quietest tenth of the
sound. Good for a clean microphone; does not tell speech from music, a cough or a slammed door, and
calls a sound without a pause silent.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from audio import Audio, Samples, resample
from errors import InvalidInput
from settings import RunnerSettings, options_of
from tasks import Activity, Capability, Card, Detect, Span
from weights import Store

RATE = 16000
FRAME = 320  # samples in 20 ms: shorter than a syllable, longer than a pitch period
FLOOR_DB = -60.0  # quieter than this is no room but digital silence
SOFTNESS_DB = 2.0  # how fast the probability rises around one half
PAUSES = "min_silence_at_max_speech_ms"  # as the HTTP form calls it


@attrs.frozen
class Options:
    rise_db: float = 10.0  # above the room: the level whose probability is one half
    min_speech: float = 0.1  # seconds; a click is shorter
    min_silence: float = 0.3  # seconds; a pause between words is shorter
    padding: float = 0.05  # seconds; consonants are quieter than the vowels beside them


class LoudnessVAD:
    capabilities: ClassVar[tuple[Capability, ...]] = (Capability.DETECT,)
    options: ClassVar[type] = Options
    unit: ClassVar[str] = "seconds of sound"
    batch_budget: ClassVar[float] = 3600.0

    def __init__(self, settings: RunnerSettings, store: Store) -> None:
        self._options = options_of(Options, settings)
        self.card = Card(rate=RATE)

    @staticmethod
    def sources(settings: RunnerSettings) -> Mapping[str, tuple[str, ...] | None]:
        return {}

    def group(self, job: Detect) -> Hashable:
        return None

    def cost(self, job: Detect) -> float:
        return _sound(job).duration

    def detect(self, jobs: Sequence[Detect]) -> list[Activity | InvalidInput]:
        return [self._detect(job) for job in jobs]

    def _detect(self, job: Detect) -> Activity | InvalidInput:
        if job.min_silence_at_max_speech is not None:
            # In the result's place, so that it fails this job and no other of the batch.
            return InvalidInput("this model has no min_silence_at_max_speech", param=PAUSES)
        sound, own = resample(_sound(job), RATE), self._options
        start = _either(job.threshold, 0.5)
        loud = probabilities(sound.samples, own.rise_db)
        runs = _runs(loud, start, _either(job.stop_threshold, start / 2))
        before = _either(job.padding_before, own.padding)
        after = _either(job.padding_after, own.padding)
        padded = [
            Span(max(span.start - before, 0.0), min(span.end + after, sound.duration))
            for span in joined(runs, _either(job.min_silence, own.min_silence))
            if span.end - span.start >= _either(job.min_speech, own.min_speech)
        ]
        spans = _cut(joined(padded, 0.0), _either(job.max_speech, math.inf))
        return Activity(tuple(spans), sound.duration)


def _sound(job: Detect) -> Audio:
    if not isinstance(job.sound, Audio):
        raise InvalidInput("a detector takes decoded sound", param="file")
    return job.sound


def _either(asked: float | None, own: float) -> float:
    return own if asked is None else asked


def probabilities(samples: Samples, rise_db: float) -> NDArray[np.float32]:
    """How surely each frame [T / 320] is louder than the room; a rest shorter than a frame is dropped."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    if not len(frames):
        return np.zeros(0, dtype=np.float32)
    levels = 10 * np.log10(np.square(frames).mean(axis=1) + 10 ** (FLOOR_DB / 10))
    above = levels - np.percentile(levels, 10) - rise_db
    return np.asarray(1 / (1 + np.exp(-above / SOFTNESS_DB)), dtype=np.float32)


def _runs(loud: NDArray[np.float32], start: float, stop: float) -> list[Span]:
    """Runs of frames above `stop` with at least one of them above `start`."""
    edges = np.flatnonzero(np.diff(loud >= stop, prepend=False, append=False)).reshape(-1, 2)
    seconds = FRAME / RATE
    return [Span(a * seconds, b * seconds) for a, b in edges.tolist() if loud[a:b].max() >= start]


def joined(spans: Sequence[Span], gap: float) -> list[Span]:
    """Spans with every silence of at most `gap` seconds between them counted as speech."""
    kept: list[Span] = []
    for span in spans:
        if kept and span.start - kept[-1].end <= gap:
            kept[-1] = Span(kept[-1].start, span.end)
        else:
            kept.append(span)
    return kept


def _cut(spans: Sequence[Span], longest: float) -> list[Span]:
    """Spans of at most `longest` seconds, in equal parts where one was longer."""
    cut = []
    for span in spans:
        parts = max(math.ceil((span.end - span.start) / longest), 1)
        times = np.linspace(span.start, span.end, parts + 1).tolist()
        cut += [Span(start, end) for start, end in itertools.pairwise(times)]
    return cut
