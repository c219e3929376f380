"""Text → speech: cut into sentences, spoken one after the other, each heard while the next is made.

Every model ends a text with a silence of its own, up to a second of it. So silence is cut from each
piece and a pause put between two, by what the first one ends with.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import attrs

from audio import Audio, join, silence, trim
from errors import InvalidInput
from pipelines.flow import from_thread, in_order
from pipelines.sentences import split
from runners.base import Synthesizer
from tasks import Call, Card, Speak, Speech

# One sentence is made while another is heard. More would let one long text keep out everybody else.
SENTENCES_AHEAD = 2

# What is not heard yet gives way to the beginning of somebody else's speech. Eight clients at once: the first
# sound came after 8.6 s in the median without it.
LATER = 1

# Seconds, at normal speed: what readers of audiobooks leave after a clause and after a sentence.
CLAUSE_PAUSE, SENTENCE_PAUSE = 0.15, 0.4
CLAUSE_ENDS = (",", ";", ":", "、", "，", "；", "：", "،", "—", "–")
KEPT_SILENCE = 0.03  # at each end of a piece: the release of a consonant is very quiet


@attrs.frozen(eq=False)
class Piece:
    """What is said in one breath, without silence at its ends."""

    speech: Speech
    pause: float  # seconds of silence before it

    def after_its_pause(self, audio: Audio) -> Audio:
        """What became of it, after the silence that belongs before it."""
        return join([silence(self.pause, audio.rate), audio], audio.rate)


async def speak(job: Speak, synthesizer: Synthesizer, call: Call) -> AsyncGenerator[Audio, None]:
    """The speech, sentence by sentence; at least one is not empty."""
    async with aclosing(pieces(job, synthesizer, call)) as spoken:
        async for piece in spoken:
            yield piece.after_its_pause(piece.speech.audio)


async def pieces(job: Speak, synthesizer: Synthesizer, call: Call) -> AsyncGenerator[Piece, None]:
    """The speech in pieces that are not empty; there is at least one."""
    language = job.language or language_of(await synthesizer.card(), job.voice)
    texts = from_thread(split(job.text, language), "split")

    soon, later = call, attrs.evolve(call, priority=call.priority + LATER)

    async def say(text: str) -> tuple[str, Speech]:
        nonlocal soon
        urgency, soon = soon, later
        return text, await synthesizer.synthesize(attrs.evolve(job, text=text), urgency)

    silent, pause = True, 0.0
    async with aclosing(in_order(texts, say, ahead=SENTENCES_AHEAD)) as spoken:
        async for text, speech in spoken:
            audio = trim(speech.audio, keep=KEPT_SILENCE)
            if not len(audio.samples):
                continue
            yield Piece(attrs.evolve(speech, audio=audio), pause / job.speed)
            silent, pause = False, _pause_after(text)
    if silent:
        raise InvalidInput("there is nothing in this text that the model can say", param="input")


def _pause_after(piece: str) -> float:
    bare = piece.rstrip("\"')]”’»")
    return CLAUSE_PAUSE if bare.endswith(CLAUSE_ENDS) else SENTENCE_PAUSE


def language_of(card: Card, voice: str | None) -> str:
    """What a model speaks with a voice, where nobody asks for another language."""
    wanted = voice or card.default_voice
    spoken = [offered.language for offered in card.voices if offered.name == wanted]
    return (spoken or list(card.languages) or ["en"])[0]
