"""POST /v1/audio/voice-conversion and /v1/voice/convert: a recording in another voice.

The first is ours and answers with sound as it is made, the second is Harmony Speech Engine's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Protocol

import attrs
from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response, StreamingResponse

from api.accept import prefers_json
from api.documented import answers, documented, reference
from api.engine import conversion as engine
from api.engine.conversion import VoiceConversionRequest, VoiceConversionResponse
from api.engine.speech import AudioFormat, answer
from api.fallback import with_fallback
from api.files import encoded, sealed
from api.filter_steps import FiltersAfter, FiltersBefore, FilterSteps
from api.filtering import Filtering, UsingFilters
from api.forms import UsingFormOrJson, parse_form, upload, upload_if_any
from api.json_body import EncodedFile, JsonBody, UsingJson
from api.request import KeepAlive, Seed, UsingApi, UsingCall, UsingCatalog, while_client_waits
from api.sound import encoded_sound
from api.voice_file import VoiceFile
from api.wanted_voice import wanted_voice
from audio import FORMATS
from catalog import Catalog
from errors import InvalidInput
from pipelines.conversion import Conversion, convert
from pipelines.flow import begun
from settings import ApiSettings
from tasks import Call, Capability, Embedding, Reference

router = APIRouter(tags=["voices"])

FILES: Mapping[str, bool] = {"source_audio": True, "target_audio": False}


class ConversionForm(FiltersBefore, FiltersAfter):
    """The fields beside `source_audio` and `target_audio`."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = None  # absent: the first that converts voices
    target_embedding: VoiceFile = Field(
        None, description="In place of target_audio: what POST /v1/audio/embeddings made of it."
    )
    source_embedding: VoiceFile = Field(
        None, description="The voice in source_audio, so that it need not be found out."
    )
    response_format: AudioFormat = "wav"
    sample_rate: int | None = Field(None, ge=8000, le=48000)
    tau: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None, description="How much of the sound is left to chance."
    )
    seed: Seed = None
    keep_alive: KeepAlive = None


class ConversionRequest(ConversionForm):
    """The same with the sounds in base64."""

    source_audio: EncodedFile = None
    target_audio: EncodedFile = None

    @property
    def files(self) -> tuple[UploadFile | None, UploadFile | None]:
        return self.source_audio, self.target_audio


class Asked(Protocol):
    """A request for conversion in either dialect."""

    @property
    def target_embedding(self) -> Embedding | None: ...
    @property
    def source_embedding(self) -> Embedding | None: ...
    @property
    def response_format(self) -> AudioFormat: ...
    @property
    def sample_rate(self) -> int | None: ...
    @property
    def tau(self) -> float | None: ...
    @property
    def seed(self) -> int | None: ...
    @property
    def model(self) -> str | None: ...
    @property
    def pre_processing_filters(self) -> FilterSteps: ...
    @property
    def post_generation_filters(self) -> FilterSteps: ...


Files = tuple[UploadFile | None, UploadFile | None]


@router.post(
    "/v1/audio/voice-conversion",
    response_class=Response,
    openapi_extra=documented(
        ConversionRequest, VoiceConversionRequest, form=ConversionForm, files=FILES
    ),
    responses=answers(
        *(known.media_type for known in FORMATS.values()), json=reference(VoiceConversionResponse)
    ),
)
async def create_voice_conversion(
    request: Request,
    body: UsingFormOrJson,
    catalog: UsingCatalog,
    api: UsingApi,
    call: UsingCall,
    filtering: UsingFilters,
) -> Response:
    """A recording in another voice, sent as it is made; in JSON for who would rather have that."""
    in_json = prefers_json(request.headers.get("accept", ""))
    asked: ConversionForm
    files: Files
    if isinstance(body, FormData):
        asked = parse_form(body, ConversionForm, FILES)
        files = upload(body, "source_audio"), upload_if_any(body, "target_audio")
    elif engine.asks(body):
        return await _in_json(body, request, catalog, api, call, filtering)
    else:
        asked = given = body.parse(ConversionRequest)
        files = given.files
    call = attrs.evolve(call, keep_alive=asked.keep_alive)
    job = _job(asked, files, api)
    return await _answered(job, asked, in_json, request, catalog, call, filtering)


@router.post(
    "/v1/voice/convert",
    response_model=VoiceConversionResponse,
    openapi_extra=documented(VoiceConversionRequest),
)
async def convert_voice(
    request: Request,
    body: UsingJson,
    catalog: UsingCatalog,
    api: UsingApi,
    call: UsingCall,
    filtering: UsingFilters,
) -> Response:
    """The same as Harmony Speech Engine has it."""
    return await _in_json(body, request, catalog, api, call, filtering)


async def _in_json(
    body: JsonBody,
    request: Request,
    catalog: Catalog,
    api: ApiSettings,
    call: Call,
    filtering: Filtering,
) -> Response:
    asked = body.parse(VoiceConversionRequest)
    job = _job(asked, asked.files, api)
    return await _answered(job, asked, True, request, catalog, call, filtering)


def _job(asked: Asked, files: Files, api: ApiSettings) -> Conversion:
    source, target = files
    if source is None:
        raise InvalidInput("Missing required parameter: 'source_audio'.", param="source_audio")
    return Conversion(
        sound=encoded_sound(source, api, "source_audio"),
        target=wanted_voice(target, asked.target_embedding, None, api, "target"),
        source=asked.source_embedding,
        tau=asked.tau,
        seed=asked.seed,
    )


async def filtered_sounds(
    job: Conversion, steps: FilterSteps, filtering: Filtering, call: Call
) -> Conversion:
    """The same with both of its sounds as they shall be heard."""
    sound = await filtering.before(job.sound, steps, call)
    if isinstance(target := job.target, Reference):
        target = await filtering.reference(target, steps, call)
    return attrs.evolve(job, sound=sound, target=target)


async def _answered(
    job: Conversion,
    asked: Asked,
    in_json: bool,
    request: Request,
    catalog: Catalog,
    call: Call,
    filtering: Filtering,
) -> Response:
    model = asked.model or catalog.first(Capability.CONVERT)
    converter = catalog.converting(model)
    audio_format, rate = asked.response_format, asked.sample_rate
    finished = await filtering.after(asked.post_generation_filters, call)
    job = await filtered_sounds(job, asked.pre_processing_filters, filtering, call)

    async def change(name: str) -> Response:
        made = finished(convert(job, await catalog.chain(name), call))
        if in_json:
            file = await while_client_waits(request, sealed(made, audio_format, rate))
            return answer(file, model if name == converter else name, call.id)
        sound = await while_client_waits(request, begun(made))
        return StreamingResponse(
            encoded(sound, audio_format, rate), media_type=FORMATS[audio_format].media_type
        )

    return await with_fallback(catalog, converter, change)
