"""Audio → bytes in the formats of the OpenAI speech API, as they come: nothing seeks back.

One row of FORMATS per format. What is written while streaming gives no length, because none is
known: `Encoder.sealed` puts it into the header of a file that is sent whole.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Protocol, Self

import attrs
import numpy as np

from audio.ffmpeg import Muxer, Recipe
from audio.resample import Resampler
from audio.signal import Audio, Samples, tame
from errors import InvalidInput

_LOWEST_RATE, _HIGHEST_RATE = 8_000, 192_000  # Hz, where the format itself sets no limits
_UNKNOWN = 0xFFFF_FFFF  # a length in a wav header: until the end of the file
_WAV_HEADER = 44  # bytes
_FLAC_TOTAL = slice(18, 26)  # the 64 bits of STREAMINFO that end in the 36-bit number of samples


class Writer(Protocol):
    """Samples at the format's rate in, bytes of the file out."""

    def write(self, samples: Samples) -> bytes: ...
    def finish(self) -> bytes: ...
    def close(self) -> None: ...


@attrs.frozen
class Format:
    """One format of the table; `rates` is what its codec takes, None for anything reasonable."""

    media_type: str
    writer: Callable[[int], Writer]
    rates: tuple[int, ...] | None = None
    default_rate: int | None = None  # None: near the rate of the source
    seal: Callable[[bytes, int], bytes] = lambda data, samples: data

    def rate_for(self, source_rate: int, wanted: int | None) -> int:
        """The rate to encode at: the wanted one or, for a codec with a list, the nearest on it."""
        rate = wanted or self.default_rate or source_rate
        if self.rates is not None:
            return min(self.rates, key=lambda known: (abs(known - rate), -known))
        if wanted is None:
            return min(max(rate, _LOWEST_RATE), _HIGHEST_RATE)
        if not _LOWEST_RATE <= wanted <= _HIGHEST_RATE:
            valid = f"from {_LOWEST_RATE} to {_HIGHEST_RATE} Hz"
            raise InvalidInput(f"sample rate {wanted} is not {valid}", param="sample_rate")
        return wanted


class Encoder:
    """Encodes a sound that arrives in pieces; every push answers what the file has grown by."""

    def __init__(
        self,
        format: str,
        source_rate: int,
        *,
        rate: int | None = None,
        param: str = "response_format",
    ) -> None:
        if format not in FORMATS:
            raise InvalidInput(f"{format!r} is not one of {', '.join(FORMATS)}", param=param)
        self._format = FORMATS[format]
        self.media_type = self._format.media_type
        self.rate = self._format.rate_for(source_rate, rate)
        self._source_rate = source_rate
        self._resampler = Resampler(source_rate, self.rate)
        self._writer: Writer | None = self._format.writer(self.rate)
        self._written = 0  # samples

    def push(self, audio: Audio) -> bytes:
        """Bytes that are ready after this piece; NaN becomes silence, louder than ±1 is clipped."""
        return self._write(self._resampler.push(Audio(tame(audio.samples, 1.0), audio.rate)))

    def finish(self) -> bytes:
        """The rest of the file; the encoder is closed by it."""
        rest = self._write(self._resampler.finish()) + self._open_writer().finish()
        self.close()
        return rest

    def sealed(self, data: bytes) -> bytes:
        """The whole file, all that push and finish answered, with its true length in the header."""
        return self._format.seal(data, self._written)

    def close(self) -> None:
        """Frees the codec, also midway; harmless when done already."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None  # it owns the codec, and the threads of PyAV's filters

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, audio: Audio) -> bytes:
        self._written += len(audio.samples)
        return self._open_writer().write(audio.samples)

    def _open_writer(self) -> Writer:
        if self._writer is None:
            raise ValueError("this encoder is closed")
        return self._writer


def encode(
    audio: Audio, format: str, rate: int | None = None, *, param: str = "response_format"
) -> bytes:
    """A whole file, its length in the header."""
    with Encoder(format, audio.rate, rate=rate, param=param) as encoder:
        return encoder.sealed(encoder.push(audio) + encoder.finish())


class _Pcm:
    """16-bit little-endian samples behind a header, which may be empty."""

    def __init__(self, header: bytes) -> None:
        self._header = header

    def write(self, samples: Samples) -> bytes:
        # 32768 is the inverse of what decoders do; +1.0 itself is clipped, it has no 16-bit value.
        levels = np.clip(np.rint(samples * np.float32(32768)), -32768, 32767)
        return b"".join((self._take(), levels.astype("<i2").tobytes()))

    def finish(self) -> bytes:
        return self._take()

    def close(self) -> None:
        pass

    def _take(self) -> bytes:
        header, self._header = self._header, b""
        return header


def _muxed(recipe: Recipe) -> Callable[[int], Writer]:
    return lambda rate: Muxer(recipe, rate)


def _wav_header(rate: int, size: int = _UNKNOWN) -> bytes:
    whole = min(size + _WAV_HEADER - 8, _UNKNOWN)
    form = struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * 2, 2, 16)
    riff = b"RIFF" + struct.pack("<I", whole) + b"WAVE"
    return riff + b"fmt " + form + b"data" + struct.pack("<I", size)


def _seal_wav(data: bytes, samples: int) -> bytes:
    (rate,) = struct.unpack_from("<I", data, 24)
    return _wav_header(rate, min(2 * samples, _UNKNOWN)) + data[_WAV_HEADER:]


def _seal_flac(data: bytes, samples: int) -> bytes:
    (word,) = struct.unpack(">Q", data[_FLAC_TOTAL])
    total = struct.pack(">Q", word | min(samples, (1 << 36) - 1))
    return data[: _FLAC_TOTAL.start] + total + data[_FLAC_TOTAL.stop :]


_MPEG_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_MP3 = Recipe(
    "mp3",
    "libmp3lame",
    96_000,  # transparent for speech at 24 kHz; lame lowers it where the rate allows less
    {"compression_level": "5"},  # 1.4 times as fast as lame's default
    {"write_xing": "0", "id3v2_version": "0"},  # a Xing header promises a length we do not know
)
_OPUS = Recipe(
    "ogg",
    "libopus",
    48_000,
    {"application": "audio", "frame_duration": "20"},
    {"page_duration": "100000"},  # µs; the muxer would hold a whole second back
)
_AAC = Recipe("adts", "aac", 96_000)
_FLAC = Recipe("flac", "flac", 0, {}, {"metadata_header_padding": "0"})  # else 8 kB of zeros

# Ogg Opus is audio/ogg (RFC 7845); audio/opus is for the bare packets of RTP (RFC 7587).
FORMATS: Mapping[str, Format] = {
    "mp3": Format("audio/mpeg", _muxed(_MP3), _MPEG_RATES),
    "opus": Format("audio/ogg", _muxed(_OPUS), (48_000,)),
    "aac": Format("audio/aac", _muxed(_AAC), (*_MPEG_RATES, 64_000, 88_200, 96_000)),
    "flac": Format("audio/flac", _muxed(_FLAC), seal=_seal_flac),
    "wav": Format("audio/wav", lambda rate: _Pcm(_wav_header(rate)), seal=_seal_wav),
    "pcm": Format("audio/pcm", lambda rate: _Pcm(b""), default_rate=24_000),
}
