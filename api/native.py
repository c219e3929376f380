"""BentoML's own endpoints for its Python clients: thin, on the same pipelines as the HTTP routes.

with bentoml.SyncHTTPClient("http://localhost:3000") as client:
    client.transcribe(file=Path("speech.wav"), model="whisper-1")
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import bentoml
from bentoml.exceptions import (
    BentoMLException,
    InternalServerError,
    InvalidArgument,
    NotFound,
    ServiceUnavailable,
)
from pydantic import ValidationError

from api.activity import ActivityForm, FoundActivity
from api.conversion import ConversionForm, filtered_sounds
from api.embeddings import EmbeddedVoices, EmbeddingForm
from api.errors import from_validation
from api.fallback import with_fallback
from api.files import encoded
from api.filter_steps import FiltersBefore
from api.filtering import Filtering
from api.languages import code_of
from api.restoration import RestorationForm, check_asked, mended
from api.speech import SpeechRequest
from api.spoken import spoken
from api.transcripts import verbose
from audio import Audio, DecodeLimits, EncodedSound
from catalog import Catalog
from errors import SpeechError
from observing import logs
from pipelines import transcription, vad
from pipelines.conversion import Conversion, convert
from pipelines.embedding import hear
from pipelines.flow import begun
from pipelines.restoration import restore
from settings import Settings
from tasks import Call, Capability, Reference, Transcribe, Transcript

Steps = list[dict[str, Any]]  # filters, as in the HTTP routes

# What BentoML answers with a status of its own; a body too large is a bad argument there.
NATIVE: dict[int, type[BentoMLException]] = {
    400: InvalidArgument,
    404: NotFound,
    413: InvalidArgument,
    503: ServiceUnavailable,
}


class NativeEndpoints:
    """The methods `speak`, `transcribe`, `detect`, `convert`, `embed`, `restore` of the public service."""

    catalog: Catalog
    settings: Settings

    @bentoml.api
    async def speak(
        self,
        text: str,
        model: str | None = None,
        voice: str | None = None,
        language: str | None = None,
        speed: float = 1.0,
        response_format: str = "wav",
        post_generation_filters: Steps | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """Text to speech: the bytes of one file, as they are made."""
        async with _native_errors():
            asked = SpeechRequest.model_validate(
                {
                    "model": model or self.catalog.first(Capability.SPEAK),
                    "input": text,
                    "voice": voice,
                    "language": language,
                    "speed": speed,
                    "response_format": response_format,
                    "post_generation_filters": post_generation_filters,
                }
            )
            call = self._call()

            async def answer(
                speech: AsyncGenerator[Audio, None], _: str
            ) -> AsyncGenerator[Audio, None]:
                return await begun(speech)

            with self._filtering() as filtering:
                sound = await spoken(
                    asked, self.catalog, self.settings.api, call, answer, filtering=filtering
                )
                async with aclosing(encoded(sound, asked.response_format, None)) as parts:
                    async for part in parts:
                        yield part

    @bentoml.api
    async def transcribe(
        self,
        file: Path,
        model: str | None = None,
        language: str | None = None,
        prompt: str | None = None,
        translate: bool = False,
        pre_processing_filters: Steps | None = None,
    ) -> dict[str, Any]:
        """Speech to text, with the times of its segments and words."""
        async with _native_errors():
            asked = FiltersBefore.model_validate({"pre_processing_filters": pre_processing_filters})
            model = model or self.catalog.first(Capability.TRANSCRIBE)
            spoken = (await self.catalog.transcriber(model).card()).languages
            file_sound = self._sound(file)
            job = Transcribe(
                sound=file_sound,
                language=code_of(language, spoken) if language else None,
                translate=translate,
                prompt=prompt,
                words=True,
            )
            call, detector = self._call(), self.catalog.any_detector()

            async def write_down(model: str) -> Transcript:
                transcriber = self.catalog.transcriber(model)
                return await transcription.collect(
                    transcription.transcribe(job, transcriber, detector, call)
                )

            with self._filtering() as filtering:
                heard = await filtering.before(file_sound, asked.pre_processing_filters, call)
                job = attrs.evolve(job, sound=heard)
                whole = await with_fallback(self.catalog, model, write_down)
            return verbose(whole, "translate" if translate else "transcribe", ["segment", "word"])

    @bentoml.api
    async def detect(
        self,
        file: Path,
        model: str | None = None,
        threshold: float | None = None,
        pre_processing_filters: Steps | None = None,
    ) -> dict[str, Any]:
        """Stretches of speech, in seconds."""
        async with _native_errors():
            asked = ActivityForm.model_validate(
                {
                    "model": model,
                    "threshold": threshold,
                    "pre_processing_filters": pre_processing_filters,
                }
            )
            model, call = model or self.catalog.first(Capability.DETECT), self._call()
            self.catalog.detector(model)

            async def listen(model: str) -> FoundActivity:
                job = asked.to_job(heard)
                activity = await vad.detect(job, self.catalog.detector(model), call)
                return asked.from_result(activity, model, call.id)

            with self._filtering() as filtering:
                steps = asked.pre_processing_filters
                heard = await filtering.before(self._sound(file), steps, call)
                return (await with_fallback(self.catalog, model, listen)).model_dump()

    @bentoml.api
    async def convert(
        self,
        source: Path,
        target: Path,
        model: str | None = None,
        seed: int | None = None,
        response_format: str = "wav",
        pre_processing_filters: Steps | None = None,
        post_generation_filters: Steps | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """A recording in the voice of another one: the bytes of one file."""
        # A clip that may be absent would be no file to BentoML's clients; embeddings go over HTTP.
        async with _native_errors():
            asked = ConversionForm.model_validate(
                {
                    "model": model,
                    "seed": seed,
                    "response_format": response_format,
                    "pre_processing_filters": pre_processing_filters,
                    "post_generation_filters": post_generation_filters,
                }
            )
            wanted = Reference(self._sound(target, "target"), param="target")
            job = Conversion(self._sound(source, "source"), wanted, seed=asked.seed)
            call = self._call()

            async def change(name: str) -> AsyncGenerator[Audio, None]:
                return await begun(finished(convert(job, await self.catalog.chain(name), call)))

            name = self.catalog.converting(asked.model or self.catalog.first(Capability.CONVERT))
            with self._filtering() as filtering:
                finished = await filtering.after(asked.post_generation_filters, call)
                job = await filtered_sounds(job, asked.pre_processing_filters, filtering, call)
                made = await with_fallback(self.catalog, name, change)
                async with aclosing(encoded(made, asked.response_format, None)) as parts:
                    async for part in parts:
                        yield part

    @bentoml.api
    async def restore(
        self,
        file: Path,
        model: str | None = None,
        mode: int = 0,
        seed: int | None = None,
        response_format: str = "wav",
        pre_processing_filters: Steps | None = None,
        post_generation_filters: Steps | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """A damaged or noisy recording as it may have been: the bytes of one file."""
        async with _native_errors():
            asked = RestorationForm.model_validate(
                {
                    "model": model or self.catalog.first_restorer(),
                    "mode": mode,
                    "seed": seed,
                    "response_format": response_format,
                    "pre_processing_filters": pre_processing_filters,
                    "post_generation_filters": post_generation_filters,
                }
            )
            call, name = self._call(), asked.model or ""
            await check_asked(self.catalog, name, asked.mode)

            async def mend(name: str) -> AsyncGenerator[Audio, None]:
                by = self.catalog.restorer(name)
                made = restore(sound, by, call, mode=asked.mode, seed=asked.seed)
                return await begun(finished(made))

            with self._filtering() as filtering:
                finished = await filtering.after(asked.post_generation_filters, call)
                steps = asked.pre_processing_filters
                sound = await filtering.before(self._sound(file), steps, call)
                made = await mended(self.catalog, name, mend)
                async with aclosing(encoded(made, asked.response_format, None)) as parts:
                    async for part in parts:
                        yield part

    @bentoml.api
    async def embed(
        self,
        file: Path,
        model: str | None = None,
        encoding_format: str = "float",
        pre_processing_filters: Steps | None = None,
    ) -> dict[str, Any]:
        """The voice of a recording, as POST /v1/audio/embeddings answers it."""
        async with _native_errors():
            asked = EmbeddingForm.model_validate(
                {
                    "model": model,
                    "encoding_format": encoding_format,
                    "pre_processing_filters": pre_processing_filters,
                }
            )
            reference, call = Reference(self._sound(file), param="file"), self._call()

            async def listen(model: str) -> EmbeddedVoices:
                encoder = self.catalog.embedder(model)
                heard = await hear(filtered, encoder, self.catalog.listeners, call)
                return asked.from_result(heard, model, call.id)

            model = await self.catalog.embedding(model or self.catalog.first(Capability.EMBED))
            self.catalog.embedder(model)
            with self._filtering() as filtering:
                steps = asked.pre_processing_filters
                filtered = await filtering.reference(reference, steps, call)
                return (await with_fallback(self.catalog, model, listen)).model_dump()

    def _filtering(self) -> Filtering:
        return Filtering(self.catalog, self.settings)

    def _call(self) -> Call:
        (request_id,) = (
            logs.asked_by()
        )  # one request, one id: from what stands before all that is served
        return Call(id=request_id, deadline=time.time() + self.settings.api.timeouts.request)

    def _sound(self, file: Path, param: str = "file") -> EncodedSound:
        limits = self.settings.api.limits
        return EncodedSound(
            source=file,
            name=file.name,
            limits=DecodeLimits(limits.max_audio_seconds, limits.max_upload_bytes),
            param=param,
        )


@asynccontextmanager
async def _native_errors() -> AsyncIterator[None]:
    """Our failures as BentoML's own: anything else it would answer as an anonymous 500."""
    try:
        yield
    except ValidationError as error:
        raise InvalidArgument(from_validation(error.errors()).message) from error
    except SpeechError as error:
        raise NATIVE.get(error.status, InternalServerError)(error.message) from error
