"""The fields of speech in somebody else's voice: whose it is, and what it is converted with."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from api.filter_steps import BEFORE, FiltersBefore
from api.json_body import EncodedFile
from api.speech_data import SpeechData, SpeechFinding
from api.voice_file import VoiceFile
from api.wanted_voice import wanted_voice
from catalog import Catalog
from errors import InvalidInput
from settings import ApiSettings
from tasks import Capability, Embedding, Reference

RECORDED = ("input_vad_mode", "input_vad_data")  # what is said of a recording


class ClonedVoice(FiltersBefore):
    input_audio: EncodedFile = Field(
        None, description="Ours: a recording of the voice to speak with, in base64."
    )
    input_embedding: VoiceFile = Field(
        None, description="Ours: that voice as POST /v1/audio/embeddings gives it."
    )
    input_vad_mode: SpeechFinding = None
    input_vad_data: SpeechData = None
    converter: Annotated[
        str | None, BeforeValidator(lambda value: None if value == "" else value)
    ] = Field(
        None,
        description="Ours: the model or toolchain that converts to that voice; a toolchain has its own.",
    )

    @property
    def clones(self) -> bool:
        return bool(self.names_a_voice)

    @property
    def names_a_voice(self) -> str:
        """The field that names the voice of somebody, if one does."""
        fields = ("input_audio", "input_embedding")
        return next((field for field in fields if getattr(self, field) is not None), "")

    def wanted(self, api: ApiSettings) -> Reference | Embedding | None:
        """The voice to speak with; None: one of the model's own."""
        self._check_filters()
        if self.clones:
            return wanted_voice(self.input_audio, self.input_embedding, self, api)
        for field in (*RECORDED, "converter"):
            if getattr(self, field) is not None:
                raise InvalidInput(
                    f"'{field}' is about the voice of a recording: send 'input_audio' or "
                    "'input_embedding' with it, or leave it out.",
                    param=field,
                )
        return None

    def spoken_in(self, api: ApiSettings) -> Reference | Embedding:
        """The voice to speak in, for what has none of its own and converts none."""
        if self.converter is not None:
            raise InvalidInput(
                "This model speaks in the wanted voice at once: leave 'converter' out.",
                param="converter",
            )
        self._check_filters()
        return wanted_voice(self.input_audio, self.input_embedding, self, api)

    def _check_filters(self) -> None:
        if self.pre_processing_filters and self.input_audio is None:
            raise InvalidInput(
                f"'{BEFORE}' are for the sound of a request: send 'input_audio' with them.",
                param=BEFORE,
            )

    def converts_with(self, model: str, catalog: Catalog) -> str:
        """The configured converter for speech of a model or a toolchain."""
        if self.converter is not None:
            return catalog.converting(self.converter, "converter")
        if model in catalog.toolchains(Capability.SPEAK):
            return catalog.converting(model)
        able = ", ".join(catalog.able_names(Capability.CONVERT)) or "none of those configured"
        raise InvalidInput(
            f"'{model}' speaks with its own voices. To hear '{self.names_a_voice}' name in 'converter' "
            f"what shall convert them: {able}.",
            param="converter",
        )
