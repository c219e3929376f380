"""Parts of a long sound, of which no more than a block and the longest part is held."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from audio import Audio, Sound, join
from pipelines.flow import from_thread
from tasks import Span

BLOCK = 60.0  # seconds of sound in memory


async def cuts(
    sound: Sound, spans: Sequence[Span], rate: int
) -> AsyncGenerator[tuple[Span, Audio], None]:
    """Each span with its sound; of one that lies beyond the end, what there is.

    Spans are in the order of their starts and of their ends; they may overlap. Nothing is read behind
    the last of them.
    """
    waiting = list(reversed(spans))
    offset, held = 0, join([], rate)  # the first sample of what is held
    async with aclosing(from_thread(sound.blocks(rate, BLOCK), "decode")) as blocks:
        async for block in blocks:
            held = join([held, block], rate)
            while waiting and round(waiting[-1].end * rate) <= offset + len(held.samples):
                span = waiting.pop()
                yield span, _cut(held, offset, span)
            if not waiting:
                return
            done = min(max(round(waiting[-1].start * rate) - offset, 0), len(held.samples))
            offset, held = offset + done, Audio(held.samples[done:].copy(), rate)
    for span in reversed(waiting):
        yield span, _cut(held, offset, span)


def _cut(held: Audio, offset: int, span: Span) -> Audio:
    first, last = (max(round(at * held.rate) - offset, 0) for at in (span.start, span.end))
    return Audio(held.samples[first:last], held.rate)
