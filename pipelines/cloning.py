"""Text → speech in the voice of a recording: spoken by some voice, sentence by sentence, then converted.

text ──▶ "One. "  ──synthesizer──▶ ▂▇▅▂ ──converter──▶ ▂▇▅▂   heard
         "Two. "                   ▂▇▇▂ ──converter──▶ …      while the next is converted,
         "Three."  ──synthesizer──▶ …                         and the one after that is spoken
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import attrs

from audio import Audio
from audio.level import Level
from pipelines import conversion, tts
from pipelines.base_voices import Speaker, base_tone
from pipelines.conversion import Chain, Changed
from pipelines.flow import in_order
from pipelines.tts import LATER, SENTENCES_AHEAD, Piece
from tasks import Call, Convert, Embedding, Reference, Speak


async def clone(
    job: Speak, target: Embedding | Reference, speaker: Speaker, chain: Chain, call: Call
) -> AsyncGenerator[Audio, None]:
    """The speech in the target's voice, as loud as the speaker's own, at the converter's rate."""
    wanted = await conversion.tone(target, chain, call, "input_embedding")
    space = (await chain.converter.card()).space
    seed = chain.seed if job.seed is None else job.seed
    soon, later = call, attrs.evolve(call, priority=call.priority + LATER)

    async def change(piece: Piece) -> tuple[Piece, Changed]:
        nonlocal soon
        urgency, soon = soon, later
        source = piece.speech.tone
        if source is None or source.space != space:
            source = await base_tone(job, speaker, chain, urgency)
        asked = Convert(piece.speech.audio, source, wanted, seed=seed)
        return piece, await conversion.whole(asked, chain.converter, urgency)

    level = Level()
    pieces = tts.pieces(job, speaker.synthesizer, call)
    async with aclosing(in_order(pieces, change, ahead=SENTENCES_AHEAD)) as changed:
        async for piece, done in changed:
            said = level.match(done.audio, done.source)
            yield piece.after_its_pause(said)
