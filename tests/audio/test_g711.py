"""G.711 against values of the standard, and against ffmpeg's decoder."""

from __future__ import annotations

import av
import numpy as np
import pytest

from audio import Audio, decode_a_law, decode_mu_law

EVERY_BYTE = bytes(range(256))


@pytest.mark.parametrize(
    ("byte", "sample"),
    [(0xFF, 0), (0x7F, 0), (0x80, 32124), (0x00, -32124), (0xFE, 8), (0x7E, -8), (0xEF, 132)],
)
def test_mu_law_has_the_values_of_the_standard(byte: int, sample: int) -> None:
    assert decode_mu_law(bytes([byte])).samples[0] * 32768 == sample


@pytest.mark.parametrize(
    ("byte", "sample"),
    [(0xD5, 8), (0x55, -8), (0xAA, 32256), (0x2A, -32256), (0xD4, 24), (0xC5, 264)],
)
def test_a_law_has_the_values_of_the_standard(byte: int, sample: int) -> None:
    assert decode_a_law(bytes([byte])).samples[0] * 32768 == sample


@pytest.mark.parametrize(
    ("codec", "decoded"),
    [("pcm_mulaw", decode_mu_law(EVERY_BYTE)), ("pcm_alaw", decode_a_law(EVERY_BYTE))],
)
def test_every_byte_means_what_it_means_to_ffmpeg(codec: str, decoded: Audio) -> None:
    context = av.CodecContext.create(codec, "r")
    context.sample_rate, context.layout = 8000, "mono"  # type: ignore[attr-defined]
    frames = context.decode(av.Packet(EVERY_BYTE))  # type: ignore[attr-defined]
    expected = np.concatenate([frame.to_ndarray().ravel() for frame in frames])
    assert decoded.rate == 8000
    assert (decoded.samples * 32768).tolist() == expected.tolist()
