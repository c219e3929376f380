"""Restoration as Harmony Speech Engine asks for it, as audio conversion: sound in base64 both ways."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from starlette.datastructures import UploadFile

from api.engine.conversion import ChangedSound
from api.engine.wire import Answered
from api.json_body import JsonBody


class AudioConversionRequest(ChangedSound):
    """A recording that shall be as it may have been. `mode` is ours, as are the filters."""

    mode: int = Field(0, ge=0, le=100)

    keep_alive: ClassVar[float | None] = None
    stream: ClassVar[bool] = False

    @property
    def sound(self) -> UploadFile | None:
        return self.source_audio


class AudioConversionResponse(Answered):
    """`data` is the file in base64."""

    data: str


def asks(body: JsonBody) -> bool:
    """Whether a body means this dialect: it has no word for what our answer shall be."""
    return not body.has("response_format", "stream", "sample_rate", "seed", "keep_alive")
