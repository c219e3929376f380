"""How much a caller may ask: per minute and at the same time, told as OpenAI tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import httpx
import httpx2
import openai
import pytest
from starlette.types import Message, Receive, Scope, Send

from api.access import Caller
from api.rates import Rated
from callers import Rates, hash_of
from tests.api.house import PATIENCE, House, Visit, error_of
from tests.fakes import FakeSynthesizer, Hold

ANN, BOB = (f"hs-{name}-0123456789abcdef" for name in ("ann", "bob"))
ANNE, BOBS = {"authorization": f"Bearer {ANN}"}, {"authorization": f"Bearer {BOB}"}
LIMIT, LEFT, RESET = (f"x-ratelimit-{kind}-requests" for kind in ("limit", "remaining", "reset"))
THREE = "The first one. The second one. The third one."


def rated(per_key: Mapping[str, Any] | None = None, **rates: int) -> House:
    keys = [
        {"name": "ann", "sha256": hash_of(ANN)},
        {"name": "bob", "sha256": hash_of(BOB), "rates": per_key or {}},
    ]
    return House(api={"auth": {"keys": keys}, "rates": rates})


@attrs.define
class Desk:
    """The middleware alone, with a clock of the test's own; what is behind it answers at once."""

    rates: Rates
    now: float = 1000.0
    drawers: int = 1 << 16
    _rated: Rated = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._rated = Rated(self._answer, clock=lambda: self.now, drawers=self.drawers)

    def ask(self, *, client: str = "127.0.0.1", name: str | None = None) -> tuple[int, Any]:
        caller = Caller(name, "user", self.rates)
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {"type": "http", "path": "/", "state": {"caller": caller}, "client": (client, 1)}
        asyncio.run(self._rated(scope, self._receive, send))
        return sent[0]["status"], {n.decode(): v.decode() for n, v in sent[0]["headers"]}

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    async def _receive(self) -> Message:
        raise AssertionError("the body was read")


def statuses(house: House, times: int, headers: Mapping[str, str]) -> list[int]:
    return [house.get("/v1/models", headers=headers).status_code for _ in range(times)]


# Requests per minute


def test_nothing_is_limited_and_nothing_told_unless_it_is_configured(house: House) -> None:
    for answer in [house.get("/v1/models") for _ in range(20)]:
        assert answer.status_code == 200
        assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


def test_a_caller_that_asked_too_often_is_told_when_to_come_back() -> None:
    house = rated(requests_per_minute=2)
    assert statuses(house, 2, ANNE) == [200, 200]
    answer = house.get("/v1/models", headers=ANNE)
    assert answer.status_code == 429
    error = error_of(answer)
    assert error["code"] == "rate_limit_exceeded"
    assert "requests_per_minute is 2" in error["message"]
    assert answer.headers["x-should-retry"] == "true"
    assert 0 < int(answer.headers["retry-after"]) <= 30
    assert 0 < int(answer.headers["retry-after-ms"]) <= 30_000
    assert (answer.headers[LIMIT], answer.headers[LEFT]) == ("2", "0")
    assert statuses(house, 2, BOBS) == [200, 200]  # others have rates of their own


def test_what_is_left_of_a_rate_is_told_with_every_answer() -> None:
    desk = Desk(Rates(requests_per_minute=60))
    told = [desk.ask()[1] for _ in range(3)]
    assert [(t[LIMIT], t[LEFT], t[RESET]) for t in told] == [
        ("60", "59", "1s"),
        ("60", "58", "2s"),
        ("60", "57", "3s"),
    ]


def test_errors_tell_the_rate_as_well() -> None:
    answer = rated(requests_per_minute=5).get("/nowhere", headers=ANNE)
    assert (answer.status_code, answer.headers[LEFT]) == (404, "4")


def test_a_rate_recovers_evenly() -> None:
    desk = Desk(Rates(requests_per_minute=6))
    assert [desk.ask()[0] for _ in range(7)] == [200] * 6 + [429]
    desk.now += 9.9
    assert desk.ask()[0] == 429
    desk.now += 0.2
    assert [desk.ask()[0] for _ in range(2)] == [200, 429]
    desk.now += 3600
    assert [desk.ask()[0] for _ in range(7)] == [200] * 6 + [429]


def test_the_advice_is_exact() -> None:
    desk = Desk(Rates(requests_per_minute=1))
    desk.ask()
    desk.now += 15
    status, told = desk.ask()
    assert status == 429
    assert (told["retry-after"], told["retry-after-ms"]) == ("45", "45000")
    assert told[RESET] == "45s"
    desk.now += 45
    assert desk.ask()[0] == 200


def test_a_refused_request_costs_nothing() -> None:
    desk = Desk(Rates(requests_per_minute=1))
    assert [desk.ask()[0] for _ in range(50)] == [200] + [429] * 49
    desk.now += 60
    assert desk.ask()[0] == 200


@pytest.mark.parametrize(
    ("asked", "per_minute", "written"),
    [(1, 600, "100ms"), (1, 60, "1s"), (3, 40, "4.5s"), (1, 7, "8.57s"), (2, 1, "1m0s")],
)
def test_durations_are_written_as_openai_does(asked: int, per_minute: int, written: str) -> None:
    desk = Desk(Rates(requests_per_minute=per_minute))
    assert [desk.ask()[1] for _ in range(asked)][-1][RESET] == written


def test_a_key_may_have_rates_of_its_own() -> None:
    house = rated({"requests_per_minute": 3}, requests_per_minute=1)
    assert statuses(house, 4, BOBS) == [200, 200, 200, 429]
    assert statuses(house, 2, ANNE) == [200, 429]


