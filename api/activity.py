"""POST /v1/audio/vad: where in a sound somebody speaks."""

from __future__ import annotations

import time
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from api.forms import UsingForm, documented, parse_form, upload
from api.request import UsingApi, UsingCall, UsingCatalog, while_client_waits
from api.sound import encoded_sound
from audio import Sound
from pipelines import vad
from tasks import Activity, Capability, Detect

router = APIRouter(tags=["voice activity"])


class ActivityForm(BaseModel):
    """The fields beside `file`; None means that the model decides."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = None  # absent: the first detector that is configured
    threshold: float | None = Field(None, ge=0, le=1)
    stop_threshold: float | None = Field(None, ge=0, le=1)
    min_speech_duration_ms: int | None = Field(None, ge=0, le=60_000)
    max_speech_duration_s: float | None = Field(None, ge=1, allow_inf_nan=False)
    min_silence_duration_ms: int | None = Field(None, ge=0, le=60_000)
    min_silence_at_max_speech_ms: int | None = Field(None, ge=0, le=60_000)
    speech_pad_ms: int | None = Field(None, ge=0, le=10_000)
    unit: Literal["seconds", "samples"] = "seconds"
    sample_rate: int = Field(16000, ge=1, le=768_000)  # of the samples that are counted

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

    def from_result(self, activity: Activity, model: str, request_id: str) -> dict[str, Any]:
        def timed(seconds: float) -> float | int:
            return (
                round(seconds * self.sample_rate) if self.unit == "samples" else round(seconds, 3)
            )

        return {
            "id": request_id,
            "created": int(time.time()),
            "model": model,
            "speech_activity": bool(activity.spans),
            "timestamps": [{"start": timed(s.start), "end": timed(s.end)} for s in activity.spans],
            "duration": timed(activity.duration),
            "unit": self.unit,
        }


@router.post("/v1/audio/vad", openapi_extra=documented(ActivityForm))
async def detect_voice_activity(
    request: Request, form: UsingForm, catalog: UsingCatalog, api: UsingApi, call: UsingCall
) -> dict[str, Any]:
    """Stretches of speech, in seconds or samples."""
    asked = parse_form(form, ActivityForm)
    job = asked.to_job(encoded_sound(upload(form), api))
    model = asked.model or catalog.first(Capability.DETECT)
    detector = catalog.detector(model)
    activity = await while_client_waits(request, vad.detect(job, detector, call))
    return asked.from_result(activity, model, call.id)


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000
