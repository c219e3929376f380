"""POST /v1/audio/embeddings, /v1/embeddings and /v1/embed/speaker: the voice of a recording, in numbers.

The first is ours, the second has OpenAI's path and fields with sound in place of text, and the third is
Harmony Speech Engine's.
"""

from __future__ import annotations

import base64
import time
from typing import Annotated, Any, ClassVar, Literal

import attrs
from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from starlette.datastructures import FormData, UploadFile

from api.documented import documented
from api.engine.embedding import EmbedSpeakerRequest, EmbedSpeakerResponse
from api.fallback import with_fallback
from api.filter_steps import FiltersBefore
from api.filtering import Filtering, UsingFilters
from api.forms import UsingFormOrJson, parse_form, upload
from api.json_body import EncodedFile, JsonBody, UsingJson
from api.request import KeepAlive, UsingApi, UsingCall, UsingCatalog, while_client_waits
from api.speech_data import SpeechData, SpeechFinding
from api.transcripts import HEARD_TOKENS_PER_SECOND
from api.voice_file import in_base64
from api.wanted_voice import reference_of
from catalog import Catalog
from errors import InvalidInput
from pipelines.embedding import hear
from pipelines.voice_memory import Heard
from settings import ApiSettings
from tasks import Call, Capability, Embedding, Reference

router = APIRouter(tags=["voices"])

NO_TEXT = "these models embed voices, not text: send sound, as 'input_audio' in base64 or as 'file' in a form"


def _empty(value: Any) -> Any:
    if value not in (None, "", []):
        raise ValueError(NO_TEXT)
    return value


# OpenAI's clients cannot leave it out.
NoText = Annotated[
    Any,
    AfterValidator(_empty),
    WithJsonSchema({"anyOf": [{"type": "string", "maxLength": 0}, {"type": "null"}]}),
]


class EmbeddingForm(FiltersBefore):
    """The fields beside `file`."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = None  # absent: the first that embeds voices
    encoding_format: Literal["float", "base64", "safetensors"] = Field(
        "float",
        description="Numbers, or a safetensors file in base64; at /v1/embeddings base64 is bare float32.",
    )
    input_vad_mode: SpeechFinding = None
    input_vad_data: SpeechData = None
    keep_alive: KeepAlive = None

    bare: ClassVar[bool] = False  # whether `base64` is of nothing but the numbers

    def from_result(self, heard: Heard, model: str, request_id: str) -> EmbeddedVoices:
        tokens = round(heard.seconds * HEARD_TOKENS_PER_SECOND)
        return EmbeddedVoices(
            id=request_id,
            created=int(time.time()),
            model=model,
            data=[EmbeddedVoice(embedding=self._encoded(heard.voice, model))],
            space=heard.voice.space,
            speech_seconds=round(heard.seconds, 3),
            usage=Usage(prompt_tokens=tokens, total_tokens=tokens),
        )

    def _encoded(self, voice: Embedding, model: str) -> list[float] | str:
        if self.encoding_format == "float":
            return [float(number) for number in voice.vector]
        if self.encoding_format == "base64" and self.bare:
            return base64.b64encode(voice.vector.astype("<f4").tobytes()).decode()
        return in_base64(voice, model)


class EmbeddingRequest(EmbeddingForm):
    """The same with the sound in base64."""

    input_audio: EncodedFile = None

    def upload(self) -> UploadFile:
        if self.input_audio is None:
            raise InvalidInput("Missing required parameter: 'input_audio'.", param="input_audio")
        return self.input_audio


class OpenAIEmbeddingForm(EmbeddingForm):
    """The fields beside `file`."""

    input: NoText = Field(None, description="OpenAI's, for text: empty here, or left out.")

    bare: ClassVar[bool] = True


class OpenAIEmbeddingRequest(EmbeddingRequest):
    """The same with the sound in base64."""

    input: NoText = Field(None, description="OpenAI's, for text: empty here, or left out.")

    bare: ClassVar[bool] = True


class EmbeddedVoice(BaseModel):
    object: Literal["embedding"] = "embedding"
    index: int = 0
    embedding: list[float] | str


class Usage(BaseModel):
    prompt_tokens: int
    total_tokens: int


class EmbeddedVoices(BaseModel):
    """OpenAI's list, of one voice; `space` is its family, `speech_seconds` what it was taken from."""

    object: Literal["list"] = "list"
    id: str
    created: int
    model: str
    data: list[EmbeddedVoice]
    space: str
    speech_seconds: float
    usage: Usage


