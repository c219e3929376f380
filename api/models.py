"""GET /v1/models and /v1/models/{id}: OpenAI's shape, with what a model can do beside it."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter

from api.request import UsingApi, UsingCatalog
from catalog import Catalog
from errors import SpeechError
from tasks import Card, Presence

router = APIRouter(tags=["models"])

CREATED = 1763683200  # OpenAI's field wants a date; ours is the first release of this service
OWNER = "harmony-speech"
TASKS = {
    "synthesize": "speech",
    "transcribe": "transcription",
    "detect": "vad",
    "embed": "speaker-embedding",
    "convert": "voice-conversion",
    "compose": "speech-features",
    "vocode": "vocoding",
    "restore": "restoration",
    "analyse": "restoration-features",
}


@router.get("/v1/models")
async def list_models(catalog: UsingCatalog, api: UsingApi) -> dict[str, Any]:
    """Every model that a request may name, aliases and toolchains included."""
    timeout = api.timeouts.health
    described = await asyncio.gather(
        *(describe(catalog, name, timeout) for name in catalog.names())
    )
    return {"object": "list", "data": described}


@router.get("/v1/models/{model:path}")
async def retrieve_model(model: str, catalog: UsingCatalog, api: UsingApi) -> dict[str, Any]:
    return await describe(catalog, model, api.timeouts.health)


async def describe(catalog: Catalog, name: str, timeout: float) -> dict[str, Any]:
    """What OpenAI says of a model, and what ours can do and whether it is in memory."""
    if catalog.is_toolchain(name):
        return await _toolchain(catalog, name, timeout)
    entry = catalog.find(name)
    described = {
        **_named(catalog, name),
        "model_type": entry.settings.model_type,
    }
    if entry.settings.name != name:
        described["root"] = entry.settings.name
    try:
        state = await entry.handle.state(timeout)
    except SpeechError as error:
        return {**described, "available": False, "problem": error.message}
    described["state"] = state.presence.value
    if state.presence is Presence.LOADED:
        described["memory_bytes"] = state.memory
    card = state.card or Card()
    if card.languages:
        described["languages"] = list(card.languages)
    if card.voices:
        described["voices"] = [{"id": v.name, "language": v.language} for v in card.voices]
        described["default_voice"] = card.default_voice
    if card.knobs:
        described["options"] = [
            {"id": knob.name, "minimum": knob.least, "maximum": knob.most, "default": knob.default}
            for knob in card.knobs
        ]
    if state.problem:
        return {**described, "available": False, "problem": state.problem.message}
    return {**described, "available": True}


async def _toolchain(catalog: Catalog, name: str, timeout: float) -> dict[str, Any]:
    """The models that work together, and what those of them that speak can say."""
    models = [entry.name for entry in catalog.parts(name)]
    parts = await asyncio.gather(*(describe(catalog, model, timeout) for model in models))
    described = {**_named(catalog, name), "models": models}
    for key in ("languages", "voices", "options"):
        values = [value for part in parts for value in part.get(key, ())]
        if values:
            described[key] = [v for i, v in enumerate(values) if v not in values[:i]]
    problems = [part["problem"] for part in parts if "problem" in part]
    if problems:
        described["problem"] = problems[0]
    return {**described, "available": all(part["available"] for part in parts)}


def _named(catalog: Catalog, name: str) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": CREATED,
        "owned_by": OWNER,
        "tasks": [TASKS[capability.value] for capability in catalog.capable(name)],
    }
