"""The numbers of several processes, some of which are dead."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from settings import BUNDLE

COUNT = """
from observing import metrics
metrics.forwards().queue_length.labels("voice").set(3)
metrics.forwards().rejected.labels("voice", "full").inc()
metrics.requests().seconds.labels("/v1/models", "GET", 200).observe(0.2)
"""
TELL = "from observing import metrics; print(metrics.exposition().decode())"


def run(program: str, folder: Path) -> str:
    """In a process of its own: whether numbers are shared is decided once for each."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=BUNDLE,
        env={"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
    )
    return done.stdout


def test_the_dead_are_counted_and_what_they_said_of_the_present_is_forgotten(
    tmp_path: Path,
) -> None:
    run(COUNT, tmp_path)
    run(COUNT, tmp_path)
    assert len(list(tmp_path.glob("gauge_livesum_*.db"))) == 2
    told = run(TELL, tmp_path)
    assert 'harmony_speech_rejected_total{reason="full",runner="voice"} 2.0' in told
    assert "harmony_speech_request_seconds_count" in told
    assert "queue_length" not in told
    assert list(tmp_path.glob("gauge_live*.db")) == []


def test_the_living_are_told_with_the_dead_left_out(tmp_path: Path) -> None:
    run(COUNT, tmp_path)
    told = run(f"{COUNT}\n{TELL}", tmp_path)
    assert 'harmony_speech_queue_length{runner="voice"} 3.0' in told
    assert 'harmony_speech_rejected_total{reason="full",runner="voice"} 2.0' in told
