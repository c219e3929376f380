"""What the live service tells its operator: lines, numbers and traces of every process, and no secrets."""

from __future__ import annotations

import http.server
import json
import os
import re
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx
import psutil  # type: ignore[import-untyped]
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import audio
from tests.conftest import BUNDLE
from tests.live import LiveService
from tests.server.conftest import PATIENCE

pytestmark = [pytest.mark.server, pytest.mark.weights]

KEY, OPS = "hs-zanzibar-0123456789abcdef", "hs-timbuktu-0123456789abcdef"
WORDS = "Xylophones quiver around Ouagadougou"
FILE = "zebra-memoir-of-anna.wav"
SECRET = re.compile("xylophone|quiver|ouagadougou|zebra|anna|zanzibar|timbuktu", re.IGNORECASE)
MODELS = ("silero-vad", "faster-whisper-tiny.en", "kokoro", "piper-joe")


@attrs.frozen
class Span:
    trace: str
    name: str
    service: str
    told: dict[str, Any]


@attrs.define
class Collector:
    """Takes spans as an OpenTelemetry collector does, over HTTP."""

    spans: list[Span] = attrs.field(factory=list)

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            service = _plain(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                self.spans += [
                    Span(span.trace_id.hex(), span.name, service, _plain(span.attributes))
                    for span in scope.spans
                ]


def _plain(attributes: Any) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value") or "") for each in attributes
    }


