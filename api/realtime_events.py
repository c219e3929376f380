"""What travels over a realtime socket: OpenAI's events, as its SDKs of today (GA) know them."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from api import errors
from api.realtime_session import Session
from audio import Audio, decode_a_law, decode_mu_law
from errors import InvalidInput, SpeechError, TooLarge
from pipelines import dictation, listening
from pipelines.listening import News

MAX_AUDIO_BYTES = 15 * 1024**2  # of one append, decoded; as at OpenAI
MAX_ID = 512  # characters
PCM_RATE = 24000
TRANSCRIPTION = "conversation.item.input_audio_transcription"


# From clients


def read(message: str) -> dict[str, Any]:
    """The event in a message; who sent it and what it wants is not looked at yet."""
    try:
        event = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The event is not valid JSON.", code="invalid_json") from error
    if not isinstance(event, dict):
        raise InvalidInput("An event is a JSON object.", code="invalid_json")
    return event


def id_of(event: Mapping[str, Any]) -> str | None:
    """The client's own id of its event, which errors name."""
    given = event.get("event_id")
    return given if isinstance(given, str) and len(given) <= MAX_ID else None


def check(event: Mapping[str, Any], *fields: str) -> None:
    """That an event carries these fields, and no others."""
    if event.get("event_id") is not None and id_of(event) is None:
        raise InvalidInput(
            f"Invalid 'event_id': it must be a string of at most {MAX_ID} characters.",
            param="event_id",
        )
    for field in fields:
        if field not in event:
            raise InvalidInput(f"Missing required parameter: '{field}'.", param=field)
    for field in event.keys() - {"type", "event_id", *fields}:
        raise InvalidInput(f"Unknown parameter: '{field}'.", param=field, code="unknown_parameter")


def sound_of(event: Mapping[str, Any], session: Session) -> Audio:
    """The sound that an append carries, in the session's format."""
    encoded = event["audio"]
    if not isinstance(encoded, str):
        raise InvalidInput("Invalid 'audio': it must be a string.", param="audio")
    if len(encoded) > -(-MAX_AUDIO_BYTES // 3) * 4:
        raise TooLarge(
            f"'audio' holds more than {MAX_AUDIO_BYTES} bytes; send it in several events.",
            param="audio",
        )
    try:
        decoded = b64decode(encoded, validate=True)
    except ValueError as error:
        raise InvalidInput("Invalid 'audio': it is not base64.", param="audio") from error
    try:
        return DECODERS[session.audio.input.format.type](decoded)
    except ValueError as error:
        raise InvalidInput(f"Invalid 'audio': {error}.", param="audio") from error


def _pcm(encoded: bytes) -> Audio:
    if len(encoded) % 2:
        raise ValueError("audio/pcm has two bytes a sample, and these are an odd number")
    samples = np.frombuffer(encoded, dtype="<i2").astype(np.float32) / np.float32(32768)
    return Audio(samples, PCM_RATE)


DECODERS: Mapping[str, Callable[[bytes], Audio]] = {
    "audio/pcm": _pcm,
    "audio/pcmu": decode_mu_law,
    "audio/pcma": decode_a_law,
}


# To clients


def error(failure: SpeechError, cause: str | None = None) -> dict[str, Any]:
    """A failure; `cause` is the client's id of the event that led to it."""
    return {"type": "error", "error": {**errors.body(failure)["error"], "event_id": cause}}


def session(kind: str, session_id: str, session: Session) -> dict[str, Any]:
    """`session.created` and `session.updated`, with everything that is in effect."""
    return {
        "type": kind,
        "session": {
            "id": session_id,
            "object": "realtime.transcription_session",
            **session.model_dump(),
        },
    }


def told(news: News) -> list[dict[str, Any]]:
    """What the listener has to tell, as events."""
    match news:
        case listening.Started(item, at):
            return [_event("input_audio_buffer.speech_started", item, audio_start_ms=_ms(at))]
        case listening.Stopped(item, at):
            return [_event("input_audio_buffer.speech_stopped", item, audio_end_ms=_ms(at))]
        case listening.Quiet(item, start, end):
            span = {"audio_start_ms": _ms(start), "audio_end_ms": _ms(end)}
            return [_event("input_audio_buffer.timeout_triggered", item, **span)]
        case listening.Committed(item, previous):
            return _committed(item, previous)
        case dictation.Said(item, words):
            return [_event(f"{TRANSCRIPTION}.delta", item, content_index=0, delta=words)]
        case dictation.Written(item, text, seconds):
            usage = {"type": "duration", "seconds": round(seconds, 3)}
            return [
                _event(
                    f"{TRANSCRIPTION}.completed",
                    item,
                    content_index=0,
                    transcript=text,
                    usage=usage,
                )
            ]
        case dictation.Unwritten(item, failure):
            failed = errors.body(failure)["error"]
            return [_event(f"{TRANSCRIPTION}.failed", item, content_index=0, error=failed)]


def _committed(item: str, previous: str | None) -> list[dict[str, Any]]:
    message = {
        "id": item,
        "object": "realtime.item",
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": None}],
    }
    return [
        _event("input_audio_buffer.committed", item, previous_item_id=previous),
        {"type": "conversation.item.added", "previous_item_id": previous, "item": message},
        {"type": "conversation.item.done", "previous_item_id": previous, "item": message},
    ]


def _event(kind: str, item: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "item_id": item, **fields}


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
