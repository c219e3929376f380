"""What a stranger may upload: only sound, Undecodable or TooLarge may come of it, and no noise."""

from __future__ import annotations

import io
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from audio import Audio, DecodeLimits, EncodedSound, decode, encode
from audio.ffmpeg import OPTIONS, Reader
from errors import TooLarge, Undecodable

if TYPE_CHECKING:
    from tests.audio.conftest import Make, Pitch, Sine

LIMITS = DecodeLimits(max_seconds=30, max_bytes=2**24)
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
NOT_SOUND = {
    "nothing": b"",
    "one byte": b"R",
    "zeros": bytes(100_000),
    "noise": np.random.default_rng(0).bytes(1_000_000),
    "text": b"The quick brown fox jumps over the lazy dog.\n" * 2_000,
    "html": b"<!doctype html><html><body><h1>413 Request Entity Too Large</h1></body></html>",
    "json": b'{"error": {"message": "no such file"}}',
    "subtitles": b"1\n00:00:00,000 --> 00:00:02,000\nHello\n\n" * 50,
    "png": PNG + bytes(1_000),
    "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + bytes(1_000),
    "gif": b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + bytes(100),
    "zip": b"PK\x03\x04\x14\x00\x00\x00\x08\x00" + bytes(range(256)) * 10,
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(500),
    "elf": b"\x7fELF\x02\x01\x01" + bytes(500),
    "raw pcm": (np.sin(np.arange(48_000) / 10) * 9_999).astype("<i2").tobytes(),
    "magic of wav": b"RIFF",
    "magic of ogg": b"OggS",
    "magic of flac": b"fLaC",
    "magic of mp4": b"\x00\x00\x00\x18ftypM4A ",
    "magic of webm": b"\x1aE\xdf\xa3",
    "magic of mp3": b"ID3\x04\x00\x00\x00\x00\x00\x00",
}


