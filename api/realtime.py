"""WS /v1/realtime: who is let in, and with what session they begin."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import APIRouter, WebSocket
from starlette.datastructures import QueryParams

from api import errors
from api.live_session import LiveSession
from api.realtime_session import AudioInput, ServerVad, Session, SessionAudio, Transcription
from catalog import Catalog
from errors import InvalidInput, Unavailable
from observing import metrics
from tasks import Capability

router = APIRouter()
logger = logging.getLogger(__name__)

SUBPROTOCOL = (
    "realtime"  # a browser puts its key into a second one, and wants one of the two confirmed
)
RETRY_SECONDS = 5.0
TRY_AGAIN_LATER = 1013
INTENT = "transcription"


class Places:
    """How many sessions are open, and whether there is room for one more."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        if self._taken >= self._limit:
            raise Unavailable(
                f"max_realtime_sessions ({self._limit}) are open already.",
                code="too_many_sessions",
                retry_after=RETRY_SECONDS,
            )
        self._taken += 1
        metrics.requests().realtime_sessions.set(self._taken)
        try:
            yield
        finally:
            self._taken -= 1
            metrics.requests().realtime_sessions.set(self._taken)


@router.websocket("/v1/realtime")
async def realtime(socket: WebSocket) -> None:
    """A transcription session."""
    places: Places = socket.app.state.realtime
    request_id: str = socket.state.request_id
    try:
        with places.one():
            await socket.accept(_subprotocol(socket))
            logger.info("a realtime session has begun")
            session = LiveSession(socket, request_id)
            ended = await session.run(lambda: first_session(socket.query_params, session.catalog))
            logger.info("a realtime session has ended: %s", ended)
    except Unavailable as error:
        logger.warning("a realtime session was refused: %s", error.message)
        await _refuse(socket, error)


def _subprotocol(socket: WebSocket) -> str | None:
    return SUBPROTOCOL if SUBPROTOCOL in socket.scope.get("subprotocols", []) else None


async def _refuse(socket: WebSocket, error: Unavailable) -> None:
    """A plain HTTP answer in place of the socket, where the server can give one."""
    if errors.DENIAL in socket.scope.get("extensions", {}):
        await socket.send_denial_response(errors.response(error))
    else:
        await socket.close(TRY_AGAIN_LATER, error.message)


def first_session(query: QueryParams, catalog: Catalog) -> Session:
    """What holds until the client's first `session.update`."""
    if query.get("intent", INTENT) != INTENT:
        raise InvalidInput(
            f"Invalid 'intent': there is no language model here, only '{INTENT}'.", param="intent"
        )
    model = query.get("model") or catalog.first(Capability.TRANSCRIBE)
    catalog.transcriber(model)
    vad = ServerVad(type="server_vad") if catalog.any_detector() else None
    heard = AudioInput(transcription=Transcription(model=model), turn_detection=vad)
    return Session(type="transcription", audio=SessionAudio(input=heard))
