from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from audio import (
    READABLE,
    Audio,
    DecodeLimits,
    EncodedSound,
    Encoder,
    Sound,
    decode,
    encode,
    join,
    silence,
)
from errors import TooLarge, Undecodable

if TYPE_CHECKING:
    from tests.audio.conftest import Make, Pitch, Sine

EXPERIMENTAL = {"options": {"strict": "experimental"}}
FILES: list[tuple[str, str, dict[str, Any]]] = [
    ("mp3", "libmp3lame", {}),
    ("mp3", "libmp3lame", {"rate": 44_100, "layout": "stereo"}),
    ("mp3", "libmp3lame", {"rate": 8_000}),
    ("ipod", "aac", {"rate": 44_100, "layout": "stereo"}),
    ("mp4", "aac", {"rate": 48_000, "layout": "5.1"}),
    ("mp4", "aac", {"rate": 48_000, "video": "mpeg4"}),
    ("mp4", "alac", {}),
    ("mov", "pcm_s24be", {"rate": 48_000, "layout": "stereo"}),
    ("webm", "libopus", {"rate": 48_000}),
    ("matroska", "flac", {"layout": "stereo", "video": "mpeg4"}),
    ("ogg", "libopus", {"rate": 48_000, "layout": "7.1"}),
    ("ogg", "vorbis", {"rate": 44_100, "layout": "stereo", **EXPERIMENTAL}),
    ("ogg", "flac", {}),
    ("flac", "flac", {"rate": 96_000, "layout": "stereo"}),
    ("flac", "flac", {"layout": "7.1"}),
    ("adts", "aac", {}),
    ("latm", "aac", {}),
    ("mpegts", "mp2", {"rate": 44_100, "video": "mpeg2video"}),
    ("mpeg", "mp2", {"rate": 48_000}),
    ("avi", "mp2", {"rate": 44_100, "video": "mpeg4"}),
    ("flv", "libmp3lame", {"rate": 44_100}),
    ("aiff", "pcm_s16be", {"layout": "stereo"}),
    ("au", "pcm_mulaw", {"rate": 8_000}),
    ("caf", "pcm_f32le", {}),
    ("w64", "pcm_s24le", {}),
    ("wav", "pcm_alaw", {"rate": 8_000}),
    ("wav", "adpcm_ms", {}),
    ("wav", "pcm_s64le", {}),
    ("ac3", "ac3", {"rate": 48_000, "layout": "5.1"}),
    ("tta", "tta", {}),
    ("wv", "wavpack", {}),
    ("amr", "libopencore_amrnb", {"rate": 8_000, "bit_rate": 12_200}),
]


@pytest.mark.parametrize(("container", "codec", "options"), FILES)
def test_every_file_gives_its_sine(
    container: str, codec: str, options: dict[str, Any], media: Make, pitch: Pitch
) -> None:
    data = media(container, codec, **options)
    native = decode(data)
    assert native.rate == options.get("rate", 24_000)
    for sound in (native, decode(data, 16_000)):
        assert sound.samples.dtype == np.float32
        assert sound.samples.ndim == 1
        assert sound.duration == pytest.approx(1, abs=0.11)  # mp3 at 8 kHz pads most
        assert pitch(sound) == pytest.approx(440, abs=3)
        assert np.abs(sound.cut(0.3, 0.7).samples).max() == pytest.approx(0.5, abs=0.08)
    assert decode(data, 16_000).rate == 16_000


@pytest.mark.parametrize("kind", ["u1", "<i2", "<i4", "<f4", "<f8"])
@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 192_000])
def test_wav_samples_of_every_kind_have_their_level(
    kind: str, rate: int, wav: Make, sine: Sine
) -> None:
    expected = sine(0.2, rate).samples
    full = {"u1": 128, "<i2": 2**15, "<i4": 2**31, "<f4": 1, "<f8": 1}[kind]
    stored = (expected.astype(np.float64) * full + (128 if kind == "u1" else 0)).astype(kind)
    sound = decode(wav(stored, rate))
    assert sound.rate == rate
    assert np.abs(sound.samples - expected).max() < (0.01 if kind == "u1" else 1e-4)


@pytest.mark.parametrize("channels", [2, 3, 6, 8, 9, 16, 64])
def test_channels_are_downmixed_to_their_mean(channels: int, wav: Make) -> None:
    levels = np.arange(channels, dtype=np.float32) / channels
    sound = decode(wav(np.tile(levels, 4_800), channels=channels))
    assert len(sound.samples) == 4_800
    assert sound.samples == pytest.approx(levels.mean(), abs=1e-6)


