"""Runs benches and prints what each measured; `scripts/bench` is its command."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from scripts.benches import (
    batcher,
    batching,
    crowd,
    first_byte,
    footprint,
    melo,
    restoration,
    speakers,
    text,
    transcription,
    vad,
)
from scripts.benches.machine import Bench, described

BENCHES: dict[str, Callable[[Bench], None]] = {
    "transcription": transcription.run,
    "vad": vad.run,
    "first-byte": first_byte.run,
    "crowd": crowd.run,
    "batcher": batcher.run,
    "batching": batching.run,
    "footprint": footprint.run,
    "melo": melo.run,
    "restoration": restoration.run,
    "speakers": speakers.run,
    "text": text.run,
}


def main(names: list[str]) -> int:
    if unknown := set(names) - BENCHES.keys():
        print(f"unknown: {', '.join(unknown)}; known are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    # Ended from outside, it ends its service too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(described())
    with tempfile.TemporaryDirectory() as folder, Bench(Path(folder)) as bench:
        for name in names or BENCHES:
            print(f"\n{name}", flush=True)
            BENCHES[name](bench)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