@router.post("/v1/audio/embeddings", openapi_extra=documented(EmbeddingRequest, form=EmbeddingForm))
async def embed_voice(
    request: Request,
    body: UsingFormOrJson,
    catalog: UsingCatalog,
    api: UsingApi,
    call: UsingCall,
    filtering: UsingFilters,
) -> EmbeddedVoices:
    """The voice of a recording, for speech in that voice: see `input_embedding`."""
    asked, reference = _taken(body, EmbeddingForm, EmbeddingRequest, api)
    return await _embed(asked, reference, request, catalog, call, filtering)


@router.post(
    "/v1/embeddings",
    openapi_extra=documented(OpenAIEmbeddingRequest, form=OpenAIEmbeddingForm),
)
async def create_embedding(
    request: Request,
    body: UsingFormOrJson,
    catalog: UsingCatalog,
    api: UsingApi,
    call: UsingCall,
    filtering: UsingFilters,
) -> EmbeddedVoices:
    """The same at OpenAI's path; text is refused."""
    asked, reference = _taken(body, OpenAIEmbeddingForm, OpenAIEmbeddingRequest, api)
    return await _embed(asked, reference, request, catalog, call, filtering)


@router.post("/v1/embed/speaker", openapi_extra=documented(EmbedSpeakerRequest))
async def embed_speaker(
    request: Request,
    body: UsingJson,
    catalog: UsingCatalog,
    api: UsingApi,
    call: UsingCall,
    filtering: UsingFilters,
) -> EmbedSpeakerResponse:
    """The same as Harmony Speech Engine has it."""
    asked = body.parse(EmbedSpeakerRequest)
    reference = reference_of(asked.upload(), asked, api)
    heard, model = await _heard(asked, reference, request, catalog, call, filtering)
    return asked.from_result(heard, model, call.id)


def _taken(
    body: FormData | JsonBody,
    form: type[EmbeddingForm],
    json: type[EmbeddingRequest],
    api: ApiSettings,
) -> tuple[EmbeddingForm, Reference]:
    if isinstance(body, JsonBody):
        asked = body.parse(json)
        return asked, reference_of(asked.upload(), asked, api)
    fields = parse_form(body, form)
    return fields, reference_of(upload(body), fields, api, "file")


async def _embed(
    asked: EmbeddingForm,
    reference: Reference,
    request: Request,
    catalog: Catalog,
    call: Call,
    filtering: Filtering,
) -> EmbeddedVoices:
    call = attrs.evolve(call, keep_alive=asked.keep_alive)
    heard, model = await _heard(asked, reference, request, catalog, call, filtering)
    return asked.from_result(heard, model, call.id)


async def _heard(
    asked: EmbeddingForm | EmbedSpeakerRequest,
    reference: Reference,
    request: Request,
    catalog: Catalog,
    call: Call,
    filtering: Filtering,
) -> tuple[Heard, str]:
    """The voice, and the model that made it."""
    model = asked.model or catalog.first(Capability.EMBED)
    encoder = await catalog.embedding(model)
    catalog.embedder(encoder)
    filtered = await filtering.reference(reference, asked.pre_processing_filters, call)

    async def listen(name: str) -> tuple[Heard, str]:
        found = hear(filtered, catalog.embedder(name), catalog.listeners, call)
        return await while_client_waits(request, found), model if name == encoder else name

    return await with_fallback(catalog, encoder, listen)
