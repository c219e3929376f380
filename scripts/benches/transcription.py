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
        fastest = min(sorted(found)[ROUNDS // 2] for found in theirs.values())
        told = ", ".join(
            f"bare with {threads} threads {sorted(found)[ROUNDS // 2]:.3f} s"
            for threads, found in theirs.items()
        )
        ratio = sorted(ours)[ROUNDS // 2] / fastest
        print(f"  {length} s, one at a time: {sorted(ours)[ROUNDS // 2]:.3f} s; {told}")
        print(f"    latency beside the fastest bare call: {verdict(ratio, 1.10, at_most=True)}")

    clip = bench.clip(10)
    speeds: list[tuple[float, float]] = []
    for _ in range(3):
        loop = min(median_seconds(5, call, threads, clip) for threads in bare)
        answers, took = bench.crowd([transcribing(clip)] * CLIPS, CROWD)
        assert all(answer.status == 200 for answer in answers)
        speeds.append((10 * CLIPS / took, 10 / loop))
    ours_speed, bare_speed = sorted(speeds, key=lambda pair: pair[0] / pair[1])[1]
    print(
        f"  10 s, {CROWD} at once: {ours_speed:.1f} audio-seconds per second, "
        f"bare in a loop {bare_speed:.1f}"
    )
    print(f"    throughput: {verdict(ours_speed / bare_speed, 2.0, at_most=False)}")
