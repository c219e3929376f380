"""A request for speech → the pipeline that speaks it: with a model's own voice, a cloned one, or in any."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Protocol, Self, TypeVar

from api.fallback import with_fallback
from api.filter_steps import FilterSteps
from api.filtering import Filtering
from api.languages import asked_for
from audio import Audio
from catalog import Catalog
from pipelines import cloning, composing, tts
from pipelines.base_voices import Speaker
from settings import ApiSettings
from tasks import Call, Embedding, Reference, Speak

Done = TypeVar("Done")
Answer = Callable[[AsyncGenerator[Audio, None], str], Awaitable[Done]]


class Asked(Protocol):
    """A request for speech in either dialect."""

    model: str
    language: str | None

    @property
    def pre_processing_filters(self) -> FilterSteps: ...
    @property
    def post_generation_filters(self) -> FilterSteps: ...
    @property
    def named_voice(self) -> str | None: ...
    def wanted(self, api: ApiSettings) -> Reference | Embedding | None: ...
    def spoken_in(self, api: ApiSettings) -> Reference | Embedding: ...
    def converts_with(self, model: str, catalog: Catalog) -> str: ...
    async def spoken_by(self, model: str, catalog: Catalog) -> Self: ...
    async def to_job(self, model: str, catalog: Catalog, api: ApiSettings) -> Speak: ...


async def spoken(
    asked: Asked,
    catalog: Catalog,
    api: ApiSettings,
    call: Call,
    answer: Answer[Done],
    *,
    filtering: Filtering,
) -> Done:
    """What `answer` makes of the speech and the name of who speaks it; a fallback may be that."""
    language = asked_for(asked.language)
    speaker = await catalog.speaking(asked.model, language, asked.named_voice)
    if catalog.composes(speaker):
        return await _composed(asked, speaker, catalog, api, call, answer, filtering)
    wanted = asked.wanted(api)
    converter = None if wanted is None else asked.converts_with(asked.model, catalog)
    finished = await filtering.after(asked.post_generation_filters, call)
    if isinstance(wanted, Reference):
        wanted = await filtering.reference(wanted, asked.pre_processing_filters, call)

    async def say(model: str) -> Done:
        said = asked if model == speaker else await asked.spoken_by(model, catalog)
        named = asked.model if model == speaker else model
        job, synthesizer = await said.to_job(model, catalog, api), catalog.synthesizer(model)
        if wanted is None or converter is None:
            return await answer(finished(tts.speak(job, synthesizer, call)), named)
        voice, base = wanted, Speaker(catalog.find(model).name, synthesizer)

        async def change(converter: str) -> Done:
            chain = await catalog.chain(converter)
            cloned = cloning.clone(job, voice, base, chain, call)
            return await answer(finished(cloned), named)

        return await with_fallback(catalog, converter, change)

    return await with_fallback(catalog, speaker, say)


async def _composed(
    asked: Asked,
    speaker: str,
    catalog: Catalog,
    api: ApiSettings,
    call: Call,
    answer: Answer[Done],
    filtering: Filtering,
) -> Done:
    """The same where a toolchain speaks in whatever voice it is told; each stage may have a fallback."""
    voice = asked.spoken_in(api)
    finished = await filtering.after(asked.post_generation_filters, call)
    if isinstance(voice, Reference):
        voice = await filtering.reference(voice, asked.pre_processing_filters, call)

    async def say(composer: str) -> Done:
        said = asked if composer == speaker else await asked.spoken_by(composer, catalog)
        named = asked.model if composer == speaker else composer
        job = await said.to_job(composer, catalog, api)

        async def sing(vocoder: str) -> Done:
            stages = await catalog.stages(asked.model, composer, vocoder)
            return await answer(finished(composing.speak(job, voice, stages, call)), named)

        return await with_fallback(catalog, catalog.vocoding(asked.model), sing)

    return await with_fallback(catalog, speaker, say)
