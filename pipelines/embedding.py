"""A recording → the voice in it: its pieces of speech embedded all at once, and the mean taken."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial

import attrs
import numpy as np

from audio import Audio
from errors import Failed, InvalidInput
from pipelines import speakers
from pipelines.flow import in_order, in_thread
from pipelines.reference_pieces import FEW, Finders, pieces_of
from pipelines.vad import RATE
from pipelines.voice_memory import Heard, VoiceMemory
from runners import steps
from runners.base import Embedder
from tasks import Call, Card, Embed, Embedding, Reference

PIECES_AHEAD = 16


@attrs.frozen(eq=False)
class Listeners(Finders):
    """What finds speech in recordings, and what was heard before."""

    memory: VoiceMemory = attrs.field(factory=VoiceMemory)


async def tone_of(
    reference: Reference, encoder: Embedder, listeners: Listeners, call: Call
) -> Embedding:
    """The voice of a recording; one in which too little is said is refused.

    What was heard once is remembered, so the same recording costs a hash of its file.
    """
    return (await hear(reference, encoder, listeners, call)).voice


async def hear(reference: Reference, encoder: Embedder, listeners: Listeners, call: Call) -> Heard:
    """The same, with the seconds of speech that it was taken from."""
    digest = await in_thread("hash", reference.sound.digest)
    key = (encoder, digest, reference.finding, reference.spans)
    listen = partial(_listen, reference, encoder, listeners, call)
    heard = await listeners.memory.recall(key, listen, call)
    if heard.seconds < FEW:
        steps.warn(
            f"the voice in {reference.param} was taken from {heard.seconds:.1f} s of speech; "
            f"{FEW:g} s or more tell it better"
        )
    return heard


def fits(embedding: Embedding, card: Card, param: str) -> Embedding:
    """The same embedding, if the model with this card takes such."""
    if embedding.space != card.space:
        raise InvalidInput(
            f"'{param}' is a voice of the family '{embedding.space}', and '{card.space}' is wanted: "
            "numbers of one family mean nothing to another. Embed the recording with that one's encoder.",
            param=param,
            code="wrong_embedding",
        )
    if card.dimensions is not None and len(embedding.vector) != card.dimensions:
        raise InvalidInput(
            f"'{param}' has {len(embedding.vector)} numbers; voices of '{card.space}' have "
            f"{card.dimensions}.",
            param=param,
            code="wrong_embedding",
        )
    return embedding


async def _listen(
    reference: Reference, encoder: Embedder, listeners: Listeners, call: Call
) -> Heard:
    card = await encoder.card()
    pieces = await pieces_of(reference, card.rate or RATE, listeners, call)
    voices = [voice async for voice in _embedded(pieces, reference, encoder, call)]
    seconds = sum(piece.duration for piece in pieces)
    return Heard(_mean(voices, card.unit_length), seconds)


async def _embedded(
    pieces: Sequence[Audio], reference: Reference, encoder: Embedder, call: Call
) -> AsyncGenerator[Embedding, None]:
    async def one_by_one() -> AsyncGenerator[Audio, None]:
        for piece in pieces:
            yield piece

    async def embed(piece: Audio) -> Embedding:
        try:
            return await encoder.embed(Embed(piece), call)
        except InvalidInput as error:
            message = f"'{reference.param}' cannot be used: {error.message}"
            raise InvalidInput(message, param=reference.param, code=error.code) from error

    async with aclosing(in_order(one_by_one(), embed, ahead=PIECES_AHEAD)) as voices:
        async for voice in voices:
            yield voice


def _mean(voices: Sequence[Embedding], unit_length: bool) -> Embedding:
    vectors = np.stack([voice.vector for voice in voices])
    mean = (speakers.unit(vectors) if unit_length else vectors).mean(axis=0)
    mean = speakers.unit(mean) if unit_length else mean
    if not np.isfinite(mean).all():
        raise Failed("an encoder made a voice of numbers that are not finite")
    return Embedding(mean.astype(np.float32), voices[0].space)
