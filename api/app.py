"""The HTTP application: routes, errors and middleware put together."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from api import activity, errors, health, models, speech, transcriptions
from api.middleware import Bounded, Traced
from settings import Settings
from version import VERSION

DESCRIPTION = (
    """Self-hosted speech AI. OpenAI's audio routes as its SDKs use them, and ours beside them."""
)


def build_app(settings: Settings) -> FastAPI:
    """The application; `service.py` puts the catalog into its state when the runners are known."""
    # The pages at /docs and /redoc bring their scripts along: a site without internet reads them too.
    app = FastAPIOffline(title="Harmony Speech", version=VERSION, description=DESCRIPTION)
    app.state.settings = settings
    errors.install(app)
    for module in (speech, transcriptions, activity, models, health):
        app.include_router(module.router)
    app.router.default = errors.unknown_route
    app.add_middleware(Bounded, limit=settings.api.limits.max_upload_bytes)
    app.add_middleware(Traced)
    return app
