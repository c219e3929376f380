from __future__ import annotations

import io
import os
import struct
import wave
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from audio import FORMATS, Audio, EncodedSound, Encoder, Samples, decode, encode, silence
from errors import InvalidInput

if TYPE_CHECKING:
    from tests.audio.conftest import Pitch, Sine

FILES = [name for name in FORMATS if name != "pcm"]
LOSSLESS = ["flac", "wav", "pcm"]
RATES = [8_000, 16_000, 22_050, 24_000, 44_100, 48_000]


def streamed(audio: Audio, format: str, seconds: float = 0.1) -> tuple[list[bytes], Encoder]:
    encoder = Encoder(format, audio.rate)
    pieces = [encoder.push(block) for block in audio.blocks(audio.rate, seconds)]
    return [*pieces, encoder.finish()], encoder


def scaled(levels: NDArray[np.int16]) -> Samples:
    return levels.astype(np.float32) / np.float32(32768)


def heard(data: bytes, format: str) -> Audio:
    if format == "pcm":
        return Audio(scaled(np.frombuffer(data, np.int16)), 24_000)
    return decode(data)


def test_the_table_has_the_formats_of_the_api() -> None:
    assert {name: row.media_type for name, row in FORMATS.items()} == {
        "mp3": "audio/mpeg",
        "opus": "audio/ogg",
        "aac": "audio/aac",
        "flac": "audio/flac",
        "wav": "audio/wav",
        "pcm": "audio/pcm",
    }


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("format", FORMATS)
def test_a_sine_survives_the_round_trip(format: str, rate: int, sine: Sine, pitch: Pitch) -> None:
    sound = heard(encode(sine(2.0, rate), format), format)
    padding = 0.001 if format in [*LOSSLESS, "opus"] else 0.25  # mp3 and aac pad whole frames
    assert 2.0 - 0.001 <= sound.duration <= 2.0 + padding
    assert pitch(sound) == pytest.approx(440, abs=1.5)
    assert np.abs(sound.cut(0.5, 1.5).samples).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("format", FORMATS)
def test_the_streamed_file_is_the_one_shot_file(format: str, sine: Sine) -> None:
    pieces, encoder = streamed(sine(2.0, 22_050), format)
    assert encoder.sealed(b"".join(pieces)) == encode(sine(2.0, 22_050), format)


@pytest.mark.parametrize("format", FORMATS)
def test_a_stream_that_was_not_sealed_decodes_in_full(format: str, sine: Sine) -> None:
    pieces, _ = streamed(sine(2.0, 24_000), format)
    sound = heard(b"".join(pieces), format)
    assert np.array_equal(sound.samples, heard(encode(sine(2.0, 24_000), format), format).samples)


@pytest.mark.parametrize("format", FORMATS)
def test_bytes_leave_while_sound_arrives(format: str, sine: Sine) -> None:
    pieces, _ = streamed(sine(4.0, 24_000), format, seconds=0.25)
    assert all(pieces[2:-1])
    late = sum(map(len, pieces[-2:])) / sum(map(len, pieces))
    assert late < 0.2  # the last quarter second and the codec's own delay


@pytest.mark.parametrize("format", LOSSLESS)
def test_lossless_formats_keep_every_16_bit_sample(format: str) -> None:
    levels = np.random.default_rng(0).integers(-32768, 32768, 24_000).astype(np.int16)
    sound = heard(encode(Audio(scaled(levels), 24_000), format), format)
    assert np.array_equal(np.rint(sound.samples * 32768), levels)


@pytest.mark.parametrize("format", LOSSLESS)
def test_full_scale_is_clipped_and_never_wraps(format: str) -> None:
    samples = np.array([1.0, -1.0, 1.5, -1.5, 32767.4 / 32768, 0.5 / 32768], np.float32)
    sound = heard(encode(Audio(np.repeat(samples, 100), 24_000), format), format)
    assert np.rint(sound.samples[::100] * 32768).tolist() == [
        32767,
        -32768,
        32767,
        -32768,
        32767,
        0,
    ]


@pytest.mark.parametrize("format", FORMATS)
def test_samples_that_are_not_finite_become_silence(format: str, sine: Sine, pitch: Pitch) -> None:
    sound = sine(2.0, 24_000)
    sound.samples[1000:1010] = [np.nan, np.inf, -np.inf, 1e30, -1e30] * 2
    assert pitch(heard(encode(sound, format), format)) == pytest.approx(440, abs=1.5)


@pytest.mark.parametrize("format", FORMATS)
def test_no_sound_at_all_is_no_error(format: str) -> None:
    assert isinstance(encode(silence(0, 24_000), format), bytes)


@pytest.mark.parametrize("format", FORMATS)
def test_empty_pieces_change_nothing(format: str, sine: Sine) -> None:
    with Encoder(format, 24_000) as encoder:
        pieces = [encoder.push(part) for part in (silence(0, 24_000), sine(), silence(0, 24_000))]
        assert encoder.sealed(b"".join([*pieces, encoder.finish()])) == encode(sine(), format)


