"""A model's pace: how long it computes for each second of sound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audio import silence
from runners.pace import Pace
from tasks import Activity, Capability, Detect, Speak, Speech


def seen(name: str, runner: str, capability: str) -> float:
    from prometheus_client import REGISTRY

    labels = {"runner": runner, "capability": capability}
    return REGISTRY.get_sample_value(f"harmony_speech_{name}", labels) or 0.0


def test_speech_counts_as_long_as_it_is_and_failures_not_at_all() -> None:
    def forward(jobs: Sequence[Any]) -> Sequence[Any]:
        return [Speech(silence(2.0, 8000)), ValueError(), Speech(silence(1.0, 8000))]

    pace = Pace("spoken", Capability.SPEAK, forward)
    assert len(pace([Speak("a"), Speak("b"), Speak("c")])) == 3
    assert seen("audio_seconds_total", "spoken", "synthesize") == 3.0
    assert seen("real_time_factor_count", "spoken", "synthesize") == 1


def test_what_is_heard_counts_as_long_as_the_sound() -> None:
    pace = Pace("heard", Capability.DETECT, lambda jobs: [Activity((), 5.0) for _ in jobs])
    pace([Detect(silence(5.0, 16000)), Detect(silence(3.0, 16000))])
    assert seen("audio_seconds_total", "heard", "detect") == 8.0


def test_a_batch_that_failed_as_a_whole_has_no_pace() -> None:
    pace = Pace("broken", Capability.SPEAK, lambda jobs: [ValueError() for _ in jobs])
    pace([Speak("a")])
    assert seen("real_time_factor_count", "broken", "synthesize") == 0