def test_planar_surround_is_downmixed_to_its_mean(media: Make) -> None:
    """Eight planes: as many as a frame has room for, where PyAV's own reading runs over the end."""
    sound = decode(media("ogg", "libopus", rate=48_000, layout="7.1"))
    assert np.abs(sound.cut(0.3, 0.7).samples).max() == pytest.approx(0.5, abs=0.05)


def test_float_samples_that_are_no_sound_are_tamed(wav: Make) -> None:
    samples = np.array([0.5, np.nan, np.inf, -np.inf, 2.0, 1e30, -1e30, -0.5], np.float32)
    assert decode(wav(samples)).samples.tolist() == [0.5, 0, 0, 0, 2, 16, -16, -0.5]


def test_one_bad_channel_does_not_spoil_the_other(wav: Make) -> None:
    samples = np.tile(np.array([np.nan, 0.5], np.float32), 1_000)
    assert decode(wav(samples, channels=2)).samples == pytest.approx(0.25)


@pytest.mark.parametrize("seconds", [0.032, 0.5, 1.0, 30.0])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_blocks_have_their_length_and_are_the_whole_joined(
    seconds: float, rate: int, sine: Sine
) -> None:
    data = encode(sine(3.3, 44_100), "flac")
    blocks = list(EncodedSound(data).blocks(rate, seconds))
    assert {len(block.samples) for block in blocks[:-1]} <= {round(seconds * rate)}
    assert 0 < len(blocks[-1].samples) <= round(seconds * rate)
    assert np.array_equal(join(blocks, rate).samples, decode(data, rate).samples)


def test_an_encoded_sound_is_a_sound_and_reads_again(sine: Sine) -> None:
    sound: Sound = EncodedSound(encode(sine(), "flac"))
    first, second = (join(list(sound.blocks(16_000, 0.1)), 16_000) for _ in range(2))
    assert np.array_equal(first.samples, second.samples)


def test_bytes_paths_and_file_objects_are_read_alike(tmp_path: Path, sine: Sine) -> None:
    data = encode(sine(), "mp3")
    path = tmp_path / "sound.wrong-name"
    path.write_bytes(data)
    expected = decode(data).samples
    assert np.array_equal(decode(path).samples, expected)
    with path.open("rb") as file:
        file.seek(100)
        for _ in range(2):
            assert np.array_equal(decode(file).samples, expected)
        assert not file.closed


def test_two_readings_of_one_file_object_do_not_mix(sine: Sine) -> None:
    file = io.BytesIO(encode(sine(10), "wav"))
    sound = EncodedSound(file)
    pairs = list(zip(sound.blocks(24_000, 0.5), sound.blocks(24_000, 0.5), strict=True))
    assert len(pairs) == 20
    assert all(np.array_equal(one.samples, other.samples) for one, other in pairs)


def test_a_missing_file_of_ours_is_not_the_callers_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        decode(tmp_path / "nothing.wav")


def test_a_stream_that_changes_midway_is_read_to_its_end(sine: Sine, pitch: Pitch) -> None:
    parts = [encode(sine(2, rate), "mp3") for rate in (24_000, 44_100, 16_000)]
    sound = decode(b"".join(parts), 16_000)
    assert sound.duration == pytest.approx(6, abs=0.3)
    for start in (0.5, 2.5, 4.5):
        assert pitch(sound.cut(start, start + 1)) == pytest.approx(440, abs=2)
    assert decode(b"".join(parts)).rate == 24_000


def test_cover_art_is_ignored(sine: Sine, pitch: Pitch) -> None:
    picture = b"\x00image/png\x00\x03\x00\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
    frame = b"APIC" + len(picture).to_bytes(4, "big") + b"\x00\x00" + picture
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    data = b"ID3\x03\x00\x00" + size + frame + encode(sine(), "mp3")
    assert pitch(decode(data)) == pytest.approx(440, abs=2)


def test_tags_in_another_alphabet_are_no_obstacle(sine: Sine) -> None:
    comment = b"LIST" + (20).to_bytes(4, "little") + b"INFOINAM" + (8).to_bytes(4, "little")
    data = encode(sine(), "wav")
    assert (
        decode(data[:36] + comment + b"\xff\xfe\x80\xe9\xe8\x81\x00\x00" + data[36:]).duration == 1
    )