def test_a_key_may_be_freed_of_a_rate() -> None:
    house = rated({"requests_per_minute": None}, requests_per_minute=1)
    assert statuses(house, 4, BOBS) == [200] * 4


def test_probes_and_pages_cost_nothing() -> None:
    house = House(api={"rates": {"requests_per_minute": 1}})
    for path in ("/health", "/docs", "/openapi.json"):
        assert [house.get(path).status_code for _ in range(3)] == [200] * 3
    assert house.get("/v1/models").status_code == 200


def test_a_stranger_costs_the_caller_nothing() -> None:
    house = rated(requests_per_minute=1)
    assert statuses(house, 3, {"authorization": "Bearer wrong"}) == [401] * 3
    assert statuses(house, 1, ANNE) == [200]


# Without keys: by address


def test_callers_without_a_key_are_told_apart_by_address() -> None:
    desk = Desk(Rates(requests_per_minute=1))
    addresses = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"]
    assert [desk.ask(client=address)[0] for address in addresses] == [200] * 4
    assert [desk.ask(client=address)[0] for address in addresses] == [429] * 4


@pytest.mark.parametrize(
    ("first", "second"),
    [("2001:db8::1", "2001:db8::ffff:2"), ("192.0.2.1", "::ffff:192.0.2.1")],
)
def test_addresses_that_are_one_client_s_to_choose_count_as_one(first: str, second: str) -> None:
    desk = Desk(Rates(requests_per_minute=1))
    assert [desk.ask(client=address)[0] for address in (first, second)] == [200, 429]


def test_nobody_can_grow_the_table() -> None:
    desk = Desk(Rates(requests_per_minute=1), drawers=4)
    answers = [desk.ask(client=f"192.0.2.{number}")[0] for number in range(200)]
    assert 1 <= answers.count(200) <= 4
    assert answers[-100:] == [429] * 100


# At the same time


def speech(headers: Mapping[str, str] | None = None) -> httpx.Request:
    asked = {"model": "voice", "input": THREE, "response_format": "pcm"}
    url = "http://house/v1/audio/speech"
    return httpx.Request("POST", url, json=asked, headers=headers or {})


async def visit(house: House, headers: Mapping[str, str] | None = None) -> Visit:
    done = Visit(house, speech(headers))
    await done.run()
    return done


def test_a_stream_keeps_its_place_until_its_last_byte(furnished: Callable[..., House]) -> None:
    third = Hold()
    house = furnished(
        synthesizer=FakeSynthesizer(holds={2: third}), api={"rates": {"concurrent_requests": 1}}
    )

    async def scenario() -> None:
        streamed = Visit(house, speech())
        running = asyncio.ensure_future(streamed.run())
        await asyncio.wait_for(third.reached.wait(), PATIENCE)
        assert streamed.status == 200
        refused = await visit(house)
        assert refused.status == 429
        assert b"concurrent_requests is 1" in refused.sent[1]["body"]
        assert not running.done()  # the refusal waited for nobody
        third.opened.set()
        await running
        assert streamed.complete
        assert (await visit(house)).status == 200

    asyncio.run(scenario())


def test_a_client_that_left_has_given_its_place_back(furnished: Callable[..., House]) -> None:
    third = Hold()
    house = furnished(
        synthesizer=FakeSynthesizer(holds={2: third}), api={"rates": {"concurrent_requests": 1}}
    )

    async def scenario() -> None:
        await Visit(house, speech()).run_until_left_at(third.reached)
        assert (await visit(house)).status == 200

    asyncio.run(scenario())


def test_a_failure_gives_its_place_back(furnished: Callable[..., House]) -> None:
    house = furnished(
        synthesizer=FakeSynthesizer(failures={0: ZeroDivisionError()}),
        api={"rates": {"concurrent_requests": 1}},
    )
    assert [house.speak().status_code for _ in range(2)] == [500, 200]


def test_places_are_counted_by_key(furnished: Callable[..., House]) -> None:
    first = Hold()
    house = rated(concurrent_requests=1)
    house.synthesizer.holds = {0: first}

    async def scenario() -> None:
        running = asyncio.ensure_future(visit(house, ANNE))
        await asyncio.wait_for(first.reached.wait(), PATIENCE)
        refused = await visit(house, ANNE)
        assert refused.status == 429
        headers = {name.decode(): value.decode() for name, value in refused.sent[0]["headers"]}
        assert headers["x-should-retry"] == "true"
        assert int(headers["retry-after"]) >= 1
        assert (await visit(house, BOBS)).status == 200
        first.opened.set()
        assert (await running).status == 200

    asyncio.run(scenario())


# OpenAI's SDK


def test_the_sdk_knows_a_rate_by_its_own_error_and_reads_the_headers() -> None:
    house = rated(requests_per_minute=1)

    async def ask() -> None:
        transport = httpx2.ASGITransport(house.served)  # what the SDK is built on
        async with (
            httpx2.AsyncClient(transport=transport) as http,
            openai.AsyncOpenAI(
                base_url="http://house/v1", api_key=ANN, http_client=http, max_retries=0
            ) as sdk,
        ):
            raw = await sdk.models.with_raw_response.list()
            assert raw.headers[LEFT] == "0"
            with pytest.raises(openai.RateLimitError) as refused:
                await sdk.models.list()
            assert refused.value.code == "rate_limit_exceeded"
            assert refused.value.type == "requests"

    asyncio.run(ask())
