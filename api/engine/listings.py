"""GET …/models and /version in the shapes of Harmony Speech Engine."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from api.models import CREATED, OWNER
from api.request import UsingApi, UsingCatalog
from catalog import Catalog
from errors import SpeechError
from settings import ApiSettings
from tasks import Capability, Card
from version import VERSION

router = APIRouter(tags=["models"])


class VoiceOptions(BaseModel):
    voice: str
    styles: list[str] = []


class LanguageOptions(BaseModel):
    language: str
    voices: list[VoiceOptions]


class ModelCard(BaseModel):
    """A model or an alias, whose `root` is the model; a field more would break the engine's Go client."""

    id: str
    object: Literal["model"] = "model"
    created: int = CREATED
    owned_by: str = OWNER
    languages: list[LanguageOptions]
    root: str
    parent: str | None = None


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelCard]


class Version(BaseModel):
    version: str


@router.get("/version")
async def version() -> Version:
    return Version(version=VERSION)


@router.get("/v1/audio/speech/models")
async def speech_models(catalog: UsingCatalog, api: UsingApi) -> ModelList:
    """Models that speak, with their languages and voices."""
    return await _listed(Capability.SPEAK, catalog, api)


@router.get("/v1/audio/transcriptions/models")
async def transcription_models(catalog: UsingCatalog, api: UsingApi) -> ModelList:
    """Models that transcribe, with their languages."""
    return await _listed(Capability.TRANSCRIBE, catalog, api)


@router.get("/v1/audio/vad/models")
@router.get("/v1/audio/voice-activity/models")
async def voice_activity_models(catalog: UsingCatalog, api: UsingApi) -> ModelList:
    """Models that find speech."""
    return await _listed(Capability.DETECT, catalog, api)


@router.get("/v1/embed/models")
@router.get("/v1/audio/embeddings/models")
async def embedding_models(catalog: UsingCatalog, api: UsingApi) -> ModelList:
    """Models that embed voices."""
    return await _listed(Capability.EMBED, catalog, api)


async def _listed(capability: Capability, catalog: Catalog, api: ApiSettings) -> ModelList:
    names = [name for name in catalog.names() if capability in catalog.find(name).capabilities]
    timeout = api.timeouts.health
    return ModelList(data=await asyncio.gather(*(_card(catalog, name, timeout) for name in names)))


async def _card(catalog: Catalog, name: str, timeout: float) -> ModelCard:
    """Without languages if the model does not answer: this shape has no word for that."""
    entry = catalog.find(name)
    try:
        state = await entry.handle.state(timeout)
        languages = _languages(state.card or Card())
    except SpeechError:
        languages = []
    return ModelCard(id=name, languages=languages, root=entry.settings.name)


def _languages(card: Card) -> list[LanguageOptions]:
    return [
        LanguageOptions(
            language=language,
            voices=[VoiceOptions(voice=v.name) for v in card.voices if v.language == language],
        )
        for language in card.languages
    ]
