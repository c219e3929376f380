"""Pages of other origins: a browser asks first, and reads only what it is let."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest

from api.front import EXPOSED
from callers import hash_of
from tests.api.house import House

KEY = "hs-page-0123456789abcdef"
PAGE, OTHER = "https://app.example", "https://evil.example"
KEYED = {"auth": {"keys": [{"name": "page", "sha256": hash_of(KEY)}]}}
HEADERS = "authorization,content-type,x-stainless-lang,api-key"


def house(*origins: str, **api: object) -> House:
    return House(api={**KEYED, "cors": {"origins": list(origins)}, **api})


def preflight(of: House, origin: str, method: str = "POST") -> httpx.Response:
    headers = {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": HEADERS,
    }
    return of.request("OPTIONS", "/v1/audio/speech", headers=headers)


def page_may_read(answer: httpx.Response, origin: str = PAGE) -> bool:
    """What a browser looks for before it hands an answer to a page."""
    return answer.headers.get("access-control-allow-origin") in (origin, "*")


def as_page(of: House, origin: str = PAGE, **headers: str) -> httpx.Response:
    return of.get("/v1/models", headers={"origin": origin, **headers})


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_browser_asks_first_without_a_key_and_may(method: str) -> None:
    answer = preflight(house(PAGE), PAGE, method)
    assert answer.status_code == 200
    assert page_may_read(answer)
    assert method in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == HEADERS
    assert "access-control-allow-credentials" not in answer.headers


def test_a_page_that_is_not_listed_may_not() -> None:
    answer = preflight(house(PAGE), OTHER)
    assert answer.status_code == 400
    assert not page_may_read(answer, OTHER)
    assert not page_may_read(as_page(house(PAGE), OTHER, authorization=f"Bearer {KEY}"), OTHER)


def test_no_page_may_unless_it_is_configured() -> None:
    closed = House(api=KEYED)
    assert preflight(closed, PAGE).status_code == 401
    assert not page_may_read(as_page(closed, authorization=f"Bearer {KEY}"))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": f"Bearer {KEY}"}, 200),
        ({"authorization": "Bearer wrong"}, 401),
        ({}, 401),
    ],
)
def test_a_page_reads_answers_and_refusals(headers: Mapping[str, str], status: int) -> None:
    answer = as_page(house(PAGE), **headers)
    assert answer.status_code == status
    assert page_may_read(answer)
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert exposed == list(EXPOSED)
    assert "x-request-id" in exposed and "retry-after" in exposed
    assert "origin" in answer.headers["vary"].lower()


def test_a_page_reads_that_it_asked_too_often() -> None:
    limited = house(PAGE, rates={"requests_per_minute": 1})
    answers = [as_page(limited, authorization=f"Bearer {KEY}") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert all(page_may_read(answer) for answer in answers)


def test_every_page_may_where_a_star_stands() -> None:
    assert page_may_read(preflight(house("*"), OTHER), OTHER)
    assert page_may_read(as_page(house("*"), OTHER), OTHER)


def test_a_listed_page_needs_no_key_where_nobody_does() -> None:
    keyless = House(api={"cors": {"origins": [PAGE]}})
    assert as_page(keyless).status_code == 200
    assert as_page(keyless, OTHER).status_code == 403


def test_every_header_that_is_exposed_is_sent() -> None:
    limited = house(PAGE, rates={"requests_per_minute": 1})
    answers = [as_page(limited, authorization=f"Bearer {KEY}") for _ in range(2)]
    sent = {name for answer in answers for name in answer.headers}
    assert set(EXPOSED) - sent <= {"warnings"}  # only where a fallback answered
