"""The Accept header: which of two kinds of answer a client would rather have (RFC 9110, 12.5.1)."""

from __future__ import annotations

from collections.abc import Iterable

SOUND = ("audio/mpeg", "audio/wav", "audio/ogg", "audio/flac", "audio/aac", "audio/pcm")
# OpenAI's SDKs ask for speech by this name.
BYTES = "application/octet-stream"


def prefers_json(header: str) -> bool:
    """Whether JSON is wanted more than sound; a client to which all is one gets sound."""
    ranges = dict(_ranges(header))
    json = _quality("application/json", ranges)
    named = [quality for name, quality in ranges.items() if name.startswith("audio/")]
    return json > max([_quality(kind, ranges) for kind in (*SOUND, BYTES)] + named)


def _ranges(header: str) -> Iterable[tuple[str, float]]:
    for part in header.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name:
            yield name, next((_number(p[2:]) for p in parameters if p.startswith("q=")), 1.0)


def _quality(kind: str, ranges: dict[str, float]) -> float:
    """Of the ranges that include `kind` the most exact one counts."""
    names = (kind, f"{kind.partition('/')[0]}/*", "*/*")
    return next((ranges[name] for name in names if name in ranges), 0.0)


def _number(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
