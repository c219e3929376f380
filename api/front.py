"""What stands before everything that is served: our routes, BentoML's own, and websockets."""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from api.access import Authenticated
from api.middleware import Bounded, Traced
from api.rates import Rated
from settings import ApiSettings, CorsSettings

# What a page may read of an answer, beside what every page may.
EXPOSED = (
    "x-request-id",
    "openai-processing-ms",
    "server-timing",
    "warnings",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
)


def front(api: ApiSettings, public: bool) -> tuple[Middleware, ...]:
    """The layers, outermost first; `public`: the server is bound to more than loopback.

    A refusal has passed those outside of it: so it carries an id, and the headers of CORS, which let a
    page read it. The body is bounded last, and nothing outside of that reads it.
    """
    return (
        Middleware(Traced),
        *_cors(api.cors),
        Middleware(Authenticated, api=api, public=public),
        Middleware(Rated),
        Middleware(Bounded, limit=api.limits.max_upload_bytes),
    )


def behind(layers: tuple[Middleware, ...], app: ASGIApp) -> ASGIApp:
    """An app as it is served."""
    for layer in reversed(layers):
        app = layer.cls(app, *layer.args, **layer.kwargs)
    return app


def _cors(cors: CorsSettings) -> tuple[Middleware, ...]:
    if not cors.origins:
        return ()
    return (
        Middleware(
            CORSMiddleware,
            allow_origins=cors.origins,
            allow_methods=("GET", "POST", "DELETE"),
            allow_headers=("*",),
            # A page of the internet that the operator has named may reach a server of the house.
            allow_private_network=True,
            expose_headers=EXPOSED,
        ),
    )
