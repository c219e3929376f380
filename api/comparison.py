"""POST /v1/audio/speakers/compare: whether two recordings, or embeddings of them, are of one speaker."""

from __future__ import annotations

import time
from collections.abc import Mapping

import attrs
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile

from api.documented import documented
from api.fallback import with_fallback
from api.filter_steps import BEFORE, FiltersBefore
from api.filtering import UsingFilters
from api.forms import UsingFormOrJson, parse_form, upload_if_any
from api.json_body import EncodedFile, JsonBody
from api.request import KeepAlive, UsingApi, UsingCall, UsingCatalog, while_client_waits
from api.voice_file import VoiceFile
from api.wanted_voice import wanted_voice
from errors import InvalidInput
from pipelines.comparison import Comparison, compare
from tasks import Reference

router = APIRouter(tags=["voices"])

FIRST, SECOND = "first", "second"
DIGITS = 6
FILES: Mapping[str, bool] = {f"{FIRST}_audio": False, f"{SECOND}_audio": False}


class CompareForm(FiltersBefore):
    """The fields beside `first_audio` and `second_audio`."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = None  # absent: the first that tells speakers apart
    first_embedding: VoiceFile = Field(
        None, description="In place of first_audio: what POST /v1/audio/embeddings made of it."
    )
    second_embedding: VoiceFile = Field(None, description="In place of second_audio, likewise.")
    keep_alive: KeepAlive = None


class CompareRequest(CompareForm):
    """The same with the sounds in base64."""

    first_audio: EncodedFile = None
    second_audio: EncodedFile = None

    @property
    def files(self) -> tuple[UploadFile | None, UploadFile | None]:
        return self.first_audio, self.second_audio


class ComparedSpeakers(BaseModel):
    """`score` is the cosine, `same` whether it reaches `threshold`, `probability` how sure that is."""

    id: str
    created: int
    model: str
    space: str
    score: float
    same: bool
    threshold: float
    probability: float | None
    first_seconds: float | None
    second_seconds: float | None

    @classmethod
    def from_result(cls, found: Comparison, model: str, request_id: str) -> ComparedSpeakers:
        first, second = (None if one is None else round(one, 3) for one in found.seconds)
        return cls(
            id=request_id,
            created=int(time.time()),
            model=model,
            space=found.space,
            score=round(found.score, DIGITS),
            same=found.same,
            threshold=round(found.threshold, DIGITS),
            probability=None if found.probability is None else round(found.probability, DIGITS),
            first_seconds=first,
            second_seconds=second,
        )


@router.post(
    "/v1/audio/speakers/compare",
    openapi_extra=documented(CompareRequest, form=CompareForm, files=FILES),
)
async def compare_speakers(
    request: Request,
    body: UsingFormOrJson,
    catalog: UsingCatalog,
    api: UsingApi,
    call: UsingCall,
    filtering: UsingFilters,
) -> ComparedSpeakers:
    """How alike two voices are, and whether they are of one speaker."""
    asked: CompareForm
    if isinstance(body, JsonBody):
        asked = given = body.parse(CompareRequest)
        files = given.files
    else:
        asked = parse_form(body, CompareForm, FILES)
        files = upload_if_any(body, f"{FIRST}_audio"), upload_if_any(body, f"{SECOND}_audio")
    call = attrs.evolve(call, keep_alive=asked.keep_alive)
    voices = {
        f"{FIRST}_embedding": wanted_voice(files[0], asked.first_embedding, None, api, FIRST),
        f"{SECOND}_embedding": wanted_voice(files[1], asked.second_embedding, None, api, SECOND),
    }
    references = {field: one for field, one in voices.items() if isinstance(one, Reference)}
    steps = asked.pre_processing_filters
    if steps and not references:
        raise InvalidInput(
            f"'{BEFORE}' are for the sounds of a request: send '{FIRST}_audio' or '{SECOND}_audio'.",
            param=BEFORE,
        )
    named = asked.model or await catalog.speaker_encoder("model")
    encoder = await catalog.embedding(named)
    catalog.embedder(encoder)
    for field, voice in references.items():
        voices[field] = await filtering.reference(voice, steps, call)

    async def listen(name: str) -> ComparedSpeakers:
        found = compare(voices, catalog.embedder(name), catalog.listeners, call)
        model = named if name == encoder else name
        return ComparedSpeakers.from_result(
            await while_client_waits(request, found), model, call.id
        )

    return await with_fallback(catalog, encoder, listen)
