"""Text to speech as Harmony Speech Engine asks for it, and its answer: JSON with the file in it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from typing import IO, Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from api.engine.voices import cannot_clone
from api.engine.wire import Answered, Asked, OrZero, Text, only
from api.fallback import voice_or_default
from api.json_body import EncodedFile, JsonBody
from api.request import text_within_limit
from catalog import Catalog
from errors import InvalidInput
from settings import ApiSettings
from tasks import Capability, Card, Speak

AudioFormat = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]

# Tags in use there that are countries' rather than languages'.
COUNTRIES = {"jp": "ja", "kr": "ko", "cn": "zh"}
ANY_LANGUAGE = "default"  # what its listings call the language of a model that names none
PIECE = 3 << 16  # bytes of a file that are written in base64 at once; a multiple of three

NO_SEED = "no configured model takes a seed"
NO_STYLE = "no configured model has styles to choose from"
NO_MELODY = "no configured model changes it; leave it out, or send 1"
WHOLE_ONLY = (
    "this answer comes whole; to hear speech while it is made, send OpenAI's fields "
    "(response_format, and stream_format if events are wanted)"
)
NO_FILTERS = "no configured model converts or restores sound"


def _format(value: Any) -> Any:
    return (value.lower() or "wav") if isinstance(value, str) else "wav" if value is None else value


class GenerationOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seed: Annotated[int | None, only(None, because=NO_SEED)] = None
    style: Annotated[int | None, only(None, 0, because=NO_STYLE)] = None
    speed: Annotated[float | None, Field(ge=0.25, le=4.0), OrZero] = None
    pitch: Annotated[float | None, only(None, 0, 1, because=NO_MELODY)] = None
    energy: Annotated[float | None, only(None, 0, 1, because=NO_MELODY)] = None


class AudioOutputOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Annotated[AudioFormat, BeforeValidator(_format)] = "wav"
    sample_rate: Annotated[int | None, Field(ge=8000, le=48000), OrZero] = None
    stream: Annotated[bool | None, only(None, False, because=WHOLE_ONLY)] = None


class TextToSpeechRequest(Asked):
    """What to say and how."""

    input: str = Field(min_length=1, description="The text.")
    mode: Literal["", "single_speaker_tts", "voice_cloning"] = ""
    language: Text = Field(None, max_length=35)
    voice: Text = None
    input_audio: EncodedFile = None
    input_vad_mode: Text = None
    input_vad_data: Text = None
    input_embedding: Text = None
    generation_options: GenerationOptions | None = None
    output_options: AudioOutputOptions | None = None
    pre_processing_filters: Annotated[list[Any] | None, only(None, [], because=NO_FILTERS)] = None
    post_generation_filters: Annotated[list[Any] | None, only(None, [], because=NO_FILTERS)] = None

    stream_format: ClassVar[str] = "audio"

    def resolved(self, catalog: Catalog) -> Self:
        """The same with a model that can speak, where none is named."""
        return (
            self
            if self.model
            else self.model_copy(update={"model": catalog.first(Capability.SPEAK)})
        )

    @property
    def response_format(self) -> AudioFormat:
        return self.output_options.format if self.output_options else "wav"

    @property
    def sample_rate(self) -> int | None:
        return self.output_options.sample_rate if self.output_options else None

    async def spoken_by(self, model: str, catalog: Catalog) -> Self:
        """The same of another model."""
        voice = await voice_or_default(catalog, model, self.voice)
        return self.model_copy(update={"model": model, "voice": voice})

    async def to_job(self, catalog: Catalog, api: ApiSettings) -> Speak:
        self._check_reference()
        card = await catalog.synthesizer(self.model).card()
        voice = await catalog.voice(self.model, self.voice)
        return Speak(
            text=text_within_limit(self.input, api),
            voice=voice,
            language=_language(self.language, voice, card),
            speed=(self.generation_options and self.generation_options.speed) or 1.0,
        )

    def _check_reference(self) -> None:
        if self.mode == "voice_cloning":
            raise cannot_clone("mode")
        for field in ("input_audio", "input_embedding", "input_vad_data", "input_vad_mode"):
            if getattr(self, field) is not None:
                raise cannot_clone(field)


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


def _language(asked: str | None, voice: str | None, card: Card) -> str | None:
    """The model's own tag for `EN`, `en` or `en_us`: the voice's, if it speaks that language."""
    if asked is None or asked.lower() == ANY_LANGUAGE:
        return None
    given = asked.lower().replace("_", "-")
    wanted = COUNTRIES.get(given, given)
    spoken = [v.language for v in card.voices if v.name == (voice or card.default_voice)]
    offered = [*spoken, *card.languages]
    fits = [tag for tag in offered if wanted == tag.lower()]
    fits += [tag for tag in offered if wanted == tag.lower().partition("-")[0]]
    if not fits:
        known = ", ".join(card.languages)
        raise InvalidInput(
            f"Invalid language '{asked}': the model knows {known}.", param="language"
        )
    return fits[0]
