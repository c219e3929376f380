"""A websocket client of the app in one process. Speaks ASGI as uvicorn does."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from starlette.types import Message

from audio import Audio, resample
from tests.api.house import PATIENCE, House

Event = dict[str, Any]


class Socket:
    """One visit to /v1/realtime."""

    def __init__(
        self,
        house: House,
        query: str = "",
        subprotocols: Sequence[str] = (),
        headers: Sequence[tuple[bytes, bytes]] = (),
        extensions: Sequence[str] = ("websocket.http.response",),
    ) -> None:
        # As on the wire: uvicorn tells them twice.
        offered = [(b"sec-websocket-protocol", ", ".join(subprotocols).encode())]
        self._scope = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": "/v1/realtime",
            "raw_path": b"/v1/realtime",
            "query_string": query.encode(),
            "root_path": "",
            "headers": [*headers, *offered],
            "client": ("127.0.0.1", 1),
            "server": ("house", 80),
            "subprotocols": list(subprotocols),
            "extensions": {extension: {} for extension in extensions},
        }
        self._house = house
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self.seen: list[Event] = []

    async def run(self) -> None:
        await self._to_app.put({"type": "websocket.connect"})
        await self._house.served(self._scope, self._to_app.get, self._from_app.put)

    async def message(self) -> Message:
        """The app's next ASGI message."""
        return await asyncio.wait_for(self._from_app.get(), PATIENCE)

    async def event(self) -> Event:
        message = await self.message()
        assert message["type"] == "websocket.send", message
        event: Event = json.loads(message["text"])
        self.seen.append(event)
        return event

    async def until(self, kind: str) -> Event:
        """The next event of a type; those before it are among the `seen`."""
        while (event := await self.event())["type"] != kind:
            assert event["type"] != "error", event
        return event

    async def error(self) -> Event:
        """The next event, which is an error of exactly OpenAI's shape."""
        event = await self.event()
        assert event["type"] == "error", event
        assert set(event) == {"type", "event_id", "error"}
        assert set(event["error"]) == {"message", "type", "code", "param", "event_id"}
        error: Event = event["error"]
        return error

    async def text(self, text: str) -> None:
        await self._to_app.put({"type": "websocket.receive", "text": text})

    async def bytes(self, data: bytes) -> None:
        await self._to_app.put({"type": "websocket.receive", "bytes": data})

    async def send(self, kind: str, **fields: Any) -> None:
        await self.text(json.dumps({"type": kind, **fields}))

    async def append(self, sound: Audio, seconds: float = 0.1) -> None:
        """Sound as 24 kHz PCM, in events of so many seconds."""
        for part in resample(sound, 24000).blocks(24000, seconds):
            await self.send("input_audio_buffer.append", audio=encoded(part))

    async def update(self, **heard: Any) -> None:
        session = {"type": "transcription", "audio": {"input": heard}}
        await self.send("session.update", event_id="mine", session=session)

    async def leave(self, code: int = 1000) -> None:
        await self._to_app.put({"type": "websocket.disconnect", "code": code})


def encoded(sound: Audio) -> str:
    return base64.b64encode((sound.samples * 32767).astype("<i2").tobytes()).decode()


def silent(samples: int) -> str:
    return base64.b64encode(np.zeros(samples, dtype="<i2").tobytes()).decode()


@asynccontextmanager
async def talking(house: House, query: str = "", **how: Any) -> AsyncIterator[Socket]:
    """A session that has begun; the client leaves at the end, and the app must then return."""
    socket = Socket(house, query, **how)
    running = asyncio.ensure_future(socket.run())
    try:
        accepted = await socket.message()
        assert accepted["type"] == "websocket.accept", accepted
        assert (await socket.event())["type"] == "session.created"
        yield socket
    finally:
        await socket.leave()
        await asyncio.wait_for(running, PATIENCE)
