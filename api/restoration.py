"""POST /v1/audio/conversion, also /v1/audio/convert: a damaged or noisy recording as it may have been.

The name is Harmony Speech Engine's. A recording in another voice is /v1/audio/voice-conversion.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import attrs
from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response, StreamingResponse

from api.accept import prefers_json
from api.documented import answers, documented, reference
from api.engine import restoration as engine
from api.engine.restoration import AudioConversionRequest, AudioConversionResponse
from api.engine.speech import AudioFormat, answer
from api.fallback import with_fallback
from api.files import encoded, sealed, sent
from api.filter_steps import FiltersAfter, FiltersBefore
from api.filtering import UsingFilters
from api.forms import UsingFormOrJson, parse_form, upload
from api.json_body import EncodedFile, JsonBody
from api.request import KeepAlive, Seed, UsingApi, UsingCall, UsingCatalog, while_client_waits
from api.sound import encoded_sound
from audio import FORMATS
from catalog import Catalog
from errors import InvalidInput, Unavailable
from pipelines.flow import begun
from pipelines.restoration import check_mode, restore

router = APIRouter(tags=["restoration"])

Done = TypeVar("Done")


class RestorationForm(FiltersBefore, FiltersAfter):
    """The fields beside `file`."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = None  # absent: the first that restores
    mode: int = Field(0, ge=0, le=100, description="One of the model's ways of hearing.")
    seed: Seed = None
    response_format: AudioFormat = "wav"
    sample_rate: int | None = Field(None, ge=8000, le=48000)
    stream: bool = Field(False, description="Send the file as it is made, without its length.")
    keep_alive: KeepAlive = None


class RestorationRequest(RestorationForm):
    """The same with the sound in base64."""

    source_audio: EncodedFile = None

    @property
    def sound(self) -> UploadFile | None:
        return self.source_audio


@router.post(
    "/v1/audio/conversion",
    response_class=Response,
    openapi_extra=documented(RestorationRequest, AudioConversionRequest, form=RestorationForm),
    responses=answers(
        *(known.media_type for known in FORMATS.values()), json=reference(AudioConversionResponse)
    ),
)
@router.post("/v1/audio/convert", include_in_schema=False)
async def convert_audio(
    request: Request,
    body: UsingFormOrJson,
    catalog: UsingCatalog,
    api: UsingApi,
    call: UsingCall,
    filtering: UsingFilters,
) -> Response:
    """The recording restored, by the first model that does so if none is named."""
    asked, file, param = _taken(body)
    in_json = isinstance(asked, AudioConversionRequest) or prefers_json(
        request.headers.get("accept", "")
    )
    call = attrs.evolve(call, keep_alive=asked.keep_alive)
    model = asked.model or catalog.first_restorer()
    await check_asked(catalog, model, asked.mode)
    finished = await filtering.after(asked.post_generation_filters, call)
    source = encoded_sound(file, api, param)
    sound = await filtering.before(source, asked.pre_processing_filters, call)
    audio_format, rate = asked.response_format, asked.sample_rate

    async def mend(name: str) -> Response:
        by = catalog.restorer(name)
        made = finished(restore(sound, by, call, mode=asked.mode, seed=asked.seed))
        if asked.stream and not in_json:
            return StreamingResponse(
                encoded(await while_client_waits(request, begun(made)), audio_format, rate),
                media_type=FORMATS[audio_format].media_type,
            )
        whole = await while_client_waits(request, sealed(made, audio_format, rate))
        if in_json:
            return answer(whole, name, call.id)
        return sent(whole, FORMATS[audio_format].media_type)

    return await mended(catalog, model, mend)


def _taken(
    body: FormData | JsonBody,
) -> tuple[RestorationForm | AudioConversionRequest, UploadFile, str]:
    """What is asked, and the file and the field that it came in."""
    if isinstance(body, FormData):
        return parse_form(body, RestorationForm), upload(body), "file"
    asked: RestorationRequest | AudioConversionRequest
    asked = (
        body.parse(AudioConversionRequest) if engine.asks(body) else body.parse(RestorationRequest)
    )
    if asked.sound is None:
        raise InvalidInput("Missing required parameter: 'source_audio'.", param="source_audio")
    return asked, asked.sound, "source_audio"


async def check_asked(catalog: Catalog, model: str, mode: int) -> None:
    """Refuse a model that cannot restore so, before any work is done."""
    by = catalog.restorer(model)
    with suppress(Unavailable):  # its fallback will be asked
        await check_mode(by, mode)


async def mended(catalog: Catalog, model: str, mend: Callable[[str], Awaitable[Done]]) -> Done:
    """What the model or its fallback makes; a toolchain has none as a whole."""
    if not catalog.is_toolchain(model):
        return await with_fallback(catalog, model, mend)
    with catalog.parts(model)[0].door.entered():
        return await mend(model)
