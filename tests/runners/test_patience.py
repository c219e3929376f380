"""The timeout before every app: it ends what does not begin, and keeps nothing of what has ended."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from contextvars import ContextVar

import httpx
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from runners.patience import TimeToFirstByte

REQUESTS = 1000
HELD_BY_THE_LOOP = (
    250  # asyncio sweeps cancelled timers out once they are a hundred and half of all
)


class Kept:
    """Something that a request has in its context."""


kept: ContextVar[Kept] = ContextVar("kept")


def ask(app: ASGIApp, times: int = 1) -> httpx.Response:
    async def exchange() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://a"
        ) as client:
            for _ in range(times):
                answer = await asyncio.create_task(client.get("/"))
            gc.collect()
            return answer

    return asyncio.run(exchange())


def test_nothing_is_kept_of_a_request_that_has_ended() -> None:
    alive: weakref.WeakSet[Kept] = weakref.WeakSet()
    most = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal most
        await PlainTextResponse("done")(scope, receive, send)
        most = max(most, len(alive))

    bounded = TimeToFirstByte(app, timeout=3600)

    async def with_context(scope: Scope, receive: Receive, send: Send) -> None:
        something = Kept()
        alive.add(something)
        kept.set(something)
        await bounded(scope, receive, send)

    assert ask(with_context, REQUESTS).text == "done"
    assert most <= HELD_BY_THE_LOOP


def test_an_answer_that_does_not_begin_in_time_is_a_504() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    assert ask(TimeToFirstByte(app, timeout=0.05)).status_code == 504


def test_an_answer_that_has_begun_may_take_longer() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def parts() -> AsyncIterator[bytes]:
            yield b"slowly, "
            await asyncio.sleep(0.2)
            yield b"whole"

        await StreamingResponse(parts())(scope, receive, send)

    assert ask(TimeToFirstByte(app, timeout=0.1)).text == "slowly, whole"
