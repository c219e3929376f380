"""Bytes → Audio: sound files and the soundtracks of videos, of any rate and channel count.

Nothing is trusted but what was decoded: a header may lie about the length, and a truncated or
damaged file gives the sound that is left in it. Limits are checked while the sound is decoded.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

import attrs
import av
import numpy as np
from av.container import InputContainer

from audio.ffmpeg import (
    MOST_CHANNELS,
    READABLE,
    Float32,
    Reader,
    audio_streams,
    frames,
    open_container,
)
from audio.resample import Resampler
from audio.signal import Audio, Samples, in_blocks, join, tame
from errors import TooLarge, Undecodable

_LOWEST_RATE, _HIGHEST_RATE = 1_000, 768_000  # Hz; outside it is a forged header, not a recording
_PEAK = 16.0  # +24 dBFS: float files may exceed full scale; beyond this it is not sound
_HASHED = 1 << 20  # bytes of a file that are hashed at once
_BATCH = 1 << 17  # values of any number of channels that are converted at once


@attrs.frozen
class DecodeLimits:
    """How long a sound may be, and how large its file and the samples that `decode` holds."""

    max_seconds: float = 4 * 3600.0
    max_bytes: int = 512 * 2**20


@attrs.frozen
class EncodedSound:
    """A sound still in its file: each reading decodes afresh, in memory that is bounded by a block.

    Channels are downmixed to their plain mean. Samples that are not finite become 0, those beyond
    ±16 are clipped. The first audio track is taken. A file object must be seekable, is read from
    its start, and stays open; a path is opened for each reading.
    """

    source: bytes | Path | BinaryIO
    name: str | None = None
    limits: DecodeLimits = DecodeLimits()
    param: str = "file"

    def blocks(self, rate: int, seconds: float) -> Iterator[Audio]:
        """The sound at `rate` in blocks of `seconds`, the last one shorter."""
        return in_blocks(self.parts(rate), rate, seconds)

    def digest(self) -> str:
        """What no other file has in common with this one, whatever its name."""
        told = hashlib.sha256()
        with self._file() as file:
            file.seek(0)
            while piece := file.read(_HASHED):
                told.update(piece)
        return told.hexdigest()

    def parts(self, rate: int | None) -> Iterator[Audio]:
        """The sound at `rate`, or the rate it begins with, in pieces of the decoder's choice."""
        resampler: Resampler | None = None
        for piece in self._native():
            rate = rate or piece.rate
            if resampler is None:
                resampler = Resampler(piece.rate, rate)
            elif resampler.source_rate != piece.rate:  # as in chained Ogg files
                yield resampler.finish()
                resampler = Resampler(piece.rate, rate)
            yield resampler.push(piece)
        if resampler is not None:
            yield resampler.finish()

    def _native(self) -> Iterator[Audio]:
        heard = 0.0
        with self._file() as file, closing(self._open(file)) as container:
            for piece in self._decoded(container):
                heard += piece.duration
                if heard > self.limits.max_seconds:
                    limit = f"{self.limits.max_seconds:g} s of sound (limit max_audio_seconds)"
                    raise TooLarge(f"{self._who} is longer than {limit}", param=self.param)
                yield piece
        if not heard:
            raise self._refusal("it holds no sound that can be decoded")

    def _file(self) -> AbstractContextManager[BinaryIO]:
        match self.source:
            case bytes():
                return io.BytesIO(self.source)
            case Path():
                return self.source.open("rb")
            case _:
                return nullcontext(self.source)

    def _open(self, file: BinaryIO) -> InputContainer:
        reader = Reader(file)
        if reader.size == 0:
            raise self._refusal("it is empty")
        if reader.size > self.limits.max_bytes:
            limit = f"more than {self.limits.max_bytes} (limit max_upload_bytes)"
            raise TooLarge(f"{self._who} has {reader.size} bytes, {limit}", param=self.param)
        try:
            return open_container(reader)
        except av.FFmpegError:
            raise self._refusal("its format is not recognized, or it is damaged") from None

    def _decoded(self, container: InputContainer) -> Iterator[Audio]:
        streams = audio_streams(container)
        if not streams:
            raise self._refusal("it has no audio track with a known codec")
        try:
            runs = groupby(frames(container, streams[0]), _shape)
            for (_, layout, channels, rate), run in runs:
                if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
                    raise self._refusal(f"its sample rate is {rate} Hz")
                if not 1 <= channels <= MOST_CHANNELS:
                    raise self._refusal(f"it has {channels} channels ({layout})")
                yield from _mono(run, channels, rate)
        except av.FFmpegError:
            raise self._refusal("its sample format cannot be converted") from None

    @property
    def _who(self) -> str:
        return "the file" if self.name is None else f"the file {self.name[:80]!r}"

    def _refusal(self, reason: str) -> Undecodable:
        message = f"{self._who} cannot be read as audio: {reason}. Accepted: {', '.join(READABLE)}"
        return Undecodable(message, param=self.param)


def decode(
    source: bytes | Path | BinaryIO,
    rate: int | None = None,
    *,
    name: str | None = None,
    limits: DecodeLimits | None = None,
    param: str = "file",
) -> Audio:
    """The whole sound in memory, at `rate` or at its own."""
    sound = EncodedSound(source, name, limits or DecodeLimits(), param)
    parts: list[Audio] = []
    held = 0
    for part in sound.parts(rate):
        parts.append(part)
        held += part.samples.nbytes
        if held > sound.limits.max_bytes:
            limit = f"{sound.limits.max_bytes} bytes when decoded (limit max_upload_bytes)"
            raise TooLarge(f"the sound takes more than {limit}", param=param)
    return join(parts, parts[0].rate)


def _shape(frame: av.AudioFrame) -> tuple[str, str, int, int]:
    return frame.format.name, frame.layout.name, frame.layout.nb_channels, frame.sample_rate


def _mono(run: Iterable[av.AudioFrame], channels: int, rate: int) -> Iterator[Audio]:
    """Frames of one shape as mono sound, a batch at a time."""
    converter: Float32 | None = None
    batch: list[Samples] = []
    count = 0
    for frame in run:
        converter = converter or Float32(frame)
        batch.append(converter(frame))
        count += len(batch[-1])
        if count >= min(_BATCH, rate * channels):
            yield Audio(_mean(batch, channels), rate)
            batch, count = [], 0
    if count:
        yield Audio(_mean(batch, channels), rate)


def _mean(batch: list[Samples], channels: int) -> Samples:
    interleaved = tame(np.concatenate(batch), _PEAK).reshape(-1, channels)
    mixed = interleaved[:, 0].copy()
    for channel in range(1, channels):  # several times faster than a mean over so short an axis
        mixed += interleaved[:, channel]
    return mixed / np.float32(channels)
