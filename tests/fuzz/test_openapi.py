"""Every operation of our OpenAPI, asked what the document allows and what it forbids."""

from __future__ import annotations

from typing import Any, TypeAlias

import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.house import House
from tests.fakes import (
    FakeAnalyser,
    FakeComposer,
    FakeConverter,
    FakeEmbedder,
    FakeRestorer,
    FakeVocoder,
)
from tests.fuzz.examples import URL, examples

OVERLOADED = 503
Case: TypeAlias = schemathesis.Case[Any]


def furnished() -> House:
    return House(
        embedder=FakeEmbedder(),
        converter=FakeConverter(),
        restorer=FakeRestorer(),
        analyser=FakeAnalyser(),
        composer=FakeComposer(),
        vocoder=FakeVocoder(),
    )


documented = (
    schemathesis.openapi.from_url(f"{URL}/openapi.json")
    if URL
    else schemathesis.openapi.from_asgi("/openapi.json", furnished().served)
)


def no_server_error(context: Any, response: Response, case: Case) -> None:
    """A server may say that it is overloaded, and when to come back."""
    if response.status_code != OVERLOADED or "retry-after" not in response.headers:
        not_a_server_error(context, response, case)


def failures_have_our_shape(context: Any, response: Response, case: Case) -> None:
    if response.status_code >= 400:
        body = response.json()
        assert set(body) == {"error"}
        assert set(body["error"]) == {"message", "type", "param", "code"}
        assert body["error"]["message"]


CHECKS = [
    no_server_error,
    failures_have_our_shape,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@documented.parametrize()
@examples(25)
def test_what_is_answered_is_what_the_document_says(case: Case) -> None:
    case.call_and_validate(checks=CHECKS)
