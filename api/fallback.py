"""When a model cannot serve: its configured fallback does, and the answer's `warnings` header says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from catalog import Catalog
from errors import Failed, InvalidInput, Unavailable
from observing import metrics
from runners import steps

Done = TypeVar("Done")


async def with_fallback(
    catalog: Catalog, model: str, attempt: Callable[[str], Awaitable[Done]]
) -> Done:
    """What `attempt` makes of the model, else of its fallback, else of that one's."""
    try:
        with catalog.find(model).door.entered():
            return await attempt(model)
    except (Unavailable, Failed) as failure:
        fallback = catalog.fallback(model)
        if fallback is None or failure.elsewhere_too:
            raise
        metrics.runners().fallbacks.labels(model).inc()
        steps.warn(f"{model} could not serve ({failure.code or failure.status}); {fallback} did")
        return await with_fallback(catalog, fallback, attempt)


async def voice_or_default(catalog: Catalog, model: str, voice: str | None) -> str | None:
    """The asked voice if this model has it too: a fallback may speak with its own."""
    try:
        return await catalog.voice(model, voice)
    except InvalidInput:
        return None


async def options_or_default(
    catalog: Catalog, model: str, options: Mapping[str, float]
) -> Mapping[str, float]:
    """The asked options if this model has them too."""
    try:
        return await catalog.options(model, options)
    except InvalidInput:
        return {}
