"""The real service with OpenVoice's converters and encoders: two entries, one process, one copy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]
import pytest
import yaml

from tests import openvoice
from tests.conftest import BUNDLE
from tests.live import LiveService
from tests.server.conftest import PATIENCE

pytestmark = [pytest.mark.server, pytest.mark.weights]

HOSTS = {
    "ov1-tone-converter-encoder": "ov1-tone-converter",
    "ov2-tone-converter-encoder": "ov2-tone-converter",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    home = tmp_path_factory.mktemp("service")
    folders = openvoice.lay_out(home)
    entries = openvoice.entries(folders[openvoice.V1], folders[openvoice.V2])
    # V2 is wanted at the start by its encoder only.
    wanted = [{**entry, "lazy": entry["name"] == "ov2-tone-converter"} for entry in entries]
    configuration = home / "configuration.yaml"
    configuration.write_text(yaml.safe_dump({"model_configs": wanted}))
    environment = {"HARMONY_CONFIG": str(configuration)}
    with LiveService.started(BUNDLE, home, environment=environment) as service:
        yield service


@pytest.fixture(scope="module")
def client(service: LiveService) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=PATIENCE) as client:
        yield client


def presence(client: httpx.Client) -> dict[str, Any]:
    runners = client.get("/health").json()["runners"]
    return {name: state["model"] for name, state in runners.items()}


def test_an_encoder_has_no_process_of_its_own(service: LiveService) -> None:
    family = psutil.Process(service.process.pid).children(recursive=True)
    names = {
        name
        for process in family
        for name in (*HOSTS, *HOSTS.values())
        if name in process.cmdline()
    }
    assert names == set(HOSTS.values())


def test_both_entries_are_told_as_the_one_runner_stands(client: httpx.Client) -> None:
    names = set(openvoice.NAMES)
    assert presence(client) == dict.fromkeys(names, "loaded")
    for guest, host in HOSTS.items():
        assert client.post(f"/v1/models/{guest}/unload").status_code == 200
        assert presence(client) == {
            name: "unloaded" if name in (guest, host) else "loaded" for name in names
        }
        assert client.post(f"/v1/models/{host}/load").status_code == 200
        assert presence(client)[guest] == "loaded"


def test_each_entry_is_listed_with_what_it_is_for(client: httpx.Client) -> None:
    listed = {model["id"]: model["tasks"] for model in client.get("/v1/models").json()["data"]}
    for guest, host in HOSTS.items():
        assert listed[guest] == ["speaker-embedding"]
        assert listed[host] == ["voice-conversion", "speaker-embedding"]


def test_memory_is_counted_once(client: httpx.Client) -> None:
    told = client.get("/metrics").text
    for guest, host in HOSTS.items():
        assert f'harmony_speech_model_memory_bytes{{runner="{host}"}}' in told
        assert f'runner="{guest}"' not in told


def spoken(client: httpx.Client, **asked: Any) -> httpx.Response:
    said = {"input": "The birds are singing.", "response_format": "wav", **asked}
    return client.post("/v1/audio/speech", json=said)


@pytest.mark.parametrize("voice", [None, "whispering", "friendly"])
def test_a_style_is_a_voice(client: httpx.Client, voice: str | None) -> None:
    asked = {"voice": voice} if voice else {}
    answer = spoken(client, model="ov1-synthesizer-en", **asked)
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(b"RIFF")


def test_chinese_is_spoken(client: httpx.Client) -> None:
    answer = spoken(client, model="ov1-synthesizer-zh", input="鸟儿在唱歌。今天天气很好。")
    assert answer.status_code == 200, answer.text


def test_a_style_that_there_is_not_is_told_those_there_are(client: httpx.Client) -> None:
    answer = spoken(client, model="ov1-synthesizer-en", voice="merry")
    assert answer.status_code == 400
    assert "default, whispering, shouting" in answer.json()["error"]["message"]


def test_another_language_is_refused(client: httpx.Client) -> None:
    engine = {"model": "ov1-synthesizer-en", "input": "Bonjour.", "mode": "single_speaker_tts"}
    for language, status in (("EN", 200), ("FR", 400), ("ZH", 400)):
        answer = client.post("/v1/audio/speech", json={**engine, "language": language})
        assert answer.status_code == status, answer.text
