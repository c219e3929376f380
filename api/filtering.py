"""The filters of one request: its sound before anybody listens, and the answer's on its way out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Annotated, Self

import attrs
from fastapi import Depends, Request

from api.filter_steps import AFTER, BEFORE, ModelStep, Wanted
from api.request import while_client_waits
from api.sound import encoded_sound
from audio import Audio, Recording, join
from audio.filters import Resample
from catalog import Catalog
from errors import InvalidInput
from pipelines import embedding
from pipelines.filtering import Converting, Plain, Restoring, Step, filtered, prepared
from pipelines.flow import not_empty
from pipelines.restoration import check_mode
from settings import Settings
from tasks import Call, Capability, Embedding, Reference

Change = Callable[[AsyncGenerator[Audio, None]], AsyncGenerator[Audio, None]]


class Filtering:
    """Makes pipeline steps of what requests write. What it gathered is let go of with it."""

    def __init__(
        self, catalog: Catalog, settings: Settings, request: Request | None = None
    ) -> None:
        self._catalog, self._api, self._request = catalog, settings.api, request
        self._reels = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reels.close()

    async def before(self, sound: Recording, asked: Sequence[Wanted], call: Call) -> Recording:
        """The sound of a request as it shall be heard."""
        steps = await self._steps(asked, BEFORE)
        if not steps:
            return sound
        work = prepared(sound, steps, call, BEFORE, self._api.limits.max_audio_seconds)
        reel = await (while_client_waits(self._request, work) if self._request else work)
        return self._reels.enter_context(reel)

    async def reference(self, wanted: Reference, asked: Sequence[Wanted], call: Call) -> Reference:
        """A recording of a voice as it shall be heard."""
        return attrs.evolve(wanted, sound=await self.before(wanted.sound, asked, call))

    async def clip(self, audio: Audio, asked: Sequence[Wanted], call: Call) -> Audio:
        """A short sound as it shall be heard."""
        sound = await self.before(audio, asked, call)
        return join(list(sound.blocks(audio.rate, 1.0)), audio.rate)

    async def after(self, asked: Sequence[Wanted], call: Call) -> Change:
        """What shall be done to the answer; all that it needs is looked up before any of it is made."""
        steps = await self._steps(asked, AFTER)
        if not steps:
            nothing = InvalidInput("This sound is too short: nothing is left of it at this rate.")
            return lambda sound: not_empty(sound, nothing)
        return lambda sound: filtered(sound, steps, call, AFTER, self._api.limits.max_audio_seconds)

    async def _steps(self, wanted: Sequence[Wanted], param: str) -> Sequence[Step]:
        """The steps, with what serves them; a model that cannot is refused by name."""
        found: list[Step] = []
        for number, step in enumerate(wanted):
            if isinstance(step, ModelStep):
                found.append(await self._model(step, f"{param}.{number}"))
                found += [Plain("resample", Resample(step.rate))] if step.rate else []
            else:
                found.append(Plain(step.filter, step.made()))
        return found

    async def _model(self, step: ModelStep, place: str) -> Step:
        if not step.model:
            first = self._catalog.first
            named = first(Capability.CONVERT) if step.converts else self._catalog.first_restorer()
            step = step.model_copy(update={"model": named})
        able = self._catalog.able_names
        restorers, converters = able(Capability.RESTORE), able(Capability.CONVERT)
        if step.model in converters and step.model not in restorers:
            _refuse(step, ModelStep.for_restorers, place, "a converter")
            return await self._converting(step, place)
        if step.model not in restorers:
            raise InvalidInput(
                f"'{step.model}' is no filter here. "
                f"These restore: {', '.join(restorers) or 'none of those configured'}. "
                f"These convert voices: {', '.join(converters) or 'none of those configured'}.",
                param=f"{place}.model",
            )
        _refuse(step, ModelStep.for_converters, place, "a restorer")
        by = self._catalog.restorer(step.model, f"{place}.model")
        await check_mode(by, step.mode, f"{place}.mode")
        return Restoring(by, step.mode, step.chance)

    async def _converting(self, step: ModelStep, place: str) -> Step:
        chain = await self._catalog.chain(self._catalog.converting(step.model, f"{place}.model"))
        card = await chain.converter.card()
        target, param = step.target_embedding, f"{place}.target_embedding"
        if (target is None) == (step.target_audio is None):
            raise InvalidInput(
                f"'{step.model}' converts to somebody's voice: send 'target_embedding', which "
                "POST /v1/audio/embeddings makes of a recording, or 'target_audio', and not both.",
                param=param,
            )
        if step.source_embedding is not None:
            embedding.fits(step.source_embedding, card, f"{place}.source_embedding")
        if target is not None:
            voice: Embedding | Reference = embedding.fits(target, card, param)
        elif step.target_audio is not None:
            sound = encoded_sound(step.target_audio, self._api, f"{place}.target_audio")
            voice = Reference(sound, param=f"{place}.target_audio")
        return Converting(chain, voice, step.source_embedding, step.tau, step.chance, place)


def _refuse(step: ModelStep, keys: Sequence[str], place: str, who: str) -> None:
    for key in keys:
        if key in step.model_fields_set and getattr(step, key) not in (None, 0):
            raise InvalidInput(
                f"'{key}' says nothing to {who}, which '{step.model}' is.", param=f"{place}.{key}"
            )


def _filtering(request: Request) -> Iterator[Filtering]:
    state = request.app.state
    with Filtering(state.catalog, state.settings, request) as filtering:
        yield filtering


UsingFilters = Annotated[Filtering, Depends(_filtering)]
