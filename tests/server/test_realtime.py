"""/v1/realtime of the real service, through OpenAI's own realtime client and a bare websocket."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import openai
import pytest
import websockets
import websockets.sync.client
import websockets.sync.connection
from numpy.typing import NDArray

from audio import Audio, resample
from tests.live import LiveService
from tests.server.conftest import PATIENCE, SAID

pytestmark = [pytest.mark.server, pytest.mark.weights]

RATE = 24000
STEP = RATE // 10  # samples of one append: a tenth of a second
DELTA = "conversation.item.input_audio_transcription.delta"
COMPLETED = "conversation.item.input_audio_transcription.completed"
STOPPED = "input_audio_buffer.speech_stopped"
COMMITTED = "input_audio_buffer.committed"

TOLD = (
    f"{SAID} My little sister bought three red apples, and the birds were singing in the garden "
    "behind the house."
)
Pcm = NDArray[np.int16]


@pytest.fixture(scope="module")
def speech(http: httpx.Client) -> Pcm:
    """TOLD as the service says it, with a second of silence after it."""
    asked = {"model": "kokoro", "input": TOLD, "response_format": "pcm"}
    answer = http.post("/v1/audio/speech", json=asked)
    assert answer.status_code == 200, answer.text
    spoken = np.frombuffer(answer.content, dtype="<i2")
    return np.concatenate([spoken, np.zeros(RATE, dtype="<i2")])


def pieces(sound: bytes, size: int) -> Iterator[str]:
    for start in range(0, len(sound), size):
        yield base64.b64encode(sound[start : start + size]).decode()


def words(text: str) -> list[str]:
    return "".join(c for c in text.lower() if c.isalnum() or c.isspace()).split()


EXPECTED = words(TOLD)


def nearly(heard: str) -> bool:
    """Most of the words that were said, in any order: the smallest of models is listening."""
    found = words(heard)
    return sum(word in found for word in EXPECTED) >= 0.7 * len(EXPECTED)


def transcripts(events: list[Any]) -> str:
    return " ".join(event.transcript for event in events if event.type == COMPLETED)


def deltas(events: list[Any], item: str) -> str:
    return "".join(e.delta for e in events if e.type == DELTA and e.item_id == item)


def test_the_async_sdk_hears_words_before_the_speaker_has_ended(
    live: LiveService, speech: Pcm
) -> None:
    seen = asyncio.run(asyncio.wait_for(spoken_to(live, speech), PATIENCE))
    kinds = [event.type for event in seen]
    assert kinds[0] == "session.created"
    assert kinds.index(DELTA) < kinds.index(STOPPED) < kinds.index(COMMITTED)
    assert kinds.index(COMMITTED) < kinds.index(COMPLETED)
    assert nearly(transcripts(seen))


async def spoken_to(live: LiveService, speech: Pcm) -> list[Any]:
    """What the service tells a speaker who goes on until the first words come back."""
    seen: list[Any] = []
    base = f"{live.url}/v1"
    async with (
        openai.AsyncOpenAI(base_url=base, api_key="none") as client,
        client.realtime.connect(extra_query={"intent": "transcription"}) as connection,
    ):
        told = asyncio.Event()
        over = asyncio.Event()

        async def listen() -> None:
            async for event in connection:
                seen.append(event)
                if event.type == DELTA:
                    told.set()
                if event.type == COMPLETED:
                    over.set()

        listening = asyncio.ensure_future(listen())
        await connection.session.update(
            session={
                "type": "transcription",
                "audio": {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 900}}},
            }
        )  # fmt: skip
        while not told.is_set():
            for piece in pieces(speech[:-RATE].tobytes(), 2 * STEP):
                await connection.input_audio_buffer.append(audio=piece)
                await asyncio.sleep(STEP / RATE)
        for piece in pieces(speech[-RATE:].tobytes(), 2 * STEP):
            await connection.input_audio_buffer.append(audio=piece)
        await over.wait()
        listening.cancel()
    return seen


def test_the_sync_sdk_commits_what_it_has_sent(live: LiveService, speech: Pcm) -> None:
    base = f"{live.url}/v1"
    with (
        openai.OpenAI(base_url=base, api_key="none") as client,
        client.realtime.connect(model="whisper-1") as connection,
    ):
        connection.session.update(
            session={"type": "transcription", "audio": {"input": {"turn_detection": None}}}
        )
        for piece in pieces(speech.tobytes(), 2 * RATE):
            connection.input_audio_buffer.append(audio=piece)
        connection.input_audio_buffer.commit()
        seen: list[Any] = []
        for event in connection:
            seen.append(event)
            if event.type == COMPLETED:
                break
    assert seen[0].session.audio.input.transcription.model == "whisper-1"
    done = seen[-1]
    assert done.usage.seconds == pytest.approx(len(speech) / RATE, abs=0.01)
    assert nearly(done.transcript)
    assert nearly(deltas(seen, done.item_id))


def test_a_telephone_is_understood(live: LiveService, speech: Pcm) -> None:
    with websockets.sync.client.connect(address(live), max_size=None) as socket:
        events = Conversation(socket)
        assert events.next()["type"] == "session.created"
        heard = {"format": {"type": "audio/pcmu"}, "turn_detection": None}
        events.send("session.update", session={"type": "transcription", "audio": {"input": heard}})
        for piece in pieces(mu_law(speech), 8000):
            events.send("input_audio_buffer.append", audio=piece)
        events.send("input_audio_buffer.commit")
        assert nearly(events.until(COMPLETED)["transcript"])


def test_a_browser_gets_its_subprotocol_confirmed(live: LiveService) -> None:
    offered = [
        websockets.Subprotocol("realtime"),
        websockets.Subprotocol("openai-insecure-api-key.none"),
    ]
    with websockets.sync.client.connect(address(live), subprotocols=offered) as socket:
        assert socket.subprotocol == "realtime"
        assert Conversation(socket).next()["type"] == "session.created"


def test_what_is_wrong_is_answered_and_the_session_goes_on(live: LiveService) -> None:
    with websockets.sync.client.connect(address(live)) as socket:
        events = Conversation(socket)
        events.next()
        socket.send(b"\x00\x01")
        socket.send("[" * 100_000)
        events.send("response.create")
        events.send("input_audio_buffer.append", audio="*")
        events.send("session.update", session={"type": "realtime"})
        for _ in range(5):
            assert events.next()["type"] == "error"
        events.send("input_audio_buffer.clear")
        assert events.next()["type"] == "input_audio_buffer.cleared"


def test_a_message_too_large_for_the_server_ends_its_own_session_only(live: LiveService) -> None:
    with websockets.sync.client.connect(address(live)) as socket:
        socket.recv()
        with pytest.raises(websockets.ConnectionClosed) as closed:
            socket.send("x" * (17 * 1024**2))
            socket.recv()
        assert closed.value.rcvd is None or closed.value.rcvd.code == 1009
    with websockets.sync.client.connect(address(live)) as socket:
        assert Conversation(socket).next()["type"] == "session.created"


def test_who_sends_much_and_leaves_disturbs_nobody(live: LiveService, speech: Pcm) -> None:
    for _ in range(3):
        with websockets.sync.client.connect(address(live)) as socket:
            events = Conversation(socket)
            for piece in pieces(speech.tobytes(), 2 * STEP):
                events.send("input_audio_buffer.append", audio=piece)
    health = httpx.get(f"{live.url}/health", timeout=PATIENCE)
    assert health.json()["status"] == "ok"
    with websockets.sync.client.connect(address(live)) as socket:
        assert Conversation(socket).next()["type"] == "session.created"


def test_an_unknown_model_is_an_error_that_lists_what_there_is(live: LiveService) -> None:
    with websockets.sync.client.connect(f"{address(live)}?model=gpt-realtime") as socket:
        error = Conversation(socket).next()["error"]
        assert error["code"] == "model_not_found"
        assert "faster-whisper-tiny.en" in error["message"]
        with pytest.raises(websockets.ConnectionClosed):
            socket.recv(timeout=PATIENCE)


class Conversation:
    """Events over a bare websocket."""

    def __init__(self, socket: websockets.sync.connection.Connection) -> None:
        self._socket = socket

    def send(self, kind: str, **fields: Any) -> None:
        self._socket.send(json.dumps({"type": kind, **fields}))

    def next(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self._socket.recv(timeout=PATIENCE))
        return event

    def until(self, kind: str) -> dict[str, Any]:
        while (event := self.next())["type"] != kind:
            assert event["type"] != "error", event
        return event


def address(live: LiveService) -> str:
    return live.url.replace("http", "ws", 1) + "/v1/realtime"


def mu_law(speech: Pcm) -> bytes:
    """G.711's companding, by its formula and not by our table."""
    sound = Audio((speech / 32768).astype(np.float32), RATE)
    samples = resample(sound, 8000).samples
    magnitude = np.minimum(np.abs(samples) * 32768, 32635).astype(int) + 132
    exponent = np.floor(np.log2(magnitude)).astype(int) - 7
    mantissa = magnitude >> exponent + 3 & 15
    sign = np.where(samples < 0, 128, 0)
    encoded: bytes = (~(sign | exponent << 4 | mantissa) & 255).astype(np.uint8).tobytes()
    return encoded
