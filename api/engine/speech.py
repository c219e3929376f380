"""Text to speech as Harmony Speech Engine asks for it, and its answer: JSON with the file in it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from typing import IO, Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from api.cloned_voice import ClonedVoice
from api.engine.wire import Answered, Asked, OrZero, Text, only
from api.fallback import options_or_default, voice_or_default
from api.filter_steps import FiltersAfter
from api.json_body import JsonBody
from api.languages import spoken_tag
from api.request import KnobValues, Seed, text_within_limit
from catalog import Catalog
from errors import InvalidInput
from settings import ApiSettings
from tasks import Capability, Embedding, Reference, Speak

AudioFormat = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]

PIECE = 3 << 16  # bytes of a file that are written in base64 at once; a multiple of three

SINGLE, CLONING = "single_speaker_tts", "voice_cloning"
STYLES = (
    "no model has styles by numbers: those that have any offer them as voices, which GET /v1/models "
    "lists and 'voice' takes"
)
NO_MELODY = "a conversion keeps the melody of its source; leave it out, or send 1"
MELODY = ("pitch", "energy")  # knobs of some models, for which the engine has fields
WHOLE_ONLY = (
    "this answer comes whole; to hear speech while it is made, send OpenAI's fields "
    "(response_format, and stream_format if events are wanted)"
)


def _format(value: Any) -> Any:
    return (value.lower() or "wav") if isinstance(value, str) else "wav" if value is None else value


class GenerationOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seed: Seed = None
    style: Annotated[int | None, only(None, 0, because=STYLES)] = None
    speed: Annotated[float | None, Field(ge=0.25, le=4.0), OrZero] = None


class SpeakingOptions(GenerationOptions):
    pitch: Annotated[float | None, Field(allow_inf_nan=False), OrZero] = None
    energy: Annotated[float | None, Field(allow_inf_nan=False), OrZero] = None
    options: KnobValues = Field(default_factory=dict)

    @property
    def melody(self) -> dict[str, float]:
        """Factors that change something; 1 is what every model does."""
        asked = {name: getattr(self, name) for name in MELODY}
        return {name: value for name, value in asked.items() if value not in (None, 1)}

    async def knobs(self, model: str, catalog: Catalog) -> dict[str, float]:
        """What a model takes of all that is asked, checked."""
        place = "generation_options"
        for name in MELODY:
            if getattr(self, name) is not None and name in self.options:
                raise InvalidInput(
                    f"'{place}.{name}' and '{place}.options.{name}' are the same: send one of them.",
                    param=f"{place}.{name}",
                )
        own = await catalog.options(model, self.options, f"{place}.options")
        return {**own, **await catalog.options(model, self.melody, place)}

    async def spoken_by(self, model: str, catalog: Catalog) -> Self:
        """The same without what another model cannot do."""
        own = await options_or_default(catalog, model, self.options)
        melody = await options_or_default(catalog, model, self.melody)
        return self.model_copy(
            update={"options": own, **{name: melody.get(name) for name in MELODY}}
        )


class AudioOutputOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Annotated[AudioFormat, BeforeValidator(_format)] = "wav"
    sample_rate: Annotated[int | None, Field(ge=8000, le=48000), OrZero] = None
    stream: Annotated[bool | None, only(None, False, because=WHOLE_ONLY)] = None


class TextToSpeechRequest(ClonedVoice, FiltersAfter, Asked):
    """What to say and how."""

    input: str = Field(min_length=1, description="The text.")
    mode: Literal["", "single_speaker_tts", "voice_cloning"] = Field(
        "", description="Empty: voice_cloning if there is a voice to clone."
    )
    language: Text = Field(None, max_length=35)
    voice: Text = None
    generation_options: SpeakingOptions | None = None
    output_options: AudioOutputOptions | None = None

    stream_format: ClassVar[str] = "audio"

    def resolved(self, catalog: Catalog) -> Self:
        """The same with a model that can do it, where none is named."""
        if self.model:
            return self
        toolchains = catalog.toolchains(Capability.SPEAK)
        alone = catalog.able_to(Capability.SPEAK)
        # Only a toolchain knows by itself how to come by a voice.
        wanted = [*reversed(toolchains)] if self.clones and not self.converter else alone
        model = next(iter([*wanted, *alone, *toolchains]), None)
        return self.model_copy(update={"model": model or catalog.first(Capability.SPEAK)})

    @property
    def clones(self) -> bool:
        return self.mode == CLONING or (not self.mode and bool(self.names_a_voice))

    @property
    def named_voice(self) -> str | None:
        return self.voice

    @property
    def response_format(self) -> AudioFormat:
        return self.output_options.format if self.output_options else "wav"

    @property
    def sample_rate(self) -> int | None:
        return self.output_options.sample_rate if self.output_options else None

    async def spoken_by(self, model: str, catalog: Catalog) -> Self:
        """The same of another model."""
        own = self.generation_options or SpeakingOptions()
        return self.model_copy(
            update={
                "voice": await voice_or_default(catalog, model, self.voice),
                "generation_options": await own.spoken_by(model, catalog),
            }
        )

    async def to_job(self, model: str, catalog: Catalog, api: ApiSettings) -> Speak:
        card = await catalog.card_of_speaker(model)
        voice = await catalog.voice(model, self.voice)
        options = self.generation_options or SpeakingOptions()
        return Speak(
            text=text_within_limit(self.input, api),
            voice=voice,
            language=spoken_tag(self.language, voice, card),
            speed=options.speed or 1.0,
            seed=options.seed,
            options=await options.knobs(model, catalog),
        )

    def wanted(self, api: ApiSettings) -> Reference | Embedding | None:
        if self.mode == SINGLE and self.names_a_voice:
            raise InvalidInput(
                f"'mode' {SINGLE} speaks with the model's own voice: leave '{self.names_a_voice}' "
                f"out, or send {CLONING}.",
                param="mode",
            )
        return super().wanted(api)


class TextToSpeechResponse(Answered):
    """`data` is the file in base64."""

    data: str


def asks(body: JsonBody, accepts_json: bool) -> bool:
    """Whether a body means this dialect: response_format is OpenAI's word and never this one's."""
    return not body.has("response_format") and (accepts_json or body.has("mode", "output_options"))


def answer(file: IO[bytes], model: str, request_id: str) -> Response:
    """The file in JSON, written as it is read: hours of speech fill no memory."""
    size = file.seek(0, 2)
    file.seek(0)
    whole = TextToSpeechResponse(id=request_id, model=model, data="").model_dump()
    head = json.dumps(whole).removesuffix('"}').encode()
    length = len(head) + (size + 2) // 3 * 4 + len(b'"}')
    return StreamingResponse(
        _written(head, file),
        media_type="application/json",
        headers={"content-length": str(length)},
    )


async def _written(head: bytes, file: IO[bytes]) -> AsyncGenerator[bytes, None]:
    with file:
        yield head
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield base64.b64encode(piece)
        yield b'"}'
