"""Bytes that nobody meant: damaged sound files, broken forms, JSON of any kind. No 5xx, and no hang."""

from __future__ import annotations

import base64
import functools
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import audio
from api.speech import SpeechRequest
from api.transcriptions import TranscriptionForm
from tests.api.house import PATIENCE, House, error_of
from tests.fakes import FakeConverter, FakeEmbedder, tone
from tests.fuzz.examples import EAR, SPEAKER, URL, VOICE, examples

SPEECH, TRANSCRIPTIONS, VAD = "/v1/audio/speech", "/v1/audio/transcriptions", "/v1/audio/vad"
EMBEDDINGS = ("/v1/audio/embeddings", "/v1/embeddings", "/v1/embed/speaker")
OURS, ENGINE = CONVERSIONS = ("/v1/audio/voice-conversion", "/v1/voice/convert")
BOUNDARY = b"x7"
OVERLOADED = 503


@functools.cache
def house() -> House:
    return House(embedder=FakeEmbedder(), converter=FakeConverter())


def post(path: str, content: bytes, content_type: str) -> httpx.Response:
    """An answer within the house's patience: one that hangs is an error there."""
    headers = {"content-type": content_type}
    if URL:
        return httpx.post(f"{URL}{path}", content=content, headers=headers, timeout=PATIENCE)
    return house().post(path, content=content, headers=headers)


def assert_answered(answer: httpx.Response) -> None:
    """Well, or with an error of OpenAI's shape that is the caller's."""
    if answer.status_code != 200:
        error_of(answer)
    overloaded = answer.status_code == OVERLOADED and "retry-after" in answer.headers
    assert answer.status_code < 500 or overloaded, answer.text


# Sound


@functools.cache
def whole_files() -> list[bytes]:
    formats = ("wav", "mp3", "flac", "opus", "aac")
    return [audio.encode(tone(0.2), name) for name in formats]


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """A real file of which some bytes are others, some are missing, and some are there twice."""
    content = bytearray(draw(st.sampled_from(whole_files())))
    # Headers decide what is done with all the rest: half of what is changed lies there.
    places = st.integers(0, 63) | st.integers(0, len(content) - 1)
    for place, byte in draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=8)):
        content[place] = byte
    if draw(st.booleans()):
        extreme = st.sampled_from(
            (b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f")
        )
        place = draw(places)
        content[place : place + 4] = draw(extreme)
    if draw(st.booleans()):
        place = draw(places)
        content[place:place] = draw(st.binary(max_size=32)) or content[:64]
    return bytes(content[: draw(st.just(len(content)) | st.integers(0, len(content)))])


def magic_then_anything() -> st.SearchStrategy[bytes]:
    magics = (b"", b"RIFF\xff\xff\xff\xffWAVEfmt ", b"fLaC\0\0\0\x22", b"OggS\0\2", b"\xff\xfb\x90",
              b"ID3\4\0\0", b"\x1aE\xdf\xa3", b"\0\0\0\x20ftypM4A ", b"FORM\0\0\0\0AIFF")  # fmt: skip
    return st.builds(bytes.__add__, st.sampled_from(magics), st.binary(max_size=300))


@examples(120)
@given(
    sound=damaged_files() | magic_then_anything(),
    path=st.sampled_from((TRANSCRIPTIONS, VAD, *EMBEDDINGS)),
)
def test_sound_of_any_bytes(sound: bytes, path: str) -> None:
    form = part('name="model"', EAR.encode()) if path == TRANSCRIPTIONS else b""
    form += part('name="file"; filename="a.wav"', sound) + b"--x7--\r\n"
    answer = post(path, form, "multipart/form-data; boundary=x7")
    assert_answered(answer)


@examples(60)
@given(
    sound=damaged_files() | magic_then_anything(),
    field=st.sampled_from(("source_audio", "target_audio")),
)
def test_sound_of_any_bytes_in_either_place_of_a_conversion(sound: bytes, field: str) -> None:
    whole = {"source_audio": spoken(), "target_audio": spoken(), field: sound}
    form = b"".join(part(f'name="{n}"; filename="a.wav"', file) for n, file in whole.items())
    assert_answered(post(OURS, form + b"--x7--\r\n", "multipart/form-data; boundary=x7"))


@functools.cache
def spoken() -> bytes:
    """Enough to know a voice by."""
    return audio.encode(tone(2.0), "wav")


# Forms


def part(disposition: str, content: bytes, more: bytes = b"") -> bytes:
    head = b"--x7\r\nContent-Disposition: form-data; " + disposition.encode("utf-8", "replace")
    return head + b"\r\n" + more + b"\r\n" + content + b"\r\n"


FIELDS = tuple(TranscriptionForm.model_fields)
NAMES = (
    st.sampled_from(FIELDS)
    | st.sampled_from(
        ("file", "file[]", "file[a]", "include[]", "chunking_strategy[type]", "a[b][c]")
    )
    | st.text(max_size=20)
    | st.integers(1, 20_000).map(lambda length: "n" * length)
)
VALUES = (
    st.binary(max_size=40)
    | st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace"))
    | st.sampled_from((b"true", b"nan", b"1e999", b"-1", b"9" * 5000, b"null", b"{}", b"[[]]", EAR.encode(),
                       b'{"type": "server_vad"}', b'{"type": 7}', b'{"a":' * 2000, b"json", b"\0"))
)  # fmt: skip


@st.composite
def parts(draw: st.DrawFn) -> bytes:
    name = draw(NAMES).replace('"', "%22")
    file = draw(
        st.sampled_from(("", '; filename="a.wav"', '; filename=""', "; filename*=UTF-8''%ff"))
    )
    encoding = draw(
        st.sampled_from(
            (b"", b"Content-Type: text/plain; charset=utf-16\r\n",
             b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: gzip\r\n")
        )
    )  # fmt: skip
    return part(f'name="{name}"{file}', draw(VALUES), encoding)


@st.composite
def forms(draw: st.DrawFn) -> bytes:
    """Parts of any names, some of them twice, in a body that may be cut or spoilt anywhere."""
    given_parts: list[bytes] = draw(st.lists(parts(), max_size=6))
    if draw(st.booleans()):
        given_parts += [part('name="model"', EAR.encode())]
        given_parts += [part('name="file"; filename="a.wav"', whole_files()[0])]
    twice: bool = draw(st.booleans())
    if given_parts and twice:
        given_parts.append(given_parts[0])
    body = bytearray(b"".join(given_parts) + b"--x7--\r\n")
    if draw(st.booleans()):
        place = draw(st.integers(0, len(body) - 1))
        body[place] = draw(st.integers(0, 255))
    return bytes(body[: draw(st.just(len(body)) | st.integers(0, len(body)))])


CONTENT_TYPES = st.sampled_from(
    ("multipart/form-data; boundary=x7",) * 6
    + (
        "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=y",
        "multipart/form-data; boundary=" + "y" * 300, 'multipart/form-data; boundary="x7"; charset=x',
        "application/x-www-form-urlencoded", "application/json; charset=utf-32", "multipart/mixed", "",
    )
)  # fmt: skip


# Starlette leaves the file of a part that never ends to the garbage collector, which closes it at once.
@pytest.mark.filterwarnings(
    "ignore:.*SpooledTemporaryFile.*:pytest.PytestUnraisableExceptionWarning"
)
@examples(200)
@given(
    body=forms() | st.binary(max_size=200),
    content_type=CONTENT_TYPES,
    path=st.sampled_from(
        (TRANSCRIPTIONS, "/v1/audio/translations", VAD, SPEECH, OURS, *EMBEDDINGS)
    ),
)
def test_forms_of_any_bytes(body: bytes, content_type: str, path: str) -> None:
    assert_answered(post(path, body, content_type))


# JSON


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
    | st.sampled_from((VOICE, SPEAKER, "mp3", "sse", "\ud800", "\0", "a" * 5000, 10**400))
)  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=10,
)
SOUND = base64.b64encode(audio.encode(tone(2.0), "flac")).decode()
OF_THE_ENGINE = ("mode", "output_options", "generation_options", "input_audio", "input_vad_data",
                 "input_vad_mode", "input_embedding", "encoding_format", "source_audio", "target_audio",
                 "target_embedding", "source_embedding", "tau")  # fmt: skip
