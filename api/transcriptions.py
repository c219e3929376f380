"""POST /v1/audio/transcriptions and /v1/audio/translations, as OpenAI has them.

A body in JSON is Harmony Speech Engine's; it goes the same way to the model and back to its own shape.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from functools import partial
from typing import Annotated, Any, Literal

import attrs
from fastapi import APIRouter, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.responses import JSONResponse, Response, StreamingResponse

from api import transcripts
from api.documented import answers, documented, reference
from api.engine.hearing import SpeechToTextResponse, SpeechTranscribeRequest
from api.fallback import with_fallback
from api.filter_steps import FiltersBefore
from api.filtering import Filtering, UsingFilters
from api.forms import UsingForm, UsingFormOrJson, from_json, parse_form, upload
from api.json_body import JsonBody
from api.languages import code_of
from api.request import KeepAlive, UsingApi, UsingCall, UsingCatalog, while_client_waits
from api.sound import encoded_sound
from api.speakers import references
from audio import Sound
from catalog import Catalog
from errors import InvalidInput
from pipelines import diarization, transcription
from pipelines.flow import begun
from settings import ApiSettings
from tasks import Call, Capability, Detect, Transcribe, Transcript

router = APIRouter(tags=["transcription"])

WITH_TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}

TranscriptFormat = Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"]


class ServerVad(BaseModel):
    """OpenAI's knobs of voice activity detection; in milliseconds, as there."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["server_vad"]
    threshold: float = Field(0.5, ge=0, le=1)
    prefix_padding_ms: int = Field(300, ge=0, le=10_000)
    silence_duration_ms: int = Field(200, ge=0, le=10_000)


class TranslationForm(FiltersBefore, BaseModel):
    model_config = ConfigDict(extra="forbid")

    model: str
    prompt: str | None = None
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt"] = "json"
    temperature: float = Field(0.0, ge=0, le=1)
    keep_alive: KeepAlive = None


class TranscriptionForm(TranslationForm):
    """The fields beside `file`."""

    response_format: TranscriptFormat = "json"  # type: ignore[assignment]
    language: str | None = None
    stream: bool = False
    timestamp_granularities: list[Literal["word", "segment"]] = ["segment"]
    include: list[Literal["logprobs"]] = []
    keywords: list[str] = []
    languages: list[str] = []
    known_speaker_names: list[str] = []
    known_speaker_references: list[str] = []
    chunking_strategy: Annotated[Literal["auto"] | ServerVad | None, BeforeValidator(from_json)] = (
        None
    )

    @property
    def diarized(self) -> bool:
        return self.response_format == "diarized_json"


@router.post(
    "/v1/audio/transcriptions",
    response_class=Response,
    openapi_extra=documented(SpeechTranscribeRequest, form=TranscriptionForm),
    responses=answers(
        "text/plain",
        "text/event-stream",
        json={"anyOf": [reference(SpeechToTextResponse), WITH_TEXT]},
    ),
)
async def create_transcription(
    request: Request,
    body: UsingFormOrJson,
    catalog: UsingCatalog,
    api: UsingApi,
    call: UsingCall,
    filtering: UsingFilters,
) -> Response:
    """Speech to text, in the language that is spoken."""
    if isinstance(body, JsonBody):
        return await _answer_engine(body, request, catalog, api, call, filtering)
    asked = parse_form(body, TranscriptionForm)
    _check(asked, catalog)
    catalog.transcriber(asked.model)
    candidates = await _codes(catalog, asked.model, asked.languages)
    language = next(iter(await _codes(catalog, asked.model, [asked.language])), None)
    call = attrs.evolve(call, keep_alive=asked.keep_alive)
    steps = asked.pre_processing_filters
    known = [
        attrs.evolve(one, sound=await filtering.clip(one.sound, steps, call))
        for one in await while_client_waits(request, references(asked, api.limits))
    ]
    sound = await filtering.before(encoded_sound(upload(body), api), steps, call)
    job = Transcribe(
        sound=sound,
        candidates=candidates,
        language=language,
        prompt=prompt_with(asked.keywords, asked.prompt),
        temperature=asked.temperature or None,
        words="word" in asked.timestamp_granularities or asked.diarized,
        chunking=_chunking(asked.chunking_strategy, sound),
    )
    if asked.diarized:
        embedder = catalog.embedder(await catalog.speaker_encoder())
        # Before anything is transcribed, and so before the first byte of a stream.
        voices = await while_client_waits(request, diarization.known_voices(known, embedder, call))
        tell = partial(diarization.diarize, sound=sound, known=voices, embedder=embedder, call=call)
        return await _answer_with_speakers(job, asked, request, catalog, call, tell)
    return await _answer(job, asked, request, catalog, call)


