"""One realtime session: a socket on one side, a Listener on the other.

    socket ──▶ receive ──▶ inbox ──▶ obey ──▶ Listener.hear, commit …
    socket ◀── send    ◀── outbox ◀──┴──────── Listener.write

These run side by side until the client leaves. That ends them all, and so cancels what they asked of
runners. Both boxes are bounded: a client that sends too fast, or does not read, is made to wait.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import attrs
from starlette.websockets import WebSocket, WebSocketDisconnect

from api import realtime_events as events
from api.languages import code_of
from api.realtime_session import CLIENT_EVENTS, CONVERSATION_EVENTS, NO_CONVERSATION, Session
from api.transcriptions import prompt_with
from catalog import Catalog
from errors import InvalidInput, SpeechError, TooLarge
from pipelines.dictation import Ear
from pipelines.listening import Bounds, Listener, News
from pipelines.turns import TurnRule
from settings import ApiSettings, Settings
from tasks import Call

logger = logging.getLogger(__name__)

HELD_SECONDS = 600.0  # of sound that one session may have waiting: 38 MB
INBOX_BYTES = 16 * 1024**2  # the largest message that uvicorn takes
OUTBOX_EVENTS = 256
# Of any event but an append: checking millions of keys would hold up everybody.
MAX_EVENT_CHARACTERS = 64 * 1024
NORMAL, REFUSED, BROKEN = 1000, 1008, 1011  # codes of RFC 6455
INPUT = "session.audio.input"


class Left(Exception):
    """The session is over; the message says why."""


@attrs.frozen
class Close:
    """The last thing in an outbox."""

    code: int
    reason: str


class LiveSession:
    def __init__(self, socket: WebSocket, request_id: str) -> None:
        settings: Settings = socket.app.state.settings
        self.catalog: Catalog = socket.app.state.catalog
        self._socket = socket
        self._api: ApiSettings = settings.api
        self._call = Call(id=request_id)
        self._id = f"sess_{uuid.uuid4().hex[:24]}"
        self._inbox = Inbox(INBOX_BYTES)
        self._outbox: asyncio.Queue[dict[str, Any] | Close] = asyncio.Queue(OUTBOX_EVENTS)

    async def run(self, first: Callable[[], Session]) -> str:
        """Serve the client until it leaves or has to; says why it ended."""
        ended = "the server failed"
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._receive())
                tasks.create_task(self._send())
                tasks.create_task(self._serve(first, tasks))
        except* Left as left:
            ended = str(left.exceptions[0])
        except* Exception as broken:
            # No handler of the app knows what to answer on a socket.
            logger.error("a realtime session broke", exc_info=broken)
            with suppress(WebSocketDisconnect, RuntimeError):
                await self._socket.close(BROKEN, "The server failed.")
        return ended

    async def _receive(self) -> None:
        while (message := await self._socket.receive())["type"] == "websocket.receive":
            await self._inbox.put(message.get("text") or message.get("bytes") or "")
        raise Left(f"the client left, with code {message.get('code')}")

    async def _send(self) -> None:
        while not isinstance(event := await self._outbox.get(), Close):
            numbered = {"event_id": f"event_{uuid.uuid4().hex[:24]}", **event}
            try:
                await self._socket.send_text(json.dumps(numbered))
            except WebSocketDisconnect as error:
                raise Left("the client left") from error
        with suppress(WebSocketDisconnect):
            await self._socket.close(event.code, event.reason)
        raise Left(event.reason)

    async def _serve(self, first: Callable[[], Session], tasks: asyncio.TaskGroup) -> None:
        try:
            self._session = first()
            self._listener = Listener(
                await self._ear(self._session), self._bounds(), self._call, self._tell
            )
        except SpeechError as error:
            await self._outbox.put(events.error(error))
            await self._outbox.put(Close(REFUSED, "No session can be had with this address."))
            return
        await self._outbox.put(events.session("session.created", self._id, self._session))
        tasks.create_task(self._listener.write())
        patience = self._api.timeouts.realtime_idle
        while True:
            try:
                # Not `wait_for`, which in Python 3.11 may swallow the cancellation of its caller.
                async with asyncio.timeout(patience):
                    message = await self._inbox.get()
            except TimeoutError:
                idle = f"No event came for {patience:g} seconds."
                await self._outbox.put(events.error(InvalidInput(idle, code="session_idle")))
                await self._outbox.put(Close(NORMAL, idle))
                return
            await self._answer(message)

    async def _answer(self, message: str | bytes) -> None:
        cause: str | None = None
        try:
            if isinstance(message, bytes):
                raise InvalidInput("Events are text messages, not binary ones.")
            event = events.read(message)
            cause = events.id_of(event)
            await self._obey(event, len(message))
        except SpeechError as error:
            if error.status == 500:
                logger.error("an event failed: %s", error.message)
            await self._outbox.put(events.error(error, cause))

    async def _obey(self, event: Mapping[str, Any], size: int) -> None:
        kind = event.get("type")
        if size > MAX_EVENT_CHARACTERS and kind != "input_audio_buffer.append":
            raise TooLarge(f"An event without sound has at most {MAX_EVENT_CHARACTERS} characters.")
        match kind:
            case "session.update":
                events.check(event, "session")
                await self._update(event["session"])
            case "input_audio_buffer.append":
                events.check(event, "audio")
                await self._listener.hear(events.sound_of(event, self._session))
            case "input_audio_buffer.commit":
                events.check(event)
                await self._listener.commit()
            case "input_audio_buffer.clear":
                events.check(event)
                self._listener.clear()
                await self._outbox.put({"type": "input_audio_buffer.cleared"})
            case _:
                raise _unknown(kind)

    async def _update(self, change: Any) -> None:
        session = self._session.updated(change)
        self._listener.listen_with(await self._ear(session))
        self._session = session
        await self._outbox.put(events.session("session.updated", self._id, session))

    async def _ear(self, session: Session) -> Ear:
        """How to listen in such a session; what no model here can do is refused."""
        heard, asked = session.audio.input, session.audio.input.transcription
        detector = self.catalog.any_detector()
        if heard.turn_detection and detector is None:
            raise InvalidInput(
                f"Invalid '{INPUT}.turn_detection': no configured model detects speech; send null.",
                param=f"{INPUT}.turn_detection",
            )
        try:
            transcriber = self.catalog.transcriber(asked.model)
            wanted = [language for language in (asked.language, *asked.languages) if language]
            spoken = (await transcriber.card()).languages if wanted else ()
            codes = [code_of(language, spoken) for language in wanted]
        except SpeechError as error:
            error.param = error.param and f"{INPUT}.transcription.{error.param}"
            raise
        return Ear(
            transcriber=transcriber,
            detector=detector,
            turns=_rule(session),
            language=codes[0] if asked.language else None,
            candidates=tuple(codes[1:] if asked.language else codes),
            prompt=prompt_with(asked.keywords, asked.prompt),
        )

    def _bounds(self) -> Bounds:
        return Bounds(
            held=min(HELD_SECONDS, self._api.limits.max_audio_seconds),
            patience=self._api.timeouts.request,
        )

    async def _tell(self, news: News) -> None:
        for event in events.told(news):
            await self._outbox.put(event)


def _unknown(kind: Any) -> InvalidInput:
    if kind in CONVERSATION_EVENTS:
        return InvalidInput(f"'{kind}' is not available. {NO_CONVERSATION}", param="type")
    if not isinstance(kind, str):
        return InvalidInput("Missing required parameter: 'type'.", param="type")
    return InvalidInput(
        f"Invalid 'type': '{kind}' is none of {', '.join(CLIENT_EVENTS)}.", param="type"
    )


def _rule(session: Session) -> TurnRule | None:
    vad = session.audio.input.turn_detection
    if vad is None:
        return None
    return TurnRule(
        threshold=vad.threshold,
        prefix=vad.prefix_padding_ms / 1000,
        silence=vad.silence_duration_ms / 1000,
        idle=vad.idle_timeout_ms / 1000 if vad.idle_timeout_ms else None,
    )


class Inbox:
    """Messages that wait; `put` waits while they are together larger than `limit`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._messages: deque[str | bytes] = deque()
        self._size = 0
        self._changed = asyncio.Condition()

    async def put(self, message: str | bytes) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._size <= self._limit)
            self._messages.append(message)
            self._size += len(message)
            self._changed.notify_all()

    async def get(self) -> str | bytes:
        async with self._changed:
            await self._changed.wait_for(lambda: self._messages)
            message = self._messages.popleft()
            self._size -= len(message)
            self._changed.notify_all()
            return message
