"""JavaScript clients from npm, run by node: their versions stand in node/package.json and its lock."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import attrs
import pytest

FOLDER = Path(__file__).resolve().parent / "node"
INSTALL_SECONDS, RUN_SECONDS = 300, 120


@attrs.frozen
class NodeClient:
    """A script in `node/` that reads what it is asked from its input and prints its answer."""

    script: Path
    url: str

    def run(self, **asked: Any) -> Any:
        done = subprocess.run(
            ["node", self.script],
            cwd=FOLDER,
            input=json.dumps({"url": self.url, **asked}),
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def install() -> None:
    """Put the clients into node/node_modules, unless what the lock names is there already."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: JavaScript clients are not tested")
    lock = (FOLDER / "package-lock.json").read_text()
    installed = FOLDER / "node_modules" / ".installed"
    if installed.is_file() and installed.read_text() == lock:
        return
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        command, cwd=FOLDER, capture_output=True, text=True, timeout=INSTALL_SECONDS
    )
    assert done.returncode == 0, f"npm cannot install the clients:\n{done.stderr}"
    installed.write_text(lock)
