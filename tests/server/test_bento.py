"""A bento holds what bentofile.yaml lists and nothing else, and runs far from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.conftest import BUNDLE
from tests.live import LiveService

LISTED = {
    "LICENSE", "README.md", "api", "audio", "bentofile.yaml", "callers.py", "catalog.py",
    "configuration.yaml", "errors.py", "networks", "observing", "pipelines", "requirements", "runners",
    "service.py", "settings.py", "tasks.py", "version.py", "weights",
}  # fmt: skip


@pytest.mark.server
@pytest.mark.weights
def test_a_bento_is_an_explicit_list_and_serves_from_another_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    elsewhere = tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    built = subprocess.run(
        [sys.executable, "-m", "bentoml", "build", "--output", "tag"],
        cwd=BUNDLE,
        env={**os.environ, "BENTOML_HOME": str(home / "bentoml"), "BENTOML_DO_NOT_TRACK": "True"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (bento,) = (home / "bentoml" / "bentos" / "harmony-speech").glob("*/src")
    shipped = {path.relative_to(bento).parts[0] for path in bento.rglob("*") if path.is_file()}
    assert shipped == LISTED
    tag = f"harmony-speech:{bento.parent.name}"
    with LiveService.started(elsewhere, home, target=[tag]) as service:
        answer = httpx.post(
            f"{service.url}/v1/audio/speech",
            json={"model": "piper-joe", "input": "Far from home.", "response_format": "wav"},
            timeout=60,
        )
        assert answer.status_code == 200
        assert answer.content.startswith(b"RIFF")
