"""Memory and time to ready of the default set."""

from __future__ import annotations

import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from runners.draining import PUBLIC
from scripts.benches.machine import PARAGRAPH, Bench, transcribing
from tests.conftest import BUNDLE
from tests.live import LiveService

HEAVY = ("torch", "onnxruntime")
CACHES = Path("/proc/sys/vm/drop_caches")


def run(bench: Bench) -> None:
    for temperature in ("cold", "warm"):
        if temperature == "cold" and not _forget():
            print("  cold start: not measured, the page cache can only be dropped by root")
            continue
        home = bench.folder / temperature
        home.mkdir()
        started = time.perf_counter()
        with LiveService.started(BUNDLE, home):
            print(f"  ready after {time.perf_counter() - started:.1f} s ({temperature})")
    print("  resident megabytes (shared pages counted once: PSS)")
    _tell("after the start", bench)
    bench.http.request("POST", **transcribing(bench.clip(10)))
    for model in ("kokoro", "piper-joe"):
        bench.http.post("/v1/audio/speech", json={"model": model, "input": PARAGRAPH})
    _tell("after first requests", bench)


def _forget() -> bool:
    subprocess.run(["sync"], check=False)
    with suppress(OSError):
        CACHES.write_text("3")
        return True
    return False


def _tell(when: str, bench: Bench) -> None:
    parts: dict[str, int] = {}
    for process in psutil.Process(bench.service.process.pid).children(recursive=True):
        name = _name(process.cmdline())
        memory = process.memory_full_info()
        parts[name] = parts.get(name, 0) + memory.pss
        if name == PUBLIC:
            loaded = {Path(map.path).name for map in process.memory_maps()}
            heavy = [lib for lib in HEAVY if any(lib in file for file in loaded)]
            assert not heavy, f"the public process has loaded {heavy}"
    main = psutil.Process(bench.service.process.pid).memory_full_info().pss
    told = ", ".join(f"{name} {size // 2**20}" for name, size in sorted(parts.items()))
    total = (sum(parts.values()) + main) // 2**20
    print(f"    {when}: {told}, supervisor {main // 2**20}; together {total}")


def _name(command: list[str]) -> str:
    if "--service-name" in command:
        return command[command.index("--service-name") + 1]
    return "public" if "--worker-id" in command else "other"
