"""A recording → the voice in it: find the speech, cut it into pieces, embed all at once, take the mean."""

from __future__ import annotations

import attrs

from runners.base import Detector, Embedder, Transcriber
from tasks import Call, Embedding, Reference


@attrs.frozen(eq=False)
class Listeners:
    """What finds speech in recordings; None: no such model is configured."""

    detector: Detector | None = None
    transcriber: Transcriber | None = None


async def tone_of(
    reference: Reference, encoder: Embedder, listeners: Listeners, call: Call
) -> Embedding:
    """The voice of a recording; one in which too little is said is refused.

    What was heard once is remembered, so the same recording costs a hash of its file.
    """
    raise NotImplementedError


def fits(embedding: Embedding, space: str | None, param: str) -> Embedding:
    """The same embedding, if it is one of this space."""
    raise NotImplementedError
