"""Sound on its way out: the bytes of one file, as they are made or all at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, aclosing
from os import SEEK_END
from tempfile import SpooledTemporaryFile
from typing import IO

from starlette.responses import Response, StreamingResponse

from audio import Audio, Encoder
from pipelines.flow import in_thread

HEADER = 64  # bytes that hold the header of any format which states its length
PIECE = 1 << 18  # bytes of a whole file that are sent at once
IN_MEMORY = 1 << 20  # bytes; a longer file waits on disk until it is whole


async def encoded(
    sound: AsyncIterator[Audio], audio_format: str, rate: int | None
) -> AsyncGenerator[bytes, None]:
    """The bytes of one file, as soon as there are any."""
    async with aclosing(sound) as parts:  # type: ignore[type-var]
        encoder = None
        try:
            async for part in parts:
                encoder = encoder or Encoder(audio_format, part.rate, rate=rate)
                if ready := await in_thread("encode", encoder.push, part):
                    yield ready
            if encoder:
                yield await in_thread("encode", encoder.finish)
        finally:
            if encoder:
                encoder.close()


def sent(file: IO[bytes], media_type: str) -> Response:
    """A whole file, read as it is sent, and closed then."""
    length = file.seek(0, SEEK_END)
    file.seek(0)
    headers = {"content-length": str(length)}
    return StreamingResponse(_read(file), media_type=media_type, headers=headers)


async def _read(file: IO[bytes]) -> AsyncGenerator[bytes, None]:
    with file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece


async def sealed(sound: AsyncIterator[Audio], audio_format: str, rate: int | None) -> IO[bytes]:
    """A whole file with its length in its header, read from its start; the caller closes it."""
    with ExitStack() as undone:
        file = undone.enter_context(SpooledTemporaryFile(max_size=IN_MEMORY))
        async with aclosing(sound) as parts:  # type: ignore[type-var]
            first = await anext(parts)
            encoder = undone.enter_context(Encoder(audio_format, first.rate, rate=rate))
            file.write(await in_thread("encode", encoder.push, first))
            async for part in parts:
                file.write(await in_thread("encode", encoder.push, part))
            file.write(await in_thread("encode", encoder.finish))
        file.seek(0)
        header = encoder.sealed(file.read(HEADER))
        file.seek(0)
        file.write(header)
        file.seek(0)
        undone.pop_all()
        return file
