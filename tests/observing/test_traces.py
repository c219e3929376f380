"""Our spans: inside a trace that BentoML has begun, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bentoml._internal.configuration.containers import BentoMLContainer
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

from observing import traces


@pytest.fixture
def told() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ALWAYS_ON)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    BentoMLContainer.tracer_provider.set(provider)
    traces._provider.cache_clear()
    yield exporter
    BentoMLContainer.tracer_provider.reset()
    traces._provider.cache_clear()
    provider.shutdown()


def test_without_a_trace_there_are_no_spans(told: InMemorySpanExporter) -> None:
    unsampled = TracerProvider(sampler=ALWAYS_OFF).get_tracer("outer")
    with traces.span("decode"), unsampled.start_as_current_span("request"), traces.span("encode"):
        traces.note(batch_size=1)
        traces.name_request("GET", "other")
    assert told.get_finished_spans() == ()


def test_a_step_is_a_span_of_its_request(told: InMemorySpanExporter) -> None:
    outer = BentoMLContainer.tracer_provider.get().get_tracer("outer")
    with outer.start_as_current_span("request"), traces.span("kokoro.synthesize"):
        traces.note(batch_size=2)
    step, request = told.get_finished_spans()
    assert (step.name, step.parent) == ("kokoro.synthesize", request.context)
    assert dict(step.attributes or {}) == {"harmony.batch_size": 2}


def test_a_failing_step_does_not_tell_what_it_says(told: InMemorySpanExporter) -> None:
    outer = BentoMLContainer.tracer_provider.get().get_tracer("outer")
    with (
        outer.start_as_current_span("request"),
        pytest.raises(ValueError, match="secret"),
        traces.span("decode"),
    ):
        raise ValueError("a secret")
    assert all("secret" not in span.to_json() for span in told.get_finished_spans())


def test_a_request_is_called_by_its_route(told: InMemorySpanExporter) -> None:
    outer = BentoMLContainer.tracer_provider.get().get_tracer("outer")
    came = {"http.target": "/v1/models/secret", "http.url": "http://x/v1/models/secret?key=secret"}
    with outer.start_as_current_span("GET /v1/models/secret", attributes=came):
        traces.name_request("GET", "/v1/models/{model}")
        with outer.start_as_current_span("GET /v1/models/a secret\n http send"):
            pass
    event, request = told.get_finished_spans()
    assert (event.name, request.name) == ("http send", "GET /v1/models/{model}")
    assert "secret" not in event.to_json() + request.to_json()