def test_a_long_sound_is_encoded_at_once() -> None:
    whole = encode(silence(720, 48_000), "flac")  # more than ffmpeg may allocate in one block
    assert sum(block.duration for block in EncodedSound(whole).blocks(8_000, 60)) == 720


def test_python_reads_a_streamed_wav(sine: Sine) -> None:
    pieces, _ = streamed(sine(1.0), "wav")
    with wave.open(io.BytesIO(b"".join(pieces))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
        assert len(file.readframes(file.getnframes())) == 48_000


def test_a_sealed_wav_tells_its_true_size(sine: Sine) -> None:
    data = encode(sine(1.0), "wav")
    assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    with wave.open(io.BytesIO(data)) as file:
        assert file.getnframes() == 24_000


def test_a_flac_tells_its_length_only_once_sealed(sine: Sine) -> None:
    pieces, encoder = streamed(sine(1.0), "flac")
    data = b"".join(pieces)
    assert data[:4] == b"fLaC"
    assert int.from_bytes(data[18:26], "big") & ((1 << 36) - 1) == 0
    assert int.from_bytes(encoder.sealed(data)[18:26], "big") & ((1 << 36) - 1) == 24_000


def test_an_mp3_begins_with_a_frame_and_no_xing_header(sine: Sine) -> None:
    data = encode(sine(1.0), "mp3")
    assert data[0] == 0xFF
    assert data[1] & 0xE0 == 0xE0
    assert b"Xing" not in data
    assert b"Info" not in data
    assert b"ID3" not in data


def test_opus_is_an_ogg_stream_of_48_khz_in_short_pages(sine: Sine) -> None:
    data = encode(sine(2.0), "opus")
    assert data[:4] == b"OggS"
    assert data[28:36] == b"OpusHead"
    assert data.count(b"OggS") > 15
    with av.open(io.BytesIO(data)) as file:
        assert file.streams.audio[0].rate == 48_000


def test_pcm_is_raw_24_khz_16_bit_little_endian(sine: Sine) -> None:
    data = encode(sine(1.0, 48_000), "pcm")
    assert len(data) == 2 * 24_000
    assert np.abs(np.frombuffer(data, "<i2")).max() == pytest.approx(16384, abs=300)


@pytest.mark.parametrize(
    ("format", "source_rate", "wanted", "rate"),
    [
        ("mp3", 24_000, None, 24_000),
        ("mp3", 96_000, None, 48_000),
        ("mp3", 40_000, None, 44_100),
        ("mp3", 24_000, 11_000, 11_025),
        ("opus", 24_000, 16_000, 48_000),
        ("aac", 24_000, 90_000, 88_200),
        ("flac", 22_050, None, 22_050),
        ("wav", 16_000, 8_000, 8_000),
        ("wav", 4_000, None, 8_000),
        ("pcm", 16_000, None, 24_000),
        ("pcm", 24_000, 16_000, 16_000),
    ],
)
def test_the_rate_is_the_nearest_that_the_format_has(
    format: str, source_rate: int, wanted: int | None, rate: int
) -> None:
    with Encoder(format, source_rate, rate=wanted) as encoder:
        assert encoder.rate == rate


def test_a_rate_beyond_reason_is_refused() -> None:
    with pytest.raises(InvalidInput, match="from 8000 to 192000") as refusal:
        Encoder("wav", 24_000, rate=1_000_000)
    assert refusal.value.param == "sample_rate"


def test_an_unknown_format_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(InvalidInput, match="mp3, opus, aac, flac, wav, pcm") as refusal:
        encode(silence(1, 24_000), "vox")
    assert refusal.value.param == "response_format"


def test_the_field_of_the_format_may_have_another_name() -> None:
    with pytest.raises(InvalidInput) as refusal:
        Encoder("vox", 24_000, param="output_format")
    assert refusal.value.param == "output_format"


def test_a_finished_encoder_takes_no_more(sine: Sine) -> None:
    encoder = Encoder("mp3", 24_000)
    encoder.finish()
    with pytest.raises(ValueError, match="closed"):
        encoder.push(sine())


def test_a_piece_at_another_rate_is_an_error() -> None:
    with Encoder("wav", 24_000) as encoder, pytest.raises(ValueError, match="16000"):
        encoder.push(silence(1, 16_000))


@pytest.mark.parametrize("format", FORMATS)
def test_an_abandoned_encoder_leaves_no_thread_behind(format: str, sine: Sine) -> None:
    def threads() -> int:
        return len(os.listdir("/proc/self/task"))

    before = threads()
    for _ in range(5):
        with Encoder(format, 24_000) as encoder:
            encoder.push(sine())
        encoder.close()
    assert threads() == before