@pytest.fixture(autouse=True)
def _silent(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", NOT_SOUND)
def test_what_is_no_sound_is_undecodable(name: str) -> None:
    with pytest.raises(Undecodable, match="cannot be read as audio") as refusal:
        decode(NOT_SOUND[name], 16_000, param="audio_sample")
    assert refusal.value.param == "audio_sample"
    assert refusal.value.__cause__ is None
    with pytest.raises(Undecodable):
        list(EncodedSound(NOT_SOUND[name]).blocks(16_000, 1))


def test_a_wav_without_frames_is_undecodable(wav: Make) -> None:
    with pytest.raises(Undecodable, match="no sound"):
        decode(wav(np.zeros(0, np.int16)))


@pytest.mark.parametrize("size", [0xFFFF_FFFF, 0x7FFF_FFFF, 100_000, 48_001])
def test_a_wav_that_claims_more_than_it_has_gives_what_it_has(size: int, wav: Make) -> None:
    assert decode(wav(np.zeros(24_000, np.int16), size=size)).duration == 1


def test_a_wav_that_claims_less_than_it_has_gives_what_it_claims(wav: Make) -> None:
    assert decode(wav(np.zeros(24_000, np.int16), size=24_000)).duration == 0.5


@pytest.mark.parametrize("rate", [0, 1, 999, 768_001, 10_000_000, 0xFFFF_FFFF])
def test_a_rate_that_no_recording_has_is_undecodable(rate: int, wav: Make) -> None:
    with pytest.raises(Undecodable):
        decode(wav(np.zeros(24_000, np.int16), rate), 16_000)


@pytest.mark.parametrize("channels", [0, 65, 255, 65_535])
def test_channels_beyond_reason_are_undecodable(channels: int, wav: Make) -> None:
    with pytest.raises(Undecodable):
        decode(wav(np.zeros(65_535 * 2, np.int16), channels=channels), 16_000)


PEAK = """
import pathlib, sys, audio, errors
def peak():  # getrusage would count what the parent had before its exec
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024
audio.decode(audio.encode(audio.silence(1, 8_000), "wav"))
data = sys.stdin.buffer.read()
before = peak()
try:
    answer = audio.decode(data).duration
except errors.Undecodable:
    answer = None
print(peak() - before, answer)
"""


def _grown(data: bytes) -> tuple[int, str]:
    """How many MiB a fresh process needs for this file, and what it heard."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK],
        input=data,
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    grown, answer = done.stdout.decode().split()
    return int(grown), answer


def test_a_header_of_a_few_bytes_gets_no_gigabyte(wav: Make) -> None:
    """A comment that says it is of 1.5 GB, for which ffmpeg would make room beforehand."""
    data = wav(np.zeros(100, np.int16))
    sizes = 0x6000_0010, 0x6000_0000
    comment = struct.pack("<4sI4s4sI", b"LIST", sizes[0], b"INFO", b"ISFT", sizes[1])
    grown, answer = _grown(data[:36] + comment + data[36:])
    assert (grown < 20, answer) == (True, "None")


def test_pictures_are_not_decoded(media: Make) -> None:
    """Probing would decode them, into 36 MB each."""
    grown, answer = _grown(media("mov", "pcm_s16le", seconds=0.2, video="png", side=6_000))
    assert (grown < 15, answer) == (True, "0.2")


def test_a_video_without_sound_is_undecodable() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        pictures = output.add_stream("mpeg4", 25, width=64, height=64)
        for _ in range(25):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
            output.mux(pictures.encode(frame))
        output.mux(pictures.encode(None))
    with pytest.raises(Undecodable, match="no audio track"):
        decode(file.getvalue())


@pytest.mark.parametrize("format", ["mp3", "opus", "aac", "flac", "wav"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.99])
def test_a_truncated_file_gives_its_beginning(format: str, kept: float, sine: Sine) -> None:
    data = encode(sine(10), format)
    try:
        sound = decode(data[: round(len(data) * kept)])
    except Undecodable:
        assert kept < 0.3
    else:
        assert sound.duration == pytest.approx(10 * kept, abs=0.6)


@pytest.mark.parametrize("format", ["mp3", "opus", "aac", "flac"])
def test_damage_in_the_middle_is_stepped_over(format: str, sine: Sine, pitch: Pitch) -> None:
    data = bytearray(encode(sine(10), format))
    middle = len(data) // 2
    data[middle : middle + 1_000] = np.random.default_rng(0).bytes(1_000)
    sound = decode(bytes(data))
    assert 8 < sound.duration < 10.5
    for start in (1, sound.duration - 3):
        assert pitch(sound.cut(start, start + 2)) == pytest.approx(440, abs=2)


def test_garbage_in_a_file_that_promises_tiny_packets_is_given_up(wav: Make) -> None:
    noise = np.random.default_rng(0).integers(-9_999, 9_999, 4_000_000).astype(np.int16)
    file = io.BytesIO(wav(noise, tag=50))
    with pytest.raises(Undecodable):
        decode(file)
    assert file.tell() < 1_000_000  # where reading stopped, of 8 million


@pytest.fixture
def bait(tmp_path: Path, sine: Sine) -> Path:
    path = tmp_path / "secret.wav"
    path.write_bytes(encode(sine(), "wav"))
    return path


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        yield server


def _playlists(target: str) -> dict[str, str]:
    return {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n",
        "hls of playlists": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=64000\n{target}\n",
        "hls with a key": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n"
        f'#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n',
        "concat": f"ffconcat version 1.0\nfile '{target}'\n",
        "concat with options": "ffconcat version 1.0\n"
        f"file '{target}'\noption protocol_whitelist file,http,tcp\noption safe 0\n",
        "m3u": f"{target}\n",
        "pls": f"[playlist]\nFile1={target}\nNumberOfEntries=1\n",
        "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
        f"<Period><AdaptationSet><Representation><BaseURL>{target}</BaseURL>"
        "</Representation></AdaptationSet></Period></MPD>",
        "smil": f'<smil><body><audio src="{target}"/></body></smil>',
        "asx": f'<asx version="3.0"><entry><ref href="{target}"/></entry></asx>',
        "real": f"rtsp://127.0.0.1/{target}\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        f"a=control:{target}\nm=audio 5004 RTP/AVP 0\na=rtpmap:0 PCMU/8000\n",
        "mpjpeg": f"--boundary\r\nContent-Type: image/jpeg\r\nLocation: {target}\r\n\r\n",
    }


def _targets(bait: Path, listener: socket.socket) -> list[str]:
    port = listener.getsockname()[1]
    web = [f"{scheme}://127.0.0.1:{port}/a.wav" for scheme in ("http", "tcp", "rtmp", "ftp")]
    nested = [f"concat:{bait}", f"subfile,,start,0,end,0,,:{bait}", f"crypto:{bait}"]
    return [str(bait), f"file:{bait}", bait.name, *nested, *web, "data:audio/wav;base64,UklGRg=="]


@pytest.mark.parametrize("kind", _playlists(""))
def test_a_playlist_leads_nowhere(kind: str, bait: Path, listener: socket.socket) -> None:
    for target in _targets(bait, listener):
        playlist = bait.with_suffix(".m3u8")
        playlist.write_text(_playlists(target)[kind])
        for source in (playlist, playlist.read_bytes()):
            with pytest.raises(Undecodable):
                decode(source, name="list.m3u8")
    with pytest.raises(TimeoutError):
        listener.accept()


@pytest.mark.parametrize(("format", "kind"), [("hls", "hls"), ("concat", "concat")])
def test_a_playlist_would_lead_nowhere_even_if_its_format_were_let_in(
    format: str, kind: str, bait: Path, listener: socket.socket
) -> None:
    """The second lock, tried without the first."""
    options = {**OPTIONS, "safe": "0"} if format == "concat" else dict(OPTIONS)
    del options["format_whitelist"]
    for target in _targets(bait, listener):
        reader = Reader(io.BytesIO(_playlists(target)[kind].encode()))
        with (
            pytest.raises(av.FFmpegError),
            av.open(reader, "r", format=format, container_options=options) as container,
        ):
            assert not [frame for frame in container.decode(audio=0) if frame.samples]
            raise av.FFmpegError(0, "nothing was read")
    with pytest.raises(TimeoutError):
        listener.accept()


def test_nothing_is_printed_by_a_fresh_process(tmp_path: Path, sine: Sine) -> None:
    damaged = bytearray(encode(sine(5), "mp3"))
    damaged[5_000:9_000] = np.random.default_rng(1).bytes(4_000)
    path = tmp_path / "damaged.mp3"
    path.write_bytes(damaged)
    script = f"import pathlib, audio; audio.decode(pathlib.Path({str(path)!r}))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert (done.stdout, done.stderr) == (b"", b"")


def _judge(data: bytes) -> None:
    try:
        sound = decode(data, 16_000, limits=LIMITS)
    except (Undecodable, TooLarge):
        return
    assert isinstance(sound, Audio)
    assert sound.samples.dtype == np.float32
    assert np.isfinite(sound.samples).all()
    assert 0 < sound.duration < 31


@settings(max_examples=150, deadline=None)
@given(some.binary(max_size=2_000), some.sampled_from(sorted(NOT_SOUND)))
def test_any_bytes_are_sound_or_refused(data: bytes, prefix: str) -> None:
    _judge(data)
    _judge(NOT_SOUND[prefix][:64] + data)


@pytest.fixture(scope="module")
def valid(media: Make) -> list[bytes]:
    return [
        media("mp3", "libmp3lame", seconds=0.5),
        media("mp4", "aac", seconds=0.5),
        media("webm", "libopus", 48_000, seconds=0.5),
        media("ogg", "libopus", 48_000, layout="stereo", seconds=0.5),
        media("flac", "flac", seconds=0.5),
        media("adts", "aac", seconds=0.5),
        media("wav", "adpcm_ms", seconds=0.5),
        media("wav", "pcm_f32le", 8_000, seconds=0.2),
        media("aiff", "pcm_s16be", 8_000, seconds=0.2),
        media("caf", "pcm_s16be", 8_000, seconds=0.2),
        media("mpegts", "mp2", 44_100, seconds=0.5),
        media("flv", "libmp3lame", 44_100, seconds=0.5),
        media("avi", "mp2", 44_100, seconds=0.5, video="mpeg4"),
    ]


@settings(max_examples=400, deadline=None)
@given(some.data())
def test_any_mutation_of_a_valid_file_is_sound_or_refused(
    valid: list[bytes], data: some.DataObject
) -> None:
    mutated = bytearray(data.draw(some.sampled_from(valid)))
    reach = data.draw(some.sampled_from([64, 600, len(mutated)]))  # headers are most worth it
    for _ in range(data.draw(some.integers(1, 8))):
        place = data.draw(some.integers(0, min(reach, len(mutated)) - 1))
        match data.draw(some.sampled_from(["set", "word", "cut", "insert"])):
            case "set":
                mutated[place] = data.draw(some.integers(0, 255))
            case "word":
                mutated[place : place + 4] = data.draw(some.binary(min_size=4, max_size=4))
            case "cut":
                del mutated[place + 1 : place + 1 + data.draw(some.integers(0, 500))]
            case _:
                mutated[place:place] = data.draw(some.binary(max_size=20))
    _judge(bytes(mutated))
