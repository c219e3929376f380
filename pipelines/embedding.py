"""A recording → the voice in it: find the speech, cut it into pieces, embed all at once, take the mean.

    recording   ──▂▇▇▅▂───▂▇▇▇▃▁──────▂▇▇▂▁──
    speech        └────┘  └─────┘      └──┘        by a detector, a recogniser, or who asks
    pieces        └─────────┴───────────┘          joined, and cut into equal ones of about 10 s;
                                                    or the recogniser's segments as they are

This is how OpenVoice cuts; a voice encoder hears best what it was trained on. Of a long recording the
first minute of speech is taken.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from itertools import pairwise

import attrs
import numpy as np

from audio import Audio, join
from errors import Failed, InvalidInput
from pipelines import speakers
from pipelines.cutting import cuts
from pipelines.flow import in_order, in_thread
from pipelines.transcription import transcribe
from pipelines.vad import RATE, stretches
from pipelines.voice_memory import Heard, VoiceMemory
from runners import steps
from runners.base import Detector, Embedder, Transcriber
from tasks import Call, Card, Detect, Embed, Embedding, Finding, Reference, Span, Transcribe

# Seconds of speech. OpenVoice's encoder halves time six times: below 0.75 s its recurrent layer makes one
# step, and a word or two are not a voice. OpenVoice itself refuses less than 5 s.
LEAST, FEW = 1.0, 5.0
MOST = 60.0  # more hardly moves the mean; 6 pieces are one batch
PIECE = 10.0
SHORTEST_SEGMENT, LONGEST_SEGMENT = 1.5, 20.0  # of a recogniser's, as at OpenVoice
SILENT = 1e-3  # the peak (-60 dBFS) below which nobody is heard, whatever a request says of it
ROUNDING = 0.5  # seconds that a span may end behind the sound
PIECES_AHEAD = 16


@attrs.frozen(eq=False)
class Listeners:
    """What finds speech in recordings, and what was heard before; None: no such model is configured."""

    detector: Detector | None = None
    transcriber: Transcriber | None = None
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
    spans = await _spans(reference, listeners, call)
    card = await encoder.card()
    parts = await _parts(reference, spans, card.rate or RATE)
    pieces = _joined(parts) if reference.finding is Finding.DETECTOR else parts
    loud = [piece for piece in pieces if np.abs(piece.samples).max(initial=0) >= SILENT]
    seconds = sum(piece.duration for piece in loud)
    if seconds < LEAST:
        raise _too_little(reference, seconds)
    voices = [voice async for voice in _embedded(loud, reference, encoder, call)]
    return Heard(_mean(voices, card.unit_length), seconds)


# Where somebody speaks


async def _spans(reference: Reference, listeners: Listeners, call: Call) -> list[Span]:
    """The first minute of speech. None is a refusal, and so is what nothing here can find."""
    if reference.spans is not None:
        found = reference.spans
    elif reference.finding is Finding.RECOGNISER:
        found = tuple([span async for span in _recognised(reference, listeners, call)])
    elif listeners.detector is None:
        return [Span(0.0, MOST)]
    else:
        found = tuple([span async for span in _detected(reference, listeners.detector, call)])
    taken = list(_first(found))
    if reference.finding is Finding.RECOGNISER:
        taken = list(_segments(taken))
    if (seconds := sum(span.end - span.start for span in taken)) < LEAST:
        raise _too_little(reference, seconds)
    return taken


async def _detected(
    reference: Reference, detector: Detector, call: Call
) -> AsyncGenerator[Span, None]:
    seconds = 0.0
    async with aclosing(stretches(Detect(reference.sound), detector, call)) as found:
        async for stretch in found:
            for span in stretch.spans:
                seconds += span.end - span.start
                yield Span(span.start + stretch.offset, span.end + stretch.offset)
            if seconds >= MOST:
                return


async def _recognised(
    reference: Reference, listeners: Listeners, call: Call
) -> AsyncGenerator[Span, None]:
    if listeners.transcriber is None:
        raise InvalidInput(
            "This way to find speech needs a model that transcribes, and none is configured.",
            param="input_vad_mode",
        )
    heard = transcribe(Transcribe(reference.sound), listeners.transcriber, listeners.detector, call)
    seconds = end = 0.0
    async with aclosing(heard) as texts:
        async for text in texts:
            for segment in text.segments:
                start, end = max(segment.start, end), max(segment.end, end)
                if segment.text.strip() and end > start:
                    seconds += end - start
                    yield Span(start, end)
            if seconds >= MOST:
                return


def _first(spans: Iterable[Span]) -> Iterator[Span]:
    """What of the spans lies in the first minute of speech."""
    room = MOST
    for span in spans:
        taken = min(span.end - span.start, room)
        if taken > 0:
            yield Span(span.start, span.start + taken)
        room -= taken


def _segments(spans: Iterable[Span]) -> Iterator[Span]:
    """Those that are long enough; too long ones in equal parts."""
    for span in spans:
        length = span.end - span.start
        if length >= SHORTEST_SEGMENT:
            edges = np.linspace(span.start, span.end, math.ceil(length / LONGEST_SEGMENT) + 1)
            yield from (Span(a, b) for a, b in pairwise(edges.tolist()))


# What is said there


async def _parts(reference: Reference, spans: Sequence[Span], rate: int) -> list[Audio]:
    """The sound of each span."""
    parts = []
    async with aclosing(cuts(reference.sound, spans, rate)) as found:
        async for span, audio in found:
            if reference.spans is not None and span.end - span.start > audio.duration + ROUNDING:
                raise InvalidInput(
                    f"'input_vad_data' has speech from {span.start:g} to {span.end:g} s, and the sound "
                    "ends before that. Times are seconds, unless its 'unit' says samples.",
                    param="input_vad_data",
                )
            parts.append(audio)
    return parts


def _joined(parts: list[Audio]) -> list[Audio]:
    """The parts without the pauses between them, in pieces of exactly one length: they share a batch."""
    speech = join(parts, parts[0].rate)
    count = max(1, round(speech.duration / PIECE))
    length = len(speech.samples) // count
    return [
        Audio(speech.samples[start : start + length], speech.rate)
        for start in range(0, length * count, length or 1)
    ]


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


def _too_little(reference: Reference, seconds: float) -> InvalidInput:
    counted = (
        f", in segments of {SHORTEST_SEGMENT:g} s and more"
        if reference.finding is Finding.RECOGNISER
        else ""
    )
    return InvalidInput(
        f"Too little speech was found in '{reference.param}': {seconds:.1f} s{counted}. A voice is "
        f"taken from at least {LEAST:g} s, and better from {FEW:g} s or more.",
        param=reference.param,
        code="too_little_speech",
    )
