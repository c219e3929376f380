"""POST /v1/models/{id}/load and /unload: for admins, who want memory filled or freed now."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from api.access import AdminOnly
from api.models import describe
from api.request import UsingApi, UsingCatalog
from settings import Duration

router = APIRouter(tags=["models"])


class LoadRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keep_alive: Duration | None = None  # None: as configured


@router.post("/v1/models/{model:path}/load")
async def load_model(
    model: str,
    catalog: UsingCatalog,
    api: UsingApi,
    _: AdminOnly,
    body: LoadRequest | None = None,
) -> dict[str, Any]:
    """Bring a model, or all of a toolchain, into memory; answers when it is there."""
    for entry in catalog.parts(model):
        state = await entry.handle.load(body.keep_alive if body else None)
        if state.problem:
            raise state.problem
    return await describe(catalog, model, api.timeouts.health)


@router.post("/v1/models/{model:path}/unload")
async def unload_model(
    model: str, catalog: UsingCatalog, api: UsingApi, _: AdminOnly
) -> dict[str, Any]:
    """Free the memory of a model, or of a toolchain's, once its jobs are done; who asks loads it again."""
    for entry in catalog.parts(model):
        await entry.handle.unload()
    return await describe(catalog, model, api.timeouts.health)