@router.post(
    "/v1/audio/translations",
    response_class=Response,
    openapi_extra=documented(form=TranslationForm),
    responses=answers("text/plain", json=WITH_TEXT),
)
async def create_translation(
    request: Request,
    form: UsingForm,
    catalog: UsingCatalog,
    api: UsingApi,
    call: UsingCall,
    filtering: UsingFilters,
) -> Response:
    """Speech to English text, whatever language is spoken."""
    asked = parse_form(form, TranslationForm)
    catalog.transcriber(asked.model)
    call = attrs.evolve(call, keep_alive=asked.keep_alive)
    sound = encoded_sound(upload(form), api)
    job = Transcribe(
        sound=await filtering.before(sound, asked.pre_processing_filters, call),
        translate=True,
        prompt=asked.prompt,
        temperature=asked.temperature or None,
    )
    return await _answer(job, asked, request, catalog, call)


async def _answer_engine(
    body: JsonBody,
    request: Request,
    catalog: Catalog,
    api: ApiSettings,
    call: Call,
    filtering: Filtering,
) -> Response:
    asked = body.parse(SpeechTranscribeRequest)
    model = asked.model or catalog.first(Capability.TRANSCRIBE)
    catalog.transcriber(model)
    sound = encoded_sound(asked.upload(), api, "input_audio")
    job = asked.to_job(await filtering.before(sound, asked.pre_processing_filters, call))

    async def write_down(model: str) -> Response:
        heard = _heard(job, model, catalog, call)
        whole = await while_client_waits(request, transcription.collect(heard))
        return JSONResponse(asked.from_result(whole, model, call.id).model_dump())

    return await with_fallback(catalog, model, write_down)


def _heard(
    job: Transcribe, model: str, catalog: Catalog, call: Call
) -> AsyncGenerator[Transcript, None]:
    return transcription.transcribe(job, catalog.transcriber(model), catalog.any_detector(), call)


async def _answer(
    job: Transcribe, asked: TranslationForm, request: Request, catalog: Catalog, call: Call
) -> Response:
    async def write_down(model: str) -> Response:
        heard = _heard(job, model, catalog, call)
        if isinstance(asked, TranscriptionForm) and asked.stream:
            begins = await while_client_waits(request, begun(heard))
            return StreamingResponse(transcripts.events(begins), media_type="text/event-stream")
        whole = await while_client_waits(request, transcription.collect(heard))
        return _written(whole, asked, "translate" if job.translate else "transcribe")

    return await with_fallback(catalog, asked.model, write_down)


def _written(whole: Transcript, asked: TranslationForm, task: str) -> Response:
    if asked.response_format in transcripts.PLAIN:
        return transcripts.PLAIN[asked.response_format](whole)
    granularities = (
        asked.timestamp_granularities if isinstance(asked, TranscriptionForm) else ["segment"]
    )
    return JSONResponse(transcripts.verbose(whole, task, granularities))


async def _answer_with_speakers(
    job: Transcribe,
    asked: TranscriptionForm,
    request: Request,
    catalog: Catalog,
    call: Call,
    tell: transcripts.TellsSpeakers,
) -> Response:
    async def write_down(model: str) -> Response:
        heard = _heard(job, model, catalog, call)
        if asked.stream:
            begins = await while_client_waits(request, begun(heard))
            events = transcripts.events(begins, tell)
            return StreamingResponse(events, media_type="text/event-stream")
        whole = await while_client_waits(request, transcription.collect(heard))
        turns = await while_client_waits(request, tell(whole))
        return JSONResponse(transcripts.diarized(whole, turns))

    return await with_fallback(catalog, asked.model, write_down)


def _check(asked: TranscriptionForm, catalog: Catalog) -> None:
    """Refuse what no configured model could do, by name."""
    if asked.include:
        raise InvalidInput(
            "'include': logprobs are not available from the configured models.", param="include"
        )
    known = asked.known_speaker_names or asked.known_speaker_references
    param = "known_speaker_names" if known else "response_format"
    if (asked.diarized or known) and not catalog.able_to(Capability.EMBED):
        raise InvalidInput(
            "Telling speakers apart needs a speaker encoder, and none is configured: add an entry "
            "to model_configs whose model_type can embed voices.",
            param=param,
        )
    if known and not asked.diarized:
        raise InvalidInput(
            "'known_speaker_names' needs response_format diarized_json.", param=param
        )
    if (
        "timestamp_granularities" in asked.model_fields_set
        and asked.response_format != "verbose_json"
    ):
        raise InvalidInput(
            "'timestamp_granularities' needs response_format verbose_json.",
            param="timestamp_granularities",
        )


async def _codes(catalog: Catalog, model: str, languages: list[Any]) -> tuple[str, ...]:
    wanted = [language for language in languages if language]
    if not wanted:
        return ()
    spoken = (await catalog.transcriber(model).card()).languages
    return tuple(code_of(language, spoken) for language in wanted)


def prompt_with(keywords: Sequence[str], prompt: str | None) -> str | None:
    """Whisper hears what it was told before: keywords go ahead of the prompt."""
    return ". ".join(filter(None, [", ".join(keywords), prompt])) or None


def _chunking(strategy: Literal["auto"] | ServerVad | None, sound: Sound) -> Detect | None:
    if not isinstance(strategy, ServerVad):
        return None
    return Detect(
        sound,
        threshold=strategy.threshold,
        padding_before=strategy.prefix_padding_ms / 1000,
        min_silence=strategy.silence_duration_ms / 1000,
    )
