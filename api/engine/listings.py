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
from runners.roles import Entry
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
    """A model, a toolchain, or an alias, whose `root` is the model. A field more would break a Go client."""

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


@router.get("/v1/voice/convert/models")
@router.get("/v1/audio/voice-conversion/models")
async def conversion_models(catalog: UsingCatalog, api: UsingApi) -> ModelList:
    """Models and toolchains that convert voices."""
    return await _listed(Capability.CONVERT, catalog, api)


@router.get("/v1/audio/conversion/models")
@router.get("/v1/audio/convert/models")
async def restoration_models(catalog: UsingCatalog, api: UsingApi) -> ModelList:
    """Models and toolchains that restore sound."""
    return await _listed(Capability.RESTORE, catalog, api)


async def _listed(capability: Capability, catalog: Catalog, api: ApiSettings) -> ModelList:
    names, timeout = catalog.able_names(capability), api.timeouts.health
    return ModelList(data=await asyncio.gather(*(_card(catalog, name, timeout) for name in names)))


async def _card(catalog: Catalog, name: str, timeout: float) -> ModelCard:
    """A toolchain has the languages of all its models."""
    parts = catalog.parts(name)
    languages = [one for entry in parts for one in await _spoken(entry, timeout)]
    root = name if catalog.is_toolchain(name) else parts[0].name
    return ModelCard(id=name, languages=languages, root=root)


async def _spoken(entry: Entry, timeout: float) -> list[LanguageOptions]:
    """None if the model does not answer: this shape has no word for that."""
    try:
        return _languages((await entry.handle.state(timeout)).card or Card())
    except SpeechError:
        return []


def _languages(card: Card) -> list[LanguageOptions]:
    return [
        LanguageOptions(
            language=language,
            voices=[VoiceOptions(voice=v.name) for v in card.voices if v.language == language],
        )
        for language in card.languages
    ]
