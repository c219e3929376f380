"""Text → speech in the voice of a recording, made in that voice at once: composed, then vocoded.

text ──▶ "One. "  ──composer──▶ ░▒▓▒░ ┐
         "Two. "  ──composer──▶ ▒▓▒░▒ ┼──vocoder──▶ ▂▇▅▂ pause ▂▇▇▂ pause …
         "Three." ──composer──▶ …     ┘

A vocoder makes of a sentence's last frames what it does because of those that come behind them. So the last
ones wait until the next sentence is composed, and all others are made at once, each part with the frames
around it: end to end the parts are what the vocoder would make of all frames together.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from itertools import pairwise

import attrs
import numpy as np

from audio import Audio, join, silence
from audio.level import Peak
from errors import Failed, InvalidInput
from pipelines import embedding
from pipelines.embedding import Listeners
from pipelines.flow import from_thread, in_order
from pipelines.sentences import split
from pipelines.tts import LATER, SENTENCES_AHEAD
from runners.base import Composer, Embedder, Vocoder
from tasks import Call, Card, Compose, Embedding, Features, Grid, Reference, Speak, Vocode

PAUSE = 0.15  # seconds behind each sentence at normal speed, as at Harmony Speech: no silence is cut from it


@attrs.frozen(eq=False)
class Stages:
    """What it takes to speak in any voice; all three know the same voices and the same features."""

    composer: Composer
    vocoder: Vocoder
    encoder: Embedder
    listeners: Listeners


async def speak(
    job: Speak, target: Embedding | Reference, stages: Stages, call: Call
) -> AsyncGenerator[Audio, None]:
    """The speech in the target's voice, part by part; at least one is not empty."""
    asked = Compose(
        job.text,
        await _voice(target, stages, call),
        job.language,
        job.speed,
        pitch=job.options.get("pitch", 1.0),
        energy=job.options.get("energy", 1.0),
    )
    language = job.language or next(iter((await stages.composer.card()).languages), "en")
    soon, later = call, attrs.evolve(call, priority=call.priority + LATER)

    async def compose(text: str) -> Features:
        nonlocal soon
        urgency, soon = soon, later
        return await stages.composer.compose(attrs.evolve(asked, text=text), urgency)

    texts = from_thread(split(job.text, language), "split")
    composed = in_order(texts, compose, ahead=SENTENCES_AHEAD)
    level = Peak()
    async with aclosing(sung(composed, stages.vocoder, call, PAUSE / job.speed)) as parts:
        async for part in parts:
            yield level.bring(part)


async def _voice(target: Embedding | Reference, stages: Stages, call: Call) -> Embedding:
    match target:
        case Embedding():
            return embedding.fits(target, await stages.composer.card(), "input_embedding")
        case Reference():
            return await embedding.tone_of(target, stages.encoder, stages.listeners, call)


async def sung(
    composed: AsyncGenerator[Features, None], vocoder: Vocoder, call: Call, pause: float
) -> AsyncGenerator[Audio, None]:
    """The sound of all features, as of one long song, with a pause behind each of them."""
    card = await vocoder.card()
    grid, rate = _grid(card), _rate(card)
    soon, later = call, attrs.evolve(call, priority=call.priority + LATER)

    async def sing(part: _Part) -> Audio:
        nonlocal soon
        urgency, soon = soon, later
        made = (await vocoder.vocode(Vocode(part.features), urgency)).audio
        wanted = part.features.mel.shape[1] * grid.step
        if made.rate != rate or len(made.samples) != wanted:
            raise Failed(
                f"the vocoder made {len(made.samples)} samples at {made.rate} Hz of features for "
                f"{wanted} at {rate} Hz"
            )
        return part.kept_of(made, grid.step, pause)

    parts = _parts(composed, -(-grid.context // grid.step))
    silent = True
    async with aclosing(in_order(parts, sing, ahead=SENTENCES_AHEAD)) as made:
        async for part in made:
            silent = False
            yield part
    if silent:
        raise InvalidInput("there is nothing in this text that the model can say", param="input")


@attrs.frozen(eq=False)
class _Part:
    """Frames that are vocoded together; what is kept of them is neither the first nor the last ones."""

    features: Features
    begin: int  # of what is kept, in frames of the features
    end: int
    pauses: Sequence[int]  # behind these frames

    def kept_of(self, sound: Audio, step: int, pause: float) -> Audio:
        cuts = [self.begin, *self.pauses, self.end]
        said = [Audio(sound.samples[a * step : b * step], sound.rate) for a, b in pairwise(cuts)]
        rest = silence(pause, sound.rate)
        return join([piece for one in said for piece in (one, rest)][:-1], sound.rate)


async def _parts(
    composed: AsyncGenerator[Features, None], context: int
) -> AsyncGenerator[_Part, None]:
    """What can be vocoded as soon as it can; those of a sentence that says nothing are left out."""
    score: _Score | None = None
    async with aclosing(composed):
        async for features in composed:
            score = score or _Score(features.space, context, features.mel[:, :0])
            score.add(features)
            for part in score.known(context):
                yield part
    for part in score.known(0) if score else ():
        yield part


@attrs.define(eq=False)
class _Score:
    """Frames that were composed, as far as they are still of use."""

    space: str
    context: int
    held: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
    kept: int = 0  # of the frames that are held these are vocoded already
    ends: list[int] = attrs.Factory(list)  # of sentences among the others

    def add(self, features: Features) -> None:
        if not features.mel.shape[1]:
            return
        self.held = np.concatenate([self.held, features.mel], axis=1)
        self.ends.append(self.held.shape[1])

    def known(self, behind: int) -> Iterator[_Part]:
        """All frames but for so many at the end, with their context."""
        end = self.held.shape[1] - behind
        if end <= self.kept:
            return
        pauses = [place for place in self.ends if place <= end]
        yield _Part(Features(self.held, self.space), self.kept, end, pauses)
        done = max(end - self.context, 0)
        self.held, self.kept = self.held[:, done:], end - done
        self.ends = [place - done for place in self.ends[len(pauses) :]]


def _grid(card: Card) -> Grid:
    if card.grid is None:
        raise Failed("a vocoder must say how features may be cut for it")
    return card.grid


def _rate(card: Card) -> int:
    if card.rate is None:
        raise Failed("a vocoder must say at what rate it works")
    return card.rate
