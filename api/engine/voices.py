"""What needs a model that knows voices, and what is answered while none is configured.

Conversion of voices, and speech in the voice of a recording. The listings of such models are empty, and
asking for their work says which kind of model is missing.
"""

from __future__ import annotations

from fastapi import APIRouter

from api.engine.listings import ModelList
from errors import InvalidInput, NotFound

router = APIRouter(tags=["voices"])


@router.get("/v1/voice/convert/models")
async def voice_models() -> ModelList:
    """Models that convert voices."""
    return ModelList(data=[])


@router.post("/v1/voice/convert")
async def convert_voice() -> None:
    """A recording in another voice."""
    raise _missing("converts voices")


def cannot_clone(field: str) -> InvalidInput:
    return InvalidInput(
        f"'{field}' asks for the voice of a recording. Configured models that clone voices: none. "
        "Leave it out (mode single_speaker_tts), or add such a model to model_configs.",
        param=field,
    )


def _missing(does: str) -> NotFound:
    return NotFound(
        f"No configured model {does}: add one that does to model_configs.", code="model_not_found"
    )
