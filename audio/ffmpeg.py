"""ffmpeg's libraries: an untrusted file → frames of float32, and samples → the bytes of a file.

Left alone ffmpeg follows a playlist to other files and hosts, starts a thread per core, decodes
video only to look at it, and prints what it thinks of a file: all that is switched off here.
Knows no limits, and leaves it to the caller to turn av.FFmpegError into an answer.
"""

from __future__ import annotations

import ctypes
import io
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import BinaryIO, cast

import attrs
import av
import numpy as np
from av.audio.stream import AudioStream
from av.codec.codec import UnknownCodecError
from av.container import InputContainer
from av.filter import Graph
from av.stream import Discard

from audio.signal import Samples

av.logging.set_level(None)  # else ffmpeg reports a stranger's broken file on our stderr

# Demuxer → the names people know its files by. All keep the sound inside the one file. Left out are
# playlists (hls, dash, concat, sdp, imf), images, subtitles, and headerless raw formats, which
# would take anything for sound.
DEMUXERS = {
    "aac": "aac", "ac3": "ac3", "aiff": "aiff", "amr": "amr", "ape": "ape", "asf": "wma",
    "au": "au", "avi": "avi", "caf": "caf", "dts": "dts", "eac3": "eac3", "flac": "flac",
    "flv": "flv", "loas": "latm", "matroska": "mkv webm", "mov": "3gp m4a mov mp4",
    "mp3": "mp3 mpga", "mpc": "mpc", "mpc8": "mpc", "mpeg": "mpeg", "mpegts": "ts",
    "nistsphere": "sph", "ogg": "oga ogg opus", "qcp": "qcp", "rm": "rm", "tak": "tak",
    "tta": "tta", "voc": "voc", "w64": "w64", "wav": "wav", "wv": "wv",
}  # fmt: skip
READABLE = sorted({name for names in DEMUXERS.values() for name in names.split()})

MOST_CHANNELS = 64  # what libswresample converts
_LARGEST_FRAME = 1 << 21  # samples per channel in one frame; real codecs stay far below
_LARGEST_BLOCK = 64 * 2**20  # bytes
_FRAME = 1 << 16  # samples handed to an encoder at a time; it cuts its own frames from them
_DAMAGED = 10_000  # damaged packets in a row after which the rest is taken for damaged as well
_READ = 1 << 16  # bytes ffmpeg asks for at a time


# A forged header of a few bytes can ask for gigabytes, and ffmpeg zeroes them before it finds out.
# PyAV has no name for this limit, but what it is linked with does. It holds for each allocation of
# the process; cover art and the index of a day-long film stay below it.
ctypes.CDLL(av._core.__file__).av_max_alloc(ctypes.c_size_t(_LARGEST_BLOCK))


def _audio_decoders() -> Iterator[str]:
    for name in sorted(av.codecs_available):
        with suppress(UnknownCodecError):  # it can only encode
            if av.Codec(name, "r").type == "audio":
                yield name


OPTIONS = {
    "format_whitelist": ",".join(DEMUXERS),
    "max_streams": "100",
    "protocol_whitelist": "none",  # no such protocol: a demuxer cannot open anything else
    "codec_whitelist": ",".join(_audio_decoders()),  # probing would decode pictures, of any size
}


