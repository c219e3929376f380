"""Which kind of answer a client would rather have."""

from __future__ import annotations

import pytest

from api.accept import prefers_json


@pytest.mark.parametrize(
    "header",
    [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/json, */*;q=0.8",
        "application/json, application/octet-stream;q=0.5",
        "audio/*;q=0.1, application/json;q=0.2",
        "application/json, audio/mpeg;q=0",
        "application/*, application/octet-stream;q=0.9",
    ],
)
def test_json_is_preferred(header: str) -> None:
    assert prefers_json(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "*/*",
        "application/octet-stream",
        "application/json, text/plain, */*",  # axios
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",  # a browser
        "audio/mpeg, application/json;q=0.9",
        "audio/x-strange, application/json;q=0.9",
        "audio/*, application/json",
        "application/*",
        "application/json;q=0",
        "application/json;q=nan",
        "application/json;q=much",
        "application/json;q=0.000, audio/*;q=0.001",
        ",;,=;q=,",
    ],
)
def test_sound_is_what_all_others_get(header: str) -> None:
    assert not prefers_json(header)
