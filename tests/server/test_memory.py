"""Models come and go in the real service, and the memory of their processes with them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
import yaml

from tests.conftest import BUNDLE
from tests.live import LiveService
from tests.server.conftest import PATIENCE, SAID

pytestmark = [pytest.mark.server, pytest.mark.weights]

MEGABYTE = 2**20
CYCLES = 3
CONFIGURATION = {
    "preload": [],
    "memory_budget": {"cpu": "1GB"},
    "model_configs": [
        {"name": "gate", "model": "silero-vad", "model_type": "SileroVAD"},
        {"name": "ear", "model": "faster-whisper-tiny.en", "model_type": "FasterWhisper", "dtype": "int8"},
        {"name": "voice", "model": "kokoro", "model_type": "Kokoro", "threads": 2},
        {"name": "joe", "model": "piper-joe", "model_type": "Piper"},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def lazy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    home = tmp_path_factory.mktemp("lazy")
    (home / "lazy.yaml").write_text(yaml.safe_dump(CONFIGURATION))
    environment = {"HARMONY_CONFIG": str(home / "lazy.yaml")}
    with LiveService.started(BUNDLE, home, environment=environment) as service:
        yield service


@pytest.fixture
def http(lazy: LiveService) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=lazy.url, timeout=PATIENCE) as client:
        yield client


def resident(service: LiveService, name: str) -> float:
    """Megabytes of the process that hosts a model."""
    size: int = service.runner(name).memory_info().rss
    return size / MEGABYTE


def states(http: httpx.Client) -> dict[str, str]:
    return {model["id"]: model["state"] for model in http.get("/v1/models").json()["data"]}


def speak(http: httpx.Client, model: str, **fields: object) -> httpx.Response:
    answer = http.post("/v1/audio/speech", json={"model": model, "input": SAID, **fields})
    assert answer.status_code == 200, answer.text
    return answer


def transcribe(http: httpx.Client, sound: bytes, **fields: str) -> None:
    files = {"file": ("a.mp3", sound)}
    answer = http.post("/v1/audio/transcriptions", data={"model": "ear", **fields}, files=files)
    assert answer.status_code == 200, answer.text


def test_nothing_is_loaded_until_it_is_asked_for(http: httpx.Client) -> None:
    assert set(states(http).values()) == {"unloaded"}
    sound = speak(http, "joe").content
    assert states(http) == {
        "gate": "unloaded",
        "ear": "unloaded",
        "voice": "unloaded",
        "joe": "loaded",
    }
    transcribe(http, sound, keep_alive="0")
    until = time.monotonic() + PATIENCE
    while states(http)["ear"] != "unloaded" or states(http)["gate"] != "unloaded":
        assert time.monotonic() < until


@pytest.mark.parametrize("name", ["ear", "voice", "joe"])
def test_unloading_frees_memory_for_real(lazy: LiveService, http: httpx.Client, name: str) -> None:
    sound = speak(http, "joe").content
    http.post(f"/v1/models/{name}/unload").raise_for_status()
    after = []
    for _ in range(CYCLES):
        if name == "ear":
            transcribe(http, sound)
        else:
            speak(http, name)
        loaded = resident(lazy, name)
        answer = http.post(f"/v1/models/{name}/unload").raise_for_status().json()
        assert answer["state"] == "unloaded"
        after.append(resident(lazy, name))
        assert after[-1] < loaded - 40, (loaded, after)
    # The libraries stay from the first load on; what each load left behind would show here.
    assert after[-1] < after[0] + 15, after
