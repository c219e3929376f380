"""POST /v1/audio/speech, as OpenAI has it; what we add is said in the schema."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Literal, Self

import attrs
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from api import errors
from api.accept import prefers_json
from api.cloned_voice import ClonedVoice
from api.documented import answers, documented, reference
from api.engine import speech as engine
from api.engine.speech import TextToSpeechRequest, TextToSpeechResponse
from api.fallback import options_or_default, voice_or_default
from api.files import encoded, sealed
from api.filter_steps import FiltersAfter
from api.filtering import UsingFilters
from api.json_body import UsingJson
from api.languages import spoken_tag
from api.request import (
    KeepAlive,
    KnobValues,
    Seed,
    UsingApi,
    UsingCall,
    UsingCatalog,
    text_within_limit,
    while_client_waits,
)
from api.spoken import spoken
from audio import FORMATS, Audio
from catalog import Catalog
from errors import SpeechError
from pipelines.flow import begun
from settings import ApiSettings
from tasks import Speak

router = APIRouter(tags=["speech"])

AudioFormat = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
CHARACTERS_PER_TOKEN = 4  # for `usage`: OpenAI counts tokens of its own models, we estimate
OUTPUT_TOKENS_PER_SECOND = 20


class CustomVoice(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str


class SpeechRequest(ClonedVoice, FiltersAfter):
    """What to say and how. Fields that OpenAI does not have are marked as ours."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(
        description="A configured model, an alias or a toolchain: see GET /v1/models."
    )
    input: str = Field(min_length=1, description="The text.")
    voice: str | CustomVoice | None = Field(
        None,
        description="A voice of the model, or OpenAI's name for one. Ours: absent means its default.",
    )
    instructions: str | None = Field(
        None, max_length=4096, description="Accepted; models that follow instructions act on it."
    )
    response_format: AudioFormat = "mp3"
    speed: Annotated[float, Field(ge=0.25, le=4.0)] = 1.0
    stream_format: Literal["audio", "sse"] = "audio"
    language: str | None = Field(
        None, max_length=35, description="Ours: the language of the text, if not the voice's."
    )
    sample_rate: int | None = Field(
        None, ge=8000, le=48000, description="Ours: Hz of the answer, if not the model's own."
    )
    seed: Seed = None
    options: KnobValues = Field(default_factory=dict)
    keep_alive: KeepAlive = None

    @property
    def named_voice(self) -> str | None:
        return self.voice.id if isinstance(self.voice, CustomVoice) else self.voice

    async def spoken_by(self, model: str, catalog: Catalog) -> Self:
        """The same of another model."""
        voice = await voice_or_default(catalog, model, self.named_voice)
        options = await options_or_default(catalog, model, self.options)
        return self.model_copy(update={"voice": voice, "options": options})

    async def to_job(self, model: str, catalog: Catalog, api: ApiSettings) -> Speak:
        card = await catalog.card_of_speaker(model)
        voice = await catalog.voice(model, self.named_voice)
        return Speak(
            text=text_within_limit(self.input, api),
            voice=voice,
            language=spoken_tag(self.language, voice, card),
            speed=self.speed,
            seed=self.seed,
            options=await catalog.options(model, self.options),
        )


@router.post(
    "/v1/audio/speech",
    response_class=Response,
    openapi_extra=documented(SpeechRequest, TextToSpeechRequest),
    responses=answers(
        *(known.media_type for known in FORMATS.values()),
        "text/event-stream",
        json=reference(TextToSpeechResponse),
    ),
)
async def create_speech(
    body: UsingJson,
    request: Request,
    catalog: UsingCatalog,
    api: UsingApi,
    call: UsingCall,
    filtering: UsingFilters,
) -> Response:
    """Text to speech, sent as it is made, or whole in JSON as Harmony Speech Engine sends it."""
    in_json = prefers_json(request.headers.get("accept", ""))
    asked: SpeechRequest | TextToSpeechRequest
    if engine.asks(body, in_json):
        asked, in_json = body.parse(TextToSpeechRequest).resolved(catalog), True
    else:
        asked = body.parse(SpeechRequest)
        call = attrs.evolve(call, keep_alive=asked.keep_alive)

    async def answer(speech: AsyncGenerator[Audio, None], model: str) -> Response:
        audio_format, rate = asked.response_format, asked.sample_rate
        if in_json and asked.stream_format != "sse":
            file = await while_client_waits(request, sealed(speech, audio_format, rate))
            return engine.answer(file, model, call.id)
        sound = await while_client_waits(request, begun(speech))
        if isinstance(asked, SpeechRequest) and asked.stream_format == "sse":
            return StreamingResponse(_events(sound, asked), media_type="text/event-stream")
        return StreamingResponse(
            encoded(sound, audio_format, rate), media_type=FORMATS[audio_format].media_type
        )

    return await spoken(asked, catalog, api, call, answer, filtering=filtering)


async def _events(sound: AsyncIterator[Audio], body: SpeechRequest) -> AsyncGenerator[str, None]:
    seconds = 0.0

    async def measured() -> AsyncGenerator[Audio, None]:
        nonlocal seconds
        async with aclosing(sound) as parts:  # type: ignore[type-var]
            async for part in parts:
                seconds += part.duration
                yield part

    try:
        async for ready in encoded(measured(), body.response_format, body.sample_rate):
            yield _event("speech.audio.delta", audio=base64.b64encode(ready).decode())
    except SpeechError as error:
        yield f"data: {json.dumps(errors.body(error))}\n\n"
        return
    heard = -(-len(body.input) // CHARACTERS_PER_TOKEN)
    said = round(seconds * OUTPUT_TOKENS_PER_SECOND)
    usage = {"input_tokens": heard, "output_tokens": said, "total_tokens": heard + said}
    yield _event("speech.audio.done", usage=usage)


def _event(kind: str, **fields: object) -> str:
    return f"data: {json.dumps({'type': kind, **fields})}\n\n"
