"""What routes take from a request: the catalog, the settings, the call, and whether its client is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from pydantic import Field, WithJsonSchema

from api.errors import ClientLeft
from catalog import Catalog
from errors import TooLarge
from pipelines.flow import let_go
from settings import ApiSettings, Duration, Settings
from tasks import Call

DISCONNECT_POLL = 0.25  # seconds between looks whether the client is still there

Done = TypeVar("Done")


def _catalog(request: Request) -> Catalog:
    found: Catalog = request.app.state.catalog
    return found


def _api(request: Request) -> ApiSettings:
    found: Settings = request.app.state.settings
    return found.api


def _call(request: Request) -> Call:
    timeout = _api(request).timeouts.request
    return Call(id=request.state.request_id, deadline=time.time() + timeout)


UsingCatalog = Annotated[Catalog, Depends(_catalog)]
UsingApi = Annotated[ApiSettings, Depends(_api)]
UsingCall = Annotated[Call, Depends(_call)]


KeepAlive = Annotated[
    Duration | None,
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "null"}]}),
    Field(
        description='Ours: how long the models that this uses stay in memory: seconds, "10m", -1 for ever.'
    ),
]


# Finite, and few: what they may be is the model's to say.
KnobValues = Annotated[
    dict[str, Annotated[float, Field(allow_inf_nan=False)]],
    Field(
        max_length=16,
        description="Ours: the model's own options for this request; GET /v1/models lists them.",
    ),
]
Seed = Annotated[
    Annotated[int, Field(ge=0, lt=2**63)] | None,
    Field(description="The same seed gives the same sound; models that take none refuse it."),
]


def text_within_limit(text: str, api: ApiSettings) -> str:
    """A text to be spoken, if it is no longer than the configuration allows."""
    limit = api.limits.max_text_characters
    if len(text) > limit:
        raise TooLarge(
            f"'input' has {len(text)} characters; max_text_characters is {limit}.",
            param="input",
            code="string_above_max_length",
        )
    return text


async def while_client_waits(request: Request, work: Coroutine[Any, Any, Done]) -> Done:
    """The result of `work`, which is cancelled as soon as the client hangs up."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=DISCONNECT_POLL)
            if not task.done() and await request.is_disconnected():
                raise ClientLeft
        return task.result()
    finally:
        await let_go(task)
