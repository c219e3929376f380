"""Sound that came with a request, as something a pipeline can read."""

from __future__ import annotations

from starlette.datastructures import UploadFile

from audio import DecodeLimits, EncodedSound
from settings import ApiSettings


def encoded_sound(file: UploadFile, api: ApiSettings, param: str = "file") -> EncodedSound:
    """An uploaded file; nothing is decoded until a pipeline reads it."""
    return EncodedSound(
        source=file.file,
        name=file.filename,
        limits=DecodeLimits(
            max_seconds=api.limits.max_audio_seconds, max_bytes=api.limits.max_upload_bytes
        ),
        param=param,
    )
