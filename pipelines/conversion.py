"""Sound → the same said in another voice: in windows, so that hours of it pass through bounded memory.

A converter hears no further than its context. So what is kept of the windows (pipelines/windows.py), end
to end, is what it would have made of the whole, and where two of them meet there is nothing to hear.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing

import attrs
import numpy as np

from audio import Audio, Recording, Samples, join
from audio.level import Level, hushed, presence
from errors import Failed, InvalidInput
from pipelines import embedding
from pipelines.embedding import Listeners
from pipelines.flow import from_thread, in_order
from pipelines.tts import LATER
from pipelines.windows import Window, planned, windows_of
from runners.base import Converter, Embedder
from tasks import Call, Card, Convert, Embedding, Grid, Reference, Speech

FIRST, LONGEST = 1.0, 8.0  # seconds of windows; each is twice as long as the one before
WINDOWS_AHEAD = 2  # one is made while another is heard
BLOCK = 10.0  # seconds that are decoded at once
SEEDS = 2**63


@attrs.frozen(eq=False)
class Chain:
    """What it takes to change a voice."""

    converter: Converter
    encoder: Embedder | None  # None: nothing configured makes the embeddings that it wants
    listeners: Listeners
    seed: int | None = None  # the converter's own, for those who name none


@attrs.frozen(eq=False)
class Changed:
    """A part of what was converted, and what it was made of: as many samples of the same rate."""

    audio: Audio
    source: Samples


@attrs.frozen(eq=False)
class Conversion:
    """A recording that shall be heard in another voice."""

    sound: Recording
    target: Embedding | Reference
    source: Embedding | None = None  # the tone of who speaks in it; None: find out
    tau: float | None = None
    seed: int | None = None
    param: str = "source_audio"  # the field of the request that the recording came in


async def convert(job: Conversion, chain: Chain, call: Call) -> AsyncGenerator[Audio, None]:
    """The recording in the target's voice, as long and as loud as it was, at the converter's rate."""
    target = await tone(job.target, chain, call, "target_embedding")
    spoken = job.source or Reference(job.sound, param=job.param)
    source = await tone(spoken, chain, call, "source_embedding")
    level = Level()
    seed = chain.seed if job.seed is None else job.seed
    asked = Convert(job.sound, source, target, job.tau, seed)
    async with aclosing(windows(asked, chain.converter, call)) as parts:
        async for part in parts:
            yield level.match(part.audio, part.source)


async def tone(wanted: Embedding | Reference, chain: Chain, call: Call, param: str) -> Embedding:
    """The tone of who shall be heard; an embedding, which came in `param`, must fit to the converter."""
    match wanted:
        case Embedding():
            return embedding.fits(wanted, await chain.converter.card(), param)
        case Reference():
            return await embedding.tone_of(
                wanted, encoder_of(chain, wanted.param), chain.listeners, call
            )


def encoder_of(chain: Chain, param: str) -> Embedder:
    """What makes embeddings for the converter; `param` is the field that needs it."""
    if chain.encoder is None:
        raise InvalidInput(
            f"'{param}' is known by its sound only, and no configured model makes of sound the "
            "embeddings that this converter takes: its family's encoder is missing in model_configs.",
            param=param,
        )
    return chain.encoder


async def windows(
    job: Convert, converter: Converter, call: Call, first: float = FIRST
) -> AsyncGenerator[Changed, None]:
    """A sound of any length in another voice, part by part, as the converter would make it whole.

    The last part of a step is filled up with silence to be converted, and cut off again.
    """
    card = await converter.card()
    rate, grid = _rate(card), _grid(card)
    # Windows that do not share their chance would not fit to each other.
    job = attrs.evolve(job, seed=secrets.randbelow(SEEDS) if job.seed is None else job.seed)
    plan = planned(grid.step, rate, context=grid.context, first=first, longest=LONGEST)
    soon, later = call, attrs.evolve(call, priority=call.priority + LATER)

    async def change(window: Window) -> Changed:
        nonlocal soon
        if not presence(window.samples, grid.step).any():
            return Changed(Audio(np.zeros_like(window.kept), rate), window.kept)
        urgency, soon = soon, later
        heard = Audio(np.pad(window.samples, (0, -len(window.samples) % grid.step)), rate)
        asked = attrs.evolve(job, sound=heard, offset=job.offset + window.offset)
        made = _checked(await converter.convert(asked, urgency), heard)
        quiet = hushed(made.samples, heard, grid.step)
        return Changed(Audio(window.part(quiet), rate), window.kept)

    cut = from_thread(windows_of(job.sound.blocks(rate, BLOCK), plan), "decode")
    async with aclosing(in_order(cut, change, ahead=WINDOWS_AHEAD)) as changed:
        async for part in changed:
            yield part


async def whole(job: Convert, converter: Converter, call: Call) -> Changed:
    """A short sound in another voice, all of it."""
    rate = _rate(await converter.card())
    async with aclosing(windows(job, converter, call, first=LONGEST)) as parts:
        done = [part async for part in parts]
    sources = [part.source for part in done]
    return Changed(
        join([part.audio for part in done], rate),
        np.concatenate(sources) if sources else np.zeros(0, dtype=np.float32),
    )


def _checked(made: Speech, heard: Audio) -> Audio:
    given, wanted = made.audio, len(heard.samples)
    if given.rate != heard.rate or len(given.samples) != wanted:
        raise Failed(
            f"the converter made {len(given.samples)} samples at {given.rate} Hz of {wanted} "
            f"at {heard.rate} Hz"
        )
    return given


def _rate(card: Card) -> int:
    if card.rate is None:
        raise Failed("a converter must say at what rate it works")
    return card.rate


def _grid(card: Card) -> Grid:
    if card.grid is None:
        raise Failed("a converter must say how sounds may be cut for it")
    return card.grid
