"""GET /metrics of a runner's process: for one on a machine of its own, whose numbers nobody else has."""

from __future__ import annotations

import asyncio

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from observing import metrics


class Exposed:
    """Answers /metrics in BentoML's place, whose own numbers take any path for a label."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/metrics":
            return await self._app(scope, receive, send)
        text = await asyncio.to_thread(metrics.exposition)
        await Response(text, headers={"content-type": metrics.CONTENT_TYPE})(scope, receive, send)