def test_a_sound_over_the_time_limit_is_refused_with_the_limit() -> None:
    data = encode(silence(20, 8_000), "flac")
    sound = EncodedSound(data, limits=DecodeLimits(max_seconds=5), param="audio_sample")
    with pytest.raises(TooLarge, match=r"5 s .*max_audio_seconds") as refusal:
        list(sound.blocks(16_000, 1))
    assert refusal.value.param == "audio_sample"
    assert decode(data, limits=DecodeLimits(max_seconds=20)).duration == 20


def test_a_file_over_the_byte_limit_is_refused_with_the_limit() -> None:
    with pytest.raises(TooLarge, match=r"2044 bytes.*1000 \(limit max_upload_bytes\)"):
        decode(encode(silence(1_000 / 8_000, 8_000), "wav"), limits=DecodeLimits(max_bytes=1_000))


def test_a_small_file_that_decodes_to_too_much_is_refused_with_the_limit() -> None:
    data = encode(silence(60, 8_000), "flac")
    limits = DecodeLimits(max_bytes=100_000)
    assert len(data) < limits.max_bytes
    with pytest.raises(TooLarge, match="100000 bytes when decoded"):
        decode(data, limits=limits)
    assert sum(block.duration for block in EncodedSound(data, limits=limits).blocks(8_000, 1)) == 60


def test_a_refusal_names_the_file_the_field_and_what_is_accepted() -> None:
    with pytest.raises(Undecodable) as refusal:
        decode(b"hello", name="notes.txt", param="audio_sample")
    assert "'notes.txt'" in refusal.value.message
    assert all(name in refusal.value.message for name in READABLE)
    assert refusal.value.param == "audio_sample"
    assert {"flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "wav", "webm"} <= set(READABLE)


PEAK = """
import pathlib, sys
from audio import EncodedSound
def peak():  # getrusage would count what the parent had before its exec
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024
sound = EncodedSound(pathlib.Path(sys.argv[1]))
next(sound.blocks(16_000, 10))
before = peak()
seconds = sum(block.duration for block in sound.blocks(16_000, 10))
print(round(seconds), peak() - before)
"""


def test_an_hour_is_read_in_the_memory_of_a_block(tmp_path: Path) -> None:
    path = tmp_path / "hour.flac"
    with Encoder("flac", 8_000) as encoder, path.open("wb") as file:
        for _ in range(60):
            file.write(encoder.push(silence(60, 8_000)))
        file.write(encoder.finish())
    command = [sys.executable, "-c", PEAK, str(path)]
    done = subprocess.run(command, capture_output=True, check=True, cwd=Path(__file__).parents[2])
    seconds, grown = map(int, done.stdout.split())
    assert seconds == 3_600
    assert grown < 10  # MiB; the whole sound is 220


def test_days_of_silence_are_left_at_the_limit() -> None:
    one = encode(silence(600, 8_000), "mp3")
    sound = EncodedSound(one * 30, limits=DecodeLimits(max_seconds=60))
    blocks: list[Audio] = []
    with pytest.raises(TooLarge, match="60 s"):
        blocks.extend(sound.blocks(16_000, 10))
    assert len(blocks) <= 6


def test_a_reading_given_up_leaves_nothing_open(tmp_path: Path, sine: Sine) -> None:
    path = tmp_path / "sound.flac"
    path.write_bytes(encode(sine(30), "flac"))
    handles, threads = (Path(f"/proc/self/{kind}") for kind in ("fd", "task"))
    before = len(os.listdir(handles)), len(os.listdir(threads))
    for _ in range(5):
        next(EncodedSound(path).blocks(16_000, 0.1))
    assert (len(os.listdir(handles)), len(os.listdir(threads))) == before


def test_decoding_starts_no_thread(sine: Sine) -> None:
    data = encode(sine(5), "mp3")
    before = len(os.listdir("/proc/self/task"))
    for _ in EncodedSound(data).blocks(16_000, 0.1):
        assert len(os.listdir("/proc/self/task")) == before


def test_a_file_is_known_by_its_bytes_alone(tmp_path: Path) -> None:
    content = encode(silence(0.1, 8000), "wav")
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    opened = io.BytesIO(content)
    opened.seek(7)
    digests = {
        EncodedSound(content).digest(),
        EncodedSound(path, name="b.mp3", param="input_audio").digest(),
        EncodedSound(opened).digest(),
    }
    assert len(digests) == 1
    assert EncodedSound(content + b"\0").digest() not in digests
