"""A chain of filters over a sound: each takes what the one before makes, as it is made.

sound ──▶ rnnoise ──▶ loudness ──▶ voicefixer ──▶ heard
          in segments  all of it    in segments
                       on a reel

Only who must know the whole sound first waits for it: loudness, DC, and a converter, which asks who speaks.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import attrs

from audio import Audio, Recording, Reel
from audio.filters import Filter, Run
from errors import InvalidInput, SpeechError, TimedOut, TooLarge
from pipelines import conversion, restoration
from pipelines.conversion import Chain, Conversion
from pipelines.flow import from_thread, in_thread, not_empty
from pipelines.restoration import Arriving, Rebuilding
from runners.base import Restorer
from tasks import Call, Embedding, Reference

RATE = 48000  # Hz at which a recording is read that no model's step comes first to
BLOCK = 10.0  # seconds of it that are decoded at once


@attrs.frozen(eq=False)
class Plain:
    """A filter without weights, and what its time counts as."""

    name: str
    filter: Filter


@attrs.frozen(eq=False)
class Restoring:
    by: Restorer | Rebuilding
    mode: int = 0
    seed: int | None = None


@attrs.frozen(eq=False)
class Converting:
    chain: Chain
    target: Embedding | Reference
    source: Embedding | None = None
    tau: float | None = None
    seed: int | None = None
    param: str = "source_audio"  # where the request says this


Step = Plain | Restoring | Converting


async def filtered(
    sound: AsyncGenerator[Audio, None],
    steps: Sequence[Step],
    call: Call,
    param: str,
    longest: float = math.inf,
) -> AsyncGenerator[Audio, None]:
    """A sound after all steps, which came in `param`; one of which they leave nothing is refused.

    No step may make more than `longest` seconds of it, nor work beyond the deadline.
    """
    source = _Source(sound)
    sound = source.parts()
    for step in steps:
        sound = _within(_applied(step, sound, call), longest, call, param)
    nothing = InvalidInput(f"The '{param}' leave nothing of this sound.", param=param)
    async with aclosing(not_empty(sound, nothing)) as parts:
        try:
            async for part in parts:
                yield part
        except SpeechError as failure:
            failure.elsewhere_too = failure is not source.failure
            raise


@attrs.define(eq=False)
class _Source:
    """What the steps are fed with, which remembers how it failed: that is no failure of theirs."""

    sound: AsyncGenerator[Audio, None]
    failure: SpeechError | None = None

    async def parts(self) -> AsyncGenerator[Audio, None]:
        async with aclosing(self.sound):
            try:
                async for part in self.sound:
                    yield part
            except SpeechError as failure:
                self.failure = failure
                raise


async def _within(
    sound: AsyncGenerator[Audio, None], longest: float, call: Call, param: str
) -> AsyncGenerator[Audio, None]:
    """What a step makes, as long as there is neither too much of it nor too late."""
    made = 0.0
    async with aclosing(sound):
        async for part in sound:
            made += part.duration
            if made > longest:
                raise TooLarge(
                    f"The '{param}' make more than {longest:g} s of this sound "
                    "(limit max_audio_seconds)",
                    param=param,
                )
            if call.deadline is not None and time.time() > call.deadline:
                raise TimedOut(f"The deadline passed within the '{param}'.", code="deadline")
            yield part


async def prepared(
    sound: Recording, steps: Sequence[Step], call: Call, param: str, longest: float = math.inf
) -> Reel:
    """A recording after all steps, to be read as often as is needed; the caller closes it."""
    blocks = from_thread(sound.blocks(await _first_rate(steps), BLOCK), "decode")
    return await _gathered(filtered(blocks, steps, call, param, longest))


def _applied(
    step: Step, sound: AsyncGenerator[Audio, None], call: Call
) -> AsyncGenerator[Audio, None]:
    match step:
        case Plain(name, wanted):
            return _run(name, wanted, sound)
        case Restoring(by, mode, seed):
            return restoration.restore(Arriving(sound), by, call, mode=mode, seed=seed)
        case Converting():
            return _converted(step, sound, call)


async def _run(
    name: str, wanted: Filter, sound: AsyncGenerator[Audio, None]
) -> AsyncGenerator[Audio, None]:
    run: Run | None = None
    async with aclosing(sound):
        try:
            async for part in sound:
                if run is None:
                    run = await in_thread(name, wanted.start, part.rate)
                async with aclosing(from_thread(run.push(part), name)) as ready:
                    async for made in ready:
                        yield made
            if run:
                async with aclosing(from_thread(run.finish(), name)) as rest:
                    async for made in rest:
                        yield made
        finally:
            if run:
                run.close()


async def _converted(
    step: Converting, sound: AsyncGenerator[Audio, None], call: Call
) -> AsyncGenerator[Audio, None]:
    with await _gathered(sound) as reel:
        if not reel.duration:
            return
        job = Conversion(reel, step.target, step.source, step.tau, step.seed, param=step.param)
        async with aclosing(conversion.convert(job, step.chain, call)) as parts:
            async for part in parts:
                yield part


async def _gathered(sound: AsyncGenerator[Audio, None]) -> Reel:
    reel: Reel | None = None
    async with aclosing(sound):
        try:
            async for part in sound:
                reel = reel or Reel(part.rate)
                await in_thread("gather", reel.record, part)
        except BaseException:
            if reel:
                reel.close()
            raise
    return reel or Reel(RATE)


async def _first_rate(steps: Sequence[Step]) -> int:
    """What the first step hears at, if it is a model's."""
    match steps[0]:
        case Plain():
            return RATE
        case Restoring(by):
            hears = by.vocoder if isinstance(by, Rebuilding) else by
            return (await hears.card()).rate or RATE
        case Converting(chain):
            return (await chain.converter.card()).rate or RATE
