"""GET /metrics: what Prometheus reads, for admins."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response

from api.request import UsingApi, UsingCatalog
from catalog import Entry
from errors import SpeechError
from observing import metrics
from tasks import Presence, State

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response)
async def numbers(catalog: UsingCatalog, api: UsingApi) -> Response:
    """The numbers of the service and of its runners, in Prometheus' text format."""
    await asyncio.gather(*(_look(entry, api.timeouts.health) for entry in catalog.entries))
    text = await asyncio.to_thread(metrics.exposition)
    return Response(text, headers={"content-type": metrics.CONTENT_TYPE})


async def _look(entry: Entry, timeout: float) -> None:
    """How a runner stands at this moment: one that died could not say so itself."""
    try:
        state: State | None = await entry.handle.state(timeout)
    except SpeechError:
        state = None
    name, seen = entry.settings.name, metrics.runners()
    seen.up.labels(name).set(state is not None)
    seen.loaded.labels(name).set(state is not None and state.presence is Presence.LOADED)
    seen.memory.labels(name).set(state.memory if state else 0)
    seen.circuit_open.labels(name).set(not entry.handle.circuit_closed)
