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
    goes_on: bool = False  # its last speech reaches its end, and is too long to be looked at again


async def detect(job: Detect, detector: Detector, call: Call) -> Activity:
    """All speech in the sound."""
    spans: list[Span] = []
    duration, cut_through = 0.0, False
    async with aclosing(stretches(job, detector, call)) as found:
        async for stretch in found:
            fresh = [
                Span(span.start + stretch.offset, span.end + stretch.offset)
                for span in stretch.spans
            ]
            # Only speech that a border cut in two: a detector's own cuts are meant.
            if cut_through and fresh and fresh[0].start <= spans[-1].end:
                fresh[0] = Span(spans.pop().start, fresh[0].end)
            spans += fresh
            duration, cut_through = stretch.offset + stretch.audio.duration, stretch.goes_on
    return Activity(tuple(spans), duration)


async def stretches(job: Detect, detector: Detector, call: Call) -> AsyncGenerator[Stretch, None]:
    """The sound in stretches that end where nobody speaks, if anywhere in them nobody does."""
    offset, carried = 0.0, join([], RATE)
    async with aclosing(_blocks(job)) as blocks:
        async for block, last in blocks:
            audio = join([carried, block], RATE)
            activity = await detector.detect(attrs.evolve(job, sound=audio), call)
            stretch = Stretch(offset, audio, activity.spans)
            if not last:
                stretch = _settled(stretch)
            yield stretch
            cut = stretch.audio.duration
            offset, carried = offset + cut, audio.cut(cut, audio.duration)


async def _blocks(job: Detect) -> AsyncGenerator[tuple[Audio, bool], None]:
    """The blocks of the sound, each with whether it is the last one."""
    waiting: Audio | None = None
    async with aclosing(from_thread(job.sound.blocks(RATE, BLOCK), "decode")) as blocks:
        async for block in blocks:
            if waiting is not None:
                yield waiting, False
            waiting = block
    if waiting is not None:
        yield waiting, True


def _settled(stretch: Stretch) -> Stretch:
    """What further sound cannot change of a stretch, or all of it if that would leave too much."""
    duration, spans = stretch.audio.duration, stretch.spans
    if not spans or spans[-1].end < duration - NEAR_END:
        return stretch
    last = spans[-1]
    if duration - last.start > LONGEST_CARRIED:
        return attrs.evolve(stretch, goes_on=True)
    return attrs.evolve(stretch, audio=stretch.audio.cut(0, last.start), spans=spans[:-1])
