"""What happens around every request and socket: an id, its time, a limit on its body."""

from __future__ import annotations

import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from errors import TooLarge
from runners import steps

# The beginnings of an answer: to a request, to a socket, and to a socket that is not let in.
ANSWERS = ("http.response.start", "websocket.accept", f"{errors.DENIAL}.start")
ID_CHARACTERS = 128  # a longer x-request-id from outside is not taken over into our logs


class Traced:
    """Gives each request an id, its own or ours, and says what it took to begin the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        started = time.perf_counter()
        given = Headers(scope=scope).get("x-request-id", "")
        usable = given.isascii() and given.isprintable() and 0 < len(given) <= ID_CHARACTERS
        request_id = given if usable else f"req_{uuid.uuid4().hex}"
        scope.setdefault("state", {})["request_id"] = request_id
        taken = steps.begin()

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ANSWERS:
                message.setdefault("headers", [])
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                if warnings := scope["state"].get("warnings"):
                    headers["warnings"] = "; ".join(warnings)
                elapsed_ms = (time.perf_counter() - started) * 1000
                headers["openai-processing-ms"] = f"{elapsed_ms:.0f}"
                headers["server-timing"] = f"{taken.server_timing()}, total;dur={elapsed_ms:.1f}"
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Bounded:
    """Refuses a body over the limit, by its announcement or when it gets there."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdigit() and int(announced) > self._limit:
            return await errors.response(self._refusal())(scope, receive, send)
        seen, answered = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise self._refusal()
            return message

        async def send_unless_refused(message: Message) -> None:
            nonlocal answered
            if seen <= self._limit or answered:
                answered = True
                await send(message)

        # FastAPI makes a 400 without a reason of all that goes wrong while it reads a body.
        await self._app(scope, counted, send_unless_refused)
        if not answered:
            await errors.response(self._refusal())(scope, receive, send)

    def _refusal(self) -> TooLarge:
        return TooLarge(
            f"The body is larger than max_upload_bytes ({self._limit}).", code="body_too_large"
        )
