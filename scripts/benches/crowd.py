"""64 clients at once: each is answered, or refused with the time to come back."""

from __future__ import annotations

from collections import Counter

from scripts.benches.machine import Bench, percentile, transcribing

CLIENTS = 64


def run(bench: Bench) -> None:
    clip = bench.clip(10)
    speech = {
        "url": "/v1/audio/speech",
        "json": {"model": "piper-joe", "input": "A short sentence for everybody."},
    }
    activity = {"url": "/v1/audio/vad", "files": {"file": ("clip.wav", clip)}}
    requests = [(transcribing(clip), speech, activity)[number % 3] for number in range(CLIENTS)]
    answers, took = bench.crowd(requests, CLIENTS)
    statuses = Counter(answer.status for answer in answers)
    lost = sum(answer.status != 200 and answer.retry_after is None for answer in answers)
    times = [answer.seconds for answer in answers]
    print(
        f"  {CLIENTS} at once, mixed: {dict(statuses)} in {took:.1f} s, p50 "
        f"{percentile(times, 0.5):.2f} s, p99 {percentile(times, 0.99):.2f} s, "
        f"failed without Retry-After: {lost}"
    )
    assert len(answers) == CLIENTS
