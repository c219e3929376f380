"""Sound → where somebody speaks. Hours of sound pass through in blocks, so memory stays bounded."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import attrs

from audio import Audio, join
from pipelines.flow import from_thread
from runners.base import Detector
from tasks import Activity, Call, Detect, Span

RATE = 16000  # Hz that detectors and transcribers work at
BLOCK = 300.0  # seconds: 19 MB of samples, and a detector's start is lost in it
# Speech that reaches the end of a block is looked at again with the next one, unless it is longer.
LONGEST_CARRIED = 60.0
NEAR_END = 1.0


@attrs.frozen
class Stretch:
    """A piece of the sound and the speech in it, in seconds from the stretch's own start."""

    offset: float
    audio: Audio
    spans: tuple[Span, ...]


async def detect(job: Detect, detector: Detector, call: Call) -> Activity:
    """All speech in the sound."""
    spans: list[Span] = []
    duration = 0.0
    async with aclosing(stretches(job, detector, call)) as found:
        async for stretch in found:
            duration = stretch.offset + stretch.audio.duration
            for span in stretch.spans:
                spans.append(Span(span.start + stretch.offset, span.end + stretch.offset))
    return Activity(tuple(_mended(spans)), duration)


async def stretches(job: Detect, detector: Detector, call: Call) -> AsyncGenerator[Stretch, None]:
    """The sound in stretches that end where nobody speaks, if anywhere in them nobody does."""
    offset, carried = 0.0, join([], RATE)
    async with aclosing(_blocks(job)) as blocks:
        async for block, last in blocks:
            audio = join([carried, block], RATE)
            activity = await detector.detect(attrs.evolve(job, sound=audio), call)
            spans, cut = activity.spans, audio.duration
            if not last:
                spans, cut = _settled(spans, audio.duration)
            yield Stretch(offset, audio.cut(0, cut), spans)
            offset, carried = offset + cut, audio.cut(cut, audio.duration)


async def _blocks(job: Detect) -> AsyncGenerator[tuple[Audio, bool], None]:
    """The blocks of the sound, each with whether it is the last one."""
    waiting: Audio | None = None
    async with aclosing(from_thread(job.sound.blocks(RATE, BLOCK))) as blocks:
        async for block in blocks:
            if waiting is not None:
                yield waiting, False
            waiting = block
    if waiting is not None:
        yield waiting, True


def _settled(spans: tuple[Span, ...], duration: float) -> tuple[tuple[Span, ...], float]:
    """The spans that further sound cannot change, and where to cut after them."""
    if not spans or spans[-1].end < duration - NEAR_END:
        return spans, duration
    last = spans[-1]
    if duration - last.start > LONGEST_CARRIED:
        return spans, duration
    return spans[:-1], last.start


def _mended(spans: list[Span]) -> list[Span]:
    """Speech that was cut between two stretches is one again."""
    mended: list[Span] = []
    for span in spans:
        if mended and span.start <= mended[-1].end:
            mended[-1] = Span(mended[-1].start, max(span.end, mended[-1].end))
        else:
            mended.append(span)
    return mended
