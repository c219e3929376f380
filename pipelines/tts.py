"""Text → speech: cut into sentences, spoken one after the other, each heard while the next is made."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import attrs

from audio import Audio
from errors import InvalidInput
from pipelines.flow import in_order, of
from pipelines.sentences import split
from runners.base import Synthesizer
from tasks import Call, Card, Speak, Speech

# One sentence is made while another is heard. More would let one long text keep out everybody else.
SENTENCES_AHEAD = 2


async def speak(job: Speak, synthesizer: Synthesizer, call: Call) -> AsyncGenerator[Audio, None]:
    """The speech, sentence by sentence; at least one is not empty."""
    language = job.language or _language(await synthesizer.card(), job.voice)
    pieces = of(split(job.text, language))

    async def say(piece: str) -> Speech:
        return await synthesizer.synthesize(attrs.evolve(job, text=piece), call)

    heard = False
    async with aclosing(in_order(pieces, say, ahead=SENTENCES_AHEAD)) as spoken:
        async for speech in spoken:
            if len(speech.audio.samples):
                heard = True
                yield speech.audio
    if not heard:
        raise InvalidInput("there is nothing in this text that the model can say", param="input")


def _language(card: Card, voice: str | None) -> str:
    wanted = voice or card.default_voice
    spoken = [offered.language for offered in card.voices if offered.name == wanted]
    return (spoken or list(card.languages) or ["en"])[0]
