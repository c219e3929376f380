"""Transcription over HTTP beside the bare faster-whisper call with the same settings."""

from __future__ import annotations

import io
import os

import settings
from scripts.benches.machine import Bench, median_seconds, seconds, transcribing, verdict
from weights import Store

ROUNDS = 5
CROWD, CLIPS = 16, 48


def run(bench: Bench) -> None:
    from faster_whisper import WhisperModel

    entry = next(e for e in settings.load().model_configs if "faster-whisper" in e.name)
    folder = Store(settings.weights_root(), offline=True).fetch(entry.model)
    cores = len(os.sched_getaffinity(0))
    bare = {
        threads: WhisperModel(
            str(folder), device="cpu", compute_type=entry.dtype, cpu_threads=threads
        )
        for threads in sorted({entry.threads, cores})
    }

    def call(threads: int, clip: bytes) -> None:
        segments, _ = bare[threads].transcribe(io.BytesIO(clip), language="en", beam_size=5)
        list(segments)

    def post(clip: bytes) -> None:
        bench.http.request("POST", **transcribing(clip)).raise_for_status()

    for length in (10, 60):
        clip = bench.clip(length)
        ours: list[float] = []
        theirs: dict[int, list[float]] = {threads: [] for threads in bare}
        post(clip)
        for _ in range(ROUNDS):  # in turn, so that a busy moment of the machine hits all alike
            ours.append(seconds(post, clip))
            for threads, found in theirs.items():
                found.append(seconds(call, threads, clip))
        print(f"  {length} s, one at a time: {middle(ours):.3f} s")
        for threads, found in theirs.items():
            ratio = verdict(middle(ours) / middle(found), 1.10, at_most=True)
            print(
                f"    beside {middle(found):.3f} s of the bare call with {threads} threads: {ratio}"
            )

    clip = bench.clip(10)
    rounds: list[dict[int, tuple[float, float]]] = []
    for _ in range(3):
        loops = {threads: 10 / median_seconds(5, call, threads, clip) for threads in bare}
        answers, took = bench.crowd([transcribing(clip)] * CLIPS, CROWD)
        assert all(answer.status == 200 for answer in answers)
        rounds.append({threads: (10 * CLIPS / took, loop) for threads, loop in loops.items()})
    print(f"  10 s, {CROWD} at once, audio-seconds per second")
    for threads in bare:
        speed, loop = sorted(
            (found[threads] for found in rounds), key=lambda pair: pair[0] / pair[1]
        )[1]
        ratio = verdict(speed / loop, 2.0, at_most=False)
        print(
            f"    {speed:.1f} beside {loop:.1f} of the bare call, {threads} threads, in a loop: {ratio}"
        )


def middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
