"""BentoML's timeout of a request, without what it leaves behind.

BentoML's own never cancels its timer, and the timer holds the request's context: 5 to 20 KB of each request,
in each process that it went through, until the timeout is over. Ours lasts an hour in the public process
and a day in a runner.
"""

from __future__ import annotations

import asyncio

from bentoml._internal.server.http import traffic
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class TimeToFirstByte:
    """504 unless the answer begins in `timeout` seconds; how long it goes on is nobody's business here."""

    def __init__(self, app: ASGIApp, timeout: float) -> None:
        self._app = app
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        limit = asyncio.timeout(self._timeout)

        async def begin(message: Message) -> None:
            if limit.when() is not None and not limit.expired():
                limit.reschedule(None)
            await send(message)

        try:
            async with limit:
                await self._app(scope, receive, begin)
        except TimeoutError:
            if not limit.expired():
                raise
            message = f"Not able to process the request in {self._timeout} seconds"
            await JSONResponse({"error": message}, status_code=504)(scope, receive, send)


def install() -> None:
    """Have BentoML put this before its apps instead of its own."""
    traffic.TimeoutMiddleware = TimeToFirstByte  # type: ignore[assignment,misc]
