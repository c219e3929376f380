"""/v1/realtime on fakes: the protocol, what is refused, and what happens when somebody leaves."""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

import settings
from api.app import build_app
from api.middleware import Traced
from api.realtime_events import MAX_AUDIO_BYTES
from audio import join, silence
from callers import hash_of
from catalog import Catalog
from errors import Unavailable
from runners.handle import RunnerHandle
from tests.api.house import PATIENCE, SETTINGS, House
from tests.api.sockets import Socket, encoded, silent, talking
from tests.fakes import (
    WORDS,
    FakeDetector,
    FakeTranscriber,
    Hold,
    WordTranscriber,
    said,
)

PAUSE = silence(1.0, 24000)
TRANSCRIPTION = "conversation.item.input_audio_transcription"
SERVER_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)


def played(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that runs in an event loop of its own, and not for ever."""

    @functools.wraps(test)
    def run(*args: Any, **named: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **named), 2 * PATIENCE))

    return run


def listening() -> House:
    return House(transcriber=WordTranscriber())


def kinds(socket: Socket) -> list[str]:
    return [event["type"] for event in socket.seen]


# A whole session


@played
async def test_a_turn_is_told_in_the_order_of_openai() -> None:
    async with talking(listening()) as socket:
        await socket.append(join([PAUSE, said(WORDS[:4]), PAUSE], 24000))
        done = await socket.until(f"{TRANSCRIPTION}.completed")
        assert done["transcript"] == "alpha bravo charlie delta"
        assert done["content_index"] == 0
        assert done["usage"] == {"type": "duration", "seconds": pytest.approx(2.3, abs=0.11)}
        assert [kind for kind in kinds(socket) if not kind.endswith(".delta")] == [
            "session.created",
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            f"{TRANSCRIPTION}.completed",
        ]
        deltas = [event for event in socket.seen if event["type"].endswith(".delta")]
        assert "".join(event["delta"] for event in deltas) == done["transcript"]
        item = done["item_id"]
        assert all(event["item_id"] == item for event in socket.seen if "item_id" in event)
        started, stopped, committed, added = socket.seen[1:2] + [
            next(event for event in socket.seen if event["type"] == kind)
            for kind in (
                "input_audio_buffer.speech_stopped",
                "input_audio_buffer.committed",
                "conversation.item.added",
            )
        ]
        assert started["audio_start_ms"] == pytest.approx(700, abs=110)
        assert stopped["audio_end_ms"] == pytest.approx(3000, abs=110)
        assert committed["previous_item_id"] is None
        assert added["item"] == {
            "id": item,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": None}],
        }


@played
async def test_every_event_is_one_that_the_sdk_knows() -> None:
    house = House(transcriber=FakeTranscriber(failures={0: Unavailable("busy")}))
    async with talking(house) as socket:
        await socket.update(turn_detection={"type": "server_vad", "idle_timeout_ms": 5000})
        await socket.append(join([said(WORDS[:1]), PAUSE], 24000), seconds=2.0)
        await socket.until(f"{TRANSCRIPTION}.failed")
        await socket.append(silence(5.0, 24000), seconds=1.0)
        await socket.until("input_audio_buffer.timeout_triggered")
        await socket.until(f"{TRANSCRIPTION}.completed")
        await socket.send("input_audio_buffer.clear")
        await socket.until("input_audio_buffer.cleared")
        await socket.send("no.such.event")
        await socket.error()
        for event in socket.seen:
            read = SERVER_EVENT.validate_python(event)
            assert read.type == event["type"]
        ids = [event["event_id"] for event in socket.seen]
        assert len(set(ids)) == len(ids)


@played
async def test_without_turn_detection_items_are_made_by_commits() -> None:
    async with talking(listening()) as socket:
        await socket.update(turn_detection=None)
        updated = await socket.until("session.updated")
        assert updated["session"]["audio"]["input"]["turn_detection"] is None
        items: list[str] = []
        for first in (0, 3):
            await socket.append(said(WORDS[first : first + 3]))
            await socket.send("input_audio_buffer.commit")
            committed = await socket.until("input_audio_buffer.committed")
            done = await socket.until(f"{TRANSCRIPTION}.completed")
            assert done["transcript"] == " ".join(WORDS[first : first + 3])
            assert committed["previous_item_id"] == (items[-1] if items else None)
            items.append(done["item_id"])


@played
async def test_deltas_come_while_the_speaker_goes_on() -> None:
    async with talking(listening()) as socket:
        for word in WORDS[:10]:
            await socket.append(said([word]))
            await asyncio.sleep(0.03)
        await socket.until(f"{TRANSCRIPTION}.delta")
        assert "input_audio_buffer.speech_stopped" not in kinds(socket)


# How it begins


@played
async def test_the_session_is_told_at_once_and_in_full() -> None:
    async with talking(House(), "intent=transcription") as socket:
        session = socket.seen[0]["session"]
        assert session.pop("id").startswith("sess_")
        assert session == {
            "object": "realtime.transcription_session",
            "type": "transcription",
            "include": [],
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24000},
                    "noise_reduction": None,
                    "transcription": {
                        "model": "ear",
                        "language": None,
                        "languages": [],
                        "keywords": [],
                        "prompt": None,
                    },
                    "turn_detection": {
                        "type": "server_vad",
                        "threshold": 0.5,
                        "prefix_padding_ms": 300,
                        "silence_duration_ms": 500,
                        "idle_timeout_ms": None,
                        "create_response": True,
                        "interrupt_response": True,
                    },
                }
            },
        }


@pytest.mark.parametrize(
    "query", ["model=ear", "model=whisper-1", "model=whisper-1&intent=transcription"]
)
@played
async def test_the_address_may_name_the_model(query: str) -> None:
    async with talking(House(), query) as socket:
        heard = socket.seen[0]["session"]["audio"]["input"]
        assert heard["transcription"]["model"] == query.split("&")[0].removeprefix("model=")


@pytest.mark.parametrize(
    ("query", "param", "told"),
    [
        ("model=gpt-realtime", "model", "Available: voice, ear, gate, tts-1, whisper-1"),
        ("model=voice", "model", "These can: ear"),
        ("intent=conversation", "intent", "no language model"),
    ],
)
@played
async def test_an_address_that_names_what_is_not_there_ends_with_an_error(
    query: str, param: str, told: str
) -> None:
    socket = Socket(House(), query)
    running = asyncio.ensure_future(socket.run())
    assert (await socket.message())["type"] == "websocket.accept"
    error = await socket.error()
    assert told in error["message"]
    assert error["param"] == param
    closed = await socket.message()
    assert (closed["type"], closed["code"]) == ("websocket.close", 1008)
    await asyncio.wait_for(running, PATIENCE)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ((), None),
        (("realtime", "openai-insecure-api-key.sk-1"), "realtime"),
        (("openai-insecure-api-key.sk-1", "realtime"), "realtime"),
        (("openai-insecure-api-key.sk-1",), None),
    ],
)
@played
async def test_of_a_browsers_subprotocols_only_realtime_is_confirmed(
    offered: tuple[str, ...], chosen: str | None
) -> None:
    socket = Socket(House(), subprotocols=offered)
    running = asyncio.ensure_future(socket.run())
    assert (await socket.message()).get("subprotocol") == chosen
    await socket.leave()
    await running


@pytest.mark.parametrize("given", [b"my-own-id", b""])
@played
async def test_a_session_has_a_request_id(given: bytes) -> None:
    headers = [(b"x-request-id", given)] if given else []
    socket = Socket(House(), headers=headers)
    running = asyncio.ensure_future(socket.run())
    accepted = dict((await socket.message())["headers"])
    sent = accepted[b"x-request-id"]
    assert sent == given if given else sent.startswith(b"req_")
    await socket.leave()
    await running


@played
async def test_what_runners_are_asked_carries_the_id_of_the_request() -> None:
    house = listening()
    async with talking(house, headers=[(b"x-request-id", b"mine")]) as socket:
        await socket.append(join([said(WORDS[:2]), PAUSE], 24000))
        await socket.until(f"{TRANSCRIPTION}.completed")
    assert {call.id for call in [*house.detector.calls, *house.transcriber.calls]} == {"mine"}


# Settings


@played
async def test_an_update_changes_what_it_names_and_keeps_the_rest() -> None:
    async with talking(House()) as socket:
        await socket.update(turn_detection={"type": "server_vad", "threshold": 0.7})
        await socket.update(transcription={"language": "de", "prompt": "Namen."})
        await socket.update(turn_detection={"silence_duration_ms": 900})
        for _ in range(3):
            updated = await socket.until("session.updated")
        heard = updated["session"]["audio"]["input"]
        assert heard["turn_detection"]["threshold"] == 0.7
        assert heard["turn_detection"]["silence_duration_ms"] == 900
        assert heard["transcription"]["model"] == "ear"
        assert heard["transcription"]["language"] == "de"
        assert updated["session"]["id"] == socket.seen[0]["session"]["id"]


@played
async def test_null_means_the_default_where_it_means_nothing_else() -> None:
    async with talking(House()) as socket:
        await socket.update(turn_detection={"threshold": 0.7}, noise_reduction=None)
        await socket.update(turn_detection={"threshold": None}, format=None)
        await socket.until("session.updated")
        heard = (await socket.until("session.updated"))["session"]["audio"]["input"]
        assert heard["turn_detection"]["threshold"] == 0.5
        assert heard["format"] == {"type": "audio/pcm", "rate": 24000}


@played
async def test_what_was_set_reaches_the_runners() -> None:
    house = listening()
    async with talking(house) as socket:
        await socket.update(
            turn_detection={"threshold": 0.8},
            transcription={
                "model": "whisper-1",
                "language": "German",
                "prompt": "Und so.",
                "keywords": ["Kiel", "Ulm"],
            },
        )
        await socket.append(join([said(WORDS[:2]), PAUSE], 24000))
        await socket.until(f"{TRANSCRIPTION}.completed")
    assert {job.threshold for job in house.detector.jobs} == {0.8}
    assert {job.language for job in house.transcriber.jobs} == {"de"}
    assert {job.prompt for job in house.transcriber.jobs} == {"Kiel, Ulm. Und so."}


@played
async def test_languages_to_choose_from_reach_the_transcriber() -> None:
    house = listening()
    async with talking(house) as socket:
        await socket.update(transcription={"languages": ["en", "german"]})
        await socket.append(join([said(WORDS[:2]), PAUSE], 24000))
        await socket.until(f"{TRANSCRIPTION}.completed")
    assert {job.candidates for job in house.transcriber.jobs} == {("en", "de")}


@pytest.mark.parametrize("law", ["pcmu", "pcma"])
@played
async def test_telephone_sound_is_understood(law: str) -> None:
    async with talking(listening()) as socket:
        await socket.update(format={"type": f"audio/{law}"}, turn_detection=None)
        heard = (await socket.until("session.updated"))["session"]["audio"]["input"]
        assert heard["format"] == {"type": f"audio/{law}"}
        # A second of digital silence, in the bytes of either law.
        quiet = {"pcmu": b"\xff", "pcma": b"\xd5"}[law] * 8000
        await socket.send("input_audio_buffer.append", audio=base64.b64encode(quiet).decode())
        await socket.send("input_audio_buffer.commit")
        done = await socket.until(f"{TRANSCRIPTION}.completed")
        assert done["usage"]["seconds"] == pytest.approx(1.0, abs=0.001)
        assert done["transcript"] == ""


HEARD = "session.audio.input"
LOGPROBS = "input_audio_transcription.logprobs"


@pytest.mark.parametrize(
    ("heard", "param", "told"),
    [
        ({"transcription": {"model": "nothing"}}, f"{HEARD}.transcription.model", "Available: "),
        ({"transcription": {"model": "voice"}}, f"{HEARD}.transcription.model", "These can: ear"),
        ({"transcription": {"language": "xx"}}, f"{HEARD}.transcription.language", "en, de"),
        ({"transcription": {"delay": "low"}}, f"{HEARD}.transcription.delay", "Unknown"),
        ({"transcription": None}, f"{HEARD}.transcription", "Transcription"),
        ({"transcription": {"prompt": "\ud800"}}, f"{HEARD}.transcription.prompt", "unicode"),
        ({"transcription": {"prompt": "x" * 5000}}, f"{HEARD}.transcription.prompt", "4096"),
        ({"format": {"type": "audio/mp3"}}, f"{HEARD}.format", "audio/pcm"),
        ({"format": {"type": "audio/pcm", "rate": 16000}}, f"{HEARD}.format.rate", "24000"),
        ({"noise_reduction": {"type": "near_field"}}, f"{HEARD}.noise_reduction", "not reduced"),
        ({"turn_detection": {"type": "semantic_vad"}}, f"{HEARD}.turn_detection", "server_vad"),
        ({"turn_detection": {"threshold": 1.5}}, f"{HEARD}.turn_detection.threshold", "equal to 1"),
        ({"turn_detection": {"threshold": "0.5"}}, f"{HEARD}.turn_detection.threshold", "number"),
        ({"turn_detection": {"threshold": float("nan")}}, f"{HEARD}.turn_detection.threshold", ""),
        (
            {"turn_detection": {"silence_duration_ms": -1}},
            f"{HEARD}.turn_detection.silence_duration_ms",
            "100",
        ),
        (
            {"turn_detection": {"idle_timeout_ms": 1}},
            f"{HEARD}.turn_detection.idle_timeout_ms",
            "5000",
        ),
        ({"gain": 2}, f"{HEARD}.gain", "Unknown parameter"),
    ],
)
@played
async def test_what_cannot_be_set_is_refused_by_name_and_the_session_goes_on(
    heard: dict[str, Any], param: str, told: str
) -> None:
    async with talking(listening()) as socket:
        await socket.update(**heard)
        error = await socket.error()
        assert error["param"] == param
        assert told in error["message"]
        assert error["event_id"] == "mine"
        assert error["type"] == "invalid_request_error"
        await socket.append(join([said(WORDS[:2]), PAUSE], 24000))
        done = await socket.until(f"{TRANSCRIPTION}.completed")
        assert done["transcript"] == "alpha bravo"


@pytest.mark.parametrize(
    ("session", "param"),
    [
        (None, "session"),
        ([], "session"),
        ({}, "session.type"),
        ({"type": "realtime"}, "session.type"),
        ({"type": "transcription", "audio": 1}, "session.audio"),
        ({"type": "transcription", "include": [f"item.{LOGPROBS}"]}, "session.include"),
        ({"type": "transcription", "instructions": "Be kind."}, "session.instructions"),
    ],
)  # fmt: skip
@played
async def test_a_session_that_is_none_is_refused(session: Any, param: str) -> None:
    async with talking(House()) as socket:
        await socket.send("session.update", session=session)
        assert (await socket.error())["param"] == param


@played
async def test_conversations_are_refused_for_what_they_are() -> None:
    async with talking(House()) as socket:
        await socket.send("session.update", session={"type": "realtime"})
        assert "no language model" in (await socket.error())["message"]
        for kind in ("response.create", "conversation.item.create", "response.cancel"):
            await socket.send(kind, event_id="e1")
            error = await socket.error()
            assert "no language model" in error["message"]
            assert "input_audio_buffer.append" in error["message"]
            assert error["event_id"] == "e1"


@played
async def test_without_a_detector_turns_are_off_and_cannot_be_had() -> None:
    house = House(transcriber=WordTranscriber())
    tree = {**SETTINGS, "model_configs": SETTINGS["model_configs"][:2]}
    configured = settings.parse(tree)
    app = build_app(configured)
    handles = {name: RunnerHandle(name, house.services[name]) for name in ("voice", "ear")}
    app.state.catalog = Catalog(configured, handles)
    house.served = Traced(app)
    async with talking(house) as socket:
        assert socket.seen[0]["session"]["audio"]["input"]["turn_detection"] is None
        await socket.update(turn_detection={"type": "server_vad"})
        assert "no configured model detects speech" in (await socket.error())["message"]
        await socket.append(said(WORDS[:2]))
        await socket.send("input_audio_buffer.commit")
        done = await socket.until(f"{TRANSCRIPTION}.completed")
        assert done["transcript"] == "alpha bravo"


# What is no event


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", "1" * 5000, "[" * 100_000, "{}", '{"type": null}', '{"type": 7}',
     '{"type": "no.such"}', '{"type": "input_audio_buffer.append"}',
     '{"type": "input_audio_buffer.append", "audio": 7}',
     '{"type": "input_audio_buffer.append", "audio": "*"}',
     '{"type": "input_audio_buffer.append", "audio": "AAA"}',
     '{"type": "input_audio_buffer.append", "audio": "AA=="}',
     '{"type": "input_audio_buffer.append", "audio": "\\u00e9"}',
     '{"type": "input_audio_buffer.append", "audio": "", "rate": 8000}',
     '{"type": "input_audio_buffer.commit", "audio": ""}',
     '{"type": "input_audio_buffer.commit"}',
     '{"type": "input_audio_buffer.clear", "event_id": 7}',
     '{"type": "\\ud800"}', '{"type": "session.update"}',
     '{"type": "transcription_session.update"}'],
)  # fmt: skip
@played
async def test_what_is_no_event_is_an_error_and_the_session_goes_on(text: str) -> None:
    async with talking(House()) as socket:
        await socket.text(text)
        assert (await socket.error())["type"] == "invalid_request_error"
        await socket.send("input_audio_buffer.clear")
        await socket.until("input_audio_buffer.cleared")


@played
async def test_a_binary_message_is_an_error() -> None:
    async with talking(House()) as socket:
        await socket.bytes(b"\x00\x01")
        assert "text messages" in (await socket.error())["message"]


@played
async def test_an_event_without_sound_must_be_short() -> None:
    async with talking(House()) as socket:
        await socket.update(**{f"x{number}": number for number in range(10_000)})
        assert "at most 65536 characters" in (await socket.error())["message"]


@played
async def test_an_append_beyond_the_limit_is_refused() -> None:
    async with talking(House()) as socket:
        await socket.send("input_audio_buffer.append", audio=silent(MAX_AUDIO_BYTES // 2 + 6))
        assert str(MAX_AUDIO_BYTES) in (await socket.error())["message"]


@played
async def test_an_event_id_too_long_to_repeat_is_refused() -> None:
    async with talking(House()) as socket:
        await socket.send("input_audio_buffer.clear", event_id="x" * 513)
        error = await socket.error()
        assert (error["param"], error["event_id"]) == ("event_id", None)


# Failures


@played
async def test_a_failed_transcription_fails_its_item_only() -> None:
    broken = Unavailable("The queue is full.", code="queue_full", retry_after=1)
    house = House(transcriber=WordTranscriber(failures={0: broken}))
    async with talking(house) as socket:
        await socket.update(turn_detection=None)
        await socket.send("input_audio_buffer.append", audio=encoded(said(WORDS[:1])))
        await socket.send("input_audio_buffer.commit")
        failed = await socket.until(f"{TRANSCRIPTION}.failed")
        assert failed["error"] == {
            "type": "server_error",
            "code": "queue_full",
            "message": "The queue is full.",
            "param": None,
        }
        await socket.send("input_audio_buffer.append", audio=encoded(said(WORDS[1:2])))
        await socket.send("input_audio_buffer.commit")
        assert (await socket.until(f"{TRANSCRIPTION}.completed"))["transcript"] == "bravo"


@played
async def test_a_detector_out_of_reach_is_told_and_the_sound_is_not_lost() -> None:
    house = House(
        transcriber=WordTranscriber(), detector=FakeDetector(failures={0: Unavailable("gone")})
    )
    async with talking(house) as socket:
        await socket.send("input_audio_buffer.append", event_id="e1", audio=encoded(PAUSE))
        assert (await socket.error())["event_id"] == "e1"
        await socket.append(join([said(WORDS[:2]), PAUSE], 24000))
        done = await socket.until(f"{TRANSCRIPTION}.completed")
        assert done["transcript"] == "alpha bravo"


@played
async def test_what_nobody_foresaw_closes_the_socket(caplog: pytest.LogCaptureFixture) -> None:
    house = listening()
    house.services["gate"].broken = ZeroDivisionError("a bug")
    socket = Socket(house)
    running = asyncio.ensure_future(socket.run())
    await socket.message()
    await socket.event()
    await socket.append(PAUSE)
    closed = await socket.message()
    assert (closed["type"], closed["code"]) == ("websocket.close", 1011)
    assert "bug" not in closed["reason"]
    await asyncio.wait_for(running, PATIENCE)
    assert "a bug" in caplog.text


# Bounds


@played
async def test_sessions_beyond_the_limit_are_refused_until_one_ends() -> None:
    house = House(limits={"max_realtime_sessions": 1})
    async with talking(house):
        second = Socket(house)
        await asyncio.wait_for(second.run(), PATIENCE)
        start = await second.message()
        assert (start["type"], start["status"]) == ("websocket.http.response.start", 503)
        assert dict(start["headers"])[b"retry-after"] == b"5"
        body = json.loads((await second.message())["body"])
        assert "max_realtime_sessions (1)" in body["error"]["message"]
    async with talking(house):
        pass


@played
async def test_a_server_that_can_only_close_closes_with_1013() -> None:
    house = House(limits={"max_realtime_sessions": 1})
    async with talking(house):
        second = Socket(house, extensions=())
        await asyncio.wait_for(second.run(), PATIENCE)
        closed = await second.message()
        assert (closed["type"], closed["code"]) == ("websocket.close", 1013)


@played
async def test_a_client_that_sends_nothing_is_sent_away() -> None:
    socket = Socket(House(api={"timeouts": {"realtime_idle": 0.05}}))
    running = asyncio.ensure_future(socket.run())
    await socket.message()
    await socket.event()
    assert (await socket.error())["code"] == "session_idle"
    assert (await socket.message())["code"] == 1000
    await asyncio.wait_for(running, PATIENCE)


@played
async def test_a_buffer_over_the_limit_is_cleared() -> None:
    held = Hold()
    house = House(transcriber=WordTranscriber(holds={0: held}), limits={"max_audio_seconds": 3.0})
    async with talking(house) as socket:
        await socket.update(turn_detection=None)
        await socket.until("session.updated")
        await socket.append(said(WORDS[:9]), seconds=1.0)
        error = await socket.error()
        assert error["code"] == "input_audio_buffer_full"
        assert "3 s" in error["message"]


@played
async def test_with_keys_a_browser_needs_one_of_them() -> None:
    key = {"name": "page", "sha256": hash_of("sk-1")}
    house = House(api={"auth": {"keys": [key]}})
    async with talking(house, subprotocols=("realtime", "openai-insecure-api-key.sk-1")):
        pass
    stranger = Socket(house, subprotocols=("realtime", "openai-insecure-api-key.sk-2"))
    await asyncio.wait_for(stranger.run(), PATIENCE)
    assert (await stranger.message())["status"] == 401


# Leaving


@pytest.mark.parametrize("busy", ["gate", "ear"])
@played
async def test_who_leaves_cancels_what_was_asked(busy: str) -> None:
    held = Hold()
    house = House(
        transcriber=WordTranscriber(holds={0: held} if busy == "ear" else {}),
        detector=FakeDetector(holds={0: held} if busy == "gate" else {}),
    )
    async with talking(house) as socket:
        await socket.append(join([said(WORDS[:4]), PAUSE], 24000))
        await asyncio.wait_for(held.reached.wait(), PATIENCE)
        for _ in range(100):
            await socket.append(said(WORDS[:1]))
    assert held.cancelled == 1


@played
async def test_nothing_of_what_was_said_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sound = join([said(WORDS[:4]), PAUSE], 24000)
    async with talking(listening(), headers=[(b"x-request-id", b"mine")]) as socket:
        await socket.update(transcription={"prompt": "a secret prompt"})
        await socket.append(sound)
        await socket.until(f"{TRANSCRIPTION}.completed")
        await socket.text("no JSON at all")
        await socket.error()
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("api")]
    assert ours == [
        "a realtime session has begun",
        "a realtime session has ended: the client left, with code 1000",
        "answered",
    ]
    for secret in ("alpha", "secret", "no JSON", encoded(sound)[:40]):
        assert secret not in caplog.text
