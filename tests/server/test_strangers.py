"""Strangers at real sockets: a public address, pickles, and a runner on TCP."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import bentoml
import httpx
import pytest

import audio
from tests.api.house import error_of
from tests.conftest import BUNDLE
from tests.live import LiveService
from tests.server.conftest import PATIENCE

pytestmark = [pytest.mark.server, pytest.mark.weights]

ALONE = ("bentoml_cli._internal.start", "start-http-server")
TARGET = ("service:Speech",)
TOKEN = {"BENTO_CLOUD_API_KEY": "a-token-of-32-characters-or-more"}
AUTHORIZED = {"authorization": f"Bearer {TOKEN['BENTO_CLOUD_API_KEY']}"}
PICKLE = "application/vnd.bentoml+pickle"
KEY = "hs-0123456789abcdef0123"
CONFIGURATION = """
model_configs:
  - {name: silero-vad, model: silero-vad, model_type: SileroVAD}
"""
SOUND = {"file": ("a.wav", audio.encode(audio.silence(1.0, 16000), "wav"))}


@attrs.frozen
class Bomb:
    """A pickle that leaves a file behind wherever it is unpickled."""

    mark: Path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "unpickled"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the service has one small model."""
    file = tmp_path_factory.mktemp("small") / "small.yaml"
    file.write_text(CONFIGURATION)
    return {"HARMONY_CONFIG": str(file)}


@pytest.fixture(scope="module")
def runner(
    small: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveService]:
    """A runner by itself, on TCP."""
    with LiveService.started(
        BUNDLE,
        tmp_path_factory.mktemp("runner"),
        program=ALONE,
        target=(*TARGET, "--service-name", "silero-vad"),
        health="/readyz",
        environment={**small, **TOKEN},
    ) as service:
        yield service


# Pickles


@pytest.mark.parametrize("endpoint", ["speak", "transcribe", "detect"])
@pytest.mark.parametrize("kind", [PICKLE, f"{PICKLE}; charset=utf-8", PICKLE.upper()])
def test_the_public_port_unpickles_nothing(
    live: LiveService, mark: Path, endpoint: str, kind: str
) -> None:
    for body in (pickle.dumps(Bomb(mark)), pickle.dumps({"text": Bomb(mark), "file": Bomb(mark)})):
        answer = httpx.post(f"{live.url}/{endpoint}", content=body, headers={"content-type": kind})
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.status_code == 415 or kind == PICKLE.upper()
    assert not mark.exists()


def test_nor_does_it_a_part_of_a_form(live: LiveService, mark: Path) -> None:
    part = {"file": ("a.wav", pickle.dumps(Bomb(mark)), PICKLE)}
    for path in ("/detect", "/v1/audio/vad"):
        answer = httpx.post(live.url + path, files=part)
        assert answer.status_code == 400
    assert not mark.exists()


def test_the_bomb_is_one(mark: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(mark)))
    assert mark.exists()


# A runner on TCP


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN["BENTO_CLOUD_API_KEY"]}],
    ids=["none", "wrong", "no scheme"],
)
def test_a_runner_on_tcp_hears_no_stranger(
    runner: LiveService, mark: Path, headers: dict[str, str]
) -> None:
    for path in ("/run", "/card", "/load", "/unload", "/state"):
        answer = httpx.post(
            runner.url + path,
            content=pickle.dumps(Bomb(mark)),
            headers={"content-type": PICKLE, **headers},
        )
        assert answer.status_code == 401
    assert httpx.get(f"{runner.url}/metrics", headers=headers).status_code == 401
    assert not mark.exists()
    assert httpx.get(f"{runner.url}/livez").status_code == 200


def test_a_service_with_the_token_uses_a_runner_of_another_machine(
    runner: LiveService, small: dict[str, str], tmp_path: Path
) -> None:
    environment = {**small, **TOKEN, "HARMONY_API_KEYS": f"ann:{KEY}"}
    target = (*TARGET, "--depends", f"silero-vad={runner.url}")
    with LiveService.started(
        BUNDLE, tmp_path, program=ALONE, target=target, environment=environment
    ) as public:
        vad = f"{public.url}/v1/audio/vad"
        assert httpx.post(vad, files=SOUND, timeout=PATIENCE).status_code == 401
        answer = httpx.post(vad, files=SOUND, headers={"api-key": KEY}, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        assert answer.json()["duration"] == 1.0
        scraped = httpx.get(f"{runner.url}/metrics", headers=AUTHORIZED).text
        assert 'harmony_speech_batch_size_count{runner="silero-vad"} ' in scraped
        # The secret between machines is no API key.
        assert httpx.get(f"{public.url}/v1/models", headers=AUTHORIZED).status_code == 401
        # BentoML's own client brings its key along.
        file = tmp_path / "a.wav"
        file.write_bytes(SOUND["file"][1])
        with bentoml.SyncHTTPClient(public.url, token=KEY) as client:
            assert client.detect(file=file)["timestamps"] == []


# A public address


def test_a_public_address_without_keys_is_closed(small: dict[str, str], tmp_path: Path) -> None:
    with LiveService.started(BUNDLE, tmp_path, host="0.0.0.0", environment=small) as service:
        for path in ("/v1/models", "/metrics", "/schema.json", "/nowhere"):
            answer = httpx.get(service.url + path)
            assert answer.status_code == 401
            assert "api.auth.open" in error_of(answer)["message"]
        for path in ("/v1/audio/vad", "/detect"):
            answer = httpx.post(service.url + path, files=SOUND)
            assert answer.status_code == 401
        for path in ("/health", "/livez", "/readyz", "/docs", "/redoc", "/openapi.json"):
            assert httpx.get(service.url + path).status_code == 200
        said = [line for line in service.log.read_text().splitlines() if "public address" in line]
        assert len(said) == 1
        assert "bind 127.0.0.1" in said[0]
