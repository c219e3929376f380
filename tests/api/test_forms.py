"""Multipart bodies, well made and not."""

from __future__ import annotations

from typing import Any

import pytest

from api.forms import LONGEST_FIELD
from tests.api.house import House, error_of

PATHS = ["/v1/audio/transcriptions", "/v1/audio/translations", "/v1/audio/vad"]
MULTIPART = {"content-type": "multipart/form-data; boundary=x"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "request_parts",
    [
        {"json": {"model": "ear"}},
        {"content": b"RIFF", "headers": {"content-type": "audio/wav"}},
        {"content": b"RIFF"},
        {"content": b"a=b", "headers": {"content-type": "multipart/form-data"}},
        {"content": b"a=b", "headers": {"content-type": "multipart/form-data; boundary="}},
        {"content": b"no boundary in here", "headers": MULTIPART},
        {"content": b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--", "headers": MULTIPART},
        {"content": b"--x\r\n: :\r\n\r\n1\r\n--x--", "headers": MULTIPART},
        {"content": b"", "headers": MULTIPART},
        {"data": {"model": "ear", "file": "a text, not a file"}},
    ],
    ids=[
        "JSON", "a bare file", "no type", "no boundary", "an empty boundary", "another boundary",
        "a nameless part", "a broken header", "no body", "url-encoded",
    ],
)  # fmt: skip
def test_what_is_no_form_with_a_file_is_refused(
    house: House, path: str, request_parts: dict[str, Any]
) -> None:
    answer = house.post(path, **request_parts)
    assert answer.status_code == 400, answer.text
    error_of(answer)


@pytest.mark.parametrize("path", PATHS)
def test_a_missing_file_is_named(house: House, path: str) -> None:
    data = {} if "vad" in path else {"model": "ear"}
    answer = house.post(path, data=data, files={"sound": ("a.wav", b"RIFF")})
    assert answer.status_code == 400
    error_of(answer)
    answer = house.post(path, data={**data, "file": "text"}, files=[])
    assert answer.status_code == 400
    assert error_of(answer)["param"] == "file"


def test_two_files_are_one_too_many(house: House, wav: bytes) -> None:
    two = [("file", ("a.wav", wav)), ("file", ("b.wav", wav))]
    answer = house.post(PATHS[0], data={"model": "ear"}, files=two)
    assert answer.status_code == 400
    assert error_of(answer)["param"] == "file"


def test_a_file_that_nothing_reads_is_refused(house: House, wav: bytes) -> None:
    two = [("file", ("a.wav", wav)), ("reference", ("b.wav", wav))]
    answer = house.post(PATHS[0], data={"model": "ear"}, files=two)
    assert answer.status_code == 400
    error = error_of(answer)
    assert (error["param"], error["code"]) == ("reference", "unknown_parameter")


@pytest.mark.parametrize(
    "fields",
    [
        [("timestamp_granularities[a]", "word"), ("timestamp_granularities[]", "word")],
        [("timestamp_granularities[]", "word"), ("timestamp_granularities[a]", "word")],
        [("model[]", "ear"), ("model", "ear")],
        [("prompt[]", "a"), ("prompt[b]", "a")],
        [("prompt[b]", "a"), ("prompt[]", "a")],
        [("prompt", "a"), ("prompt[]", "a")],
    ],
)
def test_one_name_in_two_spellings_is_refused(
    house: House, wav: bytes, fields: list[tuple[str, str]]
) -> None:
    parts: list[Any] = [(name, (None, value)) for name, value in fields]
    answer = house.post(PATHS[0], files=[("model", (None, "ear")), *parts, ("file", ("a", wav))])
    assert answer.status_code == 400, answer.text
    assert error_of(answer)["param"] == fields[0][0].partition("[")[0]


def test_too_many_fields_are_refused(house: House, wav: bytes) -> None:
    answer = house.transcribe(wav, keywords=["a"] * 1001)
    assert answer.status_code == 400
    assert "1000" in error_of(answer)["message"]


def test_a_field_of_some_megabytes_is_refused(house: House, wav: bytes) -> None:
    answer = house.transcribe(wav, prompt="a" * (LONGEST_FIELD + 1))
    assert answer.status_code == 400
    error_of(answer)


@pytest.mark.parametrize("name", ["", "../../a.wav", "a\0b.wav", "ü.wav", "a" * 1000, "a.exe"])
def test_the_name_of_the_file_means_nothing(house: House, wav: bytes, name: str) -> None:
    disposition = f'form-data; name="file"; filename="{name}"'.encode()
    form = b"".join(
        [
            b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\near\r\n',
            b"--x\r\nContent-Disposition: " + disposition + b"\r\n\r\n" + wav + b"\r\n--x--\r\n",
        ]
    )
    answer = house.post(PATHS[0], content=form, headers=MULTIPART)
    assert answer.status_code == 200, answer.text


def test_a_header_without_end_is_refused(house: House) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="' + b"a" * 100_000
    answer = house.post(PATHS[0], content=form, headers=MULTIPART)
    assert answer.status_code == 400
    error_of(answer)


def test_a_field_in_broken_utf8_does_no_harm(house: House, wav: bytes) -> None:
    files: list[Any] = [("model", (None, b"\xff\xfe")), ("file", ("a.wav", wav))]
    answer = house.post(PATHS[0], files=files)
    assert answer.status_code == 404
    assert error_of(answer)["code"] == "model_not_found"


def test_a_file_that_is_kept_on_disk_is_closed_again(house: House) -> None:
    """Above a megabyte it is; left open it warns, and warnings are errors."""
    answer = house.transcribe(bytes(2**21))
    assert answer.status_code == 400
