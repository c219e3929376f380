"""Conversion of voices as Harmony Speech Engine asks for it: sounds in base64, JSON with the file back."""

from __future__ import annotations

from typing import Annotated

from starlette.datastructures import UploadFile

from api.engine.speech import NO_MELODY, AudioFormat, AudioOutputOptions, GenerationOptions
from api.engine.wire import Answered, Asked, OrZero, only
from api.filter_steps import FiltersAfter, FiltersBefore
from api.json_body import EncodedFile, JsonBody
from api.voice_file import VoiceFile
from tasks import Embedding

SPEED = "a recording is converted at its own speed; leave it out, or send 1"


class ConversionOptions(GenerationOptions):
    speed: Annotated[float | None, only(None, 1, because=SPEED), OrZero] = None
    pitch: Annotated[float | None, only(None, 0, 1, because=NO_MELODY)] = None
    energy: Annotated[float | None, only(None, 0, 1, because=NO_MELODY)] = None


class ChangedSound(FiltersBefore, FiltersAfter, Asked):
    """A recording that shall be heard otherwise, and how it shall be sent."""

    source_audio: EncodedFile = None
    generation_options: ConversionOptions | None = None
    output_options: AudioOutputOptions | None = None

    @property
    def seed(self) -> int | None:
        return self.generation_options.seed if self.generation_options else None

    @property
    def response_format(self) -> AudioFormat:
        return self.output_options.format if self.output_options else "wav"

    @property
    def sample_rate(self) -> int | None:
        return self.output_options.sample_rate if self.output_options else None


class VoiceConversionRequest(ChangedSound):
    """A recording, and whose voice it shall have."""

    target_audio: EncodedFile = None
    target_embedding: VoiceFile = None

    @property
    def files(self) -> tuple[UploadFile | None, UploadFile | None]:
        return self.source_audio, self.target_audio

    @property
    def source_embedding(self) -> Embedding | None:
        return None

    @property
    def tau(self) -> float | None:
        return None


class VoiceConversionResponse(Answered):
    """`data` is the file in base64."""

    data: str


def asks(body: JsonBody) -> bool:
    """Whether a body at the path that is ours means this dialect."""
    return not body.has("response_format") and body.has("output_options", "generation_options")
