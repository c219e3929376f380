"""Whose voice a request wants: a recording of it, or what was made of one before."""

from __future__ import annotations

from typing import Protocol

from starlette.datastructures import UploadFile

from api.sound import encoded_sound
from errors import InvalidInput
from settings import ApiSettings
from tasks import Embedding, Finding, Reference, Span


class FindsSpeech(Protocol):
    """The fields of a request that say where its recording speaks."""

    @property
    def input_vad_mode(self) -> Finding | None: ...
    @property
    def input_vad_data(self) -> tuple[Span, ...] | None: ...


def reference_of(
    audio: UploadFile, asked: FindsSpeech | None, api: ApiSettings, param: str = "input_audio"
) -> Reference:
    """A recording, with what the request says of the speech in it."""
    sound = encoded_sound(audio, api, param)
    if asked is None:
        return Reference(sound, param=param)
    finding = asked.input_vad_mode or Finding.DETECTOR
    return Reference(sound, finding, asked.input_vad_data, param)


def wanted_voice(
    audio: UploadFile | None,
    embedding: Embedding | None,
    asked: FindsSpeech | None,
    api: ApiSettings,
    prefix: str = "input",
) -> Reference | Embedding:
    """The voice that a request wants, by `input_audio` or `input_embedding`, or `target_…`."""
    recorded, embedded = f"{prefix}_audio", f"{prefix}_embedding"
    if audio is not None and embedding is not None:
        raise InvalidInput(
            f"'{recorded}' and '{embedded}' both name a voice: send one of them.", param=embedded
        )
    if audio is not None:
        return reference_of(audio, asked, api, recorded)
    if embedding is None:
        raise InvalidInput(
            f"Whose voice? Send '{recorded}', a recording of it, or '{embedded}', which "
            "POST /v1/audio/embeddings makes of one.",
            param=recorded,
        )
    for field in ("input_vad_mode", "input_vad_data"):
        if asked is not None and getattr(asked, field) is not None:
            raise InvalidInput(
                f"'{field}' is about a recording, and '{embedded}' is none.", param=field
            )
    return embedding
