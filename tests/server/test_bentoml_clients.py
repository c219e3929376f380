"""BentoML's own clients against the native endpoints of the live service."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import bentoml
import httpx
import pytest
from bentoml.exceptions import BentoMLException, InvalidArgument, NotFound

import audio
from tests.live import LiveService
from tests.server.conftest import PATIENCE, SAID

pytestmark = [pytest.mark.server, pytest.mark.weights]


@pytest.fixture(scope="module")
def client(live: LiveService) -> Iterator[Any]:
    with bentoml.SyncHTTPClient(live.url, timeout=PATIENCE) as client:
        yield client


@pytest.fixture
def file(spoken: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "spoken.wav"
    path.write_bytes(spoken)
    return path


def test_speech_is_streamed(client: Any) -> None:
    said = b"".join(client.speak(text=SAID, model="piper-joe", voice="joe"))
    assert audio.decode(said).duration > 1.0


def test_without_a_model_the_first_that_speaks_does(client: Any) -> None:
    said = b"".join(client.speak(text="Hello.", response_format="mp3", speed=2.0))
    assert audio.decode(said).duration > 0.2


def test_speech_is_transcribed_with_times(client: Any, file: Path) -> None:
    heard = client.transcribe(file=file, model="whisper-1", language="en")
    assert "quick brown fox" in heard["text"].lower()
    assert (heard["task"], heard["language"]) == ("transcribe", "english")
    assert heard["segments"] and heard["words"]
    assert client.transcribe(file=file, translate=True)["task"] == "translate"


def test_speech_is_found(client: Any, file: Path) -> None:
    found = client.detect(file=file)
    assert found["speech_activity"] is True
    (first, *_) = found["timestamps"]
    assert 0 <= first["start"] < first["end"] <= found["duration"]
    assert client.detect(file=file, threshold=1.0)["speech_activity"] is False


def test_the_asynchronous_client_does_the_same(live: LiveService, file: Path) -> None:
    async def use() -> tuple[bytes, dict[str, Any], dict[str, Any]]:
        async with bentoml.AsyncHTTPClient(live.url, timeout=PATIENCE) as client:
            said = b"".join([chunk async for chunk in client.speak(text="Hello there.")])
            heard, found = await asyncio.gather(
                client.transcribe(file=file), client.detect(file=file)
            )
            return said, heard, found

    said, heard, found = asyncio.run(use())
    assert audio.decode(said).duration > 0.4
    assert "quick brown fox" in heard["text"].lower()
    assert found["speech_activity"] is True


@pytest.mark.parametrize(
    ("fields", "kind", "says"),
    [
        ({"text": ""}, InvalidArgument, "at least 1"),
        ({"text": "🙂"}, InvalidArgument, "nothing in this text"),
        ({"text": "Hello.", "model": "nobody"}, NotFound, "nobody"),
        ({"text": "Hello.", "voice": "zoe"}, InvalidArgument, "zoe"),
        ({"text": "Hello.", "language": "xx"}, InvalidArgument, "xx"),
        ({"text": "Hello.", "speed": 9.0}, InvalidArgument, "less than or equal to 4"),
        ({"text": "Hello.", "response_format": "ogg"}, InvalidArgument, "'flac'"),
        ({"text": "a" * 100_001}, InvalidArgument, "max_text_characters"),
    ],
)
def test_wrong_arguments_of_speak_are_refused(
    client: Any, fields: dict[str, Any], kind: type[BentoMLException], says: str
) -> None:
    with pytest.raises(kind, match=says):
        list(client.speak(**fields))


def test_wrong_arguments_of_the_others_are_refused(client: Any, file: Path, tmp_path: Path) -> None:
    noise = tmp_path / "noise.mp3"
    noise.write_bytes(bytes(range(256)) * 100)
    for method in (client.transcribe, client.detect):
        with pytest.raises(InvalidArgument, match="cannot be read as audio"):
            method(file=noise)
        with pytest.raises(NotFound, match="nobody"):
            method(file=file, model="nobody")
        with pytest.raises(InvalidArgument, match="kokoro"):
            method(file=file, model="kokoro")
    with pytest.raises(InvalidArgument, match="language"):
        client.transcribe(file=file, language="xx")
    with pytest.raises(InvalidArgument, match="threshold"):
        client.detect(file=file, threshold=2.0)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"text": 5}', b'{"text": "\xff"}', b"\0"])
def test_a_broken_body_is_refused(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/speak", content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500


def test_a_body_announced_above_the_limit_is_refused_before_it_is_sent(
    http: httpx.Client,
) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(10**12)}
    connection = HTTPConnection(http.base_url.host, http.base_url.port, timeout=PATIENCE)
    with closing(connection):
        connection.request("POST", "/transcribe", headers=headers)
        with connection.getresponse() as answer:
            assert answer.status == 413


class Planted:
    """Unpickled, it leaves a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self._path,))


PUBLIC = ["/speak", "/transcribe", "/detect", "/run", "/card", "/v1/audio/speech",
          "/v1/audio/transcriptions", "/v1/audio/vad"]  # fmt: skip


def test_the_planted_pickle_would_do_harm(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    pickle.loads(pickle.dumps(Planted(trace)))
    assert trace.exists()


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize(
    "headers",
    [{}, {"payload-container": "DefaultContainer"}, {"args-number": "1"}, {"buffer-lengths": "9"}],
)
def test_a_pickle_is_never_opened_on_the_public_port(
    http: httpx.Client, tmp_path: Path, path: str, headers: dict[str, str]
) -> None:
    trace = tmp_path / "trace"
    kind = {"content-type": "application/vnd.bentoml+pickle"}
    answer = http.post(path, content=pickle.dumps(Planted(trace)), headers={**kind, **headers})
    assert 400 <= answer.status_code < 500
    assert not trace.exists()
