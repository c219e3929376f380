"""The real service with models of the hub and nothing pulled: each runner fetches what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from settings import weights_root
from tests.conftest import BUNDLE
from tests.fake_hub import FakeHub
from tests.hub_layouts import JOE, PIPER, TINY, TINY_FILES, piper_files, whisper_files
from tests.live import LiveService
from tests.server.conftest import PATIENCE, SAID
from weights import Store

pytestmark = [pytest.mark.server, pytest.mark.weights]

MODELS = [
    {"name": "gate", "model": "silero-vad", "model_type": "SileroVAD"},
    {"name": "joe", "model": f"{PIPER}/{Path(JOE).parent}", "model_type": "Piper"},
    {
        "name": "ear",
        "model": "tiny.en",
        "model_type": "FasterWhisper",
        "revision": "main",
        "dtype": "int8",
    },
]


@pytest.fixture(scope="module")
def hub(store: Store) -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.push(PIPER, piper_files(store))
        hub.push(TINY, whisper_files(store))
        yield hub


def test_a_service_fetches_its_models_from_the_hub_and_uses_them(
    hub: FakeHub, tmp_path: Path
) -> None:
    root = tmp_path / "weights"
    root.mkdir()
    for name in ("silero-vad", "english-lexicon", "english-guesser"):
        (root / name).symlink_to(weights_root() / name)
    configuration = tmp_path / "configuration.yaml"
    configuration.write_text(yaml.safe_dump({"model_configs": MODELS}))
    environment = {
        "HARMONY_CONFIG": str(configuration), "HARMONY_HOME": str(root), "HARMONY_OFFLINE": "",
        "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_TOKEN": "hf_aVerySecretToken",
    }  # fmt: skip
    with LiveService.started(BUNDLE, tmp_path, environment=environment) as service:
        with httpx.Client(base_url=service.url, timeout=PATIENCE) as client:
            spoken = client.post(
                "/v1/audio/speech",
                json={"model": "joe", "input": SAID, "response_format": "wav"},
            )
            assert spoken.status_code == 200, spoken.text
            heard = client.post(
                "/v1/audio/transcriptions",
                data={"model": "ear"},
                files={"file": ("a.wav", spoken.content)},
            )
        log = service.log.read_text(encoding="utf-8")
    assert "quick brown fox" in heard.json()["text"].lower()
    assert set(hub.fetched()) == {JOE, f"{JOE}.json", *TINY_FILES}
    assert environment["HF_TOKEN"] not in log
