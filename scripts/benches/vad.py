"""Voice activity over HTTP beside silero-vad's own `get_speech_timestamps`."""

from __future__ import annotations

from typing import Any

from scripts.benches.machine import Bench, median_seconds, verdict

LENGTH, CROWD, CLIPS = 30, 8, 96


def run(bench: Bench) -> None:
    import torch
    from silero_vad import get_speech_timestamps, load_silero_vad

    sound = torch.tensor(bench.samples(LENGTH))
    clip = bench.clip(LENGTH)
    asked = {"url": "/v1/audio/vad", "files": {"file": ("clip.wav", clip)}}

    def bare(model: Any) -> float:
        return LENGTH / median_seconds(5, get_speech_timestamps, sound, model)

    models = {name: load_silero_vad(onnx=name == "onnx") for name in ("torch", "onnx")}
    rounds = []
    bench.crowd([asked] * CROWD, CROWD)
    for _ in range(3):
        speeds = {name: bare(model) for name, model in models.items()}
        answers, took = bench.crowd([asked] * CLIPS, CROWD)
        assert all(answer.status == 200 for answer in answers)
        rounds.append((LENGTH * CLIPS / took, speeds))
    ours, speeds = sorted(rounds, key=lambda found: found[0] / max(found[1].values()))[1]
    told = ", ".join(f"bare {name} {speed:.0f}" for name, speed in speeds.items())
    print(f"  {LENGTH} s, {CROWD} at once: {ours:.0f} audio-seconds per second; {told}")
    print(f"    throughput: {verdict(ours / max(speeds.values()), 1.2, at_most=False)}")
