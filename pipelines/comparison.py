"""Two voices → how alike they are, and how surely they are of one speaker."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import attrs
import numpy as np

from errors import InvalidInput
from pipelines import embedding, speakers
from pipelines.embedding import Listeners
from pipelines.flow import in_order
from pipelines.voice_memory import Heard
from runners.base import Embedder
from tasks import Call, Card, Embedding, Reference

Wanted = Reference | Embedding


@attrs.frozen
class Comparison:
    """What is said of two voices."""

    score: float  # the cosine between them
    threshold: float  # from which on they are taken for one speaker's
    probability: float | None  # that they are; None: nobody has measured the encoder
    seconds: tuple[float | None, ...]  # of speech, of those that came as recordings
    space: str

    @property
    def same(self) -> bool:
        return self.score >= self.threshold


async def compare(
    voices: Mapping[str, Wanted], encoder: Embedder, listeners: Listeners, call: Call
) -> Comparison:
    """The two voices, each under the field that it came in."""
    card = await encoder.card()
    if card.same_speaker is None and not card.likeness:
        raise InvalidInput(
            "This encoder's voices have not been measured for whether they are of one speaker: name "
            "another one in 'model', or give it 'same_speaker' among its options.",
            param="model",
        )

    async def hear(item: tuple[str, Wanted]) -> tuple[Embedding, float | None]:
        param, wanted = item
        if isinstance(wanted, Embedding):
            return embedding.fits(wanted, card, param), None
        heard: Heard = await embedding.hear(wanted, encoder, listeners, call)
        return heard.voice, heard.seconds

    async def one_by_one() -> AsyncGenerator[tuple[str, Wanted], None]:
        for item in voices.items():
            yield item

    async with aclosing(in_order(one_by_one(), hear, ahead=len(voices))) as found:
        heard = [one async for one in found]
    one, other = (speakers.unit(voice.vector) for voice, _ in heard)
    seconds = tuple(length for _, length in heard)
    threshold, probability = judged(score := float(one @ other), seconds, card)
    return Comparison(score, threshold, probability, seconds, heard[0][0].space)


def judged(
    score: float, seconds: tuple[float | None, ...], card: Card
) -> tuple[float, float | None]:
    """The threshold for voices taken from so much speech, and how surely this score is one speaker's.

    Between two measured lengths both numbers change with the logarithm of the length. What is known of an
    embedding is not how long its speech was: it is taken for long enough.
    """
    curves = sorted(card.likeness, key=lambda curve: curve.seconds)
    if not curves:
        return float(card.same_speaker or 0.0), None
    lengths = [math.log(curve.seconds) for curve in curves]
    known = [length for length in seconds if length]
    length = math.log(min(known)) if known else lengths[-1]
    threshold, steepness = (
        float(np.interp(length, lengths, [getattr(curve, name) for curve in curves]))
        for name in ("threshold", "steepness")
    )
    return threshold, 1 / (1 + math.exp(-steepness * (score - threshold)))
