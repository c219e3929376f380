"""An app with fake runners behind it, and clients for it: one that behaves, one that does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import attrs
import httpx
from fastapi import FastAPI
from starlette.types import ASGIApp, Message

import settings
from api.app import build_app
from api.front import behind, front
from catalog import TOOLCHAINS, Catalog
from runners.handle import RunnerHandle
from runners.roles import Toolchain
from tests.fakes import (
    Fake,
    FakeAnalyser,
    FakeComposer,
    FakeConverter,
    FakeDetector,
    FakeEmbedder,
    FakeRestorer,
    FakeService,
    FakeSynthesizer,
    FakeTranscriber,
    FakeVocoder,
    WordTranscriber,
)

PATIENCE = 60.0  # seconds until a test that hangs fails instead
SETTINGS: Mapping[str, Any] = {
    "model_configs": [
        {"name": "voice", "model": "none", "model_type": "tests.fakes:Speaks"},
        {"name": "ear", "model": "none", "model_type": "tests.fakes:Transcribes"},
        {"name": "gate", "model": "none", "model_type": "tests.fakes:Detects"},
    ],
    "aliases": {"tts-1": "voice", "whisper-1": "ear"},
    "voice_aliases": {"alloy": ["zoe", "bob"], "nova": ["zoe"]},
}

ENCODER = {"name": "nose", "model": "none", "model_type": "tests.fakes:Embeds"}
CONVERTER = {"name": "mask", "model": "none", "model_type": "tests.fakes:Converts"}
COMPOSER = {"name": "pen", "model": "none", "model_type": "tests.fakes:Composes"}
VOCODER = {"name": "horn", "model": "none", "model_type": "tests.fakes:Vocodes"}
# There where its parts are: a voice, an encoder and a converter.
DUO = Toolchain(("tests.fakes:Speaks",), ("tests.fakes:Embeds",), ("tests.fakes:Converts",))
TRIO = Toolchain(
    composer=("tests.fakes:Composes",),
    encoder=("tests.fakes:Embeds",),
    vocoder=("tests.fakes:Vocodes",),
)
RESTORER = {"name": "broom", "model": "none", "model_type": "tests.fakes:Restores"}
ANALYSER = {"name": "sieve", "model": "none", "model_type": "tests.fakes:Analyses"}
WHISTLE = {"name": "whistle", "model": "none", "model_type": "tests.fakes:Vocodes"}
FORGE = Toolchain(analyser=("tests.fakes:Analyses",), vocoder=("tests.fakes:Vocodes",))


@attrs.define
class House:
    """The HTTP app on fakes, and what stands before it.

    `limits` are those of the configuration's `api`, which has all else of it; `public` says that the
    server is bound to more than loopback; `spare` is the fallback of `voice`; no `embedder`, no encoder,
    and likewise with the `converter`; `understudy` and `double` are their fallbacks. With an encoder and
    a converter there is the toolchain `duo`, with an encoder, a composer and a vocoder `trio`. `broom` is
    the `restorer`, `apprentice` its fallback; with an `analyser` there are `sieve`, `whistle`, and their
    toolchain `forge`.
    """

    synthesizer: FakeSynthesizer = attrs.field(factory=FakeSynthesizer)
    transcriber: FakeTranscriber | WordTranscriber = attrs.field(factory=FakeTranscriber)
    detector: FakeDetector = attrs.field(factory=FakeDetector)
    spare: FakeSynthesizer | None = None
    embedder: FakeEmbedder | None = None
    understudy: FakeEmbedder | None = None
    converter: FakeConverter | None = None
    double: FakeConverter | None = None
    composer: FakeComposer | None = None
    vocoder: FakeVocoder | None = None
    restorer: FakeRestorer | None = None
    apprentice: FakeRestorer | None = None
    analyser: FakeAnalyser | None = None
    limits: Mapping[str, Any] = attrs.field(factory=dict)
    api: Mapping[str, Any] = attrs.field(factory=dict)
    public: bool = False
    services: dict[str, FakeService] = attrs.field(init=False)
    app: FastAPI = attrs.field(init=False)
    served: ASGIApp = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        voice, *others = SETTINGS["model_configs"]
        fakes: dict[str, Fake] = {
            "voice": self.synthesizer,
            "ear": self.transcriber,
            "gate": self.detector,
        }
        if self.spare:
            fakes["spare"] = self.spare
            others.append({**voice, "name": "spare"})
            voice = {**voice, "fallback": "spare"}
        if self.embedder:
            fakes["nose"] = self.embedder
            others.append({**ENCODER, "fallback": self.understudy and "understudy"})
        if self.understudy:
            fakes["understudy"] = self.understudy
            others.append({**ENCODER, "name": "understudy"})
        if self.converter:
            fakes["mask"] = self.converter
            others.append({**CONVERTER, "fallback": self.double and "double"})
        if self.double:
            fakes["double"] = self.double
            others.append({**CONVERTER, "name": "double"})
        if self.composer:
            fakes["pen"] = self.composer
            others.append(COMPOSER)
        if self.vocoder:
            fakes["horn"] = self.vocoder
            others.append(VOCODER)
        if self.restorer:
            fakes["broom"] = self.restorer
            others.append({**RESTORER, "fallback": self.apprentice and "apprentice"})
        if self.apprentice:
            fakes["apprentice"] = self.apprentice
            others.append({**RESTORER, "name": "apprentice"})
        if self.analyser:
            fakes |= {"sieve": self.analyser, "whistle": FakeVocoder()}
            others += [ANALYSER, WHISTLE]
        tree = {**SETTINGS, "model_configs": [voice, *others]}
        configured = settings.parse({**tree, "api": {"limits": self.limits, **self.api}})
        self.services = {name: FakeService(fake) for name, fake in fakes.items()}
        handles = {name: RunnerHandle(name, service) for name, service in self.services.items()}
        self.app = build_app(configured)
        self.app.state.catalog = Catalog(
            configured, handles, {**TOOLCHAINS, "duo": DUO, "trio": TRIO, "forge": FORGE}
        )
        self.served = behind(front(configured.api, self.public), self.app)

    def get(self, path: str, **request: Any) -> httpx.Response:
        return self.request("GET", path, **request)

    def post(self, path: str, **request: Any) -> httpx.Response:
        return self.request("POST", path, **request)

    def request(self, method: str, path: str, **request: Any) -> httpx.Response:
        async def exchange() -> httpx.Response:
            transport = httpx.ASGITransport(self.served, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://house") as client:
                return await asyncio.wait_for(client.request(method, path, **request), PATIENCE)

        return asyncio.run(exchange())

    def speak(self, **fields: Any) -> httpx.Response:
        """POST /v1/audio/speech; a field that is None is left out."""
        asked = {"model": "voice", "input": "Hello there.", "voice": "ann", **fields}
        present = {name: value for name, value in asked.items() if value is not None}
        # The escapes of ASCII can say what no UTF-8 can: half of a surrogate pair.
        headers = {"content-type": "application/json"}
        return self.post("/v1/audio/speech", content=json.dumps(present), headers=headers)

    def transcribe(
        self, sound: bytes, *, path: str = "/v1/audio/transcriptions", **fields: Any
    ) -> httpx.Response:
        """POST a form with a file; a list is sent as a repeated field."""
        return self.post(path, data={"model": "ear", **fields}, files={"file": ("a.wav", sound)})


class Visit:
    """One request by hand, for clients that hang up. Speaks ASGI as uvicorn does."""

    def __init__(self, house: House, request: httpx.Request) -> None:
        self._house = house
        self._body = [request.read()]
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": request.url.path,
            "raw_path": request.url.raw_path,
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 1),
            "server": ("house", 80),
        }
        self.left = asyncio.Event()
        self.sent: list[Message] = []

    async def run(self) -> None:
        await asyncio.wait_for(self._house.served(self._scope, self._receive, self._send), PATIENCE)

    async def run_until_left_at(self, reached: asyncio.Event) -> None:
        """Hang up once `reached`, and wait until the app has noticed."""
        running = asyncio.ensure_future(self.run())
        await asyncio.wait_for(reached.wait(), PATIENCE)
        self.left.set()
        await running

    @property
    def status(self) -> int | None:
        starts = [m["status"] for m in self.sent if m["type"] == "http.response.start"]
        return starts[0] if starts else None

    @property
    def complete(self) -> bool:
        """Whether the answer was ended properly; a broken chunked stream is not."""
        bodies = [m for m in self.sent if m["type"] == "http.response.body"]
        return bool(bodies) and not bodies[-1].get("more_body", False)

    async def _receive(self) -> Message:
        if self._body:
            return {"type": "http.request", "body": self._body.pop(), "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


def error_of(answer: httpx.Response) -> dict[str, Any]:
    """The error in an answer, once it has been seen to have OpenAI's exact shape."""
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert isinstance(error["message"], str) and error["message"]
    usual = "server_error" if answer.status_code >= 500 else "invalid_request_error"
    assert error["type"] == ("requests" if answer.status_code == 429 else usual)
    assert error["param"] is None or isinstance(error["param"], str)
    assert error["code"] is None or isinstance(error["code"], str)
    return error


def events_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """The server-sent events of an answer."""
    assert answer.headers["content-type"].partition(";")[0] == "text/event-stream"
    *blocks, rest = answer.text.split("\n\n")
    assert rest == ""
    assert all(block.startswith("data: ") and "\n" not in block for block in blocks)
    return [json.loads(block.removeprefix("data: ")) for block in blocks]
