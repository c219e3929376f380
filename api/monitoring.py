"""GET /metrics: what Prometheus reads, for admins."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response

from api.request import UsingApi, UsingCatalog
from errors import SpeechError
from observing import metrics
from runners.handle import RunnerHandle
from tasks import Presence, State

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response)
async def numbers(catalog: UsingCatalog, api: UsingApi) -> Response:
    """The numbers of the service and of its runners, in Prometheus' text format."""
    handles = {entry.handle.name: entry.handle for entry in catalog.entries}
    await asyncio.gather(*(_look(handle, api.timeouts.health) for handle in handles.values()))
    text = await asyncio.to_thread(metrics.exposition)
    return Response(text, headers={"content-type": metrics.CONTENT_TYPE})


async def _look(handle: RunnerHandle, timeout: float) -> None:
    """How a runner stands at this moment: one that died could not say so itself."""
    try:
        state: State | None = await handle.state(timeout)
    except SpeechError:
        state = None
    name, seen = handle.name, metrics.runners()
    seen.up.labels(name).set(state is not None)
    seen.loaded.labels(name).set(state is not None and state.presence is Presence.LOADED)
    seen.memory.labels(name).set(state.memory if state else 0)
    seen.circuit_open.labels(name).set(not handle.circuit_closed)
