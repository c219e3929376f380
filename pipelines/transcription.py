"""Sound → text: find the speech, cut it into windows at pauses, transcribe windows side by side.

sound   ──────▁▂▇▇▅▂▁▁▂▇▇▇▃▁──────────▂▇▇▂▁───
windows      └──────≤ 30 s──────┘    └────┘        what nobody says is never transcribed,
                                                    so silence cannot become invented text
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing

import attrs
import numpy as np

from audio import Audio
from pipelines.flow import from_thread, in_order
from pipelines.vad import BLOCK, RATE, Stretch, stretches
from runners.base import Detector, Transcriber
from tasks import Call, Detect, Span, Transcribe, Transcript

WINDOW = 30.0  # seconds: all that a Whisper hears at once
# A longer pause ends the window: a model that waits in silence starts to invent.
LONGEST_PAUSE = 5.0
WINDOWS_AHEAD = 16
# Without a detector, windows are cut at the quietest tenth of a second of their last third.
EARLIEST_CUT, QUIET = 20.0, 0.1


@attrs.frozen
class Window:
    offset: float
    audio: Audio


async def transcribe(
    job: Transcribe, transcriber: Transcriber, detector: Detector | None, call: Call
) -> AsyncGenerator[Transcript, None]:
    """One transcript a window, times counted from the start of the sound; the last one may be empty."""
    heard = _Heard()
    windows = heard.measured(_speech(job, detector, call) if detector else _everything(job))
    language = job.language or _only((await transcriber.card()).languages)

    async def write_down(window: Window) -> Transcript:
        asked = attrs.evolve(job, sound=window.audio, language=language, chunking=None)
        found = await transcriber.transcribe(asked, call)
        shifted = tuple(segment.shifted(window.offset) for segment in found.segments)
        return attrs.evolve(found, segments=shifted, duration=window.offset + found.duration)

    async with aclosing(windows):
        if language is None:
            # The first window tells the language of all; each on its own would waver.
            async for window in windows:
                first = await write_down(window)
                language = first.language
                yield first
                break
        async with aclosing(in_order(windows, write_down, ahead=WINDOWS_AHEAD)) as texts:
            async for text in texts:
                yield text
    yield Transcript((), language or "", heard.seconds)


def _only(languages: tuple[str, ...]) -> str | None:
    return languages[0] if len(languages) == 1 else None


async def collect(transcripts: AsyncIterator[Transcript]) -> Transcript:
    """The whole text of a stream of transcripts."""
    whole = Transcript((), "", 0.0)
    async for part in transcripts:
        whole = Transcript(
            whole.segments + part.segments,
            whole.language or part.language,
            max(whole.duration, part.duration),
        )
    return whole


class _Heard:
    """Counts the seconds of sound that were read, speech or not."""

    seconds = 0.0

    async def measured(
        self, stretches: AsyncIterator[tuple[float, Iterator[Window]]]
    ) -> AsyncGenerator[Window, None]:
        async with aclosing(stretches) as source:  # type: ignore[type-var]
            async for end, windows in source:
                self.seconds = end
                for window in windows:
                    yield window


async def _speech(
    job: Transcribe, detector: Detector, call: Call
) -> AsyncGenerator[tuple[float, Iterator[Window]], None]:
    wanted = attrs.evolve(job.chunking or Detect(job.sound), sound=job.sound, max_speech=WINDOW)
    async with aclosing(stretches(wanted, detector, call)) as found:
        async for stretch in found:
            yield stretch.offset + stretch.audio.duration, windows_of(stretch)


def windows_of(stretch: Stretch) -> Iterator[Window]:
    """Neighbouring spans packed into windows of at most 30 s."""
    packed: list[Span] = []
    for span in _short(stretch.spans):
        fits = packed and span.end - packed[-1].start <= WINDOW
        if packed and fits and span.start - packed[-1].end <= LONGEST_PAUSE:
            packed[-1] = Span(packed[-1].start, span.end)
        else:
            packed.append(span)
    for span in packed:
        yield Window(stretch.offset + span.start, stretch.audio.cut(span.start, span.end))


def _short(spans: tuple[Span, ...]) -> Iterator[Span]:
    """Spans of at most one window, whatever the detector made of its limit."""
    for span in spans:
        start = span.start
        while span.end - start > WINDOW:
            yield Span(start, start + WINDOW)
            start += WINDOW
        yield Span(start, span.end)


async def _everything(job: Transcribe) -> AsyncGenerator[tuple[float, Iterator[Window]], None]:
    offset = 0.0
    async for block in from_thread(job.sound.blocks(RATE, BLOCK), "decode"):
        yield offset + block.duration, _cut_at_quiet(block, offset)
        offset += block.duration


def _cut_at_quiet(block: Audio, offset: float) -> Iterator[Window]:
    start = 0.0
    while block.duration - start > WINDOW:
        tail = block.cut(start + EARLIEST_CUT, start + WINDOW).samples
        step = int(QUIET * RATE)
        loudness = np.square(tail[: len(tail) // step * step]).reshape(-1, step).mean(axis=1)
        end = start + EARLIEST_CUT + (int(loudness.argmin()) + 0.5) * QUIET
        yield Window(offset + start, block.cut(start, end))
        start = end
    yield Window(offset + start, block.cut(start, block.duration))
