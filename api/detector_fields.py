"""The knobs of voice activity detection, with the names that Silero's users know; None: the model decides."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from audio import Sound
from tasks import Detect


class DetectorFields(BaseModel):
    model_config = ConfigDict(extra="forbid")

    threshold: float | None = Field(None, ge=0, le=1)
    stop_threshold: float | None = Field(None, ge=0, le=1)
    min_speech_duration_ms: int | None = Field(None, ge=0, le=60_000)
    max_speech_duration_s: float | None = Field(None, ge=1, allow_inf_nan=False)
    min_silence_duration_ms: int | None = Field(None, ge=0, le=60_000)
    min_silence_at_max_speech_ms: int | None = Field(None, ge=0, le=60_000)
    speech_pad_ms: int | None = Field(None, ge=0, le=10_000)

    def to_job(self, sound: Sound) -> Detect:
        return Detect(
            sound,
            threshold=self.threshold,
            stop_threshold=self.stop_threshold,
            min_speech=_seconds(self.min_speech_duration_ms),
            max_speech=self.max_speech_duration_s,
            min_silence=_seconds(self.min_silence_duration_ms),
            min_silence_at_max_speech=_seconds(self.min_silence_at_max_speech_ms),
            padding_before=_seconds(self.speech_pad_ms),
            padding_after=_seconds(self.speech_pad_ms),
        )


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000
