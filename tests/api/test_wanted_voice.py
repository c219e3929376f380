"""A voice is wanted by one field of a request: by two, or by none, it is an error that names them."""

from __future__ import annotations

from io import BytesIO

import attrs
import numpy as np
import pytest
from starlette.datastructures import UploadFile

from api.wanted_voice import wanted_voice
from errors import InvalidInput
from settings import ApiSettings
from tasks import Embedding, Finding, Reference, Span

API = ApiSettings()
VOICE = Embedding(np.ones(3, dtype=np.float32), "pitch")


@attrs.frozen
class Asked:
    input_vad_mode: Finding | None = None
    input_vad_data: tuple[Span, ...] | None = None


def clip() -> UploadFile:
    return UploadFile(BytesIO(b"RIFF"), size=4)


@pytest.mark.parametrize("prefix", ["input", "target"])
def test_a_recording_is_a_reference(prefix: str) -> None:
    found = wanted_voice(clip(), None, Asked(), API, prefix)
    assert isinstance(found, Reference)
    assert (found.finding, found.spans) == (Finding.DETECTOR, None)
    assert found.param == f"{prefix}_audio"


def test_what_the_request_says_of_the_speech_goes_with_it() -> None:
    spans = (Span(0.0, 2.0),)
    found = wanted_voice(clip(), None, Asked(Finding.RECOGNISER, spans), API)
    assert isinstance(found, Reference)
    assert (found.finding, found.spans) == (Finding.RECOGNISER, spans)


def test_an_embedding_is_itself() -> None:
    assert wanted_voice(None, VOICE, Asked(), API) is VOICE
    assert wanted_voice(None, VOICE, None, API, "target") is VOICE


@pytest.mark.parametrize("prefix", ["input", "target"])
def test_none_and_both_are_refused_by_name(prefix: str) -> None:
    with pytest.raises(InvalidInput, match=f"'{prefix}_audio'.*'{prefix}_embedding'") as caught:
        wanted_voice(None, None, None, API, prefix)
    assert caught.value.param == f"{prefix}_audio"
    with pytest.raises(InvalidInput, match="send one of them") as caught:
        wanted_voice(clip(), VOICE, None, API, prefix)
    assert caught.value.param == f"{prefix}_embedding"


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        (Asked(input_vad_mode=Finding.DETECTOR), "input_vad_mode"),
        (Asked(input_vad_data=(Span(0.0, 1.0),)), "input_vad_data"),
    ],
)
def test_an_embedding_has_no_speech_to_be_found(asked: Asked, param: str) -> None:
    with pytest.raises(InvalidInput, match="is about a recording") as caught:
        wanted_voice(None, VOICE, asked, API)
    assert caught.value.param == param
