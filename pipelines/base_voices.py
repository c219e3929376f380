"""The tone of the voices that a synthesizer speaks with, measured once: clones are converted away from it.

It is measured on a passage of several sentences, never on the text of a request where that can be helped:
two words tell no voice, and the same request shall give the same sound whatever was asked before it.
"""

from __future__ import annotations

from contextlib import aclosing
from functools import partial

import attrs

from audio import join
from errors import InvalidInput
from pipelines import embedding, tts
from pipelines.conversion import Chain, encoder_of
from pipelines.passages import PASSAGES
from pipelines.voice_memory import Heard
from runners.base import Synthesizer
from tasks import Call, Embedding, Reference, Span, Speak

MEASURED = 12.0  # seconds of speech: one piece of the encoder's, and the most of a passage
SEED = 0  # of those models that take one
ENOUGH = 150  # characters; a shorter text of a language without a passage is said several times


@attrs.frozen
class Speaker:
    """A model that speaks, by its name."""

    name: str
    synthesizer: Synthesizer


async def base_tone(job: Speak, speaker: Speaker, chain: Chain, call: Call) -> Embedding:
    """The tone of the voice that a job is spoken with; of a language without a passage, by the job's text."""
    card = await speaker.synthesizer.card()
    voice = job.voice or card.default_voice
    language = job.language or tts.language_of(card, job.voice)
    passage = PASSAGES.get(language.lower().replace("_", "-").partition("-")[0])
    encoder = encoder_of(chain, "model")
    asked = attrs.evolve(job, text=passage or _lengthened(job.text), speed=1.0, seed=SEED)
    listen = partial(_measured, asked, speaker.synthesizer, chain, call)
    key = ("a model's voice", speaker.name, voice, language, asked.text, encoder)
    return (await chain.listeners.memory.recall(key, listen, call)).voice


async def _measured(job: Speak, synthesizer: Synthesizer, chain: Chain, call: Call) -> Heard:
    try:
        return await _heard(job, synthesizer, chain, call)
    except InvalidInput as refusal:
        if refusal.param != "seed":
            raise
        # A model that takes none: then two measurements may differ by a little.
        return await _heard(attrs.evolve(job, seed=None), synthesizer, chain, call)


async def _heard(job: Speak, synthesizer: Synthesizer, chain: Chain, call: Call) -> Heard:
    parts, seconds = [], 0.0
    async with aclosing(tts.pieces(job, synthesizer, call)) as spoken:
        async for piece in spoken:
            parts.append(piece.speech.audio)
            seconds += parts[-1].duration
            if seconds >= MEASURED:
                break
    sound = join(parts, parts[0].rate)
    # All of it is speech, so nobody has to look for it.
    reference = Reference(sound, spans=(Span(0.0, sound.duration),), param="model")
    encoder = encoder_of(chain, reference.param)
    return await embedding.hear(reference, encoder, chain.listeners, call)


def _lengthened(text: str) -> str:
    times = -(-ENOUGH // max(len(text), 1))
    return text if times == 1 else "\n".join([text] * times)
