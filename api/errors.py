"""Every failure in OpenAI's shape: {"error": {"message", "type", "param", "code"}}, all four always."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from errors import InvalidInput, NotFound, SpeechError

logger = logging.getLogger(__name__)

CODES = {
    401: "invalid_api_key",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    429: "rate_limit_exceeded",
    503: "overloaded",
}
FIELD = re.compile(r"[a-z_]+|\d+")
DENIAL = (
    "websocket.http.response"  # ASGI's name for an answer with a status in place of a handshake
)
DENIAL_START = f"{DENIAL}.start"
POLICY_VIOLATION = 1008  # servers without DENIAL make a 403 of a close before the handshake
CLIENT_LEFT = 499  # nginx's status, for the log: nobody reads it


class ClientLeft(Exception):
    """The client hung up; there is nobody to answer."""


def body(error: SpeechError) -> dict[str, Any]:
    return {
        "error": {
            "message": _encodable(error.message if error.status != 500 else "The server failed."),
            "type": error.kind,
            "param": error.param and _encodable(error.param),
            "code": error.code or CODES.get(error.status),
        }
    }


def headers(error: SpeechError) -> dict[str, str]:
    """Whether and when to try again, in the words that OpenAI's SDKs obey; how to say who one is."""
    if error.retry_after is not None:
        return {
            "retry-after": str(math.ceil(error.retry_after)),
            "retry-after-ms": str(math.ceil(error.retry_after * 1000)),
            "x-should-retry": "true",
        }
    challenge = {"www-authenticate": "Bearer"} if error.status == 401 else {}
    return {"x-should-retry": "false", **challenge}


def response(error: SpeechError) -> JSONResponse:
    return JSONResponse(body(error), status_code=error.status, headers=headers(error))


async def refuse(error: SpeechError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer ahead of the app, which never reads the body; a websocket is closed unaccepted."""
    if scope["type"] == "websocket" and DENIAL not in scope.get("extensions", {}):
        return await send({"type": "websocket.close", "code": POLICY_VIOLATION})
    await response(error)(scope, receive, send)


class UnknownRoute(BaseRoute):
    """Answers a path that nobody serves: Starlette's and BentoML's own answers are plain text.

    It claims half a match of everything, so that any route that fits wins, BentoML's included.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return (Match.PARTIAL if scope["type"] == "http" else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        failure = NotFound(f"There is no {scope['path']} here; GET /docs shows what there is.")
        await response(failure)(scope, receive, send)


def install(app: FastAPI) -> None:
    """Answer every exception that leaves a route."""

    @app.exception_handler(SpeechError)
    async def speech_error(request: Request, error: SpeechError) -> JSONResponse:
        if error.status == 500:
            logger.error("a request failed: %s", error.message)
        return response(error)

    @app.exception_handler(RequestValidationError)
    async def validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
        # FastAPI says of each first where in the request it was: always in the body here.
        problems = [{**problem, "loc": problem["loc"][1:]} for problem in error.errors()]
        return response(from_validation(problems))

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        detail = f"{error.detail} ({request.method} {request.url.path})"
        failure = {
            "message": detail,
            "type": "invalid_request_error" if error.status_code < 500 else "server_error",
            "param": None,
            "code": CODES.get(error.status_code),
        }
        return JSONResponse(
            {"error": failure}, status_code=error.status_code, headers=error.headers
        )

    @app.exception_handler(ClientDisconnect)  # while its body was read
    @app.exception_handler(ClientLeft)
    async def client_left(request: Request, error: Exception) -> Response:
        return Response(status_code=CLIENT_LEFT)

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        logger.error("a request failed", exc_info=error)
        answer = response(SpeechError("the server failed"))
        # Starlette answers this one outside of all middleware.
        answer.headers["x-request-id"] = request.state.request_id
        return answer


def from_validation(problems: Any) -> InvalidInput:
    """The first of pydantic's findings, in words; of those on a union the one that got farthest."""
    first = max(problems, key=lambda problem: len(problem["loc"]))
    field = ".".join(_path(first["loc"]))
    if first["type"] == "missing" and not field:
        return InvalidInput("The body is missing.")
    if first["type"] == "missing":
        return InvalidInput(f"Missing required parameter: '{field}'.", param=field or None)
    if first["type"] == "extra_forbidden":
        return InvalidInput(f"Unknown parameter: '{field}'.", param=field, code="unknown_parameter")
    if first["type"] == "json_invalid":
        return InvalidInput("The body is not valid JSON.")
    message = first["msg"].removeprefix("Value error, ")
    return InvalidInput(
        f"Invalid '{field}': {message}." if field else f"{message}.", param=field or None
    )


def _path(location: Sequence[str | int]) -> list[str]:
    """The way to a field, without pydantic's names for the branches of a union (str, ServerVad, …)."""
    parts = [str(part) for part in location]
    return parts[:1] + [part for part in parts[1:] if FIELD.fullmatch(part) and part != "str"]


def _encodable(text: str) -> str:
    """JSON can name halves of surrogate pairs, which no UTF-8 can hold."""
    return text.encode(errors="replace").decode()
