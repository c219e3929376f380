"""A recording → pieces of speech, cut as OpenVoice cuts: a voice encoder hears best what it was trained on.

    recording   ──▂▇▇▅▂───▂▇▇▇▃▁──────▂▇▇▂▁──
    speech        └────┘  └─────┘      └──┘        by a detector, a recogniser, or who asks
    pieces        └─────────┴───────────┘          joined, and cut into equal ones of about 10 s;
                                                    or the recogniser's segments as they are

Of a long recording the first minute of speech is taken.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from itertools import pairwise

import attrs
import numpy as np

from audio import Audio, Sound, join
from errors import InvalidInput
from pipelines.cutting import cuts
from pipelines.transcription import transcribe
from pipelines.vad import stretches
from runners.base import Detector, Transcriber
from tasks import Call, Detect, Finding, Reference, Span, Transcribe

# Seconds of speech. OpenVoice's encoder halves time six times: below 0.75 s its recurrent layer makes one
# step, and a word or two are not a voice. OpenVoice itself refuses less than 5 s.
LEAST, FEW = 1.0, 5.0
MOST = 60.0  # more hardly moves the mean; 6 pieces are one batch
PIECE = 10.0
SHORTEST_SEGMENT, LONGEST_SEGMENT = 1.5, 20.0  # of a recogniser's, as at OpenVoice
SILENT = 1e-3  # the peak (-60 dBFS) below which nobody is heard, whatever a request says of it
ROUNDING = 0.5  # seconds that a span may end behind the sound


@attrs.frozen(eq=False)
class Finders:
    """What finds speech in recordings; None: no such model is configured."""

    detector: Detector | None = None
    transcriber: Transcriber | None = None


async def pieces_of(reference: Reference, rate: int, finders: Finders, call: Call) -> list[Audio]:
    """The speech of a recording; less than a second of it is a refusal."""
    spans = await _spans(reference, finders, call)
    parts = await _parts(reference, spans, rate)
    pieces = _joined(parts) if reference.finding is Finding.DETECTOR else parts
    loud = [piece for piece in pieces if np.abs(piece.samples).max(initial=0) >= SILENT]
    if (seconds := sum(piece.duration for piece in loud)) < LEAST:
        raise _too_little(reference, seconds)
    return loud


# Where somebody speaks


async def _spans(reference: Reference, finders: Finders, call: Call) -> list[Span]:
    """The first minute of speech. None is a refusal, and so is what nothing here can find."""
    if reference.spans is not None:
        found = reference.spans
    elif reference.finding is Finding.RECOGNISER:
        found = tuple([span async for span in _recognised(reference, finders, call)])
    elif finders.detector is None:
        return [Span(0.0, MOST)]
    else:
        found = tuple([span async for span in _detected(reference, finders.detector, call)])
    taken = list(_first(found))
    if reference.finding is Finding.RECOGNISER:
        taken = list(_segments(taken))
    if (seconds := sum(span.end - span.start for span in taken)) < LEAST:
        raise _too_little(reference, seconds)
    return taken


async def _detected(
    reference: Reference, detector: Detector, call: Call
) -> AsyncGenerator[Span, None]:
    seconds = 0.0
    async with aclosing(stretches(Detect(reference.sound), detector, call)) as found:
        async for stretch in found:
            for span in stretch.spans:
                seconds += span.end - span.start
                yield Span(span.start + stretch.offset, span.end + stretch.offset)
            if seconds >= MOST:
                return


async def _recognised(
    reference: Reference, finders: Finders, call: Call
) -> AsyncGenerator[Span, None]:
    if finders.transcriber is None:
        raise InvalidInput(
            "This way to find speech needs a model that transcribes, and none is configured.",
            param="input_vad_mode",
        )
    # Recognising is by far the slowest step: what a detector finds no use for is not even begun.
    until = MOST
    if finders.detector is not None:
        speech = [span async for span in _detected(reference, finders.detector, call)]
        until = max((span.end for span in _first(speech)), default=0.0)
    job = Transcribe(_Beginning(reference.sound, until), draft=True)  # only its times are wanted
    heard = transcribe(job, finders.transcriber, finders.detector, call)
    end = 0.0
    async with aclosing(heard) as texts:
        async for text in texts:
            for segment in text.segments:
                start, end = max(segment.start, end), max(segment.end, end)
                if segment.text.strip() and end > start:
                    yield Span(start, end)


@attrs.frozen
class _Beginning:
    """A sound as far as it is of use."""

    sound: Sound
    until: float

    def blocks(self, rate: int, seconds: float) -> Iterator[Audio]:
        left = self.until
        for block in self.sound.blocks(rate, seconds):
            if left <= 0:
                return
            yield block.cut(0, left)
            left -= block.duration


def _first(spans: Iterable[Span]) -> Iterator[Span]:
    """What of the spans lies in the first minute of speech."""
    room = MOST
    for span in spans:
        taken = min(span.end - span.start, room)
        if taken > 0:
            yield Span(span.start, span.start + taken)
        room -= taken


def _segments(spans: Iterable[Span]) -> Iterator[Span]:
    """Those that are long enough; too long ones in equal parts."""
    for span in spans:
        length = span.end - span.start
        if length >= SHORTEST_SEGMENT:
            edges = np.linspace(span.start, span.end, math.ceil(length / LONGEST_SEGMENT) + 1)
            yield from (Span(a, b) for a, b in pairwise(edges.tolist()))


# What is said there


async def _parts(reference: Reference, spans: Sequence[Span], rate: int) -> list[Audio]:
    """The sound of each span."""
    parts = []
    async with aclosing(cuts(reference.sound, spans, rate)) as found:
        async for span, audio in found:
            if reference.spans is not None and span.end - span.start > audio.duration + ROUNDING:
                raise InvalidInput(
                    f"'input_vad_data' has speech from {span.start:g} to {span.end:g} s, and the sound "
                    "ends before that. Times are seconds, unless its 'unit' says samples.",
                    param="input_vad_data",
                )
            parts.append(audio)
    return parts


def _joined(parts: list[Audio]) -> list[Audio]:
    """The parts without the pauses between them, in pieces of exactly one length: they share a batch."""
    speech = join(parts, parts[0].rate)
    count = max(1, round(speech.duration / PIECE))
    length = len(speech.samples) // count
    return [
        Audio(speech.samples[start : start + length], speech.rate)
        for start in range(0, length * count, length or 1)
    ]


def _too_little(reference: Reference, seconds: float) -> InvalidInput:
    counted = (
        f", in segments of {SHORTEST_SEGMENT:g} s and more"
        if reference.finding is Finding.RECOGNISER
        else ""
    )
    found = math.floor(seconds * 10 + 1e-6) / 10  # rounded up, it would look like enough
    return InvalidInput(
        f"Too little speech was found in '{reference.param}': {found:.1f} s{counted}. A voice is "
        f"taken from at least {LEAST:g} s, and better from {FEW:g} s or more.",
        param=reference.param,
        code="too_little_speech",
    )
