"""What is around every route: unknown ones, wrong methods, broken bodies, limits, headers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from errors import Failed, TimedOut, TooLarge, Unavailable
from tests.api.house import House, error_of
from tests.fakes import FakeSynthesizer

SPEECH, TRANSCRIPTIONS = "/v1/audio/speech", "/v1/audio/transcriptions"
POSTED = [SPEECH, TRANSCRIPTIONS, "/v1/audio/translations", "/v1/audio/vad"]
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("path", ["/v1", "/v2/models", "/v1/audio/speech/x", "/%00", "/%2F"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_route_is_not_found(house: House, method: str, path: str) -> None:
    answer = house.request(method, path)
    assert answer.status_code == 404
    assert error_of(answer)["code"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", path) for path in POSTED),
        *(("DELETE", path) for path in POSTED),
        ("POST", "/v1/models"),
        ("POST", "/health"),
        ("PATCH", "/v1/models/ear"),
    ],
)
def test_a_wrong_method_is_told_which_are_right(house: House, method: str, path: str) -> None:
    answer = house.request(method, path)
    assert answer.status_code == 405
    assert error_of(answer)["code"] == "method_not_allowed"
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"not json",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b'{"model": "voice", "input": "\xff\xfe"}',
        b"\xff\xfe{}",
        b"\0",
        b'{"model": "voice", "input": "a", "sample_rate": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=[
        "empty", "cut off", "text", "null", "list", "string", "number", "bad UTF-8", "UTF-16",
        "nul", "huge number", "deep list", "deep object",
    ],
)  # fmt: skip
def test_a_body_that_is_no_json_object_is_refused(house: House, body: bytes) -> None:
    answer = house.post(SPEECH, content=body, headers=JSON)
    assert answer.status_code == 400, answer.text
    error_of(answer)


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "a/b"])
def test_speech_wants_json(house: House, kind: str) -> None:
    body = b'{"model": "voice", "input": "Hello."}'
    answer = house.post(SPEECH, content=body, headers={"content-type": kind})
    assert answer.status_code == 400
    error_of(answer)


@pytest.mark.parametrize("path", POSTED)
def test_a_body_announced_above_the_limit_is_refused(
    furnished: Callable[..., House], path: str
) -> None:
    house = furnished(limits={"max_upload_bytes": 1000})
    answer = house.post(path, content=bytes(1001), headers=JSON)
    assert answer.status_code == 413
    error = error_of(answer)
    assert error["code"] == "body_too_large"
    assert "1000" in error["message"]
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("path", POSTED)
def test_a_body_above_the_limit_that_was_not_announced_is_refused(
    furnished: Callable[..., House], path: str
) -> None:
    house = furnished(limits={"max_upload_bytes": 1000})
    kind = JSON if path == SPEECH else {"content-type": "multipart/form-data; boundary=x"}

    async def chunks() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(100):
            yield bytes(100)

    answer = house.post(path, content=chunks(), headers=kind)
    assert "content-length" not in answer.request.headers
    assert answer.status_code == 413, answer.text
    assert error_of(answer)["code"] == "body_too_large"


def test_a_body_at_the_limit_is_taken(furnished: Callable[..., House]) -> None:
    house = furnished(limits={"max_upload_bytes": 1000})
    body = b'{"model": "voice", "input": "Hello."}'
    assert house.post(SPEECH, content=body.ljust(1000), headers=JSON).status_code == 200


@pytest.mark.parametrize(
    ("failure", "status", "code", "retry_after"),
    [
        (Unavailable("the queue is full", retry_after=1.2), 503, "overloaded", "2"),
        (Unavailable("no weights", code="model_not_available"), 503, "model_not_available", None),
        (TimedOut("too late"), 504, None, None),
        (TooLarge("too long", param="input"), 413, "too_large", None),
        (Failed("a bug"), 500, None, None),
    ],
)
def test_a_failure_of_a_runner_says_whether_to_try_again(
    furnished: Callable[..., House],
    failure: Exception,
    status: int,
    code: str | None,
    retry_after: str | None,
) -> None:
    house = furnished(synthesizer=FakeSynthesizer(failures={0: failure}))
    answer = house.speak()
    assert answer.status_code == status
    assert error_of(answer)["code"] == code
    assert answer.headers.get("retry-after") == retry_after
    assert answer.headers["x-should-retry"] == ("false" if retry_after is None else "true")


def test_a_bug_is_a_proper_error_that_tells_no_secrets(furnished: Callable[..., House]) -> None:
    house = furnished(synthesizer=FakeSynthesizer(failures={0: ZeroDivisionError("secret")}))
    answer = house.speak()
    assert answer.status_code == 500
    assert "secret" not in error_of(answer)["message"]
    assert answer.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/health"), ("GET", "/v1/models"), ("GET", "/nowhere"), ("POST", SPEECH)],
)
def test_every_answer_has_an_id_and_says_how_long_it_took(
    house: House, method: str, path: str
) -> None:
    ids = set()
    for _ in range(2):
        answer = house.request(method, path)
        assert int(answer.headers["openai-processing-ms"]) >= 0
        assert "total;dur=" in answer.headers["server-timing"]
        ids.add(answer.headers["x-request-id"])
    assert len(ids) == 2 and all(ids)


def test_an_id_that_the_client_gives_is_taken_over(house: House) -> None:
    answer = house.get("/health", headers={"x-request-id": "trace-17/a"})
    assert answer.headers["x-request-id"] == "trace-17/a"


@pytest.mark.parametrize("given", ["", "x" * 129, "a\tb", "\xfc"])
def test_an_id_that_would_spoil_a_log_is_not_taken_over(house: House, given: str) -> None:
    answer = house.get("/health", headers={"x-request-id": given.encode("latin-1")})
    assert answer.headers["x-request-id"].startswith("req_")


def test_many_requests_at_once_do_not_mix(house: House) -> None:
    import httpx

    async def ask_all() -> list[httpx.Response]:
        transport = httpx.ASGITransport(house.served)
        async with httpx.AsyncClient(transport=transport, base_url="http://house") as client:
            return await asyncio.gather(*(ask(client, number) for number in range(20)))

    async def ask(client: httpx.AsyncClient, number: int) -> httpx.Response:
        asked: dict[str, Any] = {
            "model": "voice", "input": "a" * (number + 1), "response_format": "pcm"
        }  # fmt: skip
        return await client.post(SPEECH, json=asked, headers={"x-request-id": str(number)})

    answers = asyncio.run(ask_all())
    assert [answer.headers["x-request-id"] for answer in answers] == [str(n) for n in range(20)]
    assert [len(answer.content) for answer in answers] == [2400 * (n + 1) for n in range(20)]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_the_documentation_is_there(house: House, path: str) -> None:
    assert house.get(path).status_code == 200