SPOKEN = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys((*SpeechRequest.model_fields, *OF_THE_ENGINE), TREES),
        "model": st.just(VOICE) | TREES,
        "input": st.text(max_size=60) | TREES,
        "converter": st.sampled_from(("mask", "duo", VOICE)) | TREES,
        "source_audio": st.just(SOUND) | TREES,
        "target_audio": st.just(SOUND) | TREES,
        "input_audio": st.just(SOUND) | TREES,
        "voice": st.sampled_from((SPEAKER, "bob", "alloy")) | TREES,
    },
)


@st.composite
def json_bodies(draw: st.DrawFn) -> bytes:
    tree: Any = draw(SPOKEN | TREES)
    body = json.dumps(tree).encode()
    if draw(st.integers(0, 3)) == 0:
        body = body[: draw(st.integers(0, len(body)))] + draw(st.binary(max_size=8))
    return body


@examples(200)
@given(
    body=json_bodies(),
    path=st.sampled_from((SPEECH, SPEECH, TRANSCRIPTIONS, VAD, *EMBEDDINGS, *CONVERSIONS)),
)
def test_json_of_any_kind(body: bytes, path: str) -> None:
    assert_answered(post(path, body, "application/json"))


@examples(60)
@given(
    text=st.text(max_size=400) | st.sampled_from(("\u202e" * 50, "\ufeff", "𒐫" * 30, ". " * 200)),
    speed=st.floats(0.25, 4.0),
    kind=st.sampled_from(("mp3", "opus", "aac", "flac", "wav", "pcm")),
    stream=st.sampled_from(("audio", "sse")),
)
def test_texts_of_any_characters(text: str, speed: float, kind: str, stream: str) -> None:
    asked = {"model": VOICE, "input": text, "voice": SPEAKER, "speed": speed}
    asked |= {"response_format": kind, "stream_format": stream}
    assert_answered(post(SPEECH, json.dumps(asked).encode(), "application/json"))
