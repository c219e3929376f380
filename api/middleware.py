"""What happens around every request and socket: an id, its time, a line in the log, a limit on its body."""

from __future__ import annotations

import logging
import time
import uuid

import attrs
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from api.routes import WATCHED, template_of
from errors import TooLarge
from observing import logs, metrics, traces
from runners import steps

logger = logging.getLogger("api.requests")

# The beginnings of an answer: to a request, to a socket, and to a socket that is not let in.
ANSWERS = ("http.response.start", "websocket.accept", errors.DENIAL_START)
ID_CHARACTERS = 128  # a longer x-request-id from outside is not taken over into our logs
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET")
SWITCHED, REFUSED = 101, 403  # what a socket that says no status comes to


@attrs.define
class Exchange:
    """A request and what has become of its answer."""

    route: str
    method: str
    started: float = attrs.field(factory=time.perf_counter)
    status: int = errors.CLIENT_LEFT
    first_byte: float | None = None  # seconds after the start
    sent: int = 0  # bytes of the body, or of the messages

    @classmethod
    def of(cls, scope: Scope) -> Exchange:
        method = scope.get("method", scope["type"].upper())
        return cls(template_of(scope["path"]), method if method in METHODS else "other")

    @property
    def elapsed(self) -> float:
        return time.perf_counter() - self.started

    def note(self, message: Message) -> None:
        match message["type"]:
            case "websocket.accept":
                self.status = SWITCHED
            case "websocket.close" if self.status == errors.CLIENT_LEFT:
                self.status = REFUSED
            case "http.response.start" | errors.DENIAL_START:
                self.status = message["status"]
        size = len(message.get("body") or message.get("bytes") or message.get("text") or b"")
        if size and self.first_byte is None:
            self.first_byte = self.elapsed
        self.sent += size

    def tell(self, caller: str | None) -> None:
        """Count it, and write its line."""
        took, seen = self.elapsed, metrics.requests()
        seen.seconds.labels(self.route, self.method, self.status).observe(took)
        if self.first_byte is not None and self.status < 400:
            seen.first_byte.labels(self.route).observe(self.first_byte)
        level = logging.DEBUG if self.route in WATCHED else logging.INFO
        fields = {
            "method": self.method,
            "route": self.route,
            "status": self.status,
            "seconds": round(took, 4),
            "first_byte_seconds": self.first_byte and round(self.first_byte, 4),
            "bytes": self.sent,
            "caller": caller,
        }
        logger.log(level, "answered", extra={"fields": fields})


class Traced:
    """Gives each request an id, its own or ours; says in the answer, the log and the metrics what it took."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or "request_id" in scope.get("state", {}):
            return await self._app(scope, receive, send)
        exchange, taken = Exchange.of(scope), steps.begin()
        given = Headers(scope=scope).get("x-request-id", "")
        usable = given.isascii() and given.isprintable() and 0 < len(given) <= ID_CHARACTERS
        request_id = given if usable else f"req_{uuid.uuid4().hex}"
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        logs.ask_as(request_id)
        traces.name_request(exchange.method, exchange.route)
        traces.note(request_id=request_id)

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ANSWERS:
                message.setdefault("headers", [])
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                if taken.warnings:
                    headers["warnings"] = "; ".join(taken.warnings)
                elapsed_ms = exchange.elapsed * 1000
                headers["openai-processing-ms"] = f"{elapsed_ms:.0f}"
                headers["server-timing"] = f"{taken.server_timing()}, total;dur={elapsed_ms:.1f}"
            exchange.note(message)
            await send(message)

        in_flight = metrics.requests().in_flight
        in_flight.inc()
        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            in_flight.dec()
            caller = state.get("caller")
            exchange.tell(caller and caller.name)


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
