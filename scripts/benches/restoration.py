"""What restorers do to noisy speech, by DNSMOS P.835: speech, background and the whole, from 1 to 5.

Speech of our own voices, with noise of several kinds at several levels; through the service, each by each
restorer that the default configuration has. The judge is Microsoft's network in the package `speechmos`,
of whose code, which wants librosa, nothing is run: the network takes 9 s of sound as it is.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

import audio
from audio import Audio, resample
from scripts.benches.machine import PARAGRAPH, Bench

RATE, JUDGED = 48000, 16000
VOICES: Mapping[str, str] = {"piper-joe": "joe", "kokoro": "af_heart"}
SNR_DB = (0, 5, 10, 20)
LENGTH = 144_160  # samples that the network judges at once
HOP = JUDGED  # from one of its windows to the next
# From its numbers to opinions, as published with it.
OPINIONS: Mapping[str, tuple[float, ...]] = {
    "speech": (-0.08397278, 1.22083953, 0.0052439),
    "background": (-0.13166888, 1.60915514, -0.39604546),
    "whole": (-0.06766283, 1.11546468, 0.04602535),
}

Floats = NDArray[np.float64]


@attrs.frozen
class Opinion:
    """Three means of opinion."""

    speech: float
    background: float
    whole: float

    def __str__(self) -> str:
        return f"{self.speech:.2f} / {self.background:.2f} / {self.whole:.2f}"


def run(bench: Bench) -> None:
    judge = a_judge()
    listed = bench.http.get("/v1/audio/conversion/models").json()["data"]
    restorers = [model["id"] for model in listed]
    print("  DNSMOS: speech / background / whole")
    for model, voice in VOICES.items():
        clean = _spoken(bench, model, voice)
        seconds = clean.duration
        print(f"  {model}, {seconds:.0f} s, clean: {judge(clean)}", flush=True)
        for restorer in restorers:
            made, took = _restored(bench, restorer, clean)
            print(f"    {restorer}: {judge(made)}; {seconds / took:.0f} s of sound a second")
        for name, noise in NOISES.items():
            for snr in SNR_DB:
                heard = _mixed(clean, noise(len(clean.samples)), snr)
                told = [f"{r} {judge(_restored(bench, r, heard)[0])}" for r in restorers]
                print(f"    {name} {snr:>2} dB: {judge(heard)} → {', '.join(told)}", flush=True)


def a_judge() -> Callable[[Audio], Opinion]:
    import onnxruntime

    found = importlib.util.find_spec("speechmos")
    if found is None or found.origin is None:
        raise SystemExit(
            "the bench `restoration` needs requirements/oracles.txt: scripts/setup --test"
        )
    file = Path(found.origin).parent / "dnsmos_models" / "sig_bak_ovr.onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    network = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def judged(sound: Audio) -> Opinion:
        samples = resample(sound, JUDGED).samples
        samples = np.resize(samples, max(len(samples), LENGTH))
        starts = range(0, len(samples) - LENGTH + 1, HOP)
        windows = [np.clip(samples[start : start + LENGTH], -1, 1)[None] for start in starts]
        raw = np.mean([network.run(None, {"input_1": window})[0][0] for window in windows], axis=0)
        told = zip(OPINIONS.values(), raw, strict=True)
        return Opinion(*(float(np.polyval(curve, value)) for curve, value in told))

    return judged


def _white(count: int) -> Floats:
    return np.random.default_rng(0).standard_normal(count)


def _pink(count: int) -> Floats:
    """As strong in each octave, as wind and traffic roughly are."""
    spectrum = np.fft.rfft(_white(count))
    made: Floats = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), count)
    return made


def _hum(count: int) -> Floats:
    """Of the mains, with its harmonics and a little hiss."""
    times = np.arange(count) / RATE
    waves = [np.sin(2 * np.pi * 50 * n * times) / n for n in range(1, 12)]
    made: Floats = np.sum(waves, axis=0) + 0.05 * _white(count)
    return made


NOISES: Mapping[str, Callable[[int], Floats]] = {"white": _white, "pink": _pink, "hum": _hum}


def _mixed(clean: Audio, noise: Floats, snr: float) -> Audio:
    louder = noise / noise.std() * clean.samples.std() * 10 ** (-snr / 20)
    mixed = clean.samples + louder
    return Audio((mixed * min(1.0, 0.99 / np.abs(mixed).max())).astype(np.float32), clean.rate)


def _spoken(bench: Bench, model: str, voice: str) -> Audio:
    asked: dict[str, Any] = {
        "model": model, "voice": voice, "input": PARAGRAPH, "response_format": "wav",
    }  # fmt: skip
    answer = bench.http.post("/v1/audio/speech", json=asked)
    return resample(audio.decode(answer.raise_for_status().content), RATE)


def _restored(bench: Bench, restorer: str, sound: Audio) -> tuple[Audio, float]:
    """What is left of the noise, and the seconds that it took."""
    file = audio.encode(sound, "flac")
    started = time.perf_counter()
    answer = bench.http.post(
        "/v1/audio/conversion", data={"model": restorer}, files={"file": ("noisy.flac", file)}
    )
    took = time.perf_counter() - started
    return resample(audio.decode(answer.raise_for_status().content), RATE), took
