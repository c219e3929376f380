"""OpenTelemetry spans of our own steps, inside the trace that BentoML has begun.

BentoML makes the spans of requests and calls of runners, carries their ids from process to process, and
exports them where its `tracing` settings say. A request that is not sampled costs nothing here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bentoml._internal.configuration.containers import BentoMLContainer
from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.instrumentation import asgi
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider

# The names under which OpenTelemetry's ASGI middleware keeps what a client may have written into a URL.
URL_ATTRIBUTES = ("http.target", "http.url", "url.full", "url.path", "url.query")

# Its spans of each event of an answer are called by the path, too: "GET /… http send".
EVENT = re.compile(r".* ((?:http|websocket) (?:send|receive))", re.DOTALL)

Value = str | int | float


@contextmanager
def span(name: str, **attributes: Value) -> Iterator[None]:
    """The block as a step of the request at hand, if that is traced."""
    if not _sampled():
        yield
        return
    tracer = _provider().get_tracer("harmony-speech")
    # An exception's message may quote what was sent.
    with tracer.start_as_current_span(name, attributes=attributes, record_exception=False,
                                      set_status_on_exception=False):  # fmt: skip
        yield


def note(**attributes: Value) -> None:
    """Add to the current span; `batch_size` becomes `harmony.batch_size`."""
    if _sampled():
        told = {f"harmony.{name}": value for name, value in attributes.items()}
        trace.get_current_span().set_attributes(told)


def name_request(method: str, route: str) -> None:
    """Call the request by its route: as it came, its URL may hold anything."""
    if not _sampled():
        return
    _provider()
    current = trace.get_current_span()
    current.update_name(f"{method} {route}")
    current.set_attributes(dict.fromkeys(URL_ATTRIBUTES, route))


class OwnTrace(asgi.OpenTelemetryMiddleware):
    """Every request in the trace that its own headers name.

    A connection that was paused under a large body reads on in the context of that request, so the next
    request on it would be taken for a part of the former, whatever its headers say.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        token = context.attach(Context())
        try:
            await super().__call__(scope, receive, send)
        finally:
            context.detach(token)


def install() -> None:
    """Have BentoML put this before its apps instead of OpenTelemetry's own."""
    asgi.OpenTelemetryMiddleware = OwnTrace  # type: ignore[misc]


class _Discreet(SpanProcessor):
    """Calls the spans of events by their kind alone."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if event := EVENT.fullmatch(span.name):
            span.update_name(event[1])


@functools.cache
def _provider() -> TracerProvider:
    """BentoML's own, which says where spans go; it is made once a service has its settings."""
    provider: TracerProvider = BentoMLContainer.tracer_provider.get()
    provider.add_span_processor(_Discreet())
    return provider


def _sampled() -> bool:
    return trace.get_current_span().get_span_context().trace_flags.sampled
