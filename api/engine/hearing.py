"""Transcription and voice activity as Harmony Speech Engine asks for them: sound in base64, JSON back."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from starlette.datastructures import UploadFile

from api.detector_fields import DetectorFields
from api.engine.wire import Answered, Asked
from api.filter_steps import FiltersBefore
from api.json_body import EncodedFile
from api.transcripts import segment_fields
from audio import Sound
from errors import InvalidInput
from tasks import Activity, Segment, Span, Transcribe, Transcript

SAMPLES_PER_SECOND = 16_000  # the engine's detector counts at this rate, whatever the file's own is


class _Recording(FiltersBefore, Asked):
    input_audio: EncodedFile = None

    def upload(self) -> UploadFile:
        if self.input_audio is None:
            raise InvalidInput("Missing required parameter: 'input_audio'.", param="input_audio")
        return self.input_audio


class SpeechTranscribeRequest(_Recording):
    """A recording to write down; null is false."""

    get_language: bool | None = False
    get_timestamps: bool | None = False

    def to_job(self, sound: Sound) -> Transcribe:
        return Transcribe(sound, words=bool(self.get_timestamps))

    def from_result(
        self, transcript: Transcript, model: str, request_id: str
    ) -> SpeechToTextResponse:
        timed = [_segment(i, s) for i, s in enumerate(transcript.segments, start=1)]
        return SpeechToTextResponse(
            id=request_id,
            model=model,
            text=transcript.text,
            language=transcript.language if self.get_language else None,
            timestamps=timed if self.get_timestamps else None,
        )


class SpeechToTextResponse(Answered):
    """`timestamps` are segments, each with its words."""

    text: str
    language: str | None
    timestamps: list[dict[str, Any]] | None


class DetectVoiceActivityRequest(DetectorFields, _Recording):
    """A recording to look for speech in."""

    get_timestamps: bool | None = False
    return_seconds: bool | None = Field(True, description="false: samples at 16 kHz.")

    def from_result(
        self, activity: Activity, model: str, request_id: str
    ) -> DetectVoiceActivityResponse:
        timed = [self._timed(span) for span in activity.spans]
        return DetectVoiceActivityResponse(
            id=request_id,
            model=model,
            speech_activity=bool(activity.spans),
            timestamps=timed if self.get_timestamps else None,
        )

    def _timed(self, span: Span) -> dict[str, float]:
        if self.return_seconds is False:
            start, end = span.start * SAMPLES_PER_SECOND, span.end * SAMPLES_PER_SECOND
            return {"start": round(start), "end": round(end)}
        return {"start": round(span.start, 3), "end": round(span.end, 3)}


class DetectVoiceActivityResponse(Answered):
    speech_activity: bool
    timestamps: list[dict[str, int | float]] | None


def _segment(number: int, segment: Segment) -> dict[str, Any]:
    """The engine passed faster-whisper's segments on; its word times were null, ours are there."""
    words = [
        {
            "start": round(word.start, 3),
            "end": round(word.end, 3),
            "word": word.text,
            "probability": word.probability,
        }
        for word in segment.words
    ]
    return {**segment_fields(number, segment), "words": words}
