"""Starts the real service for a test and ends it, with everything that it started, afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs
import httpx
import psutil  # type: ignore[import-untyped]

START_SECONDS = 180.0  # cold disk, two slow cores
STOP_SECONDS = 30.0


@attrs.frozen
class LiveService:
    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    @contextlib.contextmanager
    def started(
        cls,
        folder: Path,
        home: Path,
        *,
        program: Sequence[str] = ("bentoml", "serve"),
        target: Sequence[str] = (),
        host: str = "127.0.0.1",
        environment: Mapping[str, str] | None = None,
        health: str = "/health",
    ) -> Iterator[LiveService]:
        """`bentoml serve` in `folder`, once `health` is 200; BentoML keeps its own files in `home`."""
        port = _free_port()
        log = home / "service.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *program, *target, "--host", host,
                 "--port", str(port)],
                cwd=folder,
                env={
                    **os.environ,
                    "BENTOML_HOME": str(home / "bentoml"),
                    "BENTOML_DO_NOT_TRACK": "True",
                    "HARMONY_OFFLINE": "1",
                    **(environment or {}),
                },
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
            service = cls(f"http://127.0.0.1:{port}", process, log)
            try:
                service.wait_until_ready(health)
                yield service
            finally:
                service.stop()

    def wait_until_ready(self, health: str) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise RuntimeError(f"the service ended at once:\n{self.log.read_text()}")
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}{health}", timeout=5).status_code == 200:
                    return
            time.sleep(0.25)
        raise RuntimeError(f"the service is not ready:\n{self.log.read_text()}")

    def runner(self, name: str) -> psutil.Process:
        """The process that hosts a model, by its command line."""
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # one that died just now
                found += [child] if name in child.cmdline() else []
        (only,) = found
        return only

    def stop(self) -> None:
        """SIGTERM as an operator would, SIGKILL to all of it if that does not end it."""
        family: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(self.process.pid).children(recursive=True)
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        for process in (self.process, *family):  # each has a session, and so a group, of its own
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
