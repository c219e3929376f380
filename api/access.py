"""Who asks: an API key makes a caller with a name and a role; without one, where that is allowed.

What is decided here is decided by the head of a request, before its body is read.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit

import attrs
from fastapi import Depends
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from api import errors
from api.listening import arrived_from_outside
from callers import Rates, Role, hash_of
from errors import Forbidden, SpeechError, Unauthorized
from settings import ApiSettings

logger = logging.getLogger(__name__)

PROBES = ("/health", "/healthz", "/livez", "/readyz")
PAGES = ("/", "/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json")
OPEN = frozenset((*PROBES, *PAGES))
OPEN_BELOW = "/static-offline-docs/"  # what the pages of the documentation load
METRICS = "/metrics"

KEY_HEADERS = ("api-key", "x-api-key", "xi-api-key")
KEY_SUBPROTOCOL = "openai-insecure-api-key."  # how a browser, which sets no headers, sends a key
MOST_KEYS = 8  # in one request: each costs a comparison with every configured key

CLOSED = (
    "This server is bound to a public address and has no API keys, so it answers nobody. Its operator "
    "can configure keys (api.auth.keys or HARMONY_API_KEYS; `scripts/keys new NAME` makes one), bind "
    "127.0.0.1 (--host 127.0.0.1), or open it to everybody (api.auth.open: true)."
)
OPENED = "This server is bound to a public address and answers everybody: api.auth.open is true."


@attrs.frozen
class Caller:
    """Who asks; one without a key has no name."""

    name: str | None
    role: Role
    rates: Rates


class Authenticated:
    """Lets those through who may ask, and puts who they are into the state of the request."""

    def __init__(self, app: ASGIApp, api: ApiSettings, public: bool) -> None:
        self._app = app
        self._keys = {
            key.sha256: Caller(key.name, key.role, key.rates_over(api.rates))
            for key in api.auth.keys
        }
        # Without any key there is no admin to tell from others: whoever may ask may do all.
        self._keyless = Caller(None, "user" if self._keys else "admin", api.rates)
        self._open = api.auth.open
        self._public = public
        self._origins = frozenset(api.cors.origins)
        if public and not self._keys:
            logger.warning(OPENED if self._open else CLOSED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or _is_open(scope["path"]):
            return await self._app(scope, receive, send)
        try:
            caller = self._caller(scope)
            if scope["path"] == METRICS:
                require_admin(caller)
        except SpeechError as refusal:
            return await errors.refuse(refusal, scope, receive, send)
        scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send)

    def _caller(self, scope: Scope) -> Caller:
        headers = Headers(scope=scope)
        given = set(_presented(headers))
        if self._keys and given:
            return self._holder(given)
        if self._keys and not self._open:
            raise Unauthorized(
                "An API key is needed: send it as 'Authorization: Bearer KEY', 'Api-Key: KEY', "
                "'x-api-key: KEY' or 'xi-api-key: KEY'."
            )
        outside = self._public or arrived_from_outside(scope.get("server"))
        if outside and not self._open:
            raise Unauthorized(CLOSED)
        self._check_origin(headers)
        return self._keyless

    def _holder(self, given: set[str]) -> Caller:
        if len(given) > MOST_KEYS:
            raise Unauthorized(f"At most {MOST_KEYS} different API keys are looked at.")
        known = [caller for key in given for caller in self._holders(hash_of(key))]
        if not known:
            raise Unauthorized("The API key is not known here.")
        if len(known) > 1:
            raise Unauthorized("The request carries the API keys of several callers; send one.")
        return known[0]

    def _holders(self, presented: str) -> list[Caller]:
        # Every one is compared, in constant time: how long it takes tells nothing of any key.
        matches = [hmac.compare_digest(presented, sha256) for sha256 in self._keys]
        return [c for c, match in zip(self._keys.values(), matches, strict=True) if match]

    def _check_origin(self, headers: Headers) -> None:
        """Without keys, a page anywhere could have its reader's browser ask us: as its reader."""
        origin = headers.get("origin")
        if origin is None or self._origins & {origin, "*"}:
            return
        if urlsplit(origin).netloc != headers.get("host"):
            raise Forbidden(
                "Pages of other origins need an API key, or to be listed in api.cors.origins.",
                code="origin_not_allowed",
            )


def require_admin(caller: Caller | None) -> None:
    """Raise unless the caller is an admin; one that nobody has identified is none."""
    if caller is None or caller.role != "admin":
        raise Forbidden("This needs an API key with the role admin.", code="admin_only")


def demand_admin(connection: HTTPConnection) -> None:
    """A dependency of routes that only admins may use."""
    require_admin(connection.scope.get("state", {}).get("caller"))


AdminOnly = Annotated[None, Depends(demand_admin)]


def _presented(headers: Headers) -> Iterator[str]:
    """Every key in the head of a request, wherever one of our clients puts it."""
    for value in headers.getlist("authorization"):
        scheme, _, key = value.partition(" ")
        if scheme.lower() == "bearer" and key.strip():
            yield key.strip()
    for name in KEY_HEADERS:
        yield from filter(None, map(str.strip, headers.getlist(name)))
    for protocols in headers.getlist("sec-websocket-protocol"):
        for protocol in map(str.strip, protocols.split(",")):
            if protocol.startswith(KEY_SUBPROTOCOL):
                yield protocol.removeprefix(KEY_SUBPROTOCOL)


def _is_open(path: str) -> bool:
    return path in OPEN or path.startswith(OPEN_BELOW)
