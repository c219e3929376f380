"""What a client can set of a realtime session, checked as strictly as a configuration.

A `session.update` is a JSON merge patch: what it names changes, what it leaves out stays, and null means
the default where it has no meaning of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from api import errors
from errors import InvalidInput

CLIENT_EVENTS = (
    "session.update",
    "input_audio_buffer.append",
    "input_audio_buffer.commit",
    "input_audio_buffer.clear",
)
# Those of conversations: refused for what they are, not as unknown.
CONVERSATION_EVENTS = (
    "conversation.item.create",
    "conversation.item.delete",
    "conversation.item.retrieve",
    "conversation.item.truncate",
    "output_audio_buffer.clear",
    "response.cancel",
    "response.create",
)
NO_CONVERSATION = (
    "There is no language model here, so there are no conversations and no responses: only sessions "
    f"of type 'transcription', with the events {', '.join(CLIENT_EVENTS)}."
)


Text = Annotated[str, StringConstraints(max_length=4096)]
Term = Annotated[str, StringConstraints(max_length=256)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    # What may be null; elsewhere null means the default.
    nullable: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {k: v for k, v in given.items() if v is not None or k in cls.nullable}


class Pcm(_Strict):
    """16-bit little-endian samples."""

    type: Literal["audio/pcm"]
    rate: Literal[24000] = 24000


class MuLaw(_Strict):
    type: Literal["audio/pcmu"]


class ALaw(_Strict):
    type: Literal["audio/pcma"]


class Transcription(_Strict):
    model: Term
    language: Term | None = None
    languages: list[Term] = Field([], max_length=100)
    keywords: list[Term] = Field([], max_length=100)
    prompt: Text | None = None

    nullable = frozenset({"language", "prompt"})


class ServerVad(_Strict):
    """`create_response` and `interrupt_response` are about responses, of which there are none."""

    type: Literal["server_vad"]
    threshold: float = Field(0.5, ge=0, le=1)
    prefix_padding_ms: int = Field(300, ge=0, le=10_000)
    silence_duration_ms: int = Field(500, ge=100, le=10_000)
    idle_timeout_ms: int | None = Field(None, ge=5_000, le=30_000)
    create_response: bool = True
    interrupt_response: bool = True

    nullable = frozenset({"idle_timeout_ms"})


class AudioInput(_Strict):
    format: Annotated[Pcm | MuLaw | ALaw, Field(discriminator="type")] = Pcm(type="audio/pcm")
    transcription: Transcription
    noise_reduction: None = None
    turn_detection: ServerVad | None = None

    nullable = frozenset({"transcription", "noise_reduction", "turn_detection"})

    @field_validator("noise_reduction", mode="before")
    @classmethod
    def _no_noise_reduction(cls, value: Any) -> Any:
        if value is not None:
            raise ValueError("the noise of live sound is not reduced here; send null")
        return value

    @field_validator("turn_detection", mode="before")
    @classmethod
    def _no_semantic_vad(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("type") == "semantic_vad":
            raise ValueError(
                "no model here knows from the words when a turn ends; send server_vad or null"
            )
        return value


class SessionAudio(_Strict):
    input: AudioInput


class Session(_Strict):
    """A transcription session: everything that a client may set."""

    type: Literal["transcription"]
    audio: SessionAudio
    include: list[str] = []

    @field_validator("type", mode="before")
    @classmethod
    def _no_conversation(cls, value: Any) -> Any:
        if value == "realtime":
            raise ValueError(NO_CONVERSATION)
        return value

    @field_validator("include")
    @classmethod
    def _no_logprobs(cls, value: list[str]) -> list[str]:
        if value:
            raise ValueError("log-probabilities are not available from the configured models")
        return value

    def updated(self, change: Any) -> Session:
        """This session with a client's change; what does not fit names its place."""
        if not isinstance(change, dict):
            raise InvalidInput("Missing required parameter: 'session'.", param="session")
        if "type" not in change:
            raise InvalidInput("Missing required parameter: 'session.type'.", param="session.type")
        try:
            return Session.model_validate(_merged(self.model_dump(), change))
        except ValidationError as error:
            problems = [{**p, "loc": ("session", *p["loc"])} for p in error.errors()]
            raise errors.from_validation(problems) from error


def _merged(current: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(current)
    for key, value in change.items():
        before = current.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            # A thing of another type has nothing to do with the one before.
            same = value.get("type", before.get("type")) == before.get("type")
            value = _merged(before if same else {}, value)
        merged[key] = value
    return merged
