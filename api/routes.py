"""Which routes there are: a path as a client sent it can be anything, the route that it meets cannot."""

from __future__ import annotations

from collections.abc import Iterator

from bentoml import server_context
from fastapi import APIRouter
from starlette.routing import Route, WebSocketRoute

from api import (
    activity,
    comparison,
    conversion,
    embeddings,
    health,
    lifecycle,
    models,
    monitoring,
    realtime,
    restoration,
    speech,
    transcriptions,
)
from api.access import METRICS, OPEN_BELOW, PAGES, PROBES
from api.engine import listings

ROUTERS: tuple[APIRouter, ...] = tuple(
    module.router
    for module in (
        speech,
        transcriptions,
        realtime,
        activity,
        embeddings,
        comparison,
        listings,
        conversion,
        restoration,
        lifecycle,
        models,
        health,
        monitoring,
    )
)
OTHER = "other"
BENTOML = ("/schema.json", "/docs.json")
# Asked every few seconds by machines.
WATCHED = frozenset((*PROBES, METRICS))


def template_of(path: str) -> str:
    """The route that a path meets, as it is written in the code: /v1/models/{model}."""
    for route in _ours():
        if route.path_regex.match(path):
            return route.path
    if path.startswith(OPEN_BELOW):
        return OPEN_BELOW
    known = (*PAGES, *PROBES, METRICS, *BENTOML, *server_context.service_routes)
    return path if path in known else OTHER


def _ours() -> Iterator[Route | WebSocketRoute]:
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, Route | WebSocketRoute):
                yield route