class Reader:
    """What ffmpeg sees of a file: no name to guess a format from, and no close.

    The position is its own, so that two readings of one file object do not disturb each other.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._position = 0
        self.size = file.seek(0, io.SEEK_END)

    def read(self, count: int) -> bytes:
        self._file.seek(self._position)
        chunk = self._file.read(count)
        self._position += len(chunk)
        return chunk

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(base + offset, 0)
        return self._position

    def tell(self) -> int:
        return self._position


def open_container(reader: Reader) -> InputContainer:
    """The file as a container with its streams known; av.FFmpegError if it is none that we read."""
    return av.open(
        reader, mode="r", container_options=OPTIONS, metadata_errors="replace", buffer_size=_READ
    )


def audio_streams(container: InputContainer) -> list[AudioStream]:
    """The audio tracks that have a decoder."""
    return [stream for stream in container.streams.audio if stream.codec_context is not None]


def frames(container: InputContainer, stream: AudioStream) -> Iterator[av.AudioFrame]:
    """The frames of one track; what is damaged is left out, as ffmpeg does."""
    for other in container.streams:
        other.discard = Discard.all
    stream.discard = Discard.default
    context = stream.codec_context
    context.thread_count = 1
    context.options = {"max_samples": str(_LARGEST_FRAME)}
    # Damage that the demuxer cannot step over ends the sound. IndexError: PyAV 18 trips at the end
    # over streams that a damaged file seemed to grow midway.
    with suppress(av.FFmpegError, IndexError):
        damaged = 0
        for packet in container.demux(stream):
            try:
                decoded = packet.decode()
            except av.FFmpegError:
                damaged += 1
                if damaged == _DAMAGED:
                    return
                continue
            damaged = 0
            yield from decoded


class Float32:
    """ffmpeg's conversion to interleaved float32 [T · channels], every channel kept.

    Not AudioFrame.to_ndarray: from eight planar channels on PyAV 18 finds planes that do not exist
    and reads them. Not av.AudioResampler: its filter graph starts a thread per core.
    """

    def __init__(self, frame: av.AudioFrame) -> None:
        graph = Graph()
        graph.threads = 1
        self._source = graph.add(
            "abuffer",
            sample_rate=str(frame.sample_rate),
            sample_fmt=frame.format.name,
            channel_layout=frame.layout.name,
        )
        form = graph.add("aformat", sample_fmts="flt")
        self._sink = graph.add("abuffersink")
        self._source.link_to(form)
        form.link_to(self._sink)
        graph.configure()
        self._graph = graph  # the filters live only as long as their graph

    def __call__(self, frame: av.AudioFrame) -> Samples:
        self._source.push(frame)
        packed = cast(av.AudioFrame, self._sink.pull())
        count = packed.samples * packed.layout.nb_channels
        return np.frombuffer(memoryview(packed.planes[0]), np.float32, count=count)


@attrs.frozen
class Recipe:
    """What ffmpeg needs to know to write one format."""

    container: str
    codec: str
    bit_rate: int = 0
    codec_options: Mapping[str, str] = attrs.field(factory=dict)
    container_options: Mapping[str, str] = attrs.field(factory=dict)


class Muxer:
    """A codec in its container, both ffmpeg's."""

    def __init__(self, recipe: Recipe, rate: int) -> None:
        self._sink = _Sink()
        # bitexact: no random stream number and no version string, so equal sounds give equal bytes.
        options = {"flush_packets": "1", "fflags": "+bitexact", **recipe.container_options}
        self._container = av.open(
            self._sink, mode="w", format=recipe.container, container_options=options
        )
        options = {"threads": "1", **recipe.codec_options}
        stream = self._container.add_stream(recipe.codec, rate, options=options, layout="mono")
        self._stream = cast(AudioStream, stream)
        self._stream.bit_rate = recipe.bit_rate
        self._rate = rate
        self._position = 0
        self._container.start_encoding()  # what is wrong fails here, before the first byte

    def write(self, samples: Samples) -> bytes:
        for start in range(0, len(samples), _FRAME):
            row = np.ascontiguousarray(samples[start : start + _FRAME], dtype=np.float32)
            frame = av.AudioFrame.from_ndarray(row[np.newaxis], format="flt", layout="mono")
            frame.sample_rate = self._rate
            frame.pts = self._position
            self._position += len(row)
            self._container.mux(self._stream.encode(frame))
        return self._sink.take()

    def finish(self) -> bytes:
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._sink.take()

    def close(self) -> None:
        self._container.close()


class _Sink:
    """A file that ffmpeg can only append to."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, chunk: bytes) -> int:
        self._chunks.append(chunk)
        return len(chunk)

    def take(self) -> bytes:
        taken = b"".join(self._chunks)
        self._chunks.clear()
        return taken
