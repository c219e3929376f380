"""Damaged sound → the same as it may have been: in segments that overlap, through bounded memory.

    segments  [▓▓▓▓▓▓▓▓x░░]                  ▓ what is kept of it  ░ context: heard by the model, let go after
                   [░░x▓▓▓▓▓▓▓▓x░░]          x one fades into the next, both with context on either side

Who says of itself how far it hears gets as much context, and how sounds may be cut for it, gets them so; of
those who hear everything at once two segments still differ a little, which fading hides. What comes out is
as long as what went in, silent where that was silent, and as loud: one gain for all of it makes the speech
that is left as loud as it was heard in its place. So it does not matter how loud a model makes things.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import attrs
import numpy as np

from audio import Audio, Recording, Samples
from audio.level import Level, hushed, presence
from errors import Failed, InvalidInput
from pipelines.flow import from_thread, in_order
from pipelines.tts import LATER
from pipelines.windows import Window, planned, windows_arriving, windows_of
from runners.base import Analyser, Restorer, Vocoder
from tasks import Analyse, Call, Card, Grid, Restore, Vocode

SEGMENT = 15.0  # seconds that are kept of one
CONTEXT = 1.0  # seconds, of models that do not say how much they want
FADE = 0.05  # seconds in which one segment becomes the next
SEGMENTS_AHEAD = 2  # one is made while another is heard
BLOCK = 10.0  # seconds that are decoded at once
FRAME = 0.01  # seconds, of which it is asked whether there is any sound


@attrs.frozen(eq=False)
class Rebuilding:
    """Two models that restore together: one hears what it should have been, one makes sound of that."""

    analyser: Analyser
    vocoder: Vocoder


@attrs.frozen(eq=False)
class Arriving:
    """A sound that is still being made: it is restored as it comes."""

    parts: AsyncGenerator[Audio, None]


@attrs.frozen(eq=False)
class Restored:
    """A part of what was restored, and what it was made of: as many samples of the same rate."""

    audio: Audio
    source: Samples


async def restore(
    sound: Recording | Arriving,
    by: Restorer | Rebuilding,
    call: Call,
    *,
    mode: int = 0,
    seed: int | None = None,
) -> AsyncGenerator[Audio, None]:
    """The recording restored, as long and as loud as it was, at the model's rate.

    `mode` is one of the analyser's ways of hearing; what only restores has one.
    """
    level = Level(left=True)
    async with aclosing(segments(sound, by, call, mode=mode, seed=seed)) as parts:
        async for part in parts:
            yield level.match(part.audio, part.source)


async def segments(
    sound: Recording | Arriving,
    by: Restorer | Rebuilding,
    call: Call,
    *,
    mode: int = 0,
    seed: int | None = None,
) -> AsyncGenerator[Restored, None]:
    """The recording restored part by part, each as loud as the model makes it."""
    way = await _way(by, mode, seed)
    rate, grid = way.rate, way.grid
    fade = round(FADE * rate)
    plan = planned(grid.step, rate, context=grid.context + fade, first=SEGMENT, longest=SEGMENT)
    soon, later = call, attrs.evolve(call, priority=call.priority + LATER)

    async def make(segment: Window) -> tuple[Window, Samples | None]:
        nonlocal soon
        if not presence(segment.samples, round(FRAME * rate)).any():
            return segment, None
        urgency, soon = soon, later
        return segment, await way.make(Audio(segment.samples, rate), urgency)

    join = _Join(way, fade)
    match sound:
        case Arriving(parts):
            cut = windows_arriving(parts, rate, plan)
        case _:
            cut = from_thread(windows_of(sound.blocks(rate, BLOCK), plan), "decode")
    async with aclosing(in_order(cut, make, ahead=SEGMENTS_AHEAD)) as made:
        async for segment, samples in made:
            yield Restored(Audio(join.next(segment, samples), rate), segment.kept)


async def check_mode(by: Restorer | Rebuilding, mode: int, param: str = "mode") -> None:
    """Refuse a way of hearing that the model has not, which came in `param`."""
    modes = (await (by.analyser if isinstance(by, Rebuilding) else by).card()).modes
    if mode not in range(modes):
        every = ", ".join(map(str, range(modes)))
        known = "one way of hearing, mode 0" if modes == 1 else f"the modes {every}"
        raise InvalidInput(f"Invalid '{param}': {mode}. This model has {known}.", param=param)


@attrs.frozen(eq=False)
class _Way:
    """How a segment is restored; what is made may begin earlier and end later than the segment."""

    rate: int
    grid: Grid
    loss: int  # samples of which fewer may be missing at the end
    make: Callable[[Audio, Call], Awaitable[Samples]]


class _Join:
    """Puts what was made of segments in its place and end to end."""

    def __init__(self, way: _Way, fade: int) -> None:
        self._way = way
        self._rise = np.sin(np.linspace(0, np.pi / 2, fade, dtype=np.float32)) ** 2
        self._before = np.zeros(0, dtype=np.float32)  # of the last segment, beyond what was kept
        self._surplus: int | None = (
            None  # before a segment, the same for all: None until one was made
        )

    def next(self, segment: Window, made: Samples | None) -> Samples:
        """What is kept of a segment; None was made of silence."""
        whole = np.zeros_like(segment.samples) if made is None else self._placed(segment, made)
        kept = whole[segment.begin : segment.begin + segment.length + len(self._rise)].copy()
        # A segment that another one follows has context for it, which is longer than the fade.
        rise, over = self._rise[: len(self._before)], kept[: len(self._before)]
        kept[: len(over)] = over * rise + self._before * (1 - rise)
        self._before = kept[segment.length :]
        return kept[: segment.length]

    def _placed(self, segment: Window, made: Samples) -> Samples:
        """As many samples as the segment has, from the middle of what was made."""
        wanted = len(segment.samples)
        if self._surplus is None:
            self._surplus = max(len(made) - wanted, 0) // 2
        found = made[self._surplus : self._surplus + wanted]
        if len(found) <= wanted - self._way.loss:
            raise Failed(f"the models made {len(made)} samples of {wanted}")
        found = np.pad(found, (0, wanted - len(found)))
        return hushed(found, Audio(segment.samples, self._way.rate), round(FRAME * self._way.rate))


async def _way(by: Restorer | Rebuilding, mode: int, seed: int | None) -> _Way:
    await check_mode(by, mode)
    match by:
        case Rebuilding():
            return await _rebuilding(by, mode, seed)
        case _:
            return await _restoring(by)


async def _restoring(by: Restorer) -> _Way:
    card = await by.card()
    rate = _rate(card)

    async def make(heard: Audio, call: Call) -> Samples:
        made = (await by.restore(Restore(heard), call)).audio
        if made.rate != rate or len(made.samples) != len(heard.samples):
            raise Failed(
                f"the restorer made {len(made.samples)} samples at {made.rate} Hz of "
                f"{len(heard.samples)} at {rate} Hz"
            )
        return made.samples

    return _Way(rate, card.grid or _grid(rate), 1, make)


async def _rebuilding(by: Rebuilding, mode: int, seed: int | None) -> _Way:
    card, heard_by = await by.vocoder.card(), await by.analyser.card()
    rate, frame = _rate(card), card.grid.step if card.grid else 1
    if _rate(heard_by) != rate:
        raise Failed("the analyser and the vocoder work at different rates")
    # A vocoder that hears farther than the analyser would hear what is hardly right.
    grid = heard_by.grid or _grid(rate)
    grid = attrs.evolve(grid, step=math.lcm(grid.step, frame))

    async def make(heard: Audio, call: Call) -> Samples:
        features = await by.analyser.analyse(Analyse(heard, mode, seed), call)
        made = (await by.vocoder.vocode(Vocode(features), call)).audio
        if made.rate != rate:
            raise Failed(f"the vocoder made sound at {made.rate} Hz, not at {rate} Hz")
        return made.samples

    return _Way(rate, grid, frame, make)


def _grid(rate: int) -> Grid:
    """Of those who say nothing."""
    return Grid(1, round(CONTEXT * rate))


def _rate(card: Card) -> int:
    if card.rate is None:
        raise Failed("what restores must say at what rate it works")
    return card.rate
