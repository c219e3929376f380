"""Who may call a runner: BentoML unpickles what it is sent, so whoever may call may run any code here.

On a machine of its own, a service reaches its runners by unix sockets in a folder that only its user may
enter. A runner on TCP asks for the secret that BentoML's proxies send (docs/remote-runners.md).
"""

from __future__ import annotations

import hmac

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from callers import hash_of

PROBES = frozenset(("/livez", "/healthz", "/readyz"))
MISSING = "This runner is reached over TCP and has no token: set BENTO_CLOUD_API_KEY where it runs."
WRONG = "This runner wants 'Authorization: Bearer TOKEN', with the token that it was started with."


class Guarded:
    """Refuses strangers before their bodies are read; without a token, everybody who comes over TCP."""

    def __init__(self, app: ASGIApp, token_hash: str | None) -> None:
        self._app = app
        self._token_hash = token_hash

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or _is_local(scope) or scope["path"] in PROBES:
            return await self._app(scope, receive, send)
        scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
        known = self._token_hash and hmac.compare_digest(hash_of(given), self._token_hash)
        if known and scheme == "Bearer":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        refusal = JSONResponse(
            {"error": WRONG if self._token_hash else MISSING},
            status_code=401,
            headers={"www-authenticate": "Bearer"},
        )
        await refusal(scope, receive, send)


def _is_local(scope: Scope) -> bool:
    """Whether the call came by a unix socket, whose address is a path without a port."""
    path, port = scope.get("server") or ("", 0)
    return bool(path) and port is None
