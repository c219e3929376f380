"""JSON bodies with sound in them: however they are cut, they say the same."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import audio
from api.json_body import MOST_SOUNDS, OTHER_FIELDS, Skimmer
from errors import InvalidInput
from tests.api.house import House, error_of
from tests.fakes import spoken_sound

PATH = "/v1/audio/vad"
JSON = {"content-type": "application/json"}
SOUND = audio.encode(spoken_sound((0.5, 1.0)), "wav")
BASE64 = base64.b64encode(SOUND).decode()

texts = st.text(st.sampled_from('ab"\\/\n\u00e9😀:{}[],'), max_size=12)
trees = st.recursive(
    texts | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def skimmed(*pieces: bytes) -> tuple[Any, list[bytes]]:
    skimmer = Skimmer()
    found: dict[int, bytes] = {}
    try:
        for piece in pieces:
            for file, sound in skimmer.feed(piece):
                found[id(file)] = found.get(id(file), b"") + sound
        files = skimmer.sounds.values()
        return json.loads(skimmer.text), [found.get(id(file), b"") for file in files]
    finally:
        for file in skimmer.sounds.values():
            file.file.close()


@given(
    trees,
    st.dictionaries(st.sampled_from(["input_audio", "source_audio", "target_audio"]), st.binary()),
    st.booleans(),
    st.sampled_from([None, 2]),
    st.integers(1, 40),
)
def test_sounds_leave_and_all_else_stays(
    other: Any, sounds: dict[str, bytes], ascii_only: bool, indent: int | None, step: int
) -> None:
    body = {"other": other, "inner": [{key: encoded(value) for key, value in sounds.items()}]}
    text = json.dumps(body, ensure_ascii=ascii_only, indent=indent).encode()
    tree, found = skimmed(*(text[i : i + step] for i in range(0, len(text), step)))
    assert tree["other"] == other
    assert list(tree["inner"][0]) == list(sounds)
    assert found == list(sounds.values())


def encoded(sound: bytes) -> str:
    return base64.b64encode(sound).decode()


@pytest.mark.parametrize("step", [1, 2, 3, 5, 1000])
def test_escapes_within_base64_are_read(step: int) -> None:
    text = rb'{"input_audio":"\u0041\/\n\r\n8\u003d"}'
    tree, (sound,) = skimmed(*(text[i : i + step] for i in range(0, len(text), step)))
    assert sound == base64.b64decode("A/8=")
    assert list(tree) == ["input_audio"]


def test_a_string_of_that_name_elsewhere_is_no_sound() -> None:
    tree, sounds = skimmed(b'{"input": "\\"input_audio\\": ", "x": "input_audio", "y": ["*"]}')
    assert tree == {"input": '"input_audio": ', "x": "input_audio", "y": ["*"]}
    assert sounds == []


@pytest.mark.parametrize("rest", [rb"\x", rb"\u12x4aaaa", b"A\nAA", rb"\ud800"])
def test_what_is_no_json_string_is_no_sound(rest: bytes) -> None:
    with pytest.raises((InvalidInput, ValueError)):
        skimmed(b'{"input_audio":"' + rest + b'"}')


def test_more_sounds_than_anybody_needs_are_refused() -> None:
    body = b"[" + b",".join([b'{"input_audio":""}'] * (MOST_SOUNDS + 1)) + b"]"
    with pytest.raises(InvalidInput, match=str(MOST_SOUNDS)):
        skimmed(body)


def test_a_sound_reaches_the_pipeline_and_its_file_is_closed(house: House) -> None:
    answer = house.post(PATH, json={"input_audio": BASE64, "get_timestamps": True})
    assert answer.json()["timestamps"] == [{"start": 0.5, "end": 1.5}]
    (job,) = house.detector.jobs
    assert job.sound.rate == 16000


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "Missing"),
        (None, "Missing"),
        (7, "base64"),
        (["x"], "base64"),
        ({}, "base64"),
        ("*", "base64"),
        (BASE64[:-1], "base64"),
        ("Rk9P", "read as audio"),
    ],
)
def test_what_is_no_sound_is_refused_by_name(house: House, value: Any, says: str) -> None:
    answer = house.post(PATH, json={"input_audio": value})
    assert answer.status_code == 400
    error = error_of(answer)
    assert error["param"] == "input_audio"
    assert says in error["message"]
    assert not house.detector.jobs


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b'{"input_audio":"', b'{"input_audio":"AAAA', b'{"input_audio":"A"',
     b'{"input_audio":"\\', b'{"input_audio":"AAAA"', b'"input_audio":"AAAA"', b"[" * 100_000,
     b'"' * 100_001, b"\xff\xfe{}"],
)  # fmt: skip
def test_a_broken_body_is_refused(house: House, body: bytes) -> None:
    answer = house.post(PATH, content=body, headers=JSON)
    assert answer.status_code == 400, answer.text
    error_of(answer)


def test_a_sound_over_the_limit_is_refused_and_one_below_is_heard(
    furnished: Callable[..., House],
) -> None:
    limit = len(BASE64) + 100
    house = furnished(limits={"max_upload_bytes": limit})
    assert house.post(PATH, json={"input_audio": BASE64}).status_code == 200
    answer = house.post(PATH, json={"input_audio": "A" * (limit // 4 * 4)})
    assert answer.status_code == 413
    assert error_of(answer)["code"] == "body_too_large"


def test_text_beside_the_sound_is_bounded_long_before(furnished: Callable[..., House]) -> None:
    house = furnished(limits={"max_text_characters": 10})
    answer = house.post(
        "/v1/audio/speech", json={"model": "voice", "input": "a" * (OTHER_FIELDS + 200)}
    )
    assert answer.status_code == 413
    error = error_of(answer)
    assert error["code"] == "body_too_large" and "max_text_characters" in error["message"]


@pytest.mark.parametrize("path", [PATH, "/v1/audio/transcriptions"])
@pytest.mark.parametrize("kind", ["text/plain", "audio/wav", ""])
def test_only_a_form_or_json_is_taken(house: House, path: str, kind: str) -> None:
    answer = house.post(path, content=SOUND, headers={"content-type": kind})
    assert answer.status_code == 400
    assert "application/json" in error_of(answer)["message"]


def test_a_sound_that_comes_in_pieces_is_heard_whole(house: House) -> None:
    long = audio.encode(spoken_sound((59.0, 1.0)), "wav")
    body = json.dumps({"input_audio": encoded(long), "get_timestamps": True}).encode()

    async def pieces() -> Any:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    answer: httpx.Response = house.post(PATH, content=pieces(), headers=JSON)
    assert answer.status_code == 200, answer.text
    assert answer.json()["timestamps"] == [{"start": 59.0, "end": 60.0}]
