"""Pieces of bounded length for scripts without spaces, where no mark may come for a long time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def cut_long(pieces: Iterable[str], most: int, *, breaks: str) -> list[str]:
    """Pieces of at most `most` characters, cut after one of `breaks` where that is in the second half."""
    return [part for piece in pieces for part in _parts(piece, most, breaks)]


def _parts(piece: str, most: int, breaks: str) -> Iterator[str]:
    while len(piece) > most:
        end = 1 + max(piece.rfind(mark, most // 2, most) for mark in breaks)
        end = end or most
        yield piece[:end].strip()
        piece = piece[end:].strip()
    if piece:
        yield piece