@pytest.fixture(scope="module")
def collector() -> Iterator[tuple[Collector, str]]:
    found = Collector()

    class Endpoint(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found, f"http://127.0.0.1:{server.server_port}/v1/traces"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def watched(
    collector: tuple[Collector, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveService]:
    """A service that tells all it can, with keys, and traces every request."""
    tracing = {
        "exporter_type": "otlp",
        "sample_rate": 1.0,
        "otlp.protocol": "http",
        "otlp.endpoint": collector[1],
    }
    environment = {
        "HARMONY_LOG_LEVEL": "debug",
        "HARMONY_API_KEYS": f"ann:{KEY},ops:admin:{OPS}",
        "BENTOML_CONFIG_OPTIONS": " ".join(f"services.tracing.{k}={v}" for k, v in tracing.items()),
        "OTEL_BSP_SCHEDULE_DELAY": "200",  # ms between exports
    }
    home = tmp_path_factory.mktemp("watched")
    with LiveService.started(BUNDLE, home, environment=environment) as service:
        yield service


@pytest.fixture
def http_as_ann(watched: LiveService) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=watched.url, timeout=PATIENCE, headers=headers) as client:
        yield client


def lines(service: LiveService) -> list[dict[str, Any]]:
    return [json.loads(line) for line in service.log.read_text().splitlines()]


def of_request(service: LiveService, request_id: str) -> list[dict[str, Any]]:
    return [
        line
        for line in lines(service)
        if request_id in (line.get("request_id"), *line.get("request_ids", ()))
    ]


def until_answered(service: LiveService, request_id: str) -> list[dict[str, Any]]:
    """Its lines, once the one that is written after the answer is there."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        told = of_request(service, request_id)
        if any(line["message"] == "answered" for line in told):
            return told
        time.sleep(0.1)
    raise AssertionError(f"no line of {request_id}")


def numbers(service: LiveService) -> dict[str, float]:
    """Every series of a scrape."""
    answer = httpx.get(f"{service.url}/metrics", headers={"api-key": OPS}, timeout=PATIENCE)
    assert answer.status_code == 200
    found = (line.rsplit(" ", 1) for line in answer.text.splitlines() if line[0] != "#")
    return {series: float(value) for series, value in found}


def hear_and_speak(client: httpx.Client) -> list[httpx.Response]:
    """The secret text, spoken, and the sound of it, heard; and much that goes wrong on the way."""
    speech = {"model": "piper-joe", "input": WORDS, "response_format": "wav"}
    spoken = client.post("/v1/audio/speech", json=speech)
    sound = {"file": (FILE, spoken.content)}
    garbage = {"file": (FILE, WORDS.encode())}
    asked = {"model": "whisper-1", "prompt": WORDS}
    return [
        spoken,
        client.post("/v1/audio/speech", json={**speech, "stream_format": "sse"}),
        client.post("/v1/audio/speech", json={**speech, "voice": WORDS}),
        client.post("/v1/audio/speech", json={**speech, WORDS: WORDS}),
        client.post("/v1/audio/speech", json={**speech, "model": WORDS}),
        client.post("/v1/audio/speech", json={**speech, "speed": WORDS}),
        client.post("/v1/audio/speech", content=f'{{"input": "{WORDS}'.encode()),
        client.post("/v1/audio/transcriptions", data=asked, files=sound),
        client.post("/v1/audio/transcriptions", data=asked, files=garbage),
        client.post("/v1/audio/transcriptions", data={**asked, "language": WORDS}, files=sound),
        client.post("/v1/audio/vad", files=sound),
        client.post("/v1/audio/vad", files=garbage),
        client.post("/speak", json={"text": WORDS}),
        client.post("/speak", json={"text": WORDS, "speed": 99}),
        client.post("/speak", json={"text": WORDS, "speed": WORDS}),
        client.post("/speak", json={"text": WORDS, "voice": WORDS}),
        client.post("/detect", files=garbage),
        client.post("/transcribe", files=garbage),
        client.get(f"/v1/models/{WORDS}"),
        client.get(f"/{WORDS}", params={"key": KEY}),
        client.get("/v1/models", headers={"authorization": f"Bearer {KEY}x"}),
        client.get("/v1/models", headers={"x-api-key": OPS}),
        client.get("/metrics"),
        client.head("/"),
        client.options("/v1/models"),
        client.request("BREW", "/v1/audio/speech"),
    ]


def test_nothing_that_was_sent_and_no_key_is_in_a_log_a_number_or_a_trace(
    http_as_ann: httpx.Client, watched: LiveService, collector: tuple[Collector, str]
) -> None:
    answers = hear_and_speak(http_as_ann)
    assert {answer.status_code for answer in answers} >= {200, 400, 401, 403, 404}
    assert all("total;dur=" in answer.headers["server-timing"] for answer in answers)
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert all(until_answered(watched, request_id) for request_id in ids)
    until_told(collector[0], ids[-1])
    logged = watched.log.read_text()
    told = [*logged.splitlines(), *map(repr, collector[0].spans), *numbers(watched)]
    assert [line for line in told if SECRET.search(line)] == []


def test_every_line_of_every_process_is_json_with_the_same_fields(watched: LiveService) -> None:
    told = lines(watched)
    for line in told:
        assert {"time", "level", "logger", "service", "pid", "message"} <= line.keys()
    assert {line["service"] for line in told} >= {"bentoml", "harmony-speech", *MODELS}


def test_a_request_has_its_id_in_the_lines_of_every_process(
    http_as_ann: httpx.Client, watched: LiveService
) -> None:
    asked = {"model": "piper-joe", "input": "One line here, another there."}
    http_as_ann.post("/v1/audio/speech", json=asked, headers={"x-request-id": "my-own-id"})
    told = until_answered(watched, "my-own-id")
    assert {line["service"] for line in told} == {"harmony-speech", "piper-joe"}
    (access,) = (line for line in told if line["message"] == "answered")
    assert access["route"] == "/v1/audio/speech"
    assert access["caller"] == "ann"
    assert (access["method"], access["status"]) == ("POST", 200)
    assert 0 < access["first_byte_seconds"] <= access["seconds"]
    assert access["bytes"] > 1000
    assert re.fullmatch("[0-9a-f]{32}", access["trace_id"])


def test_no_line_can_be_forged(http_as_ann: httpx.Client, watched: LiveService) -> None:
    before = len(lines(watched))
    forged = "%0A%7B%22level%22%3A%20%22forged%22%7D%0A"
    http_as_ann.get(f"/v1/models/{forged}", headers={"x-request-id": "forging"})
    until_answered(watched, "forging")
    assert len(lines(watched)) > before
    assert {line["level"] for line in lines(watched)} <= {"DEBUG", "INFO", "WARNING", "ERROR"}


def until_told(collector: Collector, request_id: str) -> list[Span]:
    """The spans of a request's trace, once they no longer become more."""
    until = time.monotonic() + PATIENCE
    found: list[Span] = []
    while time.monotonic() < until:
        known = {s.trace for s in collector.spans if s.told.get("harmony.request_id") == request_id}
        told = [span for span in collector.spans if span.trace in known]
        if told and len(told) == len(found):
            return found
        found = told
        time.sleep(2)
    raise AssertionError(f"no trace of {request_id}")


def test_one_trace_leads_from_the_request_into_its_runners(
    http_as_ann: httpx.Client, collector: tuple[Collector, str]
) -> None:
    spoken = http_as_ann.post("/v1/audio/speech", json={"model": "piper-joe", "input": "Hello."})
    files = {"file": ("a.mp3", spoken.content)}
    answer = http_as_ann.post("/v1/audio/transcriptions", data={"model": "whisper-1"}, files=files)
    request_id = answer.headers["x-request-id"]
    spans = until_told(collector[0], request_id)
    assert len({span.trace for span in spans}) == 1
    services = {span.service for span in spans}
    assert services == {"harmony-speech", "silero-vad", "faster-whisper-tiny.en"}
    named = {span.name: span for span in spans}
    assert {"POST /v1/audio/transcriptions", "decode", "silero-vad.detect"} <= named.keys()
    step = named["faster-whisper-tiny.en.transcribe"].told
    assert step["harmony.request_id"] == request_id
    assert step["harmony.batch_size"] == 1
    assert step["harmony.ran"] > 0 <= step["harmony.queued"]


def test_a_thousand_unknown_paths_add_no_series(
    http_as_ann: httpx.Client, watched: LiveService
) -> None:
    http_as_ann.get("/nowhere")
    before = numbers(watched)
    for _ in range(500):
        http_as_ann.get(f"/{secrets.token_hex(8)}")
        http_as_ann.get(f"/v1/models/{secrets.token_hex(8)}")
    after = numbers(watched)
    fresh = {series for series in after.keys() - before.keys() if "_bucket" not in series}
    route = 'route="/v1/models/{model}"'
    assert all(route in series for series in fresh), fresh
    assert len(fresh) <= 2
    unknown = 'harmony_speech_request_seconds_count{method="GET",route="other",status="404"}'
    assert after[unknown] == before[unknown] + 500


def test_the_dashboard_shows_what_there_is(watched: LiveService) -> None:
    board = json.loads((BUNDLE / "deploy/grafana/harmony-speech.json").read_text())
    text = json.dumps(board)
    known = {series.partition("{")[0] for series in numbers(watched)}
    # Counters without a series until something happens: a retry, a fallback, an unload.
    rare = {"retries_total", "fallbacks_total", "unloads_total"}
    asked = set(re.findall(r"harmony_speech_\w+", text))
    assert len(asked) > 12
    assert asked - known == {f"harmony_speech_{name}" for name in rare} - known
    targets = [target for panel in board["panels"] for target in panel.get("targets", ())]
    assert all(target["datasource"]["uid"] == "${datasource}" for target in targets)
    pages = (BUNDLE / "docs/monitoring.md").read_text()
    told = {re.sub("_(bucket|count|sum)$", "", name) for name in known}
    assert [
        name for name in told | {f"harmony_speech_{n}" for n in rare} if name not in pages
    ] == []


def test_a_killed_runner_is_not_told_to_be_there(
    http_as_ann: httpx.Client, watched: LiveService
) -> None:
    def seen(name: str) -> float | None:
        return numbers(watched).get(f'harmony_speech_{name}{{runner="piper-joe"}}')

    assert (seen("runner_up"), seen("model_loaded")) == (1, 1)
    assert (seen("model_memory_bytes") or 0) > 0
    process = watched.runner("piper-joe")
    process.send_signal(signal.SIGSTOP)
    try:
        assert (seen("runner_up"), seen("model_loaded"), seen("model_memory_bytes")) == (0, 0, 0)
    finally:
        os.kill(process.pid, signal.SIGKILL)
    folder = Path(watched.log.parent, "bentoml")
    of_the_dead = f"gauge_livesum_{process.pid}.db"
    assert list(folder.rglob(of_the_dead))
    psutil.wait_procs([process], timeout=PATIENCE)
    until = time.monotonic() + PATIENCE
    while seen("runner_up") != 1:
        assert time.monotonic() < until
        time.sleep(0.5)
    assert not list(folder.rglob(of_the_dead))
    assert seen("loads_total") is None  # it has an outcome
    assert numbers(watched)['harmony_speech_loads_total{outcome="loaded",runner="piper-joe"}'] == 2


def test_a_word_switches_to_lines_for_human_readers(tmp_path: Path) -> None:
    config = tmp_path / "gate.yaml"
    config.write_text(
        "model_configs: [{name: silero-vad, model: silero-vad, model_type: SileroVAD}]"
    )
    environment = {"HARMONY_LOG_FORMAT": "text", "HARMONY_CONFIG": str(config)}
    with LiveService.started(BUNDLE, tmp_path, environment=environment) as service:
        files = {"file": ("a.wav", audio.encode(audio.silence(1.0, 16000), "wav"))}
        httpx.post(f"{service.url}/v1/audio/vad", files=files, timeout=PATIENCE)
    told = service.log.read_text()
    assert re.search(r"^[\d:.]{12} INFO +silero-vad: loaded silero-vad", told, re.MULTILINE)
    assert re.search(r"harmony-speech: answered request_id=req_\w+ method=POST", told)
    assert "{" not in told
