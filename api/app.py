"""The HTTP application: routes, errors and middleware put together."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline

from api import comparison, conversion, embeddings, errors, realtime, restoration, speech
from api.documented import add_schemas
from api.engine.conversion import VoiceConversionRequest, VoiceConversionResponse
from api.engine.embedding import EmbedSpeakerRequest
from api.engine.hearing import (
    DetectVoiceActivityRequest,
    SpeechToTextResponse,
    SpeechTranscribeRequest,
)
from api.engine.restoration import AudioConversionRequest, AudioConversionResponse
from api.engine.speech import TextToSpeechRequest, TextToSpeechResponse
from api.routes import ROUTERS
from settings import Settings
from version import VERSION

DESCRIPTION = (
    """Self-hosted speech AI. OpenAI's audio routes as its SDKs use them, and ours beside them."""
)
# Routes that take or give more than one shape do it themselves, so FastAPI does not know of these.
SHAPES = (
    speech.SpeechRequest,
    TextToSpeechRequest,
    TextToSpeechResponse,
    SpeechTranscribeRequest,
    SpeechToTextResponse,
    DetectVoiceActivityRequest,
    embeddings.EmbeddingRequest,
    embeddings.OpenAIEmbeddingRequest,
    EmbedSpeakerRequest,
    comparison.CompareRequest,
    conversion.ConversionRequest,
    VoiceConversionRequest,
    VoiceConversionResponse,
    restoration.RestorationRequest,
    AudioConversionRequest,
    AudioConversionResponse,
)

FAILURE = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}


def build_app(settings: Settings) -> FastAPI:
    """The application; `service.py` puts the catalog into its state when the runners are known."""
    # The pages at /docs and /redoc bring their scripts along: a site without internet reads them too.
    app = FastAPIOffline(title="Harmony Speech", version=VERSION, description=DESCRIPTION)
    app.state.settings = settings
    app.state.realtime = realtime.Places(settings.api.limits.max_realtime_sessions)
    errors.install(app)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.append(errors.UnknownRoute())
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document with the failures we answer, in place of the 422 that FastAPI assumes."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes
        )
        failure = {"description": "A failure", "content": {"application/json": {"schema": FAILURE}}}
        add_schemas(document, SHAPES)
        for path in document["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = failure
        document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{}, {"key": []}]  # not everywhere: /docs shows where to put one
        for unused in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(unused, None)
        app.openapi_schema = document
    return app.openapi_schema
