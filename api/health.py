"""GET /health: asks every runner, and answers in time whoever is dead."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from fastapi import APIRouter, Response
from starlette.responses import RedirectResponse

from api.request import UsingApi, UsingCatalog
from errors import SpeechError, TimedOut
from runners.roles import Entry
from runners.vitals import note_tasks
from version import VERSION

router = APIRouter(tags=["health"])


@router.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
async def front_door() -> RedirectResponse:
    """BentoML's own page here loads scripts of third parties."""
    return RedirectResponse("/docs")


@router.get("/health")
async def health(response: Response, catalog: UsingCatalog, api: UsingApi) -> dict[str, Any]:
    """200 while every runner answers, else 503; each with its state."""
    note_tasks("public")
    states = await asyncio.gather(
        *(_state(entry, api.timeouts.health) for entry in catalog.entries)
    )
    runners = {
        entry.settings.name: state for entry, state in zip(catalog.entries, states, strict=True)
    }
    healthy = all(state["status"] == "ok" for state in states)
    response.status_code = 200 if healthy else 503
    return {"status": "ok" if healthy else "degraded", "version": VERSION, "runners": runners}


async def _state(entry: Entry, timeout: float) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        state = await entry.handle.state(timeout)
    except TimedOut as error:
        return {"status": "silent", "message": error.message}
    except SpeechError as error:
        return {"status": "unreachable", "message": error.message}
    if state.problem:
        return {"status": "unavailable", "message": state.problem.message}
    answered_ms = round((time.perf_counter() - started) * 1000, 1)
    return {"status": "ok", "answered_ms": answered_ms, "model": state.presence.value}
