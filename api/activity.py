"""POST /v1/audio/vad, also /v1/audio/voice-activity: where in a sound somebody speaks."""

from __future__ import annotations

import time
from typing import Literal

import attrs
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from api.detector_fields import DetectorFields
from api.documented import documented
from api.engine.hearing import DetectVoiceActivityRequest, DetectVoiceActivityResponse
from api.fallback import with_fallback
from api.filter_steps import FiltersBefore
from api.filtering import UsingFilters
from api.forms import UsingFormOrJson, parse_form, upload
from api.json_body import JsonBody
from api.request import KeepAlive, UsingApi, UsingCall, UsingCatalog, while_client_waits
from api.sound import encoded_sound
from pipelines import vad
from tasks import Activity, Capability

router = APIRouter(tags=["voice activity"])


class ActivityForm(FiltersBefore, DetectorFields):
    """The fields beside `file`."""

    model: str | None = None  # absent: the first detector that is configured
    unit: Literal["seconds", "samples"] = "seconds"
    sample_rate: int = Field(16000, ge=1, le=768_000)  # of the samples that are counted
    keep_alive: KeepAlive = None

    def from_result(self, activity: Activity, model: str, request_id: str) -> FoundActivity:
        def timed(seconds: float) -> float:
            return (
                round(seconds * self.sample_rate) if self.unit == "samples" else round(seconds, 3)
            )

        return FoundActivity(
            id=request_id,
            created=int(time.time()),
            model=model,
            speech_activity=bool(activity.spans),
            timestamps=[Stretch(start=timed(s.start), end=timed(s.end)) for s in activity.spans],
            duration=timed(activity.duration),
            unit=self.unit,
        )


class Stretch(BaseModel):
    start: int | float
    end: int | float


class FoundActivity(BaseModel):
    id: str
    created: int
    model: str
    speech_activity: bool
    timestamps: list[Stretch]
    duration: int | float
    unit: Literal["seconds", "samples"]


@router.post(
    "/v1/audio/vad",
    openapi_extra=documented(DetectVoiceActivityRequest, form=ActivityForm),
)
@router.post("/v1/audio/voice-activity", include_in_schema=False)
async def detect_voice_activity(
    request: Request,
    body: UsingFormOrJson,
    catalog: UsingCatalog,
    api: UsingApi,
    call: UsingCall,
    filtering: UsingFilters,
) -> FoundActivity | DetectVoiceActivityResponse:
    """Stretches of speech, in seconds or samples. A body in JSON is Harmony Speech Engine's."""
    asked: DetectVoiceActivityRequest | ActivityForm
    if isinstance(body, JsonBody):
        asked = body.parse(DetectVoiceActivityRequest)
        sound = encoded_sound(asked.upload(), api, "input_audio")
    else:
        asked = parse_form(body, ActivityForm)
        sound = encoded_sound(upload(body), api)
    model = asked.model or catalog.first(Capability.DETECT)
    catalog.detector(model)
    if isinstance(asked, ActivityForm):
        call = attrs.evolve(call, keep_alive=asked.keep_alive)
    heard = await filtering.before(sound, asked.pre_processing_filters, call)

    async def listen(model: str) -> FoundActivity | DetectVoiceActivityResponse:
        found = vad.detect(asked.to_job(heard), catalog.detector(model), call)
        return asked.from_result(await while_client_waits(request, found), model, call.id)

    return await with_fallback(catalog, model, listen)
