"""Restoration as Harmony Speech Engine asks for it, as audio conversion: sound in base64 both ways."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from starlette.datastructures import UploadFile

from api.engine.conversion import ConversionOptions
from api.engine.speech import AudioFormat, AudioOutputOptions
from api.engine.wire import Answered, Asked
from api.filter_steps import FiltersAfter, FiltersBefore
from api.json_body import EncodedFile, JsonBody


class AudioConversionRequest(FiltersBefore, FiltersAfter, Asked):
    """A recording that shall be as it may have been. `mode` is ours, as are the filters."""

    source_audio: EncodedFile = None
    mode: int = Field(0, ge=0, le=100)
    generation_options: ConversionOptions | None = None
    output_options: AudioOutputOptions | None = None

    keep_alive: ClassVar[float | None] = None
    stream: ClassVar[bool] = False

    @property
    def sound(self) -> UploadFile | None:
        return self.source_audio

    @property
    def seed(self) -> int | None:
        return self.generation_options.seed if self.generation_options else None

    @property
    def response_format(self) -> AudioFormat:
        return self.output_options.format if self.output_options else "wav"

    @property
    def sample_rate(self) -> int | None:
        return self.output_options.sample_rate if self.output_options else None


class AudioConversionResponse(Answered):
    """`data` is the file in base64."""

    data: str


def asks(body: JsonBody) -> bool:
    """Whether a body means this dialect: it has no word for what our answer shall be."""
    return not body.has("response_format", "stream", "sample_rate", "seed", "keep_alive")
