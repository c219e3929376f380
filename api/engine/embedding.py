"""A speaker's embedding as Harmony Speech Engine asks for it: sound in base64, a file in base64 back."""

from __future__ import annotations

from starlette.datastructures import UploadFile

from api.engine.wire import Answered, Asked
from api.filter_steps import FiltersBefore
from api.json_body import EncodedFile
from api.speech_data import SpeechData, SpeechFinding
from api.voice_file import in_base64
from errors import InvalidInput
from pipelines.voice_memory import Heard


class EmbedSpeakerRequest(FiltersBefore, Asked):
    """A recording of a voice. Its `input_vad_…` are ours; the engine has them for speech."""

    input_audio: EncodedFile = None
    input_vad_mode: SpeechFinding = None
    input_vad_data: SpeechData = None

    def upload(self) -> UploadFile:
        if self.input_audio is None:
            raise InvalidInput("Missing required parameter: 'input_audio'.", param="input_audio")
        return self.input_audio

    def from_result(self, heard: Heard, model: str, request_id: str) -> EmbedSpeakerResponse:
        return EmbedSpeakerResponse(id=request_id, model=model, data=in_base64(heard.voice, model))


class EmbedSpeakerResponse(Answered):
    """`data` is a safetensors file, for `input_embedding` and `target_embedding`."""

    data: str
