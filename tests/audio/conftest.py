"""Sound files made on the spot: a sine in any container, and wav files whose headers say anything."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any, cast

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream

from audio import Audio

Make = Callable[..., bytes]
Sine = Callable[..., Audio]
Pitch = Callable[[Audio], float]


def _sine(seconds: float = 1.0, rate: int = 24_000, hz: float = 440.0, level: float = 0.5) -> Audio:
    times = np.arange(round(seconds * rate)) / rate
    return Audio((level * np.sin(2 * np.pi * hz * times)).astype(np.float32), rate)


def _pitch(audio: Audio) -> float:
    """The strongest frequency, in Hz."""
    window = np.hanning(len(audio.samples))
    return float(np.argmax(np.abs(np.fft.rfft(audio.samples * window))) / audio.duration)


def _media(
    container: str,
    codec: str,
    rate: int = 24_000,
    layout: str = "mono",
    seconds: float = 1.0,
    video: str | None = None,
    side: int = 64,
    **stream: Any,
) -> bytes:
    """A file with a 440 Hz sine on every channel, and grey pictures if a video codec is named."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        pictures: Any = None
        if video is not None:
            pix = "gray" if video == "png" else "yuv420p"
            pictures = output.add_stream(video, 25, width=side, height=side, pix_fmt=pix)
        sound = cast(AudioStream, output.add_stream(codec, rate, layout=layout, **stream))
        if pictures is not None:
            grey = np.full((side, side), 128, np.uint8)
            for number in range(round(25 * seconds)):
                picture = av.VideoFrame.from_ndarray(grey, format="gray")
                picture.pts = number
                output.mux(pictures.encode(picture))
            output.mux(pictures.encode(None))
        row = np.repeat(_sine(seconds, rate).samples, sound.layout.nb_channels)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(row, format="flt", layout=layout)
        frame.sample_rate = rate
        frame.pts = 0
        output.mux(sound.encode(frame))
        output.mux(sound.encode(None))
    return file.getvalue()


def _wav(
    samples: np.ndarray[Any, Any],
    rate: int = 24_000,
    channels: int = 1,
    tag: int | None = None,
    size: int | None = None,
) -> bytes:
    """A wav file around samples of any dtype; `size` is what its header says about its data."""
    content = samples.tobytes()
    width = samples.dtype.itemsize
    tag = tag or (3 if samples.dtype.kind == "f" else 1)
    per_second = (rate * width * channels) & 0xFFFF_FFFF
    form = struct.pack(
        "<IHHIIHH", 16, tag, channels, rate, per_second, (width * channels) & 0xFFFF, 8 * width
    )
    told = len(content) if size is None else size
    riff = struct.pack("<I", min(36 + told, 0xFFFF_FFFF))
    return b"RIFF" + riff + b"WAVEfmt " + form + b"data" + struct.pack("<I", told) + content


@pytest.fixture(scope="session")
def sine() -> Sine:
    return _sine


@pytest.fixture(scope="session")
def pitch() -> Pitch:
    return _pitch


@pytest.fixture(scope="session")
def media() -> Make:
    return _media


@pytest.fixture(scope="session")
def wav() -> Make:
    return _wav
